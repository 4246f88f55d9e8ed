#include "rooms.h"

#include "affiliations.h"
#include "muc_light.h"

#include <stdlib.h>

enum { ROOM_WEIGHT = 8 }; /* of a room itself, in occupants */

static struct metric read_total = {"muc_light_read_total", "Rooms read from storage.",
                                   METRIC_COUNTER, 0};
static struct metric kept = {"muc_light_kept", "Rooms in memory.", METRIC_GAUGE, 0};
static struct metric overfull = {"muc_light_lane_full_total",
                                 "Stanzas refused because too many waited for their room.",
                                 METRIC_COUNTER, 0};

struct metric *const rooms_metrics[] = {&read_total, &kept, &overfull, NULL};

static struct rooms *shelf(void)
{
    struct rooms *rooms = shard_slot(&module_muc_light);
    if (!rooms->idle.next)
        list_init(&rooms->idle);
    return rooms;
}

/* --- States --- */

static char *put(char **at, struct str text)
{
    char *start = *at;
    if (text.len)
        memcpy(start, text.at, text.len);
    *at += text.len;
    return start;
}

static struct jid jid_at(char **at, struct str bare)
{
    struct jid jid = {0};
    jid.bare = (struct str){put(at, bare), bare.len};
    jid.full = jid.bare;
    jid.user = str_cut(jid.bare, '@', &jid.domain);
    jid.resource = STR("");
    jid.bare_hash = map_hash(bare);
    return jid;
}

struct room_state *room_state_new(struct str version, struct str config,
                                  const struct store_occupant *occupants, size_t count)
{
    struct room_state *state;
    size_t len = version.len + config.len;
    for (size_t i = 0; i < count; i++)
        len += occupants[i].bare.len + sizeof *state->jids + 1;
    state = mem_alloc(sizeof *state + len);
    *state = (struct room_state){.count = count, .jids = (struct jid *)(state + 1)};
    state->affiliations = (unsigned char *)(state->jids + count);
    char *at = (char *)(state->affiliations + count);
    state->version = (struct str){put(&at, version), version.len};
    state->config = (struct str){put(&at, config), config.len};
    for (size_t i = 0; i < count; i++) {
        state->jids[i] = jid_at(&at, occupants[i].bare);
        state->affiliations[i] = (unsigned char)occupants[i].affiliation;
    }
    return state;
}

enum store_affiliation room_affiliation(const struct room_state *state, struct str bare)
{
    size_t low = 0, high = state ? state->count : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = affiliations_order(bare, state->jids[middle].bare);
        if (order == 0)
            return (enum store_affiliation)state->affiliations[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return STORE_ROOM_NONE;
}

static size_t weight_of(const struct room *room)
{
    return ROOM_WEIGHT + (room->state ? room->state->count : 0);
}

/* --- The shelf --- */

static void drain(struct task *task);

static bool is_room(const struct map_node *node, const void *key)
{
    return str_eq(MAP_OWNER(node, struct room, node)->jid.bare, *(const struct str *)key);
}

struct room *rooms_of(const struct acc *acc)
{
    struct map_node *node = map_find(&shelf()->all, acc->to.bare_hash, is_room, &acc->to.bare);
    return node ? MAP_OWNER(node, struct room, node) : NULL;
}

static struct room *room_new(const struct acc *acc)
{
    struct room *room = mem_zalloc(sizeof *room);
    struct jid bare = jid_bare(&acc->to);
    jid_keep(&room->jid, &bare);
    room->host = acc->host;
    room->drain.run = drain;
    list_init(&room->waiting);
    map_add(&shelf()->all, &room->node, room->jid.bare_hash);
    metric_count(&kept);
    return room;
}

static void room_free(struct room *room)
{
    map_drop(&shelf()->all, &room->node);
    metric_add(&kept, -1);
    task_drop(&room->drain);
    jid_drop(&room->jid);
    mem_free(room->state);
    mem_free(room->told);
    mem_free(room->last);
    mem_free(room);
}

static void leave_idle(struct room *room)
{
    if (!list_has(&room->idle))
        return;
    list_drop(&room->idle);
    shelf()->weight -= weight_of(room);
}

/* What is not there is not remembered: who asks for it pays for the look. */
static void rest(struct room *room)
{
    struct rooms *rooms = shelf();
    if (room->busy || room->reading || !list_empty(&room->waiting) || list_has(&room->drain.link))
        return;
    if (!room->state) {
        room_free(room);
        return;
    }
    if (list_has(&room->idle))
        return;
    list_push(&rooms->idle, &room->idle);
    rooms->weight += weight_of(room);
    while (rooms->weight > LIMIT_ROOMS_KEPT) {
        struct room *oldest = LIST_OWNER(rooms->idle.next, struct room, idle);
        leave_idle(oldest);
        room_free(oldest);
    }
}

/* --- Reading --- */

static int by_order(const void *a, const void *b)
{
    return affiliations_order(((const struct store_occupant *)a)->bare,
                              ((const struct store_occupant *)b)->bare);
}

static void on_read(struct store_op *op)
{
    struct room *room = op->owner;
    room->reading = NULL;
    room->known = true;
    room->err = op->outcome == ERR_NOT_FOUND ? ERR_OK : op->outcome;
    if (op->outcome == ERR_OK) {
        qsort(op->room.occupants, op->room.count, sizeof *op->room.occupants, by_order);
        rooms_set(room, room_state_new(op->room.version, op->room.config, op->room.occupants,
                                       op->room.count));
    }
    shard_soon(&room->drain);
}

static void read_room(struct room *room)
{
    struct store_op *op = store_op_new(STORE_ROOM_GET, on_read, room);
    op->room.bare = arena_str(&op->arena, room->jid.bare);
    room->reading = op;
    metric_count(&read_total);
    store_ask(op, 0);
}

/* --- The lane --- */

static bool is_ready(const struct room *room)
{
    return room->known && !room->busy;
}

/* In the turn after what has kept it busy, so that one does not run inside the other. */
static void drain(struct task *task)
{
    struct room *room = LIST_OWNER(task, struct room, drain);
    for (unsigned i = 0; is_ready(room) && i < LIMIT_TURN_STANZAS; i++) {
        struct link *link = list_pop(&room->waiting);
        if (!link)
            break;
        room->waiting_count--;
        acc_unpark(LIST_OWNER(link, struct acc, link));
    }
    if (is_ready(room) && !list_empty(&room->waiting)) {
        shard_soon(&room->drain);
        return;
    }
    if (room->err) /* the next one tries again */
        room->known = false;
    rest(room);
}

static void revoke_nothing(void *waits_for)
{
    (void)waits_for;
}

static enum verdict wait(struct acc *acc, struct room *room, hook_fn *then)
{
    if (room->waiting_count >= LIMIT_ROOMS_WAITING) {
        metric_count(&overfull);
        return muc_light_refuse(acc, STANZA_RESOURCE_CONSTRAINT, "too much waits for this room");
    }
    acc_park(acc, NULL, then, room, revoke_nothing);
    list_push(&room->waiting, &acc->link);
    room->waiting_count++;
    return HOOK_PARK;
}

enum verdict rooms_with(struct acc *acc, hook_fn *then)
{
    struct room *room = rooms_of(acc);
    if (!room)
        room = room_new(acc);
    leave_idle(room);
    if (!room->known && !room->reading)
        read_room(room);
    if (!is_ready(room) || !list_empty(&room->waiting))
        return wait(acc, room, then);
    shard_soon(&room->drain); /* which lets it rest behind this */
    return then(acc, NULL);
}

void rooms_hold(struct room *room, struct acc *acc)
{
    room->busy = true;
    room->held = acc;
    leave_idle(room);
}

void rooms_release(struct room *room)
{
    room->busy = false;
    room->held = NULL;
    shard_soon(&room->drain);
}

void rooms_set(struct room *room, struct room_state *state)
{
    leave_idle(room);
    mem_free(room->state);
    room->state = state;
}

struct room_state *rooms_take(struct room *room)
{
    struct room_state *state = room->state;
    leave_idle(room);
    room->state = NULL;
    return state;
}

void rooms_doubt(struct room *room)
{
    rooms_set(room, NULL);
    room->known = false;
    read_room(room);
}

/* --- The end of the shard --- */

static void drop_parked(struct acc *acc)
{
    acc_revoke(acc);
    acc_free(acc);
}

static void drop_waiting(struct room *room)
{
    for (struct link *link; (link = list_pop(&room->waiting));)
        drop_parked(LIST_OWNER(link, struct acc, link));
}

void rooms_end(void *own)
{
    struct rooms *rooms = own;
    struct map_node *node;
    while ((node = map_next(&rooms->all, NULL))) {
        struct room *room = MAP_OWNER(node, struct room, node);
        drop_waiting(room);
        if (room->held && room->held->parked)
            drop_parked(room->held);
        if (room->reading)
            store_revoke(room->reading);
        fanout_drop(&room->fanout);
        room_free(room);
    }
    map_fini(&rooms->all);
    mem_free((char *)rooms->after_room.at);
    mem_free((char *)rooms->after_bare.at);
}
