/* What pages of both protocols share: XEP-0059, forwarded messages. */
#include "inbox.h"

enum { PAGE_BYTES = 1048576 }; /* of messages; a slow reader can still take that */

/* --- Asking --- */

struct inbox_reading inbox_read(struct acc *acc)
{
    struct store_op *op = store_op_new(STORE_INBOX_PAGE, NULL, NULL);
    struct store_inbox_page *page = &op->inbox_page;
    page->owner = arena_str(&op->arena, acc->from.bare);
    page->below.us = UINT64_MAX;
    page->descending = true;
    page->bodies = true;
    return (struct inbox_reading){.acc = acc, .op = op, .page = page};
}

void inbox_wrong(struct inbox_reading *reading, enum stanza_error error, const char *text)
{
    if (reading->text)
        return;
    reading->error = error;
    reading->text = text;
}

static struct str child_text(struct inbox_reading *reading, const struct element *set,
                             const char *name)
{
    const struct element *child = set ? element_child(set, NS_RSM, name) : NULL;
    return child ? str_trim(element_text(&reading->acc->arena, child)) : (struct str){NULL, 0};
}

static void read_max(struct inbox_reading *reading, const struct element *set)
{
    const struct inbox_conf *conf = module_conf(reading->acc->host, &module_inbox);
    struct str text = child_text(reading, set, "max");
    uint64_t max = conf->max_result_limit;
    if (text.at && !text_u64(text, 0, UINT32_MAX, &max))
        inbox_wrong(reading, STANZA_BAD_REQUEST, "`max` is not a number");
    reading->page->limit = max < conf->max_result_limit ? max : conf->max_result_limit;
}

/* "µs/base64 of the bare JID", as MongooseIM has it. */
static bool parse_place(struct arena *arena, struct str text, struct store_inbox_place *place)
{
    struct str coded, us = str_cut(text, '/', &coded);
    char *bare = arena_take(arena, BASE64_MAX(coded.len) + 1);
    size_t len = 0;
    struct jid jid;
    if (!text_u64(us, 0, UINT64_MAX, &place->us) || base64_decode(coded, (uint8_t *)bare, &len) ||
        jid_parse(arena, (struct str){bare, len}, &jid))
        return false;
    place->peer = jid.bare;
    return true;
}

static struct str place_text(struct arena *arena, const struct store_inbox_entry *entry)
{
    size_t room = BASE64_LEN(entry->peer.len);
    char *coded = arena_take(arena, room + 1);
    base64_encode(entry->peer.at, entry->peer.len, coded);
    return arena_format(arena, "%llu/%.*s", (unsigned long long)stanza_id_us(entry->last),
                        (int)room, coded);
}

static void read_place(struct inbox_reading *reading, const struct element *set, const char *name,
                       struct store_inbox_place *place)
{
    struct str text = child_text(reading, set, name);
    if (text.len && !parse_place(&reading->op->arena, text, place))
        inbox_wrong(reading, STANZA_BAD_REQUEST,
                    arena_format(&reading->acc->arena, "`%s` is no place in an inbox", name).at);
}

void inbox_read_set(struct inbox_reading *reading, const struct element *query)
{
    const struct element *set = element_child(query, NS_RSM, "set");
    struct store_inbox_page *page = reading->page;
    read_max(reading, set);
    if (!set)
        return;
    if (element_child(set, NS_RSM, "index"))
        inbox_wrong(reading, STANZA_FEATURE_NOT_IMPLEMENTED, "pages have no index");
    read_place(reading, set, "after", page->descending ? &page->below : &page->above);
    read_place(reading, set, "before", page->descending ? &page->above : &page->below);
    page->backwards = element_child(set, NS_RSM, "before") != NULL;
}

enum verdict inbox_ask(struct inbox_reading *reading, struct session *session, hook_fn *on_page)
{
    if (!reading->text)
        return acc_park_store(reading->acc, session, on_page, reading->op);
    store_revoke(reading->op);
    effect_error(reading->acc, reading->error, reading->text);
    return HOOK_STOP;
}

/* --- Answering --- */

/* The first is always told, or nobody would get past it. */
void inbox_cut(struct store_inbox_page *page)
{
    size_t count = 0, len = 0;
    for (; count < page->count; count++) {
        len += page->items[page->backwards ? page->count - 1 - count : count].body.len;
        if (count && len > PAGE_BYTES)
            break;
    }
    if (count == page->count)
        return;
    if (page->backwards)
        page->items += page->count - count;
    page->count = count;
    page->more = true;
}

void inbox_add_text(struct acc *acc, struct element *parent, enum ns ns, const char *name,
                    struct str text)
{
    element_add_text(&acc->arena, element_add(&acc->arena, parent, ns, name), text);
}

void inbox_add_number(struct acc *acc, struct element *parent, const char *name, uint64_t number)
{
    struct str text = arena_format(&acc->arena, "%llu", (unsigned long long)number);
    inbox_add_text(acc, parent, parent->ns, name, text);
}

void inbox_add_set(struct acc *acc, struct element *fin, const struct store_inbox_page *page)
{
    struct element *set = element_add(&acc->arena, fin, NS_RSM, "set");
    if (page->count) {
        const struct store_inbox_entry *last = &page->items[page->count - 1];
        inbox_add_text(acc, set, NS_RSM, "first", place_text(&acc->arena, &page->items[0]));
        inbox_add_text(acc, set, NS_RSM, "last", place_text(&acc->arena, last));
    }
    inbox_add_number(acc, set, "count", page->total);
}

static struct str stamp_of(struct arena *arena, uint64_t unix_us)
{
    char stamp[TEXT_TIME_ROOM];
    size_t len = text_time(stamp, unix_us);
    return arena_str(arena, (struct str){stamp, len});
}

void inbox_add_forwarded(struct acc *acc, struct element *parent,
                         const struct store_inbox_entry *entry)
{
    struct element *forwarded = element_add(&acc->arena, parent, NS_FORWARD, "forwarded");
    struct element *delay = element_add(&acc->arena, forwarded, NS_DELAY, "delay");
    element_set(&acc->arena, delay, "stamp", stamp_of(&acc->arena, stanza_id_us(entry->last)));
    struct element *message = entry->body.len ? acc_parse(acc, entry->body) : NULL;
    if (message)
        element_push(forwarded, message);
}

void inbox_add_properties(struct acc *acc, struct element *parent, enum ns ns,
                          const struct store_inbox_entry *entry)
{
    bool archived = str_is(entry->box, STORE_BOX_ARCHIVE);
    bool muted = entry->muted_until_us > acc->stamp_us;
    inbox_add_text(acc, parent, ns, "box", entry->box);
    inbox_add_text(acc, parent, ns, "archive", archived ? STR("true") : STR("false"));
    inbox_add_text(acc, parent, ns, "mute",
                   muted ? stamp_of(&acc->arena, entry->muted_until_us) : STR("0"));
    inbox_add_text(acc, parent, ns, "read", entry->unread ? STR("false") : STR("true"));
}

struct element *inbox_message(struct acc *acc)
{
    struct element *message = element_new(&acc->arena, NS_CLIENT, "message");
    element_set(&acc->arena, message, "from", acc->from.bare);
    element_set(&acc->arena, message, "to", acc->from.full);
    return message;
}
