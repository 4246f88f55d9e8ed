/* What a message says of itself, in front of its body: "SENDER NUMBER DUE ". */
#ifndef RT_NOTE_H
#define RT_NOTE_H

#include "element.h"

struct note {
    uint64_t sender; /* index in the fleet of its thread */
    uint64_t number; /* of the sender's messages */
    uint64_t due_us;
};

/* Appends it. */
void note_write(struct buf *out, const struct note *note);

/* False: it is no message of ours. */
bool note_read(const struct element *element, struct note *out);

#endif
