/* The client's side of authentication: PLAIN and SCRAM, as elements of the stream. */
#ifndef RT_CLIENT_SASL_H
#define RT_CLIENT_SASL_H

#include "element.h"
#include "options.h"
#include "scram_client.h"

struct client_sasl;

/* For user `number`; the options stay the caller's, and so does what is kept of the user's logins.
 */
struct client_sasl *client_sasl_new(const struct options *options, unsigned number,
                                    struct scram_kept *kept);

/* Frees it and sets the pointer to NULL; NULL inside is fine. */
void client_sasl_free(struct client_sasl **sasl);

/* True when the stream features name the mechanism. */
bool client_sasl_is_offered(const struct element *features, const char *mechanism);

/* Writes <auth/>. ERR_UNSUPPORTED: not a mechanism that is known here. */
RT_NODISCARD enum err client_sasl_begin(struct client_sasl *sasl, struct buf *out);

/* Writes the <response/> to a challenge. ERR_INVALID when it is malformed. */
RT_NODISCARD enum err client_sasl_answer(struct client_sasl *sasl, const struct element *challenge,
                                         struct buf *out);

/* True when what came with <success/> is what the mechanism wants. */
bool client_sasl_verify(struct client_sasl *sasl, const struct element *success);

#endif
