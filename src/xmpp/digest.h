/* Hashes, MACs, key derivation, random bytes and sealing: the only door to wolfCrypt. Any thread.
 */
#ifndef RT_DIGEST_H
#define RT_DIGEST_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum digest { DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA512, DIGEST_COUNT };

enum { DIGEST_MAX_LEN = 64 };

/* Bytes of the hash: 20, 32, 64. */
size_t digest_len(enum digest digest);

/* The hash of `in`, and its HMAC under `key` (RFC 2104); out gets digest_len bytes. */
void digest_hash(enum digest digest, struct str in, uint8_t *out);
void digest_hmac(enum digest digest, struct str key, struct str in, uint8_t *out);

/* RFC 2898 with HMAC; out gets digest_len bytes. Blocking: milliseconds. */
void digest_pbkdf2(enum digest digest, struct str password, struct str salt, uint32_t iterations,
                   uint8_t *out);

/* Random bytes fit for keys. Panics when the system has none. */
void digest_random(void *out, size_t len);

/* Compares in constant time. */
bool digest_equal(const void *a, const void *b, size_t len);

/* ChaCha20-Poly1305 with a random nonce in front: out has room for in.len + DIGEST_SEAL_EXTRA. */
enum { DIGEST_SEAL_EXTRA = 12 + 16, DIGEST_SEAL_KEY = 32 };
void digest_seal(const uint8_t key[DIGEST_SEAL_KEY], struct str in, uint8_t *out);
/* out has room for in.len - DIGEST_SEAL_EXTRA. ERR_INVALID when it was not sealed with this key. */
RT_NODISCARD enum err digest_unseal(const uint8_t key[DIGEST_SEAL_KEY], struct str in,
                                    uint8_t *out);

/* The version of wolfSSL, for --version. */
const char *digest_version(void);

#endif
