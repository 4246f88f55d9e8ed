#include "stage.h"

#include "router.h"

#include "c2s.h"
#include "check.h"
#include "config.h"
#include "problems.h"
#include "server.h"
#include "store.h"

enum { ADDED_MAX = 4 };

struct c2s_listener *stage_listener;

static struct config config;
static struct problems problems;
static struct arena texts;
static const char *modules_text, *listener_text;
static const struct module *added[ADDED_MAX];
static size_t added_count;

void stage_add(const struct module *module)
{
    CHECK(added_count < ADDED_MAX);
    added[added_count++] = module;
}

/* --- The shard --- */

static bool read_config(void)
{
    struct buf text = {0};
    buf_format(&text,
               "data_dir: .\ndomains: [localhost]\nstorage: {backend: memory}\n"
               "listen: {c2s: [{ip: 127.0.0.1, port: 1, tls: {mode: none}, plaintext_auth: true, "
               "backwards_compatible_session: false%s}]}\nmodules: %s\n",
               listener_text, modules_text);
    bool good = config_read(buf_str(&text), "stage.yaml", &config, &problems);
    buf_fini(&text);
    if (!good)
        return false;
    core_config.listeners = stage_listener = &config_c2s(&config, 0)->core;
    core_config.listener_count = 1;
    return true;
}

/* The configuration's modules and the test's own. */
static enum err make_host(const char **why)
{
    struct module_setup setups[32];
    struct host_type *type;
    size_t count = 0;
    CHECK(config.module_count + added_count <= COUNT_OF(setups));
    for (size_t i = 0; i < config.module_count; i++) {
        setups[count++] = (struct module_setup){config.modules[i].module, config.modules[i].conf};
        config.modules[i].conf = NULL; /* the host type's now */
    }
    for (size_t i = 0; i < added_count; i++)
        setups[count++] = (struct module_setup){added[i], NULL};
    enum err err = host_type_new("stage", setups, count, &type, why);
    if (err)
        return err;
    struct jid domain;
    jid_make(&config.arena, STR(""), STR("localhost"), STR(""), &domain);
    host_add(type, &domain);
    return ERR_OK;
}

static void on_connection(struct listener *listener, int fd)
{
    session_new(listener->own, fd);
}

static void setup(void)
{
    const char *why = "";
    if (!read_config())
        PANIC("%.*s", STR_ARG(buf_str(&problems.text)));
    core_register_metrics();
    core_config.mechanisms[SASL_PLAIN] = true;
    core_config.scram_iterations = 1;
    stage_listener->listener = (struct listener){.at = {"127.0.0.1", 1},
                                                 .max_connections = 1000,
                                                 .on_connection = on_connection,
                                                 .own = stage_listener};
    CHECK(listener_open(&stage_listener->listener, 1, &why) == ERR_OK);
    if (make_host(&why) || server_setup_store(&config, 1, &why))
        PANIC("%s", why);
}

static void start(struct shard *shard)
{
    store_shard_start(shard);
    core_start(shard);
}

static void stop(struct shard *shard)
{
    core_stop(shard);
    store_shard_stop(shard);
}

static void forget_config(void)
{
    hosts_free();
    config_free(&config);
    memset(&config, 0, sizeof config);
    buf_fini(&problems.text);
    problems = (struct problems){0};
    core_config.listeners = stage_listener = NULL;
    core_config.listener_count = added_count = 0;
}

static void teardown(void)
{
    listener_close(&stage_listener->listener);
    store_teardown();
    forget_config();
}

void stage_open(const char *modules, const char *listener)
{
    static const struct sim_program program = {1, setup, start, stop, teardown};
    static bool counts;
    if (!counts)
        metric_thread("stage");
    counts = true;
    log_threshold = LOG_NONE;
    modules_text = modules;
    listener_text = listener;
    arena_init(&texts);
    sim_open(&program, 1, (struct sim_faults){0});
}

void stage_close(void)
{
    sim_close();
    arena_fini(&texts);
    arena_pool_drop();
}

const char *stage_refusal(const char *modules, const char *listener)
{
    static char sentence[512];
    static const char *kept[64]; /* sentences on the heap: here leak checkers find them */
    static size_t kept_count;
    const char *why = "";
    log_threshold = LOG_NONE;
    modules_text = modules;
    listener_text = listener;
    if (!read_config())
        text_copy(sentence, sizeof sentence, buf_str(&problems.text));
    else if (make_host(&why))
        text_copy(sentence, sizeof sentence, str_of(kept[kept_count++ % COUNT_OF(kept)] = why));
    else
        sentence[0] = '\0';
    forget_config();
    return sentence;
}

/* Behind the turns of all, we stand on the shard again. */
static void settle(void)
{
    CHECK(sim_settle(10000));
    shard_enter(shard_at(0));
}

void stage_pass(uint64_t ms)
{
    sim_pass(ms);
    shard_enter(shard_at(0));
}

void stage_arrive(const char *xml)
{
    struct acc *acc = acc_new();
    acc_set(acc, acc_parse(acc, str_of(xml)));
    assert_false(jid_parse(&acc->arena, element_attr(acc->element, "from"), &acc->from));
    assert_false(jid_parse(&acc->arena, element_attr(acc->element, "to"), &acc->to));
    acc->host = host_find(acc->to.domain);
    router_route(acc, NULL);
    settle();
}

/* --- Clients --- */

static const char *keep(struct buf *buf)
{
    const char *text = arena_str(&texts, buf_str(buf)).at;
    buf_fini(buf);
    return text;
}

struct actor stage_connect(void)
{
    struct sim_peer *peer = sim_connect(1);
    sim_send(peer, STR("<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
                       "xmlns:stream='http://etherx.jabber.org/streams'>"));
    settle();
    return (struct actor){LIST_OWNER(session_list()->prev, struct session, shard_link), peer};
}

struct actor stage_authenticate(const char *user)
{
    struct actor actor = stage_connect();
    struct session *session = actor.session;
    struct jid jid;
    jid_make(&texts, str_of(user), STR("localhost"), STR(""), &jid);
    jid_keep(&session->jid, &jid);
    session->authenticated = true;
    session->retries = BIND_RETRIES;
    session->state = &state_wait_for_feature_after_auth; /* as if SASL had been */
    return actor;
}

struct actor stage_login(const char *user, const char *resource)
{
    struct actor actor = stage_authenticate(user);
    struct str bind =
        arena_format(&texts,
                     "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                     "<resource>%s</resource></bind></iq>",
                     resource);
    assert_has(stage_ask(&actor, bind.at), resource);
    assert_ptr_equal(actor.session->state, &state_session_established);
    return actor;
}

static void on_account(struct store_op *op)
{
    CHECK(op->outcome == ERR_OK);
}

void stage_account(const char *user)
{
    struct store_op *op = store_op_new(STORE_ACCOUNT_ADD, on_account, NULL);
    op->account.user = arena_str(&op->arena, str_of(user));
    op->account.domain = STR("localhost");
    op->account.credentials = STR("x");
    store_ask(op, 0);
    settle();
}

void stage_leave(struct actor *actor)
{
    sim_finish(actor->peer);
    actor->peer = NULL;
    settle();
}

/* An accumulator with an element as it comes from a client. */
static struct acc *from_client(const struct actor *actor, const char *xml)
{
    struct acc *acc = acc_new();
    struct element *element;
    if (parser_element(core_self()->parser, &acc->arena, str_of(xml), &element))
        fail_msg("not an element: %s", xml);
    acc_set(acc, element);
    acc->host = actor->session->host;
    return acc;
}

void stage_feed(const struct actor *actor, const char *xml)
{
    session_event(actor->session, EV_ELEMENT, from_client(actor, xml));
}

const char *stage_written(const struct actor *actor)
{
    settle();
    return keep(sim_received(actor->peer));
}

const char *stage_ask(const struct actor *actor, const char *xml)
{
    stage_feed(actor, xml);
    return stage_written(actor);
}

/* --- Effects as text --- */

static void write_stanza(struct buf *out, const char *kind, const struct element *element)
{
    buf_format(out, "%s ", kind);
    element_write(out, element, NS_CLIENT);
}

static void write_stop(struct buf *out, const char *kind, const struct effect *effect)
{
    buf_format(out, "%s %s %s", kind, stream_error_name(effect->stop.error),
               effect->stop.text ? effect->stop.text : "");
}

static void write_timer(struct buf *out, const struct effect *effect)
{
    if (effect->timer.ms == UINT64_MAX)
        buf_format(out, "timer %s off", effect->timer.alarm->name);
    else
        buf_format(out, "timer %s %llu", effect->timer.alarm->name,
                   (unsigned long long)effect->timer.ms);
}

static void write_effect(struct buf *out, const struct effect *effect)
{
    switch (effect->kind) {
    case EFFECT_ROUTE:
        write_stanza(out, "route", effect->acc->element);
        break;
    case EFFECT_REROUTE:
        write_stanza(out, "reroute", effect->acc->element);
        break;
    case EFFECT_OFFLINE:
        write_stanza(out, "offline", effect->acc->element);
        break;
    case EFFECT_FLUSH:
        write_stanza(out, "flush", effect->acc->element);
        break;
    case EFFECT_SOCKET_SEND:
        write_stanza(out, "send", effect->element);
        break;
    case EFFECT_C2S_STATE:
        buf_format(out, "state %s", effect->state->name);
        break;
    case EFFECT_TIMER:
        write_timer(out, effect);
        break;
    case EFFECT_STOP:
        write_stop(out, "stop", effect);
        break;
    case EFFECT_HARD_STOP:
        write_stop(out, "hard_stop", effect);
        break;
    case EFFECT_STORE:
        buf_format(out, "store %d", (int)effect->op->kind);
        break;
    case EFFECT_INPUT:
        buf_format(out, "input %s", effect->input ? "on" : "off");
        break;
    case EFFECT_AVAILABLE:
        buf_format(out, "available %s %d", effect->presence.available ? "yes" : "no",
                   effect->presence.priority);
        break;
    case EFFECT_SOCKET_END:
        buf_format(out, "socket_end");
        break;
    case EFFECT_FAN_OUT:
        buf_format(out, "fan_out %zu", effect->fanout->count);
        break;
    case EFFECT_RESUME:
        buf_format(out, "resume %s", effect->session->jid.full.at);
        break;
    }
    buf_format(out, "\n");
}

/* From and to as the core stamps them before hooks run. */
static struct acc *stamped(const struct actor *actor, const char *xml)
{
    struct acc *acc = from_client(actor, xml);
    const struct jid *jid = &actor->session->jid;
    jid_make(&acc->arena, jid->user, jid->domain, jid->resource, &acc->from);
    if (acc->element)
        element_set(&acc->arena, acc->element, "from", acc->from.full);
    struct str to = element_attr(acc->element, "to");
    if (to.at)
        assert_int_equal(jid_parse(&acc->arena, to, &acc->to), ERR_OK);
    else if (acc->kind != STANZA_PRESENCE)
        acc->to = jid_bare(&acc->from);
    return acc;
}

static const char *told(struct acc *acc)
{
    struct buf out = {0};
    for (const struct effect *effect = acc->effects; effect; effect = effect->next)
        write_effect(&out, effect);
    acc_free(acc);
    return keep(&out);
}

const char *stage_effects(const struct actor *actor, enum hook_point at, const char *xml)
{
    struct acc *acc = stamped(actor, xml);
    const struct hook_list *list = &actor->session->host->type->hooks[at];
    enum verdict verdict = HOOK_OK;
    acc->at = at;
    for (size_t i = 0; i < list->count && verdict == HOOK_OK; i++)
        verdict = list->entries[i].hook->run(acc, actor->session);
    CHECK(verdict != HOOK_PARK);
    return told(acc);
}

const char *stage_answers(const struct actor *actor, const char *xml)
{
    struct acc *acc = stamped(actor, xml);
    const struct iq_table *table = &actor->session->host->type->iqs;
    const struct element *payload = element_first(acc->element);
    unsigned target = acc->to.user.len ? IQ_ACCOUNT : IQ_HOST;
    enum verdict verdict = HOOK_OK;
    for (size_t i = 0; i < table->count && verdict == HOOK_OK; i++) {
        const struct iq_handler *handler = table->handlers[i];
        if ((handler->target & target) &&
            (handler->type == TYPE_UNKNOWN || handler->type == acc->type) &&
            element_is(payload, handler->ns, handler->element))
            verdict = handler->run(acc, actor->session);
    }
    CHECK(verdict != HOOK_PARK);
    return told(acc);
}

/* --- Looking --- */

uint64_t stage_counted(const char *name)
{
    for (size_t i = 0; i < metric_total(); i++)
        if (strcmp(metric_at(i)->name, name) == 0)
            return metric_sum(metric_at(i));
    fail_msg("no metric %s", name);
    return 0;
}

void assert_has_it(const char *text, const char *part, bool wanted, const char *file, int line)
{
    if ((strstr(text, part) != NULL) == wanted)
        return;
    print_error("got       %s\n%s %s\n", text, wanted ? "expected " : "must lack", part);
    _fail(file, line);
}
