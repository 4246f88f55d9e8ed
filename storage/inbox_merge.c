#include "inbox_merge.h"

#include <stdlib.h>

size_t inbox_events(struct inbox_event *events, const struct store_message *message, unsigned flags,
                    int64_t sender, int64_t recipient)
{
    size_t count = 0;
    if ((message->inbox & STORE_INBOX_SENDER) && !(flags & STORE_NOT_OF_SENDER))
        events[count++] = (struct inbox_event){
            .owner = sender, .peer = recipient, .id = message->id, .own = true};
    if ((message->inbox & STORE_INBOX_RECIPIENT) && !(flags & STORE_NOT_OF_RECIPIENT))
        events[count++] = (struct inbox_event){.owner = recipient,
                                               .peer = sender,
                                               .id = message->id,
                                               .counts = message->inbox & STORE_INBOX_UNREAD};
    return count;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_conversation(const void *a, const void *b)
{
    const struct inbox_event *one = a, *other = b;
    int order = compare(one->owner, other->owner);
    if (!order)
        order = compare(one->peer, other->peer);
    return order ? order : compare((int64_t)one->id, (int64_t)other->id);
}

void inbox_sort(struct inbox_event *events, size_t count)
{
    qsort(events, count, sizeof *events, by_conversation);
}

static void add(struct inbox_change *change, const struct inbox_event *event)
{
    change->last = event->id;
    change->room |= event->room;
    if (event->own) {
        change->read_to = event->id;
        change->first = INT64_MAX;
        change->unread = 0;
    } else if (event->counts) {
        change->first = change->unread ? change->first : event->id;
        change->unread++;
    }
}

bool inbox_merge(struct inbox_event **events, size_t *count, struct inbox_change *change)
{
    if (!*count)
        return false;
    *change = (struct inbox_change){
        .owner = (*events)->owner, .peer = (*events)->peer, .first = INT64_MAX};
    while (*count && (*events)->owner == change->owner && (*events)->peer == change->peer) {
        add(change, *events);
        (*events)++;
        (*count)--;
    }
    return true;
}
