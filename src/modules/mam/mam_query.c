/* Queries of an archive: XEP-0313 sections 4.1 to 4.4, XEP-0059. */
#include "mam.h"

#include <stdlib.h>

enum { IDS_MAX = 500 };

/* A query while it is read; with `text` it is wrong. */
struct reading {
    struct acc *acc;
    struct store_op *op;
    struct store_mam_page *page;
    uint64_t *ids; /* room for IDS_MAX + 4 */
    enum stanza_error error;
    const char *text;
};

/* --- The form: 4.1.1 to 4.1.4 --- */

static void fail(struct reading *reading, enum stanza_error error, const char *text)
{
    if (reading->text)
        return;
    reading->error = error;
    reading->text = text;
}

/* An id that must be in the archive; what is none of ours cannot be. */
static uint64_t need_id(struct reading *reading, struct str text)
{
    uint64_t id = 0;
    if (reading->page->id_count >= IDS_MAX + 4)
        fail(reading, STANZA_BAD_REQUEST, "too many ids");
    else if (!stanza_id_parse(text, &id))
        fail(reading, STANZA_ITEM_NOT_FOUND, "there is no such id in this archive");
    else
        reading->ids[reading->page->id_count++] = id;
    return id;
}

static void read_with(struct reading *reading, struct str value)
{
    struct jid jid;
    if (jid_parse(&reading->op->arena, value, &jid)) {
        fail(reading, STANZA_BAD_REQUEST, "`with` is not an address");
        return;
    }
    reading->page->with = jid.bare;
    reading->page->with_resource = jid.resource;
}

static void read_start(struct reading *reading, struct str value)
{
    uint64_t us;
    if (!text_time_parse(value, &us))
        fail(reading, STANZA_BAD_REQUEST, "`start` is not a date and time");
    else if (stanza_id_at(us) > reading->page->from + 1)
        reading->page->from = stanza_id_at(us) - 1;
}

/* Stamps are told to the millisecond: all of the last one is meant. */
static void read_end(struct reading *reading, struct str value)
{
    uint64_t us;
    if (!text_time_parse(value, &us)) {
        fail(reading, STANZA_BAD_REQUEST, "`end` is not a date and time");
        return;
    }
    uint64_t to = stanza_id_at(us / 1000 * 1000 + 1000);
    if (to < reading->page->to)
        reading->page->to = to;
}

static void read_after_id(struct reading *reading, struct str value)
{
    uint64_t id = need_id(reading, value);
    if (id > reading->page->from)
        reading->page->from = id;
}

static void read_before_id(struct reading *reading, struct str value)
{
    uint64_t id = need_id(reading, value);
    if (id && id < reading->page->to)
        reading->page->to = id;
}

static void read_ids(struct reading *reading, struct str value)
{
    reading->page->only_ids = true;
    need_id(reading, value);
}

static void read_text(struct reading *reading, struct str value)
{
    reading->page->text = arena_str(&reading->op->arena, str_trim(value));
}

static const struct {
    const char *var, *type;
    void (*read)(struct reading *reading, struct str value);
    bool (*offered)(void); /* or NULL: always */
} fields[] = {
    {"with", "jid-single", read_with, NULL},
    {"start", "text-single", read_start, NULL},
    {"end", "text-single", read_end, NULL},
    {"before-id", "text-single", read_before_id, NULL},
    {"after-id", "text-single", read_after_id, NULL},
    {"ids", "list-multi", read_ids, NULL},
    {"{urn:xmpp:fulltext:0}fulltext", "text-single", read_text, store_searches},
};

static bool is_offered(size_t field)
{
    return !fields[field].offered || fields[field].offered();
}

static void read_field(struct reading *reading, const struct element *field)
{
    struct str var = element_attr(field, "var");
    struct arena *arena = &reading->acc->arena;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (!str_is(var, fields[i].var) || !is_offered(i))
            continue;
        for (struct element *value = element_first(field); value; value = element_next(value))
            if (element_is(value, NS_DATA, "value"))
                fields[i].read(reading, str_trim(element_text(arena, value)));
        return;
    }
    if (!str_is(var, "FORM_TYPE"))
        fail(reading, STANZA_FEATURE_NOT_IMPLEMENTED, "a field of the form is not known");
}

static void read_form(struct reading *reading, const struct element *query)
{
    const struct element *form = form_find(&reading->acc->arena, query, "urn:xmpp:mam:2");
    if (!form) {
        if (element_child(query, NS_DATA, "x"))
            fail(reading, STANZA_BAD_REQUEST, "a form is submitted with FORM_TYPE urn:xmpp:mam:2");
        return;
    }
    for (struct element *field = element_first(form); field; field = element_next(field))
        if (element_is(field, NS_DATA, "field"))
            read_field(reading, field);
}

/* --- The page: XEP-0059 --- */

static struct str child_text(struct reading *reading, const struct element *set, const char *name)
{
    const struct element *child = element_child(set, NS_RSM, name);
    return child ? str_trim(element_text(&reading->acc->arena, child)) : STR("");
}

static void read_max(struct reading *reading, const struct element *set)
{
    const struct mam_conf *conf = module_conf(reading->acc->host, &module_mam);
    uint64_t max = conf->default_result_limit;
    if (set && element_child(set, NS_RSM, "max") &&
        !text_u64(child_text(reading, set, "max"), 0, UINT32_MAX, &max))
        fail(reading, STANZA_BAD_REQUEST, "`max` is not a number");
    if (max > conf->max_result_limit)
        max = conf->max_result_limit;
    reading->page->limit = max;
    reading->page->counted = max == 0;
}

static void read_set(struct reading *reading, const struct element *query)
{
    const struct element *set = element_child(query, NS_RSM, "set");
    read_max(reading, set);
    if (!set)
        return;
    if (element_child(set, NS_RSM, "index"))
        fail(reading, STANZA_FEATURE_NOT_IMPLEMENTED, "pages are found by id, not by index");
    struct str after = child_text(reading, set, "after");
    struct str before = child_text(reading, set, "before");
    if (after.len)
        reading->page->after = need_id(reading, after);
    if (before.len)
        reading->page->before = need_id(reading, before);
    reading->page->backwards = element_child(set, NS_RSM, "before") != NULL;
}

static int by_number(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

/* The back end counts them: each once. */
static void sort_ids(struct store_mam_page *page, uint64_t *ids)
{
    size_t count = 0;
    qsort(ids, page->id_count, sizeof *ids, by_number);
    for (size_t i = 0; i < page->id_count; i++)
        if (!count || ids[count - 1] != ids[i])
            ids[count++] = ids[i];
    page->ids = ids;
    page->id_count = count;
}

static void read_query(struct reading *reading, const struct element *query)
{
    struct store_mam_page *page = reading->page;
    page->owner = arena_str(&reading->op->arena, mam_owner(reading->acc));
    page->to = page->before = STANZA_ID_MAX;
    reading->ids = arena_take(&reading->op->arena, (IDS_MAX + 4) * sizeof *reading->ids);
    read_form(reading, query);
    read_set(reading, query);
    sort_ids(page, reading->ids);
}

/* --- The answer --- */

static void add_text(struct arena *arena, struct element *parent, enum ns ns, const char *name,
                     struct str text)
{
    element_add_text(arena, element_add(arena, parent, ns, name), text);
}

static struct str stamp_of(struct arena *arena, uint64_t id)
{
    char stamp[TEXT_TIME_ROOM];
    size_t len = text_time(stamp, stanza_id_us(id));
    return arena_str(arena, (struct str){stamp, len});
}

static void send_item(struct acc *acc, const struct store_mam_item *item, struct str query_id)
{
    struct element *original = acc_parse(acc, item->body);
    if (!original) {
        LOG(LOG_ERROR, "archive_unreadable", LF_STR("owner", acc->from.bare));
        return;
    }
    struct element *message = element_new(&acc->arena, NS_CLIENT, "message");
    element_set(&acc->arena, message, "to", acc->from.full);
    element_set(&acc->arena, message, "from", mam_owner(acc));
    struct element *result = element_add(&acc->arena, message, NS_MAM, "result");
    if (query_id.at)
        element_set(&acc->arena, result, "queryid", query_id);
    element_set(&acc->arena, result, "id", stanza_id_text(&acc->arena, item->id));
    struct element *forwarded = element_add(&acc->arena, result, NS_FORWARD, "forwarded");
    struct element *delay = element_add(&acc->arena, forwarded, NS_DELAY, "delay");
    element_set(&acc->arena, delay, "stamp", stamp_of(&acc->arena, item->id));
    element_push(forwarded, original);
    if (acc->occupant)
        effect_route(acc, message)->for_resource = true;
    else
        effect_flush(acc, message);
    metric_count(&mam_forwarded);
}

static void send_items(struct acc *acc, const struct store_mam_page *page,
                       const struct element *query)
{
    struct str query_id = element_attr(query, "queryid");
    bool flip = element_child(query, NS_MAM, "flip-page") != NULL;
    for (size_t i = 0; i < page->count; i++)
        send_item(acc, &page->items[flip ? page->count - 1 - i : i], query_id);
}

/* A page that is empty because the set is says so with a count. */
static void add_set(struct acc *acc, struct element *fin, const struct store_mam_page *page)
{
    struct arena *arena = &acc->arena;
    struct element *set = element_add(arena, fin, NS_RSM, "set");
    bool whole = page->after == 0 && page->before == STANZA_ID_MAX;
    if (page->count) {
        const struct store_mam_item *items = page->items;
        add_text(arena, set, NS_RSM, "first", stanza_id_text(arena, items[0].id));
        add_text(arena, set, NS_RSM, "last", stanza_id_text(arena, items[page->count - 1].id));
    }
    unsigned long long total = page->total;
    if (page->counted)
        add_text(arena, set, NS_RSM, "count", arena_format(arena, "%llu", total));
    else if (!page->count && whole)
        add_text(arena, set, NS_RSM, "count", STR("0"));
}

static enum verdict on_page(struct acc *acc, struct session *session)
{
    (void)session;
    if (mam_failed(acc))
        return HOOK_STOP;
    const struct store_mam_page *page = &acc->answer->page;
    send_items(acc, page, element_first(acc->element));
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *fin = element_add(&acc->arena, result, NS_MAM, "fin");
    if (!page->more)
        element_set(&acc->arena, fin, "complete", STR("true"));
    add_set(acc, fin, page);
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* Each one is paid for with a share of a minute; two minutes' worth may be asked for at once.
 * Archives of rooms are elsewhere, and not counted. */
static bool may_look(const struct acc *acc, struct session *session)
{
    const struct mam_conf *conf = module_conf(acc->host, &module_mam);
    uint64_t now_us = shard_self->now_us, minute_us = 60000000;
    if (!session || !conf->lookups_per_minute)
        return true;
    struct mam_user *user = user_slot(session->user, &module_mam);
    if (user->lookups_until_us < now_us)
        user->lookups_until_us = now_us;
    uint64_t paid_us = user->lookups_until_us + minute_us / conf->lookups_per_minute;
    if (paid_us > now_us + 2 * minute_us)
        return false;
    user->lookups_until_us = paid_us;
    return true;
}

enum verdict mam_query(struct acc *acc, struct session *session)
{
    if (!mam_is_own(acc, session))
        return HOOK_STOP;
    if (!may_look(acc, session)) {
        effect_error(acc, STANZA_RESOURCE_CONSTRAINT, "too many queries; wait a minute");
        return HOOK_STOP;
    }
    metric_count(&mam_lookups);
    struct store_op *op = store_op_new(STORE_MAM_PAGE, NULL, NULL);
    struct reading reading = {.acc = acc, .op = op, .page = &op->page};
    read_query(&reading, element_first(acc->element));
    if (!reading.text)
        return acc_park_store(acc, session, on_page, op);
    store_revoke(op);
    effect_error(acc, reading.error, reading.text);
    return HOOK_STOP;
}

enum verdict mam_form(struct acc *acc, struct session *session)
{
    if (!mam_is_own(acc, session))
        return HOOK_STOP;
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_MAM, "query");
    struct element *form = form_new(&acc->arena, "form", "urn:xmpp:mam:2");
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (!is_offered(i))
            continue;
        struct element *field = form_field(&acc->arena, form, fields[i].var, fields[i].type, NULL,
                                           (struct str){NULL, 0});
        if (!str_is(str_of(fields[i].type), "list-multi"))
            continue; /* any value may be in such a list: XEP-0122 */
        struct element *validate = element_new_uri(
            &acc->arena, STR("http://jabber.org/protocol/xdata-validate"), STR("validate"));
        element_set(&acc->arena, validate, "datatype", STR("xs:string"));
        element_push(validate, element_new_uri(&acc->arena, validate->ns_uri, STR("open")));
        element_push(field, validate);
    }
    element_push(query, form);
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* --- Metadata: section 4.4 --- */

static void add_end(struct acc *acc, struct element *metadata, const char *name, uint64_t id)
{
    struct element *end = element_add(&acc->arena, metadata, NS_MAM, name);
    element_set(&acc->arena, end, "id", stanza_id_text(&acc->arena, id));
    element_set(&acc->arena, end, "timestamp", stamp_of(&acc->arena, id));
}

static enum verdict on_metadata(struct acc *acc, struct session *session)
{
    (void)session;
    if (mam_failed(acc))
        return HOOK_STOP;
    const struct store_mam_page *page = &acc->answer->page;
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *metadata = element_add(&acc->arena, result, NS_MAM, "metadata");
    if (page->last) {
        add_end(acc, metadata, "start", page->first);
        add_end(acc, metadata, "end", page->last);
    }
    effect_answer(acc, result);
    return HOOK_STOP;
}

enum verdict mam_metadata(struct acc *acc, struct session *session)
{
    if (!mam_is_own(acc, session))
        return HOOK_STOP;
    struct store_op *op = store_op_new(STORE_MAM_METADATA, NULL, NULL);
    op->page.owner = arena_str(&op->arena, mam_owner(acc));
    return acc_park_store(acc, session, on_metadata, op);
}
