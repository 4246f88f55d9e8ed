/*
 * The server's side of SASL (RFC 4422, PLAIN RFC 4616, SCRAM RFC 5802 and 7677, channel binding RFC
 * 5929 and 9266). A conversation never blocks and never does I/O: it says what it wants and is
 * told. Bytes in and out are raw, not base64.
 */
#ifndef RT_SASL_H
#define RT_SASL_H

#include "credentials.h"
#include "error.h"

/* In order of strength, strongest first: the order in which they are offered. */
enum sasl_mechanism {
    SASL_SCRAM_SHA_512_PLUS,
    SASL_SCRAM_SHA_256_PLUS,
    SASL_SCRAM_SHA_1_PLUS,
    SASL_SCRAM_SHA_512,
    SASL_SCRAM_SHA_256,
    SASL_SCRAM_SHA_1,
    SASL_PLAIN,
    SASL_MECHANISM_COUNT
};

/* The name on the wire ("SCRAM-SHA-1-PLUS"), back from it, and whether it binds the channel. Any
 * thread. */
const char *sasl_mechanism_name(enum sasl_mechanism mechanism);
bool sasl_mechanism_find(struct str name, enum sasl_mechanism *out);
bool sasl_mechanism_is_plus(enum sasl_mechanism mechanism);

/* Channel-binding data of the connection, each with len 0 when it cannot be had. */
struct sasl_binding {
    struct str tls_exporter, tls_server_end_point;
};

enum sasl_want {
    SASL_WANT_RESPONSE, /* send `out` as a challenge and call sasl_step with the response */
    SASL_WANT_ACCOUNT,  /* look `username`@domain up and call sasl_account */
    SASL_WANT_CHECK,    /* run sasl_check on a helper thread, then call sasl_checked */
    SASL_SUCCESS,       /* send `out` as additional data; `username` is proven */
    SASL_FAILURE,       /* `error` and `text` */
};

struct sasl {
    enum sasl_mechanism mechanism;
    struct arena *arena; /* of the conversation; the caller's */
    struct str domain;   /* prepared */
    struct sasl_binding binding;
    bool plus_offered;   /* a -PLUS mechanism was offered on this connection */
    struct str username; /* prepared by nodeprep */
    struct str out;
    enum sasl_error error;
    const char *text;        /* why, for the log and <text/>; a constant or NULL */
    struct str server_nonce; /* empty: made up for each exchange; tests set it */
    /* private */
    int stage;
    struct credentials credentials;
    bool account_known, password_right;
    struct str client_first_bare, server_first, gs2_header, nonce, password;
    struct str cbind; /* the channel-binding data that the client must know */
};

/* Begins an exchange, or the next attempt of one; the fields above `username` are the caller's.
 * Takes the client's initial response; initial.at == NULL: none was sent (an empty challenge
 * is asked for; RFC 6120 6.4.2). Sizes over LIMIT_SASL_MESSAGE are malformed-request. */
enum sasl_want sasl_start(struct sasl *sasl, enum sasl_mechanism mechanism, struct str initial);

/* The client's response to the last challenge. */
enum sasl_want sasl_step(struct sasl *sasl, struct str response);

/* Answers SASL_WANT_ACCOUNT: the credentials, or made-up ones with known == false; the exchange
 * then goes on and fails at the proof. */
enum sasl_want sasl_account(struct sasl *sasl, const struct credentials *credentials, bool known);

/* Answers SASL_WANT_CHECK on a helper thread: derives and compares. Touches only `sasl`. */
void sasl_check(struct sasl *sasl);
enum sasl_want sasl_checked(struct sasl *sasl);

/* Ends with this error (an abort, a store that is down). */
enum sasl_want sasl_fail(struct sasl *sasl, enum sasl_error error, const char *text);

#endif
