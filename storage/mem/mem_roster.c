#include "mem_roster.h"

#include "mem.h"

static char *copy(struct str text)
{
    return mem_strndup(text.at ? text.at : "", text.len);
}

static void clear(struct mem_item *item)
{
    mem_free(item->contact);
    mem_free(item->name);
    mem_free(item->groups);
    mem_free(item->request);
}

/* As databases order bytes. */
static int compare(struct str a, struct str b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where the contact is, or belongs. */
static struct mem_item **find(struct mem_roster *roster, struct str contact, bool *found)
{
    struct mem_item **at = &roster->items;
    int order = -1;
    while (*at && (order = compare(str_of((*at)->contact), contact)) < 0)
        at = &(*at)->next;
    *found = *at && order == 0;
    return at;
}

enum err mem_roster_get(const struct mem_roster *roster, struct store_op *op)
{
    size_t count = 0;
    for (const struct mem_item *item = roster->items; item; item = item->next)
        count++;
    op->roster.version = roster->version;
    op->roster.count = 0;
    op->roster.items = arena_zero(&op->arena, (count + 1) * sizeof *op->roster.items);
    for (const struct mem_item *item = roster->items; item; item = item->next)
        op->roster.items[op->roster.count++] = (struct store_roster_item){
            .contact = arena_str(&op->arena, str_of(item->contact)),
            .name = arena_str(&op->arena, str_of(item->name)),
            .groups = arena_str(&op->arena, str_of(item->groups)),
            .request = arena_str(&op->arena, str_of(item->request)),
            .flags = item->flags,
        };
    return ERR_OK;
}

static void put(struct mem_roster *roster, const struct store_roster_item *wanted)
{
    bool found;
    struct mem_item **at = find(roster, wanted->contact, &found), *item = *at;
    if (found) {
        clear(item);
    } else {
        item = mem_zalloc(sizeof *item);
        item->next = *at;
        *at = item;
    }
    item->contact = copy(wanted->contact);
    item->name = copy(wanted->name);
    item->groups = copy(wanted->groups);
    item->request = copy(wanted->request);
    item->flags = wanted->flags;
}

enum err mem_roster_set(struct mem_roster *roster, const struct store_op *op)
{
    if (!op->roster.items[0].contact.len)
        return ERR_INVALID;
    put(roster, &op->roster.items[0]);
    roster->version = op->roster.version;
    return ERR_OK;
}

enum err mem_roster_import(struct mem_roster *roster, struct store_op *op)
{
    bool found;
    for (size_t i = 0; i < op->roster.count; i++)
        if (!op->roster.items[i].contact.len)
            return ERR_INVALID; /* all or nothing, as a transaction */
    op->roster.added = 0;
    for (size_t i = 0; i < op->roster.count; i++) {
        find(roster, op->roster.items[i].contact, &found);
        if (found)
            continue;
        put(roster, &op->roster.items[i]);
        op->roster.added++;
    }
    roster->version += op->roster.added;
    return ERR_OK;
}

enum err mem_roster_remove(struct mem_roster *roster, const struct store_op *op)
{
    bool found;
    struct mem_item **at = find(roster, op->roster.items[0].contact, &found), *item = *at;
    roster->version = op->roster.version;
    if (!found)
        return ERR_NOT_FOUND;
    *at = item->next;
    clear(item);
    mem_free(item);
    return ERR_OK;
}

void mem_roster_fini(struct mem_roster *roster)
{
    for (struct mem_item *item = roster->items, *next; item; item = next) {
        next = item->next;
        clear(item);
        mem_free(item);
    }
    *roster = (struct mem_roster){0};
}
