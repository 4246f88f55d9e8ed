#include "privacy_list.h"

#include "limits.h"
#include "map.h"
#include "mem.h"
#include "store_roster.h"

#include <stdio.h>
#include <stdlib.h>

/* --- Text --- */

/* "order type action kinds value", and behind a tab the report. */
void privacy_write(struct buf *text, const struct privacy_item *item)
{
    buf_format(text, "%lu %c %c %u %.*s", (unsigned long)item->order, (char)item->type,
               item->denies ? 'd' : 'a', item->kinds, STR_ARG(item->value));
    if (item->report.len)
        buf_format(text, "\t%.*s", STR_ARG(item->report));
    buf_format(text, "\n");
}

static bool is_letter(struct str text, const char *letters)
{
    return text.len == 1 && strchr(letters, text.at[0]);
}

static bool read_item(struct str line, struct privacy_item *out)
{
    uint64_t order, kinds;
    struct str rest;
    struct str order_text = str_cut(line, ' ', &rest), type = str_cut(rest, ' ', &rest);
    struct str action = str_cut(rest, ' ', &rest), kinds_text = str_cut(rest, ' ', &rest);
    if (!text_u64(order_text, 0, UINT32_MAX, &order) || !is_letter(type, "ajgs") ||
        !is_letter(action, "ad") || !text_u64(kinds_text, 1, PRIVACY_ALL, &kinds))
        return false;
    *out = (struct privacy_item){.order = (uint32_t)order,
                                 .type = (enum privacy_type)type.at[0],
                                 .denies = action.at[0] == 'd',
                                 .kinds = (unsigned)kinds};
    out->value = str_cut(rest, '\t', &out->report);
    return true;
}

static size_t lines_of(struct str text)
{
    size_t lines = 0;
    while (text.len) {
        str_cut(text, '\n', &text);
        lines++;
    }
    return lines;
}

static void read_items(struct privacy_list *list)
{
    for (struct str rest = list->text; rest.len;) {
        struct privacy_item *item = &list->items[list->count];
        if (!read_item(str_cut(rest, '\n', &rest), item))
            continue;
        list->count++;
        if (item->type == PRIVACY_GROUP || item->type == PRIVACY_SUBSCRIPTION)
            list->asks_roster = true;
    }
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void index_blocked(struct privacy_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (privacy_item_blocks(&list->items[i]))
            list->blocked[list->blocked_count++] = map_hash(list->items[i].value);
    qsort(list->blocked, list->blocked_count, sizeof *list->blocked, by_number);
}

/* The list, its items, hashes and texts are one block. */
struct privacy_list *privacy_list_new(struct str name, struct str text)
{
    size_t lines = lines_of(text);
    size_t items = lines * sizeof(struct privacy_item), hashes = lines * sizeof(uint64_t);
    struct privacy_list *list = mem_zalloc(sizeof *list + items + hashes + name.len + text.len);
    list->refs = 1;
    list->items = (struct privacy_item *)(list + 1);
    list->blocked = (uint64_t *)(list->items + lines);
    char *at = (char *)(list->blocked + lines);
    if (name.len)
        memcpy(at, name.at, name.len);
    if (text.len)
        memcpy(at + name.len, text.at, text.len);
    list->name = (struct str){at, name.len};
    list->text = (struct str){at + name.len, text.len};
    read_items(list);
    index_blocked(list);
    return list;
}

const struct privacy_list *privacy_list_ref(const struct privacy_list *list)
{
    if (list)
        ((struct privacy_list *)list)->refs++;
    return list;
}

void privacy_list_unref(const struct privacy_list *list)
{
    struct privacy_list *mine = (struct privacy_list *)list;
    if (mine && --mine->refs == 0)
        mem_free(mine);
}

/* --- Matching (XEP-0016 section 2.1) --- */

static bool is_domain_and_resource(struct str value, const struct jid *peer)
{
    size_t len = peer->domain.len;
    return peer->resource.len && value.len == len + 1 + peer->resource.len &&
           memcmp(value.at, peer->domain.at, len) == 0 && value.at[len] == '/' &&
           memcmp(value.at + len + 1, peer->resource.at, peer->resource.len) == 0;
}

static bool is_address(struct str value, const struct jid *peer)
{
    return str_eq(value, peer->full) || str_eq(value, peer->bare) || str_eq(value, peer->domain) ||
           is_domain_and_resource(value, peer);
}

static bool has_line(struct str lines, struct str line)
{
    while (lines.len)
        if (str_eq(str_cut(lines, '\n', &lines), line))
            return true;
    return false;
}

static bool is_subscribed(struct str value, unsigned flags)
{
    static const char *const names[] = {
        [0] = "none",
        [ROSTER_TO] = "to",
        [ROSTER_FROM] = "from",
        [ROSTER_TO | ROSTER_FROM] = "both",
    };
    return str_is(value, names[flags & (ROSTER_TO | ROSTER_FROM)]);
}

static bool matches(const struct privacy_item *item, const struct jid *peer,
                    const struct subscription *contact)
{
    switch (item->type) {
    case PRIVACY_JID:
        return is_address(item->value, peer);
    case PRIVACY_GROUP:
        return contact && has_line(contact->groups, item->value);
    case PRIVACY_SUBSCRIPTION:
        return is_subscribed(item->value, contact ? contact->flags : 0);
    case PRIVACY_ANYBODY:
        break;
    }
    return true;
}

bool privacy_list_denies(const struct privacy_list *list, unsigned kind, const struct jid *peer,
                         const struct subscription *contact)
{
    for (size_t i = 0; list && i < list->count; i++)
        if ((list->items[i].kinds & kind) && matches(&list->items[i], peer, contact))
            return list->items[i].denies;
    return false;
}

static bool has_hash(const struct privacy_list *list, uint64_t hash)
{
    return bsearch(&hash, list->blocked, list->blocked_count, sizeof hash, by_number) != NULL;
}

bool privacy_list_names(const struct privacy_list *list, struct str jid)
{
    return list && has_hash(list, map_hash(jid));
}

static uint64_t hash_of_domain_and_resource(const struct jid *peer)
{
    char text[2 * LIMIT_JID_PART + 2];
    int len =
        snprintf(text, sizeof text, "%.*s/%.*s", STR_ARG(peer->domain), STR_ARG(peer->resource));
    return map_hash((struct str){text, (size_t)len});
}

/* 64 bits of a keyed hash: nobody can make two addresses that meet, and chance does not. */
bool privacy_list_blocks(const struct privacy_list *list, const struct jid *peer)
{
    if (!list || !list->blocked_count)
        return false;
    if (has_hash(list, peer->bare_hash) || has_hash(list, map_hash(peer->domain)))
        return true;
    return peer->resource.len && (has_hash(list, map_hash(peer->full)) ||
                                  has_hash(list, hash_of_domain_and_resource(peer)));
}
