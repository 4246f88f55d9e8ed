/*
 * Entity Capabilities (XEP-0115) of the clients: what a client can is asked of it once a shard and
 * verification string, and believed when the string fits the answer. What comes out is the core's
 * (caps.h): which nodes a session wants news of.
 */
#include "module.h"

extern const struct module module_caps;

enum { HASH_ROOM = 16 };

struct own {
    bool asked;                               /* and not answered */
    uint64_t count;                           /* of questions; the id of the last one */
    char hash[HASH_ROOM], ver[CAPS_VER_ROOM]; /* of the last presence that had some */
};

static struct metric queries = {"caps_queries_total", "Clients asked for what they can.",
                                METRIC_COUNTER, 0};
static struct metric hits = {"caps_hits_total", "Clients whose capabilities were known.",
                             METRIC_COUNTER, 0};
static struct metric refused = {
    "caps_refused_total", "Answers that did not fit their verification string.", METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&queries, &hits, &refused, NULL};

/* --- News --- */

static void recognise(struct session *session, const struct caps *caps)
{
    caps_set(session, caps);
    struct acc *news = acc_new();
    news->host = session->host;
    news->from = session->jid;
    hook_run(HOOK_caps_recognised, news, session);
    acc_free(news);
}

/* --- Asking (6.2) --- */

static struct str question_id(struct acc *acc, const struct own *own)
{
    return arena_format(&acc->arena, "caps-%llu", (unsigned long long)own->count);
}

static void ask(struct acc *acc, const struct session *session, struct own *own, struct str node)
{
    struct element *iq = element_new(&acc->arena, NS_CLIENT, "iq");
    own->asked = true;
    own->count++;
    element_set(&acc->arena, iq, "type", STR("get"));
    element_set(&acc->arena, iq, "from", session->host->jid.domain);
    element_set(&acc->arena, iq, "to", session->jid.full);
    element_set(&acc->arena, iq, "id", question_id(acc, own));
    struct element *query = element_add(&acc->arena, iq, NS_DISCO_INFO, "query");
    struct str name = arena_format(&acc->arena, "%.*s#%s", STR_ARG(node), own->ver);
    element_set(&acc->arena, query, "node", name);
    metric_count(&queries);
    effect_flush(acc, iq);
}

/* False: what it says cannot be verified, so it is not asked. */
static bool note(struct own *own, struct str hash, struct str ver)
{
    enum digest digest;
    if (!caps_digest(hash, &digest) || ver.len != BASE64_LEN(digest_len(digest)))
        return false;
    text_copy(own->hash, sizeof own->hash, hash);
    text_copy(own->ver, sizeof own->ver, ver);
    return true;
}

static void forget(struct session *session, struct own *own)
{
    own->asked = false;
    own->ver[0] = '\0';
    caps_set(session, NULL);
}

/* The same string again changes nothing, also if it was lied about. */
static void look_up(struct acc *acc, struct session *session, const struct element *c)
{
    struct own *own = session_slot(session, &module_caps);
    struct str hash = element_attr(c, "hash"), ver = element_attr(c, "ver");
    if (str_is(ver, own->ver) && str_is(hash, own->hash))
        return;
    forget(session, own);
    if (!note(own, hash, ver))
        return;
    const struct caps *known = caps_find(hash, ver);
    if (known) {
        metric_count(&hits);
        recognise(session, known);
    } else {
        ask(acc, session, own, element_attr(c, "node"));
    }
}

static enum verdict on_presence(struct acc *acc, struct session *session)
{
    if (acc->to.full.len)
        return HOOK_OK;
    const struct element *c = element_child(acc->element, NS_CAPS, "c");
    if (acc->type == TYPE_UNAVAILABLE)
        forget(session, session_slot(session, &module_caps));
    else if (acc->type == TYPE_AVAILABLE && c)
        look_up(acc, session, c);
    return HOOK_OK;
}

/* --- The answer (5.4) --- */

static struct str notify_of(struct acc *acc, const struct element *query)
{
    static const char suffix[] = "+notify";
    const size_t len = sizeof suffix - 1;
    struct buf nodes = {0};
    for (const struct element *child = element_first(query); child; child = element_next(child)) {
        struct str var = element_attr(child, "var");
        if (!element_is(child, NS_DISCO_INFO, "feature") || var.len <= len ||
            memcmp(var.at + var.len - len, suffix, len) != 0 || memchr(var.at, '\n', var.len))
            continue;
        if (buf_len(&nodes) + var.len <= LIMIT_CAPS_NOTIFY)
            buf_format(&nodes, "%.*s\n", (int)(var.len - len), var.at);
    }
    struct str text = arena_str(&acc->arena, buf_str(&nodes));
    buf_fini(&nodes);
    return text;
}

static bool is_true(const struct element *query, const struct own *own)
{
    enum digest digest;
    char ver[CAPS_VER_ROOM];
    return query && caps_digest(str_of(own->hash), &digest) && !caps_ver(query, digest, ver) &&
           strcmp(ver, own->ver) == 0;
}

static void learn(struct acc *acc, struct session *session, const struct own *own)
{
    const struct element *query = element_child(acc->element, NS_DISCO_INFO, "query");
    if (acc->type != TYPE_RESULT || !is_true(query, own)) {
        metric_count(&refused);
        return;
    }
    recognise(session, caps_learn(str_of(own->hash), str_of(own->ver), notify_of(acc, query)));
}

static bool is_answer(struct acc *acc, const struct session *session, const struct own *own)
{
    return own->asked && (acc->type == TYPE_RESULT || acc->type == TYPE_ERROR) &&
           str_eq(acc->to.full, session->host->jid.full) &&
           str_eq(element_attr(acc->element, "id"), question_id(acc, own));
}

static enum verdict on_iq(struct acc *acc, struct session *session)
{
    struct own *own = session_slot(session, &module_caps);
    if (!is_answer(acc, session, own))
        return HOOK_OK;
    own->asked = false;
    learn(acc, session, own);
    return HOOK_STOP;
}

static const struct hook hooks[] = {
    {.at = HOOK_user_send_presence, .run = on_presence, .before = "presence, roster"},
    {.at = HOOK_user_send_iq, .run = on_iq},
    {0},
};

const struct module module_caps = {
    .name = "caps",
    .xep = "XEP-0115",
    .hooks = hooks,
    .metrics = metrics,
    .session_size = sizeof(struct own),
};
