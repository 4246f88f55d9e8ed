/* SCRAM as sasl.c drives it (RFC 5802): the two messages of the client, and the challenge between.
 */
#ifndef RT_SCRAM_H
#define RT_SCRAM_H

#include "sasl.h"

/* The first message: says SASL_WANT_ACCOUNT, or fails. */
enum sasl_want scram_first(struct sasl *sasl, struct str message);

/* With the credentials in place: the challenge in `out`, SASL_WANT_RESPONSE. */
enum sasl_want scram_challenge(struct sasl *sasl);

/* The final message: SASL_SUCCESS with the server's signature in `out`, or fails. */
enum sasl_want scram_final(struct sasl *sasl, struct str message);

/* What scram.c asks of sasl.c: prepares the user name, and sees to it that the authorization
 * identity is empty or the user's own. False when it has failed; then sasl_fail was called. */
bool sasl_identity(struct sasl *sasl, struct str authcid, struct str authzid);

#endif
