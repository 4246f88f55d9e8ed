#include "note.h"

#include <inttypes.h>

void note_write(struct buf *out, const struct note *note)
{
    buf_format(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " ", note->sender, note->number,
               note->due_us);
}

bool note_read(const struct element *element, struct note *out)
{
    const struct element *body = element_child(element, NS_CLIENT, "body");
    const struct node *node = body ? body->first : NULL;
    if (!element_is(element, NS_CLIENT, "message") || !node || node->kind != NODE_TEXT)
        return false;
    struct str rest = ((const struct text_node *)node)->text;
    return text_u64(str_cut(rest, ' ', &rest), 0, UINT32_MAX, &out->sender) &&
           text_u64(str_cut(rest, ' ', &rest), 0, UINT64_MAX, &out->number) &&
           text_u64(str_cut(rest, ' ', &rest), 0, UINT64_MAX, &out->due_us);
}
