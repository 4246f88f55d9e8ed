/*
 * What is stored of a password: salt, iterations, StoredKey and ServerKey for each SCRAM hash
 * (RFC 5802 section 3), never the password. The text form is what storage keeps.
 */
#ifndef RT_CREDENTIALS_H
#define RT_CREDENTIALS_H

#include "arena.h"
#include "digest.h"

enum { SALT_MAX_LEN = 32, SALT_LEN = 16 };

/* Stored or imported credentials with more would make a check of a password an attack. */
enum { CREDENTIALS_ITERATIONS_MAX = 1000000 };

struct scram_keys {
    bool present;
    uint8_t salt[SALT_MAX_LEN];
    size_t salt_len;
    uint8_t stored[DIGEST_MAX_LEN], server[DIGEST_MAX_LEN];
};

struct credentials {
    uint32_t iterations;
    struct scram_keys keys[DIGEST_COUNT];
};

/* Derives keys for all hashes with fresh salts. Blocking: tens of milliseconds; run it on a helper
 * thread. ERR_INVALID when SASLprep forbids the password, it is empty, or over LIMIT_PASSWORD. */
RT_NODISCARD enum err credentials_derive(struct str password, uint32_t iterations,
                                         struct credentials *out);

/* Derives keys for one hash with a given salt (tests, imports). */
RT_NODISCARD enum err credentials_derive_one(enum digest digest, struct str password,
                                             struct str salt, uint32_t iterations,
                                             struct credentials *out);

/* The text form: "iterations,SHA1:salt:stored:server,SHA256:…", base64 inside. */
struct str credentials_write(struct arena *arena, const struct credentials *credentials);
RT_NODISCARD enum err credentials_parse(struct str text, struct credentials *out);

/* Made-up credentials for a user that does not exist: the same for the same user and secret, and
 * like a real user's in iterations and hashes, so that nobody can tell (RFC 5802 section 9). */
void credentials_fake(const uint8_t secret[DIGEST_SEAL_KEY], struct str bare_jid,
                      uint32_t iterations, struct credentials *out);

/* Fills in made-up keys for a hash that a real user lacks; they depend on the keys that are there.
 * It stays not present: who uses them anyway must fail at the proof. */
void credentials_fake_missing(struct credentials *credentials, enum digest digest,
                              struct str bare_jid);

/* True when the password gives these keys (the strongest hash present). Blocking: milliseconds. */
bool credentials_check(const struct credentials *credentials, struct str password);

#endif
