/* Rosters and privacy lists. */
#include "accounts.h"
#include "mim.h"
#include "privacy_list.h"

#define OF_DOMAINS(server) server " = ANY (string_to_array($1::text, ','))"

enum { STATUS_MAX = 1500 }; /* bytes of the words in a request that are kept */

/* --- Rosters: rows of a user come together --- */

static struct store_op *roster; /* of the user whose rows come */
static size_t roster_room;

static void on_roster(struct store_op *op)
{
    struct mim *mim = op->owner;
    struct mim_table *table = &mim->tables[MIM_ROSTERS];
    if (!mim_answered(mim, op))
        return;
    if (!op->outcome) {
        table->imported += op->roster.added;
        table->present += op->roster.count - op->roster.added;
        return;
    }
    table->refused += op->roster.count - 1;
    mim_refuse(mim, table, op->roster.user, account_why(op->outcome));
}

static void end_roster(struct mim *mim)
{
    if (roster)
        mim_ask(mim, roster, MIM_WINDOW);
    roster = NULL;
    roster_room = 0;
}

/* The array doubles; what it leaves behind goes with the operation. */
static struct store_roster_item *next_item(void)
{
    if (roster->roster.count == roster_room) {
        roster_room = roster_room ? roster_room * 2 : 16;
        struct store_roster_item *more = arena_zero(&roster->arena, roster_room * sizeof *more);
        if (roster->roster.count)
            memcpy(more, roster->roster.items, roster->roster.count * sizeof *more);
        roster->roster.items = more;
    }
    return &roster->roster.items[roster->roster.count++];
}

static unsigned flags_of(struct str subscription, struct str ask)
{
    unsigned flags = 0;
    if (str_is(subscription, "B") || str_is(subscription, "T"))
        flags |= ROSTER_TO;
    if (str_is(subscription, "B") || str_is(subscription, "F"))
        flags |= ROSTER_FROM;
    if (str_is(ask, "O") || str_is(ask, "B") || str_is(ask, "S"))
        flags |= ROSTER_ASK;
    if (str_is(ask, "I") || str_is(ask, "B"))
        flags |= ROSTER_ASKED;
    return flags == ROSTER_ASKED ? flags
                                 : flags | ROSTER_LISTED; /* a stranger's request is no item */
}

static struct str request_of(struct arena *arena, const struct jid *owner,
                             const struct jid *contact, struct str words)
{
    struct element *presence = element_new(arena, NS_CLIENT, "presence");
    struct buf xml = {0};
    element_set(arena, presence, "from", contact->bare);
    element_set(arena, presence, "to", owner->bare);
    element_set(arena, presence, "type", STR("subscribe"));
    if (words.len && words.len <= STATUS_MAX)
        element_add_text(arena, element_add(arena, presence, NS_CLIENT, "status"), words);
    element_write(&xml, presence, NS_CLIENT);
    struct str text = arena_str(arena, buf_str(&xml));
    buf_fini(&xml);
    return text;
}

static void put_item(struct mim *mim, const struct jid *owner, const struct jid *contact,
                     const struct mim_row *row)
{
    if (roster &&
        !(str_eq(roster->roster.user, owner->user) && str_eq(roster->roster.domain, owner->domain)))
        end_roster(mim);
    if (!roster) {
        roster = store_op_new(STORE_ROSTER_IMPORT, on_roster, mim);
        roster->roster.user = arena_str(&roster->arena, owner->user);
        roster->roster.domain = arena_str(&roster->arena, owner->domain);
    }
    struct store_roster_item *item = next_item();
    struct arena *arena = &roster->arena;
    item->contact = arena_str(arena, contact->bare);
    item->name = arena_str(arena, mim_text(row, 3));
    item->flags = flags_of(mim_text(row, 4), mim_text(row, 5));
    item->groups = arena_str(arena, mim_text(row, 7));
    if (item->flags & ROSTER_ASKED)
        item->request = request_of(arena, owner, contact, mim_text(row, 6));
}

static void take_contact(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid owner, contact;
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &owner);
    if (!why && jid_parse(arena, mim_text(row, 2), &contact))
        why = "the contact is not a JID";
    if (why)
        mim_refuse(mim, mim->table,
                   arena_format(arena, "%.*s, contact %.*s", STR_ARG(mim_text(row, 0)),
                                STR_ARG(mim_text(row, 2))),
                   why);
    else if (!mim->dry_run)
        put_item(mim, &owner, &contact, row);
}

void mim_rosters(struct mim *mim)
{
    mim_each(
        mim, MIM_ROSTERS, "SELECT count(*) FROM rosterusers WHERE " OF_DOMAINS("server"),
        "SELECT r.username, r.server, r.jid, r.nick, r.subscription::text, r.ask::text,"
        " r.askmessage, coalesce((SELECT string_agg(DISTINCT translate(g.grp, E'\\n', ' '),"
        "  E'\\n') FROM rostergroups g WHERE g.server = r.server AND g.username = r.username"
        "  AND g.jid = r.jid AND g.grp <> ''), '')"
        " FROM rosterusers r WHERE " OF_DOMAINS("r.server") " ORDER BY r.server, r.username, r.jid",
        take_contact);
    end_roster(mim);
    mim_wait(mim);
}

/* --- Privacy lists: a row for each item, rows of a list come together --- */

struct privacy_reading {
    struct arena arena;
    struct jid owner; /* empty: there is no list */
    struct str name;
    struct buf items;
    const char *why; /* it cannot be imported */
    bool is_default;
};

static struct privacy_reading reading;

/* In the arena of `add`. */
struct privacy_adding {
    struct mim *mim;
    struct store_op *add;
    bool is_default;
};

static struct store_op *list_op(enum store_kind kind, const struct jid *owner, struct str name)
{
    struct store_op *op = store_op_new(kind, NULL, NULL);
    op->privacy.user = arena_str(&op->arena, owner->user);
    op->privacy.domain = arena_str(&op->arena, owner->domain);
    op->privacy.lists = arena_zero(&op->arena, sizeof *op->privacy.lists);
    op->privacy.lists[0].name = arena_str(&op->arena, name);
    op->privacy.count = 1;
    return op;
}

static void refuse_list(struct mim *mim, const struct store_op *op)
{
    mim_refuse(mim, &mim->tables[MIM_PRIVACY], op->privacy.user, account_why(op->outcome));
}

static void on_default(struct store_op *op)
{
    struct mim *mim = op->owner;
    if (mim_answered(mim, op) && op->outcome)
        mim_fail(mim, "a default privacy list: %s", account_why(op->outcome));
}

static void make_default(struct mim *mim, const struct store_op *op)
{
    struct jid owner = {.user = op->privacy.user, .domain = op->privacy.domain};
    struct store_op *set = list_op(STORE_PRIVACY_DEFAULT, &owner, op->privacy.lists[0].name);
    set->done = on_default;
    set->owner = mim;
    mim_ask_now(mim, set);
}

static void on_list_added(struct store_op *op)
{
    struct privacy_adding *adding = op->owner;
    struct mim *mim = adding->mim;
    if (!mim_answered(mim, op))
        return;
    if (op->outcome) {
        refuse_list(mim, op);
        return;
    }
    mim->tables[MIM_PRIVACY].imported++;
    if (adding->is_default)
        make_default(mim, op);
}

/* A default that is there stays. */
static void on_lists(struct store_op *op)
{
    struct privacy_adding *adding = op->owner;
    struct mim *mim = adding->mim;
    bool found = false, answered = mim_answered(mim, op);
    for (size_t i = 0; answered && !op->outcome && i < op->privacy.count; i++) {
        found |= str_eq(op->privacy.lists[i].name, adding->add->privacy.lists[0].name);
        adding->is_default &= !op->privacy.lists[i].is_default;
    }
    if (answered && !op->outcome && !found) {
        mim_ask_now(mim, adding->add);
        return;
    }
    if (answered && op->outcome)
        refuse_list(mim, op);
    mim->tables[MIM_PRIVACY].present += found;
    store_revoke(adding->add);
}

static void put_list(struct mim *mim)
{
    struct store_op *add = list_op(STORE_PRIVACY_SET, &reading.owner, reading.name);
    struct store_op *look = list_op(STORE_PRIVACY_GET, &reading.owner, STR(""));
    struct privacy_adding *adding = arena_zero(&add->arena, sizeof *adding);
    *adding = (struct privacy_adding){mim, add, reading.is_default};
    add->privacy.lists[0].items = arena_str(&add->arena, buf_str(&reading.items));
    add->done = on_list_added;
    look->done = on_lists;
    add->owner = look->owner = adding;
    mim_ask(mim, look, MIM_WINDOW);
}

static void end_list(struct mim *mim)
{
    if (reading.owner.user.len) {
        mim->table->read++;
        if (reading.why)
            mim_refuse(mim, mim->table,
                       arena_format(&reading.arena, "%.*s, list %.*s", STR_ARG(reading.owner.bare),
                                    STR_ARG(reading.name)),
                       reading.why);
        else if (!mim->dry_run)
            put_list(mim);
    }
    buf_fini(&reading.items);
    arena_fini(&reading.arena);
    reading = (struct privacy_reading){0};
}

static unsigned kinds_of(const struct mim_row *row)
{
    static const unsigned kinds[] = {PRIVACY_ALL, PRIVACY_IQ, PRIVACY_MESSAGE, PRIVACY_PRESENCE_IN,
                                     PRIVACY_PRESENCE_OUT};
    unsigned all = 0;
    for (int i = 0; i < (int)COUNT_OF(kinds); i++)
        all |= mim_int(row, 8 + i) ? kinds[i] : 0;
    return all;
}

static bool read_type(struct str text, enum privacy_type *type)
{
    static const char letters[] = "njgs";
    static const enum privacy_type types[] = {PRIVACY_ANYBODY, PRIVACY_JID, PRIVACY_GROUP,
                                              PRIVACY_SUBSCRIPTION};
    const char *at = text.len == 1 ? strchr(letters, text.at[0]) : NULL;
    if (!at || !*at)
        return false;
    *type = types[at - letters];
    return true;
}

static const char *read_value(struct privacy_item *item, struct str text)
{
    struct jid jid;
    item->value = text;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\t' || text.at[i] == '\n')
            return "an item has a line end or a tab";
    if (item->type != PRIVACY_JID)
        return NULL;
    if (jid_parse(&reading.arena, text, &jid))
        return "an item is not a JID";
    item->value = jid.full;
    return NULL;
}

/* MongooseIM keeps what the blocking command has made as an action of its own, `b`. */
static const char *take_item(const struct mim_row *row)
{
    struct privacy_item item = {.kinds = kinds_of(row)};
    int64_t order = mim_int(row, 4);
    struct str action = mim_text(row, 7);
    if (order < 0 || !item.kinds || !read_type(mim_text(row, 5), &item.type) || !action.len)
        return "an item is not as MongooseIM writes them";
    item.order = (uint32_t)order;
    item.denies = !str_is(action, "a");
    const char *why = read_value(&item, mim_text(row, 6));
    if (!why)
        privacy_write(&reading.items, &item);
    return why;
}

static void take_privacy(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid owner;
    struct str name = mim_text(row, 2);
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &owner);
    if (why) {
        mim->table->read++;
        mim_refuse(mim, mim->table, mim_text(row, 0), why);
        return;
    }
    if (!str_eq(owner.bare, reading.owner.bare) || !str_eq(name, reading.name)) {
        end_list(mim);
        jid_make(&reading.arena, owner.user, owner.domain, STR(""), &reading.owner);
        reading.name = arena_str(&reading.arena, name);
        reading.is_default = mim_int(row, 3) != 0;
        if (name.len == 0)
            reading.why = "it has no name";
    }
    if (!reading.why && mim_text(row, 5).at)
        reading.why = take_item(row);
}

void mim_privacy(struct mim *mim)
{
    mim_each(mim, MIM_PRIVACY, "SELECT count(*) FROM privacy_list WHERE " OF_DOMAINS("server"),
             "SELECT l.username, l.server, l.name, coalesce(p.name = l.name, false)::int,"
             " coalesce(d.ord, 0)::bigint, d.t::text, d.value, d.action::text,"
             " d.match_all::int, d.match_iq::int, d.match_message::int,"
             " d.match_presence_in::int, d.match_presence_out::int"
             " FROM privacy_list l LEFT JOIN privacy_default_list p"
             "  ON p.server = l.server AND p.username = l.username"
             " LEFT JOIN privacy_list_data d ON d.id = l.id"
             " WHERE " OF_DOMAINS("l.server") " ORDER BY l.server, l.username, l.name, d.ord",
             take_privacy);
    end_list(mim);
    mim_wait(mim);
}
