/*
 * In-Band Registration (XEP-0077): new accounts before authentication, change of password and
 * removal after it. Off unless it is configured; new accounts are limited by address.
 */
#include "module.h"
#include "store.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>

extern const struct module module_register;

struct register_conf {
    uint64_t registration_timeout_ms;
    bool allow_new, allow_remove;
};

static struct metric added = {"register_added_total", "Accounts registered in band.",
                              METRIC_COUNTER, 0};
static struct metric removed = {"register_removed_total", "Accounts removed in band.",
                                METRIC_COUNTER, 0};
static struct metric limited = {"register_limited_total", "Registrations refused as too frequent.",
                                METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&added, &removed, &limited, NULL};

static const struct register_conf *conf_of(const struct acc *acc)
{
    return module_conf(acc->host, &module_register);
}

/* --- The limit by address: one for all shards, and off every hot path --- */

enum { ADDRESSES = 8192 };

static pthread_mutex_t addresses_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    uint64_t hash, until_us;
} addresses[ADDRESSES];

/* An IPv6 address counts with its /64: a host has all of it. */
static uint64_t address_hash(const char *peer)
{
    struct in6_addr v6;
    if (inet_pton(AF_INET6, peer, &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6))
        return map_hash(str_of(peer));
    return map_hash((struct str){(const char *)v6.s6_addr, 8});
}

static bool take_turn(const struct session *session, uint64_t now_us, uint64_t pause_ms)
{
    uint64_t hash = address_hash(session->peer);
    pthread_mutex_lock(&addresses_lock);
    uint64_t until_us = addresses[hash % ADDRESSES].until_us;
    bool free = addresses[hash % ADDRESSES].hash != hash || until_us <= now_us ||
                until_us - now_us > pause_ms * 1000; /* the clock was set back */
    if (free) {
        addresses[hash % ADDRESSES].hash = hash;
        addresses[hash % ADDRESSES].until_us = now_us + pause_ms * 1000;
    }
    pthread_mutex_unlock(&addresses_lock);
    return free;
}

/* --- Requests and answers. All go straight to the socket: before binding there is no address, and
 * after a removal there is no session --- */

static void say_result(struct acc *acc)
{
    effect_socket_send(acc, stanza_result(&acc->arena, acc->element));
}

static enum verdict say_error(struct acc *acc, enum stanza_error error, const char *text)
{
    effect_socket_send(acc, stanza_error(&acc->arena, acc->element, error, text));
    return HOOK_STOP;
}

static struct str field(struct acc *acc, const char *name)
{
    const struct element *query = element_child(acc->element, NS_REGISTER, "query");
    const struct element *child = query ? element_child(query, NS_REGISTER, name) : NULL;
    return child ? element_text(&acc->arena, child) : STR("");
}

static void add_field(struct acc *acc, struct element *query, const char *name, struct str text)
{
    struct element *child = element_add(&acc->arena, query, NS_REGISTER, name);
    if (text.len)
        element_add_text(&acc->arena, child, text);
}

static enum verdict say_form(struct acc *acc, const struct session *session)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_REGISTER, "query");
    if (session->authenticated) {
        add_field(acc, query, "registered", STR(""));
        add_field(acc, query, "username", session->jid.user);
    } else {
        add_field(acc, query, "instructions", STR("Choose a user name and a password."));
        add_field(acc, query, "username", STR(""));
    }
    add_field(acc, query, "password", STR(""));
    effect_socket_send(acc, result);
    return HOOK_STOP;
}

static enum verdict say_outcome(struct acc *acc, enum err outcome, struct metric *counter)
{
    if (outcome == ERR_CONFLICT)
        return say_error(acc, STANZA_CONFLICT, "this user name is taken");
    if (outcome == ERR_NOT_FOUND)
        return say_error(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (outcome != ERR_OK)
        return say_error(acc, STANZA_RESOURCE_CONSTRAINT, "the account storage does not answer");
    if (counter)
        metric_count(counter);
    say_result(acc);
    return HOOK_STOP;
}

/* --- A new account, a new password --- */

static enum verdict on_stored(struct acc *acc, struct session *session)
{
    return say_outcome(acc, acc->answer->outcome, session->authenticated ? NULL : &added);
}

static enum verdict store_keys(struct acc *acc, struct session *session)
{
    const struct str *credentials = acc->event_data;
    struct str user = session->jid.user;
    if (!credentials)
        return say_error(acc, STANZA_NOT_ACCEPTABLE, "this password is not acceptable");
    if (!session->authenticated && jid_prep_user(&acc->arena, field(acc, "username"), &user))
        return say_error(acc, STANZA_NOT_ACCEPTABLE, "this user name is not acceptable");
    struct store_op *op =
        store_op_new(session->authenticated ? STORE_ACCOUNT_SET : STORE_ACCOUNT_ADD, NULL, NULL);
    op->account.user = arena_str(&op->arena, user);
    op->account.domain = arena_str(&op->arena, session->host->jid.domain);
    op->account.credentials = arena_str(&op->arena, *credentials);
    return acc_park_store(acc, session, on_stored, op);
}

static enum verdict new_account(struct acc *acc, struct session *session)
{
    const struct register_conf *conf = conf_of(acc);
    struct str user, password = field(acc, "password");
    if (!conf->allow_new)
        return say_error(acc, STANZA_NOT_ALLOWED, NULL);
    if (jid_prep_user(&acc->arena, field(acc, "username"), &user) || password.len == 0)
        return say_error(acc, STANZA_NOT_ACCEPTABLE, "a user name and a password are needed");
    if (!take_turn(session, acc->stamp_us, conf->registration_timeout_ms)) {
        metric_count(&limited);
        return say_error(acc, STANZA_RESOURCE_CONSTRAINT,
                         "too many registrations from this address");
    }
    return derive_park(acc, session, password, store_keys);
}

static enum verdict new_password(struct acc *acc, struct session *session)
{
    struct str user, password = field(acc, "password");
    if (!session_is_private(session))
        return say_error(acc, STANZA_NOT_ALLOWED, "a password is changed over TLS only");
    if (jid_prep_user(&acc->arena, field(acc, "username"), &user) || password.len == 0)
        return say_error(acc, STANZA_BAD_REQUEST, "a user name and a password are needed");
    if (!str_eq(user, session->jid.user))
        return say_error(acc, STANZA_NOT_ALLOWED, "this is not your user name");
    return derive_park(acc, session, password, store_keys);
}

/* --- Removal --- */

/* On the heap: it outlives a client that goes away meanwhile. */
struct removal {
    struct acc *acc; /* NULL: it went away */
    enum err outcome;
};

static enum verdict on_removed(struct acc *acc, struct session *session)
{
    const struct removal *removal = acc->event_data;
    (void)session;
    return say_outcome(acc, removal->outcome, &removed);
}

static void on_done(void *owner, enum err outcome)
{
    struct removal *removal = owner;
    removal->outcome = outcome;
    if (removal->acc)
        acc_unpark(removal->acc);
    mem_free(removal);
}

static void on_forgotten(void *own)
{
    ((struct removal *)own)->acc = NULL;
}

static enum verdict remove_account(struct acc *acc, struct session *session)
{
    if (!conf_of(acc)->allow_remove)
        return say_error(acc, STANZA_NOT_ALLOWED, NULL);
    struct removal *removal = mem_zalloc(sizeof *removal);
    removal->acc = acc;
    acc->event_data = removal;
    acc_park(acc, session, on_removed, removal, on_forgotten);
    users_remove(&session->jid, on_done, removal);
    return HOOK_PARK;
}

/* --- Where requests come in --- */

/* Before authentication: an iq is no stanza of a session yet. */
static enum verdict on_early_iq(struct acc *acc, struct session *session)
{
    if (session->authenticated || acc->kind != STANZA_IQ ||
        !element_child(acc->element, NS_REGISTER, "query") || !session_is_private(session))
        return HOOK_OK;
    if (acc->type == TYPE_GET)
        return say_form(acc, session);
    return acc->type == TYPE_SET ? new_account(acc, session) : HOOK_OK;
}

static enum verdict on_iq(struct acc *acc, struct session *session)
{
    if (!session || (acc->to.user.len && !str_eq(acc->to.bare, acc->from.bare)))
        return HOOK_OK;
    if (acc->type == TYPE_GET)
        return say_form(acc, session);
    const struct element *query = element_first(acc->element);
    if (element_child(query, NS_REGISTER, "remove"))
        return remove_account(acc, session);
    return new_password(acc, session);
}

static enum verdict on_features(struct acc *acc, struct session *session)
{
    if (!session->authenticated && conf_of(acc)->allow_new && session_is_private(session))
        element_add(&acc->arena, acc->element, NS_REGISTER_FEATURE, "register");
    return HOOK_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_stream_features, .run = on_features},
    {.at = HOOK_user_send_xmlel, .run = on_early_iq},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_REGISTER, "query", IQ_HOST | IQ_ACCOUNT, TYPE_UNKNOWN, on_iq},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "jabber:iq:register"}, {0}};

static const struct key keys[] = {
    {.name = "registration_timeout",
     .type = KEY_DURATION,
     .offset = offsetof(struct register_conf, registration_timeout_ms),
     .preset = "600s",
     .max = 86400000,
     .help = "How long an address waits between two new accounts (IPv6: its /64)."},
    {.name = "allow_new",
     .type = KEY_BOOL,
     .offset = offsetof(struct register_conf, allow_new),
     .preset = "true",
     .help = "Let anybody make an account."},
    {.name = "allow_remove",
     .type = KEY_BOOL,
     .offset = offsetof(struct register_conf, allow_remove),
     .preset = "true",
     .help = "Let users remove their own account."},
    {0},
};

const struct module module_register = {
    .name = "register",
    .xep = "XEP-0077",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct register_conf),
    .metrics = metrics,
};
