#include "mim_message.h"

#include "map.h"

#include <stdio.h>

enum { ID_NODE_BITS = 8 };

/* What is known of a row while it is read. */
struct reading {
    struct mim_message *out;
    struct arena *arena;
    struct element *stanza;
    struct jid owner, remote, source; /* source: whose address the stanza is given out with */
    struct str remote_resource;
};

static bool is_whole(enum mim_format format, struct str bare)
{
    return format == MIM_WHOLE || (bare.len && memchr(bare.at, '@', bare.len));
}

static const char *read_parties(struct reading *reading, enum mim_format format,
                                const struct mim_row *row)
{
    struct str bare = mim_text(row, 3), source = mim_text(row, 2);
    if (is_whole(format, bare))
        format = MIM_WHOLE;
    if (mim_jid_read(reading->arena, format, &reading->owner, bare, &reading->remote))
        return "the peer is not a JID";
    if (mim_jid_read(reading->arena, format, &reading->owner, source, &reading->source))
        return "the sender is not a JID";
    reading->remote_resource = arena_str(reading->arena, mim_text(row, 4));
    return NULL;
}

/* --- The stanza --- */

static void strip_ids(struct element *stanza, struct str by)
{
    struct element *next;
    for (struct element *child = element_first(stanza); child; child = next) {
        next = element_next(child);
        if (element_is(child, NS_SID, "stanza-id") && str_eq(element_attr(child, "by"), by))
            element_drop(stanza, child);
    }
}

/* What the server adds on the way is left out: it is in one of the two rows only. */
static uint64_t signature_of(const struct element *stanza)
{
    struct buf text = {0};
    buf_format(&text, "%.*s\n%.*s\n", STR_ARG(element_attr(stanza, "id")),
               STR_ARG(element_attr(stanza, "type")));
    for (struct element *child = element_first(stanza); child; child = element_next(child))
        if (!element_is(child, NS_SID, "stanza-id"))
            element_write(&text, child, NS_CLIENT);
    uint64_t signature = map_hash(buf_str(&text));
    buf_fini(&text);
    return signature;
}

/* The id cannot tell when it was. */
static void add_delay(struct reading *reading)
{
    char stamp[TEXT_TIME_ROOM];
    struct element *delay = element_add(reading->arena, reading->stanza, NS_DELAY, "delay");
    text_time(stamp, reading->out->unix_us);
    element_set(reading->arena, delay, "from", reading->owner.domain);
    element_set(reading->arena, delay, "stamp", arena_str(reading->arena, str_of(stamp)));
}

static struct str as_text(struct arena *arena, const struct element *stanza)
{
    struct buf xml = {0};
    element_write(&xml, stanza, NS_CLIENT);
    struct str text = arena_str(arena, buf_str(&xml));
    buf_fini(&xml);
    return text;
}

/* As the archive gives it out there: `from` is what the row says, `to` what the stanza does. */
static void address(struct reading *reading, struct str recipient, struct jid *to)
{
    struct str said = element_attr(reading->stanza, "to");
    element_set(reading->arena, reading->stanza, "from", reading->source.full);
    if (!said.at || jid_parse(reading->arena, said, to)) {
        element_set(reading->arena, reading->stanza, "to", recipient);
        jid_make(reading->arena, STR(""), STR("x"), STR(""), to);
    }
}

static bool counts(const struct element *stanza)
{
    return element_child(stanza, NS_CLIENT, "body") || element_child(stanza, NS_HINTS, "store");
}

static void fill(struct reading *reading)
{
    struct store_message *message = &reading->out->message;
    struct jid to;
    bool outgoing = reading->out->outgoing;
    message->sender = outgoing ? reading->owner.bare : reading->remote.bare;
    message->recipient = outgoing ? reading->remote.bare : reading->owner.bare;
    address(reading, message->recipient, &to);
    bool has_source = str_eq(reading->source.bare, message->sender);
    message->sender_resource = has_source ? reading->source.resource : STR("");
    message->recipient_resource = str_eq(to.bare, message->recipient) ? to.resource : STR("");
    if (outgoing)
        message->recipient_resource = reading->remote_resource;
    strip_ids(reading->stanza, message->sender);
    strip_ids(reading->stanza, message->recipient);
    reading->out->signature = signature_of(reading->stanza);
    if (mim_is_older(reading->out->unix_us))
        add_delay(reading);
    message->body = as_text(reading->arena, reading->stanza);
    const struct element *text = element_child(reading->stanza, NS_CLIENT, "body");
    if (text)
        message->text = element_text(reading->arena, text);
    message->client_id = arena_str(reading->arena, element_attr(reading->stanza, "id"));
    if (counts(reading->stanza) && !str_eq(message->sender, message->recipient))
        message->inbox = STORE_INBOX_UNREAD; /* and no inbox: those are imported as they are */
}

static const char *read_row(struct mim *mim, struct reading *reading, enum mim_format format,
                            const struct mim_row *row)
{
    struct mim_message *out = reading->out;
    int64_t id = mim_int(row, 0);
    const char *why = read_parties(reading, format, row);
    if (why)
        return why;
    if (id <= 0)
        return "its id is none";
    out->source_id = (uint64_t)id;
    out->unix_us = out->source_id >> ID_NODE_BITS;
    out->message.id = mim_id(out->unix_us, out->source_id % MIM_NODES);
    out->outgoing = str_is(mim_text(row, 1), "O");
    out->side = (int)mim_int(row, 6);
    reading->stanza = mim_stanza(mim, reading->arena, mim_text(row, 5));
    if (!reading->stanza || !element_is(reading->stanza, NS_CLIENT, "message"))
        return "it is not a message as MongooseIM writes them, or too large";
    fill(reading);
    return NULL;
}

static struct mim_message *message_new(void)
{
    struct arena arena;
    arena_init(&arena);
    struct mim_message *message = arena_zero(&arena, sizeof *message);
    message->arena = arena;
    return message;
}

void mim_message_free(struct mim_message *message)
{
    struct arena arena = message->arena; /* it holds the message as well */
    arena_fini(&arena);
}

static void refuse(struct mim *mim, const struct jid *owner, int64_t id, const char *why)
{
    char key[1200];
    snprintf(key, sizeof key, "%.*s, id %lld", STR_ARG(owner->bare), (long long)id);
    mim_refuse(mim, &mim->tables[MIM_MESSAGES], str_of(key), why);
}

struct mim_message *mim_message_read(struct mim *mim, enum mim_format format,
                                     const struct jid *owner, const struct mim_row *row)
{
    struct mim_message *out = message_new();
    struct reading reading = {.out = out, .arena = &out->arena};
    jid_make(reading.arena, owner->user, owner->domain, STR(""), &reading.owner);
    const char *why = read_row(mim, &reading, format, row);
    if (!why)
        return out;
    refuse(mim, owner, mim_int(row, 0), why);
    mim_message_free(out);
    return NULL;
}
