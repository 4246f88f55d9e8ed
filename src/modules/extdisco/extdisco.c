/*
 * External Service Discovery (XEP-0215): STUN and TURN servers and the like, with a username and
 * password that are the same for all, or that are made for who asks and hold for some time (the
 * REST API of TURN: the name is when it ends and whose it is, the password its HMAC under a secret
 * that the TURN server has as well).
 */
#include "module.h"

extern const struct module module_extdisco;

struct outside {
    const char *type, *host, *transport, *name, *username, *password, *secret;
    uint64_t port, ttl_ms;
};

struct extdisco_conf {
    struct key_list services;
};

static struct metric answered = {"extdisco_answered_total", "Questions for external services.",
                                 METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&answered, NULL};

static void set(struct acc *acc, struct element *out, const char *name, const char *value)
{
    if (value)
        element_set(&acc->arena, out, name, str_of(value));
}

/* --- Credentials --- */

static void make_credentials(struct acc *acc, struct element *out, const struct outside *service)
{
    uint64_t end_us = acc->stamp_us + service->ttl_ms * 1000;
    unsigned long long seconds = end_us / 1000000;
    uint8_t mac[DIGEST_MAX_LEN];
    char password[BASE64_LEN(DIGEST_MAX_LEN)], stamp[TEXT_TIME_ROOM];
    struct str username = arena_format(&acc->arena, "%llu:%.*s", seconds, STR_ARG(acc->from.bare));
    digest_hmac(DIGEST_SHA1, str_of(service->secret), username, mac);
    size_t len = base64_encode(mac, digest_len(DIGEST_SHA1), password);
    struct str text = {stamp, text_time(stamp, seconds * 1000000)};
    element_set(&acc->arena, out, "username", username);
    element_set(&acc->arena, out, "password", arena_str(&acc->arena, (struct str){password, len}));
    element_set(&acc->arena, out, "expires", arena_str(&acc->arena, text));
}

static void add_service(struct acc *acc, struct element *parent, const struct outside *service)
{
    struct element *out = element_add(&acc->arena, parent, NS_EXTDISCO, "service");
    set(acc, out, "type", service->type);
    set(acc, out, "host", service->host);
    set(acc, out, "transport", service->transport);
    set(acc, out, "name", service->name);
    if (service->port)
        element_set(&acc->arena, out, "port",
                    arena_format(&acc->arena, "%u", (unsigned)service->port));
    set(acc, out, "username", service->username);
    set(acc, out, "password", service->password);
    if (service->secret)
        make_credentials(acc, out, service);
    if (service->secret || service->password)
        element_set(&acc->arena, out, "restricted", STR("true"));
}

/* --- Questions (3.1 to 3.3) --- */

/* What is wanted; an attribute that is not there fits all. */
static bool fits(struct acc *acc, const struct outside *service, const struct element *wanted)
{
    struct str type = element_attr(wanted, "type"), host = element_attr(wanted, "host");
    struct str port = element_attr(wanted, "port");
    struct str own_port = arena_format(&acc->arena, "%u", (unsigned)service->port);
    return (!type.len || str_is(type, service->type)) &&
           (!host.len || str_is(host, service->host)) && (!port.len || str_eq(port, own_port));
}

/* False: there is none. */
static bool answer(struct acc *acc, const struct element *wanted, const char *name)
{
    const struct extdisco_conf *conf = module_conf(acc->host, &module_extdisco);
    const struct outside *services = conf->services.items;
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *list = element_add(&acc->arena, result, NS_EXTDISCO, name);
    struct str type = element_attr(wanted, "type");
    if (type.len && strcmp(name, "services") == 0)
        element_set(&acc->arena, list, "type", type);
    for (size_t i = 0; i < conf->services.count; i++)
        if (fits(acc, &services[i], wanted))
            add_service(acc, list, &services[i]);
    if (strcmp(name, "credentials") == 0 && !element_first(list))
        return false;
    metric_count(&answered);
    effect_answer(acc, result);
    return true;
}

/* The services cost something: they are for the server's own users. */
static bool is_local(struct acc *acc)
{
    if (host_find(acc->from.domain))
        return true;
    effect_error(acc, STANZA_FORBIDDEN, NULL);
    return false;
}

static enum verdict on_services(struct acc *acc, struct session *session)
{
    (void)session;
    if (is_local(acc))
        answer(acc, element_first(acc->element), "services");
    return HOOK_STOP;
}

static enum verdict on_credentials(struct acc *acc, struct session *session)
{
    const struct element *wanted =
        element_child(element_first(acc->element), NS_EXTDISCO, "service");
    (void)session;
    if (!is_local(acc))
        return HOOK_STOP;
    if (!wanted || !element_attr(wanted, "type").len || !element_attr(wanted, "host").len)
        effect_error(acc, STANZA_BAD_REQUEST, "a service has a type and a host");
    else if (!answer(acc, wanted, "credentials"))
        effect_error(acc, STANZA_ITEM_NOT_FOUND, NULL);
    return HOOK_STOP;
}

static const struct iq_handler iqs[] = {
    {NS_EXTDISCO, "services", IQ_HOST, TYPE_GET, on_services},
    {NS_EXTDISCO, "credentials", IQ_HOST, TYPE_GET, on_credentials},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "urn:xmpp:extdisco:2"}, {0}};

#define AT(field) offsetof(struct outside, field)
static const struct key service_keys[] = {
    {.name = "type",
     .type = KEY_TEXT,
     .offset = AT(type),
     .required = true,
     .help = "What it is: stun, turn, turns, stuns, ftp …"},
    {.name = "host",
     .type = KEY_TEXT,
     .offset = AT(host),
     .required = true,
     .help = "Its name or address."},
    {.name = "port",
     .type = KEY_NUMBER,
     .offset = AT(port),
     .preset = "0",
     .min = 0,
     .max = 65535,
     .help = "Its port, 0: not told."},
    {.name = "transport", .type = KEY_TEXT, .offset = AT(transport), .help = "udp or tcp."},
    {.name = "name", .type = KEY_TEXT, .offset = AT(name), .help = "A name for people."},
    {.name = "username",
     .type = KEY_TEXT,
     .offset = AT(username),
     .help = "A username that is the same for all."},
    {.name = "password", .type = KEY_TEXT, .offset = AT(password), .help = "Its password."},
    {.name = "secret",
     .type = KEY_TEXT,
     .offset = AT(secret),
     .help = "The TURN server's static-auth-secret: username and password are made of it, for who "
             "asks, instead."},
    {.name = "ttl",
     .type = KEY_DURATION,
     .offset = AT(ttl_ms),
     .preset = "24h",
     .min = 60000,
     .max = 30ULL * 86400000,
     .help = "How long such a username and password hold."},
    {0},
};
#undef AT

static const struct key keys[] = {
    {.name = "services",
     .type = KEY_LIST,
     .offset = offsetof(struct extdisco_conf, services),
     .keys = service_keys,
     .group_size = sizeof(struct outside),
     .help = "The services that clients are told of."},
    {0},
};

static enum err start(struct host_type *type, const void *own, const char **why)
{
    const struct extdisco_conf *conf = own;
    const struct outside *services = conf->services.items;
    (void)type;
    for (size_t i = 0; i < conf->services.count; i++)
        if (services[i].secret && (services[i].username || services[i].password)) {
            *why = "module extdisco: a service has a secret, or a username and password, not both";
            return ERR_INVALID;
        }
    return ERR_OK;
}

const struct module module_extdisco = {
    .name = "extdisco",
    .xep = "XEP-0215",
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct extdisco_conf),
    .metrics = metrics,
    .start = start,
};
