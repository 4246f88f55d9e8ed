#include "kept.h"

#include "check.h"
#include "core.h"
#include "delivery.h"
#include "map.h"
#include "mem.h"

uint64_t kept_key(const struct acc *acc)
{
    if (!acc->from.full.len || acc->type == TYPE_ERROR)
        return 0;
    return (map_hash(acc->from.full) | 3) ^ (acc->kind == STANZA_PRESENCE);
}

static uint64_t presence_key(const struct acc *acc)
{
    bool says_whether = acc->type == TYPE_AVAILABLE || acc->type == TYPE_UNAVAILABLE;
    return acc->kind == STANZA_PRESENCE && says_whether ? kept_key(acc) : 0;
}

struct kept *kept_new(struct acc *acc)
{
    struct buf text = {0};
    element_write(&text, acc->element, NS_CLIENT);
    struct kept *kept = mem_alloc(sizeof *kept + buf_len(&text));
    *kept = (struct kept){.stamp_us = acc->stamp_us,
                          .delivery = acc->delivery,
                          .key = presence_key(acc),
                          .len = buf_len(&text)};
    memcpy(kept->xml, buf_at(&text), kept->len);
    buf_fini(&text);
    acc->delivery = NULL;
    return kept;
}

void kept_free(struct kept *kept)
{
    if (kept)
        delivery_leave(&kept->delivery);
    mem_free(kept);
}

void kept_push(struct kept_queue *queue, struct kept *kept)
{
    if (!queue->first)
        queue->last = &queue->first;
    kept->next = NULL;
    *queue->last = kept;
    queue->last = &kept->next;
    queue->count++;
    queue->size += kept->len;
}

static struct kept *unlink_kept(struct kept_queue *queue, struct kept **at)
{
    struct kept *kept = *at;
    *at = kept->next;
    if (queue->last == &kept->next)
        queue->last = at;
    queue->count--;
    queue->size -= kept->len;
    return kept;
}

struct kept *kept_pop(struct kept_queue *queue)
{
    return unlink_kept(queue, &queue->first);
}

void kept_clear(struct kept_queue *queue)
{
    while (queue->first)
        kept_free(kept_pop(queue));
}

bool kept_drop(struct kept_queue *queue, uint64_t skip, uint64_t key)
{
    struct kept **at = &queue->first;
    for (; *at && (skip || (*at)->key != key); at = &(*at)->next)
        skip -= skip > 0;
    if (!*at)
        return false;
    kept_free(unlink_kept(queue, at));
    return true;
}

void kept_sift(struct kept_queue *queue, uint64_t skip,
               bool (*drop)(const struct kept *kept, void *own), void *own)
{
    struct kept **at = &queue->first;
    while (*at) {
        bool goes = !skip && drop(*at, own);
        skip -= skip > 0;
        if (goes)
            kept_free(unlink_kept(queue, at));
        else
            at = &(*at)->next;
    }
}

struct element *kept_element(struct arena *arena, const struct kept *kept)
{
    struct element *element =
        parser_written(core_self()->parser, arena, (struct str){kept->xml, kept->len});
    CHECK(element);
    return element;
}

/* What the server wrote for this session alone may have no addresses. */
static void find_address(struct acc *acc, const char *name, struct jid *out)
{
    struct str text = element_attr(acc->element, name);
    if (text.len && jid_parse(&acc->arena, text, out))
        *out = (struct jid){0};
}

struct acc *kept_look(const struct kept *kept, struct host *host)
{
    struct acc *acc = acc_new();
    acc_set(acc, kept_element(&acc->arena, kept));
    acc->host = host;
    acc->stamp_us = kept->stamp_us;
    find_address(acc, "from", &acc->from);
    find_address(acc, "to", &acc->to);
    return acc;
}

struct acc *kept_acc(struct kept **kept, struct host *host)
{
    struct kept *mine = *kept;
    struct acc *acc = kept_look(mine, host);
    *kept = NULL;
    acc->delivery = mine->delivery;
    mine->delivery = NULL;
    kept_free(mine);
    return acc;
}

void kept_delay(struct arena *arena, struct element *stanza, struct str from, uint64_t stamp_us)
{
    char stamp[TEXT_TIME_ROOM];
    if (element_child(stanza, NS_DELAY, "delay"))
        return;
    struct element *delay = element_add(arena, stanza, NS_DELAY, "delay");
    element_set(arena, delay, "from", from);
    struct str text = {stamp, text_time(stamp, stamp_us)};
    element_set(arena, delay, "stamp", arena_str(arena, text));
}
