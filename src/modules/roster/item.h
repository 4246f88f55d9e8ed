/* Roster items on the wire (RFC 6121 2.1). */
#ifndef RT_ROSTER_ITEM_H
#define RT_ROSTER_ITEM_H

#include "contacts.h"

/* What a client wants in a roster set. */
struct roster_wish {
    struct jid jid;
    struct str name, groups; /* as in storage: one a line */
    bool remove;
};

/* Reads the one item of a roster set, texts in the accumulator's arena. Anything but
 * STANZA_NO_ERROR is the answer (2.3.3), *why its text. */
enum stanza_error roster_read(struct acc *acc, struct roster_wish *out, const char **why);

/* Appends an <item/> to a <query/>. */
void roster_write(struct acc *acc, struct element *query, const struct contact *contact);

/* Moves the items of other modules behind them; one that is a contact as well is left out. */
void roster_write_others(struct element *query, const struct contacts *contacts,
                         struct element *others);

#endif
