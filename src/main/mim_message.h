/* A row of MongooseIM's archive as a message of this one. Main thread. */
#ifndef RT_MIM_MESSAGE_H
#define RT_MIM_MESSAGE_H

#include "mim.h"
#include "mim_jid.h"

/* Each side of a conversation has a row of its own, with an id of its own. */
struct mim_message {
    struct link link;
    struct arena arena; /* of the message itself and its texts */
    struct store_message message;
    uint64_t source_id, unix_us;
    uint64_t signature; /* what the two rows of a message have in common */
    int side;           /* whose archive: 0, 1 */
    bool outgoing;      /* that side has sent it */
};

/* Columns: id, direction, from_jid, remote_bare_jid, remote_resource, message, side. The caller's;
 * NULL: the row was refused. */
struct mim_message *mim_message_read(struct mim *mim, enum mim_format format,
                                     const struct jid *owner, const struct mim_row *row);
void mim_message_free(struct mim_message *message);

#endif
