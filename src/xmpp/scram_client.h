/* The client's side of SCRAM, for the load generator and the tests. */
#ifndef RT_SCRAM_CLIENT_H
#define RT_SCRAM_CLIENT_H

#include "arena.h"
#include "digest.h"

/* What a login has worked out of the password, which the next one with the same salt and count need
 * not do again (RFC 5802 section 5.1). Zeroed: nothing yet. Of one user. */
struct scram_kept {
    enum digest digest;
    uint32_t iterations; /* 0: nothing */
    uint8_t salt[64], salted[DIGEST_MAX_LEN];
    size_t salt_len;
};

struct scram_client {
    enum digest digest;
    struct arena *arena;
    struct str username, password;
    struct str gs2_header;   /* "n,," or "p=tls-exporter,," … */
    struct str binding;      /* channel-binding data, empty without */
    struct str nonce;        /* empty: made up */
    struct scram_kept *kept; /* or NULL */
    /* private */
    struct str client_first_bare, auth_message;
    uint8_t server_key[DIGEST_MAX_LEN];
};

/* The first message, header included; makes the nonce up unless it is set. */
struct str scram_client_first(struct scram_client *client);

/* The client-final message for a server-first; ERR_INVALID when that is malformed. */
RT_NODISCARD enum err scram_client_final(struct scram_client *client, struct str server_first,
                                         struct str *out);

/* True when the server's final message proves that it knows the password. */
bool scram_client_verify(const struct scram_client *client, struct str server_final);

#endif
