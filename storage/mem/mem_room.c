#include "mem_room.h"

#include "mem.h"

#include <stdlib.h>

struct occupant {
    char *bare;
    enum store_affiliation affiliation;
    bool gone;
};

struct room {
    struct room *next; /* in order of host and name */
    char *bare, *host, *name, *version, *config;
    struct occupant *occupants;
    size_t count;
};

struct block {
    struct block *next; /* in order of owner, kind and peer */
    char *owner, *peer;
    bool is_room;
};

static struct room *rooms;
static struct block *blocks;

static char *copy(struct str text)
{
    return mem_strndup(text.at ? text.at : "", text.len);
}

static int order(struct str a, const char *b)
{
    size_t b_len = strlen(b), len = a.len < b_len ? a.len : b_len;
    int least = len ? memcmp(a.at, b, len) : 0;
    return least ? least : (a.len > b_len) - (a.len < b_len);
}

/* --- Rooms --- */

static struct room **place_of(struct str bare)
{
    struct room **at = &rooms;
    while (*at && !str_is(bare, (*at)->bare))
        at = &(*at)->next;
    return at;
}

static void set_text(char **text, struct str value)
{
    mem_free(*text);
    *text = copy(value);
}

static struct occupant *occupant_of(const struct room *room, struct str bare)
{
    for (size_t i = 0; i < room->count; i++)
        if (str_is(bare, room->occupants[i].bare))
            return &room->occupants[i];
    return NULL;
}

static void drop_occupant(struct room *room, struct occupant *occupant)
{
    mem_free(occupant->bare);
    *occupant = room->occupants[--room->count];
}

static void set_occupant(struct room *room, const struct store_occupant *wanted)
{
    struct occupant *is = occupant_of(room, wanted->bare);
    if (wanted->affiliation == STORE_ROOM_NONE) {
        if (is)
            drop_occupant(room, is);
        return;
    }
    if (!is) {
        room->occupants = mem_realloc(room->occupants, (room->count + 1) * sizeof *room->occupants);
        is = &room->occupants[room->count++];
        is->bare = copy(wanted->bare);
        is->gone = false;
    }
    is->affiliation = wanted->affiliation;
}

static void set_occupants(struct room *room, const struct store_room *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        set_occupant(room, &wanted->occupants[i]);
}

static void room_free(struct room *room)
{
    while (room->count)
        drop_occupant(room, &room->occupants[0]);
    mem_free(room->occupants);
    mem_free(room->bare);
    mem_free(room->host);
    mem_free(room->name);
    mem_free(room->version);
    mem_free(room->config);
    mem_free(room);
}

static bool stands_before(const struct room *room, const struct store_room *wanted)
{
    int hosts = order(wanted->host, room->host);
    return hosts > 0 || (hosts == 0 && order(wanted->name, room->name) > 0);
}

static uint64_t rooms_of(struct str bare)
{
    uint64_t count = 0;
    for (const struct room *room = rooms; room; room = room->next)
        count += occupant_of(room, bare) != NULL;
    return count;
}

/* Somebody who would join `room`, which may not be there yet, is in as many as one may be. */
static bool is_crowded(const struct room *room, const struct store_room *wanted)
{
    bool crowded = false;
    for (size_t i = 0; wanted->max_rooms && i < wanted->count && !crowded; i++) {
        const struct store_occupant *occupant = &wanted->occupants[i];
        bool joins = occupant->affiliation != STORE_ROOM_NONE &&
                     !(room && occupant_of(room, occupant->bare));
        crowded = joins && rooms_of(occupant->bare) >= wanted->max_rooms;
    }
    return crowded;
}

static enum err create(struct store_op *op)
{
    const struct store_room *wanted = &op->room;
    struct room **at = &rooms;
    if (*place_of(wanted->bare))
        return ERR_CONFLICT;
    op->room.crowded = is_crowded(NULL, wanted);
    if (op->room.crowded)
        return ERR_CONFLICT;
    while (*at && stands_before(*at, wanted))
        at = &(*at)->next;
    struct room *room = mem_zalloc(sizeof *room);
    *room = (struct room){.next = *at,
                          .bare = copy(wanted->bare),
                          .host = copy(wanted->host),
                          .name = copy(wanted->name),
                          .version = copy(wanted->version),
                          .config = copy(wanted->config)};
    set_occupants(room, wanted);
    *at = room;
    return ERR_OK;
}

static void tell(struct arena *arena, const struct room *room, struct store_room *out)
{
    *out = (struct store_room){.bare = arena_str(arena, str_of(room->bare)),
                               .host = arena_str(arena, str_of(room->host)),
                               .name = arena_str(arena, str_of(room->name)),
                               .version = arena_str(arena, str_of(room->version)),
                               .config = arena_str(arena, str_of(room->config)),
                               .count = room->count};
}

static enum err get(struct store_op *op)
{
    const struct room *room = *place_of(op->room.bare);
    if (!room)
        return ERR_NOT_FOUND;
    tell(&op->arena, room, &op->room);
    op->room.occupants = arena_zero(&op->arena, (room->count + 1) * sizeof *op->room.occupants);
    for (size_t i = 0; i < room->count; i++)
        op->room.occupants[i] = (struct store_occupant){
            arena_str(&op->arena, str_of(room->occupants[i].bare)), room->occupants[i].affiliation};
    return ERR_OK;
}

static enum err set(struct store_op *op)
{
    struct room *room = *place_of(op->room.bare);
    if (!room)
        return ERR_NOT_FOUND;
    op->room.crowded = is_crowded(room, &op->room);
    if (op->room.crowded)
        return ERR_CONFLICT;
    set_text(&room->version, op->room.version);
    if (op->room.config.at)
        set_text(&room->config, op->room.config);
    set_occupants(room, &op->room);
    return ERR_OK;
}

static enum err destroy(struct store_op *op)
{
    struct room **at = place_of(op->room.bare), *room = *at;
    if (!room)
        return ERR_NOT_FOUND;
    *at = room->next;
    room_free(room);
    return ERR_OK;
}

/* --- Pages --- */

static bool is_in_set(const struct room *room, const struct store_room_page *page)
{
    return str_is(page->host, room->host) && (!page->owner.len || occupant_of(room, page->owner));
}

static bool is_in_page(const struct room *room, const struct store_room_page *page)
{
    return (!page->after.len || order(page->after, room->name) < 0) &&
           (!page->before.len || order(page->before, room->name) > 0);
}

/* Those of the end of a page that goes backwards are found by passing over the others. */
static enum err page(struct store_op *op)
{
    struct store_room_page *page = &op->room_page;
    size_t fits = 0, skipped = 0;
    store_room_room(op);
    for (const struct room *room = rooms; room; room = room->next) {
        page->total += is_in_set(room, page);
        fits += is_in_set(room, page) && is_in_page(room, page);
    }
    if (page->backwards && fits > store_room_fetch(op))
        skipped = fits - store_room_fetch(op);
    for (const struct room *room = rooms; room && page->count < store_room_fetch(op);
         room = room->next) {
        if (!is_in_set(room, page) || !is_in_page(room, page))
            continue;
        if (skipped)
            skipped--;
        else
            tell(&op->arena, room, &page->items[page->count++]);
    }
    page->more = page->count == store_room_fetch(op);
    page->count -= page->more;
    if (page->more && page->backwards)
        page->items++;
    return ERR_OK;
}

/* --- Blocking --- */

static struct block **block_of(struct str owner, bool is_room, struct str peer)
{
    struct block **at = &blocks;
    for (; *at; at = &(*at)->next) {
        int owners = order(owner, (*at)->owner), kinds = is_room - (*at)->is_room;
        int peers = order(peer, (*at)->peer);
        if (owners < 0 || (!owners && (kinds < 0 || (!kinds && peers <= 0))))
            break;
    }
    return at;
}

static bool is_block(const struct block *block, struct str owner, bool is_room, struct str peer)
{
    return block && block->is_room == is_room && str_is(owner, block->owner) &&
           str_is(peer, block->peer);
}

static bool blocks_it(struct str owner, bool is_room, struct str peer)
{
    return is_block(*block_of(owner, is_room, peer), owner, is_room, peer);
}

static enum err guests(struct store_op *op)
{
    const struct store_room_guests *guests = &op->guests;
    for (size_t i = 0; i < guests->count; i++)
        guests->prevented[i] = blocks_it(guests->bares[i], false, guests->inviter) ||
                               blocks_it(guests->bares[i], true, guests->room) ||
                               rooms_of(guests->bares[i]) >= guests->max_rooms;
    return ERR_OK;
}

static enum err blocking(struct store_op *op)
{
    struct store_room_blocking *list = &op->blocking;
    list->count = 0;
    list->items = arena_zero(&op->arena, STORE_ROOM_BLOCKING_MAX * sizeof *list->items);
    for (const struct block *block = blocks; block; block = block->next)
        if (str_is(list->owner, block->owner) && list->count < STORE_ROOM_BLOCKING_MAX)
            list->items[list->count++] =
                (struct store_room_block){.is_room = block->is_room,
                                          .denied = true,
                                          .jid = arena_str(&op->arena, str_of(block->peer))};
    return ERR_OK;
}

static void block_drop(struct block **at)
{
    struct block *block = *at;
    *at = block->next;
    mem_free(block->owner);
    mem_free(block->peer);
    mem_free(block);
}

static void change(struct str owner, const struct store_room_block *item)
{
    struct block **at = block_of(owner, item->is_room, item->jid);
    bool is = is_block(*at, owner, item->is_room, item->jid);
    if (is && !item->denied) {
        block_drop(at);
    } else if (!is && item->denied) {
        struct block *block = mem_zalloc(sizeof *block);
        *block = (struct block){*at, copy(owner), copy(item->jid), item->is_room};
        *at = block;
    }
}

static size_t denied(const struct store_room_blocking *list)
{
    size_t count = 0;
    for (const struct block *block = blocks; block; block = block->next)
        count += str_is(list->owner, block->owner);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].denied !=
            blocks_it(list->owner, list->items[i].is_room, list->items[i].jid))
            count += list->items[i].denied ? 1 : (size_t)-1;
    return count;
}

static enum err block(struct store_op *op)
{
    if (denied(&op->blocking) > STORE_ROOM_BLOCKING_MAX)
        return ERR_INVALID;
    for (size_t i = 0; i < op->blocking.count; i++)
        change(op->blocking.owner, &op->blocking.items[i]);
    return ERR_OK;
}

/* --- Occupants who have to leave --- */

static void unblock(struct str bare)
{
    for (struct block **at = &blocks; *at;) {
        if (str_is(bare, (*at)->owner))
            block_drop(at);
        else
            at = &(*at)->next;
    }
}

void mem_room_leave(struct str bare)
{
    unblock(bare);
    for (struct room *room = rooms; room; room = room->next) {
        struct occupant *occupant = occupant_of(room, bare);
        if (occupant)
            occupant->gone = true;
    }
}

static int by_place(const void *a, const void *b)
{
    const struct store_room_goner *one = a, *other = b;
    int places = strcmp(one->room.at, other->room.at);
    return places ? places : strcmp(one->bare.at, other->bare.at);
}

static size_t collect_gone(struct arena *arena, struct store_room_goner *out)
{
    size_t count = 0;
    for (const struct room *room = rooms; room; room = room->next)
        for (size_t i = 0; i < room->count; i++) {
            if (out && room->occupants[i].gone)
                out[count] =
                    (struct store_room_goner){arena_str(arena, str_of(room->bare)),
                                              arena_str(arena, str_of(room->occupants[i].bare))};
            count += room->occupants[i].gone;
        }
    return count;
}

static enum err gone(struct store_op *op)
{
    struct store_room_gone *gone = &op->gone;
    struct store_room_goner after = {arena_str(&op->arena, gone->after.room),
                                     arena_str(&op->arena, gone->after.bare)};
    gone->count = collect_gone(&op->arena, NULL);
    gone->items = arena_zero(&op->arena, (gone->count + 1) * sizeof *gone->items);
    collect_gone(&op->arena, gone->items);
    qsort(gone->items, gone->count, sizeof *gone->items, by_place);
    while (gone->count && by_place(gone->items, &after) <= 0) {
        gone->items++;
        gone->count--;
    }
    if (gone->count > gone->limit)
        gone->count = gone->limit;
    return ERR_OK;
}

enum err mem_room(struct store_op *op)
{
    static enum err (*const kinds[STORE_KIND_COUNT])(struct store_op *) = {
        [STORE_ROOM_CREATE] = create, [STORE_ROOM_GET] = get,
        [STORE_ROOM_SET] = set,       [STORE_ROOM_DESTROY] = destroy,
        [STORE_ROOM_PAGE] = page,     [STORE_ROOM_GUESTS] = guests,
        [STORE_ROOM_BLOCK] = block,   [STORE_ROOM_BLOCKING] = blocking,
        [STORE_ROOM_GONE] = gone,
    };
    return kinds[op->kind] ? kinds[op->kind](op) : ERR_UNSUPPORTED;
}

void mem_room_drop(void)
{
    while (rooms) {
        struct room *room = rooms;
        rooms = room->next;
        room_free(room);
    }
    while (blocks)
        block_drop(&blocks);
}
