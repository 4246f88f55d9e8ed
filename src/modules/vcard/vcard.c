/*
 * vcard-temp (XEP-0054): a card for each account that its owner sets and everybody may get, and one
 * of the host. The same card is given in the form of vCard 4 (XEP-0292).
 */
#include "vcard_avatar.h"

static struct metric stored = {"vcard_stored_total", "vCards stored.", METRIC_COUNTER, 0};
static struct metric given = {"vcard_given_total", "vCards given.", METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&stored, &given, NULL};

struct store_op *vcard_op(const struct host *host, enum store_kind kind, const struct jid *user)
{
    const struct vcard_conf *conf = module_conf(host, &module_vcard);
    struct store_op *op = store_op_new(kind, NULL, NULL);
    op->documents.user = arena_str(&op->arena, user->user);
    op->documents.domain = arena_str(&op->arena, user->domain);
    op->documents.kind = DOCUMENT_VCARD;
    op->documents.max_count = 2;
    op->documents.max_bytes = conf->max_bytes + 40; /* with the hash */
    op->documents.items = arena_zero(&op->arena, 2 * sizeof *op->documents.items);
    return op;
}

void vcard_op_add(struct store_op *op, struct str name, struct str body)
{
    struct store_document *item = &op->documents.items[op->documents.count++];
    item->name = arena_str(&op->arena, name);
    item->body = arena_str(&op->arena, body);
}

struct store_op *vcard_get_op(const struct host *host, const struct jid *user)
{
    struct store_op *op = vcard_op(host, STORE_DOCUMENT_GET, user);
    vcard_op_add(op, STR(VCARD_CARD), STR(""));
    return op;
}

struct store_op *vcard_set_op(const struct host *host, const struct jid *user,
                              const struct element *card, struct str hash)
{
    struct store_op *op = vcard_op(host, STORE_DOCUMENT_SET, user);
    vcard_op_add(op, STR(VCARD_CARD), element_xml(&op->arena, card, NS_NONE));
    vcard_op_add(op, STR(VCARD_HASH), hash);
    return op;
}

struct element *vcard_of(struct acc *acc, const struct store_op *op)
{
    struct str body = op->outcome ? (struct str){0} : op->documents.items[0].body;
    return body.at ? acc_parse(acc, body) : NULL;
}

static enum verdict refuse(struct acc *acc, enum stanza_error error, const char *why)
{
    effect_error(acc, error, why);
    return HOOK_STOP;
}

static enum verdict answer(struct acc *acc, struct element *card)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    if (card)
        element_push(result, card);
    metric_count(&given);
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* --- Of an account --- */

/* A user without a card, and one who does not exist, look alike from outside; the owner learns that
 * there is none (3.1). */
static enum verdict no_card(struct acc *acc)
{
    if (!str_eq(acc->from.bare, acc->to.bare))
        return refuse(acc, STANZA_SERVICE_UNAVAILABLE, NULL);
    const struct element *asked = element_first(acc->element);
    return answer(acc, element_new_uri(&acc->arena, asked->ns_uri, asked->name));
}

static bool is_unreadable(struct acc *acc)
{
    enum err outcome = acc->answer->outcome;
    if (outcome == ERR_OK || outcome == ERR_NOT_FOUND)
        return false;
    effect_error(acc, STANZA_INTERNAL_SERVER_ERROR, "the vCard cannot be read now");
    return true;
}

static enum verdict give(struct acc *acc, struct session *session)
{
    (void)session;
    if (is_unreadable(acc))
        return HOOK_STOP;
    struct element *card = vcard_of(acc, acc->answer);
    return card ? answer(acc, card) : no_card(acc);
}

static enum verdict on_get(struct acc *acc, struct session *session)
{
    return acc_park_store(acc, session, give, vcard_get_op(acc->host, &acc->to));
}

static enum verdict give_four(struct acc *acc, struct session *session)
{
    (void)session;
    if (is_unreadable(acc))
        return HOOK_STOP;
    struct element *card = vcard_of(acc, acc->answer);
    return card ? answer(acc, vcard_four(acc, card)) : no_card(acc);
}

static enum verdict on_get_four(struct acc *acc, struct session *session)
{
    return acc_park_store(acc, session, give_four, vcard_get_op(acc->host, &acc->to));
}

/* A photo that is new becomes the avatar of XEP-0084 as well. */
static void tell_photo(struct acc *acc, const struct element *card)
{
    struct str hash = acc->answer->documents.items[1].body;
    const struct user *user = users_find(&acc->from);
    const struct vcard_user *own = user ? user_slot((struct user *)user, &module_vcard) : NULL;
    bool same = own && own->known && str_is(hash, own->hash);
    if (same)
        return;
    if (hash.len)
        vcard_publish_photo(acc, card, hash);
    vcard_photo_changed(&acc->from, hash);
}

static enum verdict after_set(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome == ERR_CONFLICT)
        return refuse(acc, STANZA_POLICY_VIOLATION, "the vCard is too big");
    if (acc->answer->outcome)
        return refuse(acc, STANZA_INTERNAL_SERVER_ERROR, "the vCard could not be written");
    metric_count(&stored);
    effect_answer(acc, NULL);
    tell_photo(acc, acc->event_data);
    return HOOK_STOP;
}

static enum verdict set(struct acc *acc, struct session *session, struct element *card)
{
    struct str hash = vcard_photo_hash(&acc->arena, card);
    acc->event_data = card;
    return acc_park_store(acc, session, after_set, vcard_set_op(acc->host, &acc->from, card, hash));
}

static enum verdict on_set(struct acc *acc, struct session *session)
{
    if (!str_eq(acc->from.bare, acc->to.bare))
        return refuse(acc, STANZA_FORBIDDEN, "everybody sets his own vCard");
    return set(acc, session, element_first(acc->element));
}

/* What a vcard-temp cannot hold is refused, instead of forgotten. */
static enum verdict on_set_four(struct acc *acc, struct session *session)
{
    struct str lost;
    if (!str_eq(acc->from.bare, acc->to.bare))
        return refuse(acc, STANZA_FORBIDDEN, "everybody sets his own vCard");
    struct element *card = vcard_temp(acc, element_first(acc->element), &lost);
    if (card)
        return set(acc, session, card);
    struct str why = arena_format(&acc->arena, "no room for `%.*s`: publish it at urn:xmpp:vcard4",
                                  STR_ARG(lost));
    return refuse(acc, STANZA_NOT_ACCEPTABLE, why.at);
}

/* --- Of the host --- */

static void add(struct acc *acc, struct element *card, const char *name, struct str text)
{
    element_add_text(&acc->arena, element_add(&acc->arena, card, NS_VCARD, name), text);
}

static enum verdict on_get_host(struct acc *acc, struct session *session)
{
    (void)session;
    struct element *card = element_new(&acc->arena, NS_VCARD, "vCard");
    add(acc, card, "FN", STR("Ringtail"));
    add(acc, card, "DESC", STR("XMPP server"));
    add(acc, card, "JABBERID", acc->host->jid.domain);
    return answer(acc, card);
}

static const struct hook hooks[] = {
    {.at = HOOK_user_send_presence,
     .run = vcard_on_presence,
     .after = "blocking, privacy",
     .before = "caps, last, presence, roster"},
    {.at = HOOK_pep_published, .run = vcard_on_published},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_VCARD, "vCard", IQ_ACCOUNT, TYPE_GET, on_get},
    {NS_VCARD, "vCard", IQ_ACCOUNT, TYPE_SET, on_set},
    {NS_VCARD, "vCard", IQ_HOST, TYPE_GET, on_get_host},
    {NS_VCARD_4, "vcard", IQ_ACCOUNT, TYPE_GET, on_get_four},
    {NS_VCARD_4, "vcard", IQ_ACCOUNT, TYPE_SET, on_set_four},
    {0},
};

static const struct feature features[] = {
    {IQ_HOST | IQ_ACCOUNT, "vcard-temp"},
    {IQ_ACCOUNT, "urn:ietf:params:xml:ns:vcard-4.0"},
    {IQ_ACCOUNT, "urn:xmpp:pep-vcard-conversion:0"},
    {0},
};

static const struct key keys[] = {
    {.name = "max_bytes",
     .type = KEY_SIZE,
     .offset = offsetof(struct vcard_conf, max_bytes),
     .preset = "128k",
     .min = 1024,
     .max = 16 << 20,
     .help = "Bytes of a vCard, with its photo; a larger one is answered with policy-violation."},
    {0},
};

const struct module module_vcard = {
    .name = "vcard",
    .xep = "XEP-0054, XEP-0153, XEP-0292, XEP-0398",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct vcard_conf),
    .metrics = metrics,
    .user_size = sizeof(struct vcard_user),
};
