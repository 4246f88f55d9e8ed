/* A message that was delivered, and then found to be one that the database does not take. */
#include "mam.h"

/* Only a sender of this server: an error that crosses to another one tells nobody anything. A
 * server that is stopping ends all streams without acknowledging the message. */
void mam_on_stored(struct store_op *op)
{
    const struct store_message *message = &op->message;
    struct str domain;
    if (op->outcome == ERR_OK || op->outcome == ERR_DOWN)
        return; /* what was refused is in the log (batch.c) */
    struct acc *acc = acc_new();
    str_cut(message->sender, '@', &domain);
    acc->host = host_find(domain);
    const struct element *stanza = acc_parse(acc, message->body);
    if (acc->host && stanza) {
        effect_route(acc, stanza_error(&acc->arena, stanza, STANZA_INTERNAL_SERVER_ERROR,
                                       "delivered, but the archive does not take this message"));
        effects_apply(acc, NULL);
    }
    acc_free(acc);
}
