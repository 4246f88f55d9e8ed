/* The client's side of SCRAM, for the load generator and the tests. */
#ifndef RT_SCRAM_CLIENT_H
#define RT_SCRAM_CLIENT_H

#include "arena.h"
#include "digest.h"

struct scram_client {
    enum digest digest;
    struct arena *arena;
    struct str username, password;
    struct str gs2_header; /* "n,," or "p=tls-exporter,," … */
    struct str binding;    /* channel-binding data, empty without */
    struct str nonce;      /* empty: made up */
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
