/*
 * Private XML Storage (XEP-0049): what a client wants to find again, by namespace and name of the
 * element, for its own account only.
 */
#include "module.h"
#include "store.h"

extern const struct module module_private;

struct private_conf {
    uint64_t max_elements, max_bytes;
};

static struct metric stored = {"private_stored_total", "Private elements stored.", METRIC_COUNTER,
                               0};
static struct metric full = {"private_full_total",
                             "Changes refused because of max_elements or max_bytes.",
                             METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&stored, &full, NULL};

static enum verdict refuse(struct acc *acc, enum stanza_error error, const char *why)
{
    effect_error(acc, error, why);
    return HOOK_STOP;
}

static size_t count_children(const struct element *query)
{
    size_t count = 0;
    for (const struct element *child = element_first(query); child; child = element_next(child))
        count++;
    return count;
}

/* Elements are told apart by namespace and name: no namespace has a space. */
static struct str name_of(struct arena *arena, const struct element *child)
{
    return arena_format(arena, "%.*s %.*s", STR_ARG(child->ns_uri), STR_ARG(child->name));
}

/* XEP-0049 2: each has a namespace of its own, and not one that the protocol itself uses. */
static bool may_be_kept(const struct element *child)
{
    return child->ns != NS_PRIVATE && child->ns != NS_CLIENT && child->ns != NS_SERVER &&
           child->ns != NS_STREAM && child->ns_uri.len > 0;
}

static bool is_new(const struct store_documents *documents, struct str name)
{
    for (size_t i = 0; i < documents->count; i++)
        if (str_eq(documents->items[i].name, name))
            return false;
    return true;
}

static struct store_op *new_op(const struct acc *acc, enum store_kind kind)
{
    struct store_op *op = store_op_new(kind, NULL, NULL);
    size_t room = count_children(element_first(acc->element));
    op->documents.user = arena_str(&op->arena, acc->from.user);
    op->documents.domain = arena_str(&op->arena, acc->from.domain);
    op->documents.kind = DOCUMENT_PRIVATE;
    op->documents.items = arena_zero(&op->arena, room * sizeof *op->documents.items);
    return op;
}

/* False: it may not be kept, or comes twice. */
static bool add(struct store_op *op, const struct element *child)
{
    struct str name = name_of(&op->arena, child);
    if (!may_be_kept(child) || !is_new(&op->documents, name))
        return false;
    struct store_document *item = &op->documents.items[op->documents.count++];
    item->name = name;
    if (op->kind == STORE_DOCUMENT_SET)
        item->body = element_xml(&op->arena, child, NS_NONE);
    return true;
}

/* NULL: refused. */
static struct store_op *read_request(struct acc *acc, enum store_kind kind)
{
    const struct element *query = element_first(acc->element);
    if (!str_eq(acc->from.bare, acc->to.bare)) {
        effect_error(acc, STANZA_FORBIDDEN, NULL);
        return NULL;
    }
    if (!element_first(query)) {
        effect_error(acc, STANZA_BAD_REQUEST, "there is no element to get or set");
        return NULL;
    }
    struct store_op *op = new_op(acc, kind);
    for (const struct element *child = element_first(query); child; child = element_next(child)) {
        if (add(op, child))
            continue;
        store_revoke(op);
        effect_error(acc, STANZA_NOT_ACCEPTABLE,
                     "each element has a namespace of its own and comes once");
        return NULL;
    }
    return op;
}

/* --- Getting (2.1): an element that was never set comes back as it was asked for --- */

static enum verdict give(struct acc *acc, struct session *session)
{
    (void)session;
    const struct store_op *op = acc->answer;
    if (op->outcome)
        return refuse(acc, STANZA_INTERNAL_SERVER_ERROR, "private data cannot be read now");
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_PRIVATE, "query");
    const struct element *asked = element_first(element_first(acc->element));
    for (size_t i = 0; i < op->documents.count; i++, asked = element_next(asked)) {
        struct str body = op->documents.items[i].body;
        struct element *kept = body.at ? acc_parse(acc, body) : NULL;
        element_push(query, kept ? kept : element_shallow(&acc->arena, asked));
    }
    effect_answer(acc, result);
    return HOOK_STOP;
}

static enum verdict on_get(struct acc *acc, struct session *session)
{
    struct store_op *op = read_request(acc, STORE_DOCUMENT_GET);
    return op ? acc_park_store(acc, session, give, op) : HOOK_STOP;
}

/* --- Setting (2.2): all or nothing --- */

static enum verdict after_set(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome == ERR_CONFLICT) {
        metric_count(&full);
        return refuse(acc, STANZA_RESOURCE_CONSTRAINT, "no more private data fits");
    }
    if (acc->answer->outcome)
        return refuse(acc, STANZA_INTERNAL_SERVER_ERROR, "private data could not be written");
    metric_add(&stored, (int64_t)acc->answer->documents.count);
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

static enum verdict on_set(struct acc *acc, struct session *session)
{
    const struct private_conf *conf = module_conf(acc->host, &module_private);
    struct store_op *op = read_request(acc, STORE_DOCUMENT_SET);
    if (!op)
        return HOOK_STOP;
    op->documents.max_count = conf->max_elements;
    op->documents.max_bytes = conf->max_bytes;
    return acc_park_store(acc, session, after_set, op);
}

static const struct iq_handler iqs[] = {
    {NS_PRIVATE, "query", IQ_ACCOUNT, TYPE_GET, on_get},
    {NS_PRIVATE, "query", IQ_ACCOUNT, TYPE_SET, on_set},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "jabber:iq:private"}, {0}};

static const struct key keys[] = {
    {.name = "max_elements",
     .type = KEY_NUMBER,
     .offset = offsetof(struct private_conf, max_elements),
     .preset = "100",
     .min = 1,
     .max = 10000,
     .help = "Private elements of a user; more are answered with resource-constraint."},
    {.name = "max_bytes",
     .type = KEY_SIZE,
     .offset = offsetof(struct private_conf, max_bytes),
     .preset = "256k",
     .min = 1024,
     .max = 64 << 20,
     .help = "Bytes of all private elements of a user; more are answered with "
             "resource-constraint."},
    {0},
};

const struct module module_private = {
    .name = "private",
    .xep = "XEP-0049",
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct private_conf),
    .metrics = metrics,
};
