/*
 * How rooms change: decided from what is in memory, written, and told when it is on disk. Meanwhile
 * the room is busy. Who hears what: MongooseIM's MUC Light.
 */
#include "affiliations.h"
#include "muc_light.h"

struct metric muc_light_created = {"muc_light_created_total", "Rooms created.", METRIC_COUNTER, 0};
struct metric muc_light_destroyed = {"muc_light_destroyed_total", "Rooms destroyed.",
                                     METRIC_COUNTER, 0};
struct metric muc_light_changes = {
    "muc_light_changes_total", "Changes of configurations and affiliations.", METRIC_COUNTER, 0};

/* A change that is being written, in the accumulator's arena, at acc->event_data. */
struct writing {
    struct change change;
    struct affiliations affiliations;
    bool ends;                      /* the room will be no more */
    const struct room_state *state; /* the room's, once it is written; NULL: it is no more */
    struct str version, before;
};

static struct writing *writing_of(const struct acc *acc)
{
    return acc->event_data;
}

struct change *muc_light_change_new(struct acc *acc, struct room *room)
{
    struct writing *writing = arena_zero(&acc->arena, sizeof *writing);
    writing->change.acc = acc;
    writing->change.room = room;
    acc->event_data = writing;
    return &writing->change;
}

/* Time as MongooseIM writes it; never the same twice for one room. */
static struct str next_version(struct arena *arena, const struct room_state *now)
{
    struct str version;
    uint64_t us = shard_self->unix_us;
    do {
        version = arena_format(arena, "%llu-%llu-%llu", (unsigned long long)(us / 1000000000000),
                               (unsigned long long)(us / 1000000 % 1000000),
                               (unsigned long long)(us % 1000000));
        us++;
    } while (now && str_eq(version, now->version));
    return version;
}

static enum verdict answer(struct acc *acc)
{
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

/* --- What the room says --- */

/* A message of the room, with <x/> in it; its <body/> is added when it is whole. */
static struct element *notice(struct arena *arena, const struct acc *acc, const struct room *room)
{
    struct element *message = element_new(arena, NS_CLIENT, "message");
    element_set(arena, message, "from", room->jid.full);
    element_set(arena, message, "type", STR("groupchat"));
    element_set(arena, message, "id", element_attr(acc->element, "id"));
    return message;
}

static void add_versions(struct arena *arena, struct element *x, const struct writing *writing)
{
    if (writing->before.len)
        muc_light_add_text(arena, x, "prev-version", writing->before);
    muc_light_add_text(arena, x, "version", writing->version);
}

static void add_body(struct arena *arena, struct element *message)
{
    element_add(arena, message, NS_CLIENT, "body");
}

/* Archives an event, and lets modules know whom it brings and takes. Returns the stanza that those
 * who stay get, in the accumulator's arena. */
static struct element *record(struct acc *acc, const struct writing *writing,
                              struct element *message)
{
    const struct room *room = writing->change.room;
    const struct room_state *state = writing->state;
    struct room_packet packet = {.room = room->jid.bare,
                                 .occupants = state ? state->jids : NULL,
                                 .occupant_count = state ? state->count : 0,
                                 .changes = writing->affiliations.moves,
                                 .change_count = writing->affiliations.move_count};
    struct acc *inner = acc_new();
    acc_set(inner, element_copy(&inner->arena, message));
    inner->host = acc->host;
    inner->from = inner->to = room->jid;
    inner->event_data = &packet;
    if (hook_run(HOOK_filter_room_packet, inner, NULL) != HOOK_OK)
        LOG(LOG_WARNING, "room_event_not_archived", LF_STR("room", room->jid.bare));
    message = element_copy(&acc->arena, inner->element);
    acc->room_id = inner->room_id;
    acc_free(inner);
    return message;
}

static void on_told(struct fanout *fanout)
{
    struct room *room = LIST_OWNER(fanout, struct room, fanout);
    mem_free(room->told);
    mem_free(room->last);
    room->told = NULL;
    room->last = NULL;
    rooms_release(room);
}

/* The list, whose texts are the room's, stays until it has been told. */
static void tell(struct acc *acc, struct room *room, struct element *message,
                 const struct jid *list, size_t count)
{
    room->fanout = (struct fanout){.host = acc->host,
                                   .stanza = message,
                                   .from = room->jid,
                                   .room_id = acc->room_id,
                                   .recipients = list,
                                   .count = count,
                                   .done = on_told};
    rooms_hold(room, NULL);
    effect_fan_out(acc, &room->fanout);
}

static void tell_one(struct acc *acc, struct element *message, struct str bare)
{
    element_set(&acc->arena, message, "to", bare);
    effect_route(acc, message)->room_copy = true;
}

/* One who joins or leaves hears of nobody else. */
static void tell_own(struct acc *acc, const struct writing *writing, struct str bare,
                     enum store_affiliation affiliation)
{
    struct arena *arena = &acc->arena;
    struct element *message = notice(arena, acc, writing->change.room);
    struct element *x = element_add(arena, message, NS_MUC_LIGHT_AFFILIATIONS, "x");
    if (affiliation != STORE_ROOM_NONE)
        muc_light_add_text(arena, x, "version", writing->version);
    muc_light_add_user(arena, x, bare, affiliation);
    add_body(arena, message);
    tell_one(acc, message, bare);
}

/* --- Writing --- */

/* That a user may be in; 0: any number. An administrator may exceed it. */
static uint64_t max_rooms(const struct acc *acc)
{
    uint64_t max = muc_light_conf(acc)->rooms_per_user;
    return acc->order || max == KEY_INFINITY ? 0 : max;
}

static struct store_op *write_op(enum store_kind kind, const struct writing *writing)
{
    const struct room *room = writing->change.room;
    struct store_op *op = store_op_new(kind, NULL, NULL);
    op->room.bare = arena_str(&op->arena, room->jid.bare);
    op->room.name = arena_str(&op->arena, room->jid.user);
    op->room.host = arena_str(&op->arena, room->jid.domain);
    op->room.version = arena_str(&op->arena, writing->version);
    op->room.max_rooms = max_rooms(writing->change.acc);
    if (writing->change.config.at)
        op->room.config = arena_str(&op->arena, writing->change.config);
    return op;
}

static void add_occupants(struct store_op *op, const struct store_occupant *list, size_t count)
{
    op->room.occupants = arena_zero(&op->arena, (count + 1) * sizeof *op->room.occupants);
    op->room.count = count;
    for (size_t i = 0; i < count; i++)
        op->room.occupants[i] =
            (struct store_occupant){arena_str(&op->arena, list[i].bare), list[i].affiliation};
}

static enum verdict ask(struct writing *writing, struct store_op *op, hook_fn *on)
{
    rooms_hold(writing->change.room, writing->change.acc);
    return acc_park_store(writing->change.acc, NULL, on, op);
}

static struct room_state *fresh_state(const struct writing *writing)
{
    const struct affiliations *a = &writing->affiliations;
    struct str config = writing->change.config;
    if (writing->ends)
        return NULL;
    return room_state_new(writing->version,
                          config.at ? config : writing->change.room->state->config, a->after,
                          a->after_count);
}

/* The writing was done, and the room is what it was to be; or it failed, and was answered. */
static bool is_written(struct acc *acc, struct writing *writing)
{
    enum err outcome = acc->answer->outcome;
    rooms_release(writing->change.room);
    if (outcome == ERR_OK) {
        struct room_state *state = fresh_state(writing);
        writing->state = state;
        rooms_set(writing->change.room, state);
        return true;
    }
    if (outcome == ERR_CONFLICT)
        muc_light_refuse(acc, STANZA_CONFLICT, "Room already exists");
    else
        muc_light_failed(acc);
    rooms_doubt(writing->change.room);
    return false;
}

static void plan(struct writing *writing)
{
    const struct room_state *now = writing->change.room->state;
    writing->before = now ? arena_str(&writing->change.acc->arena, now->version) : STR("");
    writing->version = next_version(&writing->change.acc->arena, now);
}

/* The occupants as they are; the room's own list ends with the change. */
static void keep_occupants(struct writing *writing)
{
    const struct room_state *now = writing->change.room->state;
    struct affiliations *a = &writing->affiliations;
    a->after = arena_zero(&writing->change.acc->arena, (now->count + 1) * sizeof *a->after);
    a->after_count = now->count;
    for (size_t i = 0; i < now->count; i++)
        a->after[i] =
            (struct store_occupant){arena_str(&writing->change.acc->arena, now->jids[i].bare),
                                    (enum store_affiliation)now->affiliations[i]};
    a->now = a->after;
    a->now_count = a->after_count;
}

/* --- Who may not be brought in --- */

static bool is_guest(const struct change *change, const struct store_occupant *one)
{
    return one->affiliation != STORE_ROOM_NONE && !room_affiliation(change->room->state, one->bare);
}

static bool must_ask(const struct change *change)
{
    const struct muc_light_conf *conf = muc_light_conf(change->acc);
    bool brings = false;
    if (change->acc->order)
        return false;
    for (size_t i = 0; i < change->asked_count; i++)
        brings = brings || is_guest(change, &change->asked[i]);
    return brings && (conf->blocking || conf->rooms_per_user != KEY_INFINITY);
}

static enum verdict ask_guests(struct change *change, hook_fn *on)
{
    const struct muc_light_conf *conf = muc_light_conf(change->acc);
    struct store_op *op = store_op_new(STORE_ROOM_GUESTS, NULL, NULL);
    struct store_room_guests *guests = &op->guests;
    struct str *bares = arena_zero(&op->arena, (change->asked_count + 1) * sizeof *bares);
    guests->bares = bares;
    guests->prevented = arena_zero(&op->arena, change->asked_count + 1);
    guests->max_rooms = conf->rooms_per_user;
    if (conf->blocking) {
        guests->inviter = arena_str(&op->arena, change->acc->from.bare);
        guests->room = arena_str(&op->arena, change->room->jid.bare);
    }
    for (size_t i = 0; i < change->asked_count; i++)
        if (is_guest(change, &change->asked[i]))
            bares[guests->count++] = arena_str(&op->arena, change->asked[i].bare);
    return ask(writing_of(change->acc), op, on);
}

/* Takes those out of what is asked; they are in the same order. True: the first one is among them.
 */
static bool drop_prevented(struct change *change, const struct store_room_guests *guests)
{
    size_t left = 0, guest = 0;
    for (size_t i = 0; i < change->asked_count; i++) {
        bool prevented = is_guest(change, &change->asked[i]) && guests->prevented[guest++];
        if (!prevented)
            change->asked[left++] = change->asked[i];
    }
    change->asked_count = left;
    return guests->count && guests->prevented[0];
}

static hook_fn on_guests, on_create_guests;

/* Somebody who joins has meanwhile come into another room, and is in as many as one may be. */
static bool is_crowded(const struct acc *acc)
{
    return acc->answer->outcome == ERR_CONFLICT && acc->answer->room.crowded;
}

static enum verdict ask_again(struct writing *writing, hook_fn *on)
{
    rooms_release(writing->change.room);
    return ask_guests(&writing->change, on);
}

/* --- Affiliations --- */

static bool is_move(const struct affiliations *a, struct str bare)
{
    for (size_t i = 0; i < a->move_count; i++)
        if (str_eq(a->moves[i].bare, bare))
            return true;
    return false;
}

static struct element *affiliation_notice(struct acc *acc, const struct writing *writing)
{
    const struct affiliations *a = &writing->affiliations;
    struct element *message = notice(&acc->arena, acc, writing->change.room);
    struct element *x = element_add(&acc->arena, message, NS_MUC_LIGHT_AFFILIATIONS, "x");
    add_versions(&acc->arena, x, writing);
    for (size_t i = 0; i < a->change_count; i++)
        muc_light_add_user(&acc->arena, x, a->changes[i].bare, a->changes[i].affiliation);
    add_body(&acc->arena, message);
    return message;
}

static void tell_moves(struct acc *acc, const struct writing *writing)
{
    const struct affiliations *a = &writing->affiliations;
    for (size_t i = 0; i < a->move_count; i++)
        tell_own(acc, writing, a->moves[i].bare,
                 room_affiliation(writing->state, a->moves[i].bare));
}

/* Those who were there and still are. */
static void tell_staying(struct acc *acc, const struct writing *writing, struct element *message)
{
    struct room *room = writing->change.room;
    struct jid *staying = mem_zalloc((room->state->count + 1) * sizeof *staying);
    size_t count = 0;
    for (size_t i = 0; i < room->state->count; i++)
        if (!is_move(&writing->affiliations, room->state->jids[i].bare))
            staying[count++] = room->state->jids[i];
    room->told = staying;
    tell(acc, room, message, staying, count);
}

static void forget(struct acc *acc, const struct writing *writing)
{
    const struct room *room = writing->change.room;
    struct room_packet packet = {.room = room->jid.bare,
                                 .changes = writing->affiliations.moves,
                                 .change_count = writing->affiliations.move_count};
    struct acc *news = acc_new();
    news->host = acc->host;
    news->to = room->jid;
    news->event_data = &packet;
    hook_run(HOOK_forget_room, news, NULL);
    acc_free(news);
    metric_count(&muc_light_destroyed);
}

static enum verdict on_affiliated(struct acc *acc, struct session *session)
{
    struct writing *writing = writing_of(acc);
    (void)session;
    if (is_crowded(acc))
        return ask_again(writing, on_guests);
    if (!is_written(acc, writing))
        return HOOK_STOP;
    metric_count(&muc_light_changes);
    if (!writing->state) {
        tell_moves(acc, writing);
        forget(acc, writing);
        return answer(acc);
    }
    struct element *message = record(acc, writing, affiliation_notice(acc, writing));
    tell_moves(acc, writing);
    tell_staying(acc, writing, message);
    return answer(acc);
}

/* The one whose room it would be was the last. */
static enum verdict leave_empty(struct writing *writing)
{
    struct acc *acc = writing->change.acc;
    writing->ends = true;
    writing->version = next_version(&acc->arena, writing->change.room->state);
    return ask(writing, write_op(STORE_ROOM_DESTROY, writing), on_affiliated);
}

static enum verdict affiliate(struct change *change)
{
    struct writing *writing = writing_of(change->acc);
    struct affiliations *a = &writing->affiliations;
    const struct muc_light_conf *conf = muc_light_conf(change->acc);
    keep_occupants(writing);
    a->arena = &change->acc->arena;
    a->asked = change->asked;
    a->asked_count = change->asked_count;
    a->several_owners = conf->allow_multiple_owners;
    const char *wrong = affiliations_apply(a);
    if (!wrong && a->after_count > conf->max_occupants && a->after_count > a->now_count)
        wrong = "occupant_limit_exceeded";
    if (wrong)
        return muc_light_refuse(change->acc, STANZA_BAD_REQUEST, wrong);
    if (a->change_count == 0)
        return answer(change->acc);
    if (a->after_count == 0)
        return leave_empty(writing);
    plan(writing);
    struct store_op *op = write_op(STORE_ROOM_SET, writing);
    add_occupants(op, a->changes, a->change_count);
    return ask(writing, op, on_affiliated);
}

static enum verdict on_guests(struct acc *acc, struct session *session)
{
    struct change *change = &writing_of(acc)->change;
    (void)session;
    rooms_release(change->room);
    if (acc->answer->outcome)
        return muc_light_failed(acc);
    drop_prevented(change, &acc->answer->guests);
    return change->asked_count ? affiliate(change) : answer(acc);
}

enum verdict muc_light_affiliate(struct change *change)
{
    return must_ask(change) ? ask_guests(change, on_guests) : affiliate(change);
}

/* --- Configuration --- */

static enum verdict on_configured(struct acc *acc, struct session *session)
{
    struct writing *writing = writing_of(acc);
    (void)session;
    if (!is_written(acc, writing))
        return HOOK_STOP;
    struct room *room = writing->change.room;
    struct element *message = notice(&acc->arena, acc, room);
    struct element *x = element_add(&acc->arena, message, NS_MUC_LIGHT_CONFIGURATION, "x");
    add_versions(&acc->arena, x, writing);
    for (struct element *field = element_first(writing->change.fields); field;
         field = element_next(field))
        element_push(x, element_copy(&acc->arena, field));
    add_body(&acc->arena, message);
    message = record(acc, writing, message);
    metric_count(&muc_light_changes);
    tell_staying(acc, writing, message);
    return answer(acc);
}

enum verdict muc_light_configure(struct change *change)
{
    struct writing *writing = writing_of(change->acc);
    keep_occupants(writing);
    plan(writing);
    return ask(writing, write_op(STORE_ROOM_SET, writing), on_configured);
}

/* --- Creation --- */

static enum verdict on_created(struct acc *acc, struct session *session)
{
    struct writing *writing = writing_of(acc);
    (void)session;
    if (is_crowded(acc))
        return ask_again(writing, on_create_guests);
    if (!is_written(acc, writing))
        return HOOK_STOP;
    metric_count(&muc_light_created);
    record(acc, writing, affiliation_notice(acc, writing));
    tell_moves(acc, writing);
    return answer(acc);
}

static enum verdict create(struct change *change)
{
    struct writing *writing = writing_of(change->acc);
    struct affiliations *a = &writing->affiliations;
    a->arena = &change->acc->arena;
    a->asked = change->asked;
    a->asked_count = change->asked_count;
    const char *wrong = affiliations_apply(a);
    if (!wrong && a->after_count > muc_light_conf(change->acc)->max_occupants)
        wrong = "occupant_limit_exceeded";
    if (wrong)
        return muc_light_refuse(change->acc, STANZA_BAD_REQUEST, wrong);
    plan(writing);
    struct store_op *op = write_op(STORE_ROOM_CREATE, writing);
    add_occupants(op, a->after, a->after_count);
    return ask(writing, op, on_created);
}

static enum verdict on_create_guests(struct acc *acc, struct session *session)
{
    struct change *change = &writing_of(acc)->change;
    (void)session;
    rooms_release(change->room);
    if (acc->answer->outcome)
        return muc_light_failed(acc);
    if (drop_prevented(change, &acc->answer->guests)) /* the creator */
        return muc_light_refuse(acc, STANZA_BAD_REQUEST, "room_limit_reached");
    return create(change);
}

enum verdict muc_light_create(struct change *change)
{
    return must_ask(change) ? ask_guests(change, on_create_guests) : create(change);
}

/* --- Destruction --- */

/* Each hears of themselves. */
static void add_end(struct acc *copy)
{
    struct arena *arena = &copy->arena;
    struct element *x = element_add(arena, copy->element, NS_MUC_LIGHT_AFFILIATIONS, "x");
    muc_light_add_user(arena, x, copy->to.bare, STORE_ROOM_NONE);
    element_add(arena, copy->element, NS_MUC_LIGHT_DESTROY, "x");
    add_body(arena, copy->element);
}

static enum verdict on_destroyed(struct acc *acc, struct session *session)
{
    struct writing *writing = writing_of(acc);
    struct room *room = writing->change.room;
    struct room_state *last = rooms_take(room);
    (void)session;
    if (!is_written(acc, writing)) {
        mem_free(last);
        return HOOK_STOP;
    }
    room->last = last;
    tell(acc, room, notice(&acc->arena, acc, room), last->jids, last->count);
    room->fanout.fill = add_end;
    forget(acc, writing);
    return answer(acc);
}

enum verdict muc_light_destroy(struct acc *acc, struct room *room)
{
    struct writing *writing = writing_of(muc_light_change_new(acc, room)->acc);
    struct affiliations *a = &writing->affiliations;
    writing->ends = true;
    a->moves = arena_zero(&acc->arena, (room->state->count + 1) * sizeof *a->moves);
    for (size_t i = 0; i < room->state->count; i++)
        a->moves[a->move_count++] =
            (struct room_change){arena_str(&acc->arena, room->state->jids[i].bare), false};
    return ask(writing, write_op(STORE_ROOM_DESTROY, writing), on_destroyed);
}
