/* What comes to a room: messages of its occupants, and requests. */
#include "affiliations.h"
#include "muc_light.h"

static struct metric messages = {"muc_light_messages_total", "Messages said in rooms.",
                                 METRIC_COUNTER, 0};
static struct metric refused = {"muc_light_refused_total", "Stanzas for rooms refused.",
                                METRIC_COUNTER, 0};

struct metric *const muc_light_room_metrics[] = {&messages, &refused, NULL};

enum verdict muc_light_refuse(struct acc *acc, enum stanza_error error, const char *text)
{
    metric_count(&refused);
    effect_error(acc, error, text);
    return HOOK_STOP;
}

enum verdict muc_light_failed(struct acc *acc)
{
    return muc_light_refuse(acc, STANZA_RESOURCE_CONSTRAINT, "rooms cannot be stored now");
}

/* An administrator may do what owners may. */
static enum store_affiliation affiliation_of(const struct acc *acc, const struct room *room)
{
    if (acc->order && room->state)
        return STORE_ROOM_OWNER;
    return room_affiliation(room->state, acc->from.bare);
}

/* --- Messages --- */

static void on_sent(struct fanout *fanout)
{
    rooms_release(LIST_OWNER(fanout, struct room, fanout));
}

static void send_to_all(struct acc *acc, struct room *room)
{
    room->fanout = (struct fanout){.host = acc->host,
                                   .stanza = acc->element,
                                   .from = acc->from,
                                   .room_id = acc->room_id,
                                   .recipients = room->state->jids,
                                   .count = room->state->count,
                                   .done = on_sent};
    rooms_hold(room, NULL);
    effect_fan_out(acc, &room->fanout);
}

/* Nobody but the room says what its id is, nor what those of its occupants' archives are: their
 * homes do not look into the copies (XEP-0359 5). */
static void strip_ids(struct element *message)
{
    struct element *next;
    for (struct element *child = element_first(message); child; child = next) {
        next = element_next(child);
        if (element_is(child, NS_SID, "stanza-id"))
            element_drop(message, child);
    }
}

/* The message becomes the room's: from room/author, to nobody in particular. */
static void make_rooms(struct acc *acc, const struct room *room)
{
    struct str nick = acc->from.bare;
    jid_make(&acc->arena, room->jid.user, room->jid.domain, nick, &acc->from);
    element_set(&acc->arena, acc->element, "from", acc->from.full);
    element_unset(acc->element, "to");
    strip_ids(acc->element);
    if (!element_attr(acc->element, "id").len)
        element_set(&acc->arena, acc->element, "id",
                    stanza_id_text(&acc->arena, acc_identify(acc)));
}

static void make_senders_again(struct acc *acc, const struct jid *sender, const struct room *room)
{
    acc->from = *sender;
    element_set(&acc->arena, acc->element, "from", sender->full);
    element_set(&acc->arena, acc->element, "to", room->jid.full);
}

static enum verdict say(struct acc *acc, struct room *room)
{
    const struct jid sender = acc->from;
    struct room_packet packet = {.room = room->jid.bare,
                                 .author = sender.bare,
                                 .occupants = room->state->jids,
                                 .occupant_count = room->state->count};
    make_rooms(acc, room);
    acc->event_data = &packet;
    enum verdict verdict = hook_run(HOOK_filter_room_packet, acc, NULL);
    acc->event_data = NULL;
    if (verdict != HOOK_OK) {
        make_senders_again(acc, &sender, room);
        return muc_light_refuse(acc, STANZA_RESOURCE_CONSTRAINT,
                                "the archive cannot take more messages now");
    }
    metric_count(&messages);
    send_to_all(acc, room);
    return HOOK_STOP;
}

static enum verdict on_archive_room(struct acc *acc, struct session *session)
{
    struct room *room = rooms_of(acc);
    (void)session;
    rooms_release(room);
    if (acc->answer->outcome)
        return muc_light_refuse(acc, STANZA_RESOURCE_CONSTRAINT,
                                "the archive cannot take more messages now");
    return say(acc, room);
}

static enum verdict on_message(struct acc *acc, struct room *room)
{
    if (acc->type != TYPE_GROUPCHAT)
        return muc_light_refuse(acc, STANZA_BAD_REQUEST,
                                "messages to a room are of type groupchat");
    if (!affiliation_of(acc, room))
        return muc_light_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (store_mam_has_room())
        return say(acc, room);
    rooms_hold(room, acc); /* its lane waits, as a client's does */
    return acc_park_store(acc, NULL, on_archive_room, store_op_new(STORE_MAM_ROOM, NULL, NULL));
}

/* --- Elements --- */

struct element *muc_light_add_text(struct arena *arena, struct element *parent, const char *name,
                                   struct str text)
{
    struct element *child = element_add(arena, parent, parent->ns, name);
    element_add_text(arena, child, text);
    return child;
}

void muc_light_add_user(struct arena *arena, struct element *parent, struct str bare,
                        enum store_affiliation affiliation)
{
    struct element *user = muc_light_add_text(arena, parent, "user", bare);
    element_set(arena, user, "affiliation", str_of(affiliation_name(affiliation)));
}

static void add_users(struct acc *acc, const struct room_state *state, struct element *parent)
{
    for (size_t i = 0; i < state->count; i++)
        muc_light_add_user(&acc->arena, parent, state->jids[i].bare,
                           (enum store_affiliation)state->affiliations[i]);
}

static void add_fields(struct acc *acc, const struct room_state *state, struct element *parent)
{
    room_schema_tell(&acc->arena, &muc_light_conf(acc)->schema, state->config, parent);
}

/* --- Reading requests --- */

static const struct element *payload_of(const struct acc *acc)
{
    return element_first(acc->element);
}

/* The version that the client has is the room's: nothing is new. */
static bool is_current(struct acc *acc, const struct room *room)
{
    const struct element *query = payload_of(acc);
    const struct element *version = element_child(query, query->ns, "version");
    return version && str_eq(element_text(&acc->arena, version), room->state->version);
}

/* A result with the version and what `add` adds; an empty one when the client has it. */
static enum verdict tell(struct acc *acc, const struct room *room,
                         void (*add)(struct acc *, const struct room_state *, struct element *))
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    if (!is_current(acc, room)) {
        struct element *query = element_add(&acc->arena, result, payload_of(acc)->ns, "query");
        muc_light_add_text(&acc->arena, query, "version", room->state->version);
        add(acc, room->state, query);
    }
    effect_answer(acc, result);
    return HOOK_STOP;
}

static enum verdict get_configuration(struct acc *acc, struct room *room)
{
    return tell(acc, room, add_fields);
}

static enum verdict get_affiliations(struct acc *acc, struct room *room)
{
    return tell(acc, room, add_users);
}

static void add_all(struct acc *acc, const struct room_state *state, struct element *query)
{
    add_fields(acc, state, element_add(&acc->arena, query, query->ns, "configuration"));
    add_users(acc, state, element_add(&acc->arena, query, query->ns, "occupants"));
}

static enum verdict get_info(struct acc *acc, struct room *room)
{
    return tell(acc, room, add_all);
}

/* --- Changing requests --- */

/* <user affiliation='…'>jid</user> and nothing else, as MongooseIM has it. */
static const char *read_user(struct arena *arena, const struct element *user,
                             struct store_occupant *out)
{
    struct jid jid;
    struct host *host;
    bool plain =
        str_is(user->name, "user") && user->attrs && !user->attrs->next && !element_first(user);
    if (!plain || !affiliation_parse(element_attr(user, "affiliation"), &out->affiliation))
        return "an occupant is <user affiliation='owner|member|none'>JID</user>";
    if (jid_parse(arena, str_trim(element_text(arena, user)), &jid) || !jid.user.len)
        return "an occupant is not the JID of a user";
    if (service_find(jid.domain, &host)) /* or two rooms would talk with each other for ever */
        return "a room cannot be in a room";
    out->bare = jid.bare;
    return NULL;
}

const char *muc_light_read_users(struct change *change, const struct element *parent)
{
    struct arena *arena = &change->acc->arena;
    const char *wrong = NULL;
    size_t count = 0;
    for (struct element *user = element_first(parent); user; user = element_next(user))
        count++;
    struct store_occupant *all = arena_zero(arena, (change->asked_count + count + 1) * sizeof *all);
    if (change->asked_count)
        memcpy(all, change->asked, change->asked_count * sizeof *all);
    change->asked = all;
    for (struct element *user = element_first(parent); user && !wrong; user = element_next(user))
        wrong = read_user(arena, user, &all[change->asked_count++]);
    return wrong;
}

static bool is_own_leave(const struct acc *acc, const struct change *change)
{
    return change->asked_count == 1 && change->asked[0].affiliation == STORE_ROOM_NONE &&
           str_eq(change->asked[0].bare, acc->from.bare);
}

/* Members leave, and bring others if that is allowed; they change nobody who is there. */
static bool may_affiliate(const struct acc *acc, const struct change *change)
{
    if (affiliation_of(acc, change->room) == STORE_ROOM_OWNER || is_own_leave(acc, change))
        return true;
    bool invites = muc_light_conf(acc)->all_can_invite;
    for (size_t i = 0; i < change->asked_count; i++)
        invites = invites && change->asked[i].affiliation == STORE_ROOM_MEMBER &&
                  room_affiliation(change->room->state, change->asked[i].bare) != STORE_ROOM_OWNER;
    return invites;
}

static enum verdict set_affiliations(struct acc *acc, struct room *room)
{
    struct change *change = muc_light_change_new(acc, room);
    const char *wrong = muc_light_read_users(change, payload_of(acc));
    if (!wrong && change->asked_count == 0)
        wrong = "there is nobody to change";
    if (wrong)
        return muc_light_refuse(acc, STANZA_BAD_REQUEST, wrong);
    if (!may_affiliate(acc, change))
        return muc_light_refuse(acc, STANZA_NOT_ALLOWED, NULL);
    return muc_light_affiliate(change);
}

static bool is_subject_only(const struct element *fields)
{
    const struct element *first = element_first(fields);
    return first && !element_next(first) && str_is(first->name, "subject");
}

static enum verdict set_configuration(struct acc *acc, struct room *room)
{
    const struct muc_light_conf *conf = muc_light_conf(acc);
    struct element *fields = element_first(acc->element);
    if (affiliation_of(acc, room) != STORE_ROOM_OWNER && !conf->all_can_configure &&
        !is_subject_only(fields))
        return muc_light_refuse(acc, STANZA_NOT_ALLOWED, NULL);
    const char *wrong = room_schema_check(&acc->arena, &conf->schema, fields);
    if (!wrong && !element_first(fields))
        wrong = "there is nothing to configure";
    if (wrong)
        return muc_light_refuse(acc, STANZA_BAD_REQUEST, wrong);
    struct change *change = muc_light_change_new(acc, room);
    change->fields = fields;
    change->config = room_schema_merge(&acc->arena, &conf->schema, room->state->config, fields);
    return muc_light_configure(change);
}

static enum verdict set_destroy(struct acc *acc, struct room *room)
{
    if (affiliation_of(acc, room) != STORE_ROOM_OWNER)
        return muc_light_refuse(acc, STANZA_NOT_ALLOWED, NULL);
    return muc_light_destroy(acc, room);
}

/* The creator is the owner, unless somebody else is named, or all are equal. */
static const char *add_creator(struct change *change, const struct muc_light_conf *conf)
{
    struct store_occupant *creator = &change->asked[0];
    size_t owners = 0;
    for (size_t i = 1; i < change->asked_count; i++) {
        owners += change->asked[i].affiliation == STORE_ROOM_OWNER;
        if (change->asked[i].affiliation == STORE_ROOM_NONE)
            return "nobody can leave a room that is not there";
        if (str_eq(change->asked[i].bare, creator->bare))
            return "who creates a room is in it anyway";
    }
    if (owners && conf->equal_occupants)
        return "Ownerless room";
    if (owners > 1 && !conf->allow_multiple_owners)
        return "There can be only one owner";
    bool owns = !conf->equal_occupants && (!owners || conf->allow_multiple_owners);
    creator->affiliation = owns ? STORE_ROOM_OWNER : STORE_ROOM_MEMBER;
    return NULL;
}

static const char *read_create(struct change *change, const struct muc_light_conf *conf)
{
    const struct element *query = payload_of(change->acc);
    struct element *config = element_child(query, query->ns, "configuration");
    const struct element *occupants = element_child(query, query->ns, "occupants");
    const char *wrong =
        config ? room_schema_check(&change->acc->arena, &conf->schema, config) : NULL;
    if (!wrong && occupants)
        wrong = muc_light_read_users(change, occupants);
    if (!wrong)
        wrong = add_creator(change, conf);
    if (!wrong)
        change->config = room_schema_merge(&change->acc->arena, &conf->schema, STR(""), config);
    return wrong;
}

static enum verdict set_create(struct acc *acc, struct room *room)
{
    if (room->state)
        return muc_light_refuse(acc, STANZA_CONFLICT, "Room already exists");
    struct change *change = muc_light_change_new(acc, room);
    change->creates = true;
    change->asked = arena_zero(&acc->arena, sizeof *change->asked);
    change->asked[0].bare = acc->from.bare;
    change->asked_count = 1;
    const char *wrong = read_create(change, muc_light_conf(acc));
    return wrong ? muc_light_refuse(acc, STANZA_BAD_REQUEST, wrong) : muc_light_create(change);
}

static enum verdict get_disco(struct acc *acc, struct room *room)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    (void)room;
    muc_light_add_info(acc, element_add(&acc->arena, result, NS_DISCO_INFO, "query"));
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* --- Which is which --- */

static const struct request {
    enum ns ns;
    enum stanza_type type;
    bool anybody; /* else occupants */
    enum verdict (*run)(struct acc *acc, struct room *room);
} requests[] = {
    {NS_MUC_LIGHT_CONFIGURATION, TYPE_GET, false, get_configuration},
    {NS_MUC_LIGHT_AFFILIATIONS, TYPE_GET, false, get_affiliations},
    {NS_MUC_LIGHT_INFO, TYPE_GET, false, get_info},
    {NS_MUC_LIGHT_CONFIGURATION, TYPE_SET, false, set_configuration},
    {NS_MUC_LIGHT_AFFILIATIONS, TYPE_SET, false, set_affiliations},
    {NS_MUC_LIGHT_CREATE, TYPE_SET, true, set_create},
    {NS_MUC_LIGHT_DESTROY, TYPE_SET, false, set_destroy},
    {NS_DISCO_INFO, TYPE_GET, true, get_disco},
};

static const struct request *request_of(const struct acc *acc)
{
    const struct element *payload = payload_of(acc);
    for (size_t i = 0; payload && i < COUNT_OF(requests); i++)
        if (requests[i].type == acc->type && element_is(payload, requests[i].ns, "query"))
            return &requests[i];
    return NULL;
}

/* The archive is another module's, which answers whom we let pass. */
static bool is_of_archive(const struct acc *acc)
{
    const struct element *payload = payload_of(acc);
    return payload && payload->ns == NS_MAM;
}

static enum verdict on_request(struct acc *acc, struct room *room)
{
    const struct request *request = request_of(acc);
    bool is_occupant = affiliation_of(acc, room) != STORE_ROOM_NONE;
    if (!request && !is_of_archive(acc))
        return muc_light_refuse(acc, STANZA_BAD_REQUEST, "a room does not understand this");
    if (!is_occupant && !(request && request->anybody))
        return muc_light_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    acc->occupant = is_occupant;
    return request ? request->run(acc, room) : HOOK_OK;
}

enum verdict muc_light_handle(struct acc *acc, struct room *room)
{
    if (room->err)
        return muc_light_refuse(acc, STANZA_RESOURCE_CONSTRAINT, "the room cannot be read now");
    return acc->kind == STANZA_MESSAGE ? on_message(acc, room) : on_request(acc, room);
}
