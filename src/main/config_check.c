#include "config_check.h"

#include "jid.h"

#include <arpa/inet.h>

struct check {
    struct config *config;
    struct problems *problems;
    const struct conf_node *root;
};

/* A problem at a path, with the line of what is there, or of what it should be in. */
#define SAY(check, path, ...)                                                                      \
    problem((check)->problems, conf_at((check)->root, (path))->line, (path), __VA_ARGS__)

static const char *c2s_path(const struct check *check, size_t index, const char *key)
{
    return arena_format(&check->config->arena, "listen.c2s[%zu]%s%s", index, *key ? "." : "", key)
        .at;
}

/* --- Paths --- */

static void make_absolute(struct config *config, const char **path)
{
    if (*path && **path != '/')
        *path = arena_format(&config->arena, "%s/%s",
                             strcmp(config->folder, "/") ? config->folder : "", *path)
                    .at;
}

static void make_all_absolute(struct config *config)
{
    make_absolute(config, &config->data_dir);
    for (size_t i = 0; i < config->listen.c2s.count; i++) {
        struct listen_c2s *listen = config_c2s(config, i);
        struct listen_sni *sni = listen->sni.items;
        make_absolute(config, &listen->core.tls.certificate);
        make_absolute(config, &listen->core.tls.key);
        for (size_t k = 0; k < listen->sni.count; k++) {
            make_absolute(config, &sni[k].certificate);
            make_absolute(config, &sni[k].key);
        }
    }
}

/* --- Domains --- */

static void check_domains(const struct check *check)
{
    struct config *config = check->config;
    struct key_texts *domains = &config->domains;
    if (domains->count == 0)
        SAY(check, "domains", "at least one domain is needed");
    for (size_t i = 0; i < domains->count; i++) {
        const char *path = arena_format(&config->arena, "domains[%zu]", i).at;
        struct str prepared;
        if (jid_prep_domain(&config->arena, str_of(domains->items[i]), &prepared)) {
            SAY(check, path, "`%s` is not a valid domain", domains->items[i]);
            continue;
        }
        domains->items[i] = arena_str(&config->arena, prepared).at;
        for (size_t k = 0; k < i; k++)
            if (strcmp(domains->items[k], domains->items[i]) == 0)
                SAY(check, path, "`%s` is there twice", domains->items[i]);
    }
}

static void check_sni(const struct check *check, size_t index, struct listen_c2s *listen)
{
    struct listen_sni *sni = listen->sni.items;
    struct arena *arena = &check->config->arena;
    for (size_t k = 0; k < listen->sni.count; k++) {
        struct str prepared;
        const char *path = arena_format(arena, "listen.c2s[%zu].tls.sni[%zu].domain", index, k).at;
        if (jid_prep_domain(arena, str_of(sni[k].domain), &prepared))
            SAY(check, path, "`%s` is not a valid domain", sni[k].domain);
        else
            sni[k].domain = arena_str(arena, prepared).at;
    }
    if (listen->sni.count && listen->core.tls.mode == TLS_NONE)
        SAY(check, c2s_path(check, index, "tls.sni"), "has no use while tls.mode is none");
}

/* --- Listeners --- */

static void check_tls(const struct check *check, size_t index, const struct c2s_listener *listener)
{
    if (listener->tls.mode != TLS_NONE) {
        if (!listener->tls.certificate)
            SAY(check, c2s_path(check, index, "tls.certificate"),
                "is missing (or set tls.mode to none)");
        if (!listener->tls.key)
            SAY(check, c2s_path(check, index, "tls.key"), "is missing (or set tls.mode to none)");
    } else if (!listener->plaintext_auth) {
        SAY(check, c2s_path(check, index, "tls.mode"),
            "without TLS nobody can log in: set plaintext_auth to true as well, on the loopback "
            "interface");
    }
}

static bool has_module(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->module_count; i++)
        if (strcmp(config->modules[i].module->name, name) == 0)
            return true;
    return false;
}

static void check_c2s(const struct check *check, size_t index)
{
    struct listen_c2s *listen = config_c2s(check->config, index);
    check_tls(check, index, &listen->core);
    check_sni(check, index, listen);
    if (strcmp(listen->core.shaper, "none") && !has_module(check->config, "shaper"))
        SAY(check, c2s_path(check, index, "shaper"), "needs the module shaper, which is off");
}

/* One address of all, with its place for sentences. */
struct listen_at {
    const char *ip, *path;
    uint64_t port;
};

static bool is_address(const char *ip)
{
    struct in6_addr address;
    return inet_pton(AF_INET, ip, &address) == 1 || inet_pton(AF_INET6, ip, &address) == 1;
}

static void check_addresses(const struct check *check, const struct listen_at *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *ip = bind_path(&check->config->arena, at[i].path, "ip");
        if (!is_address(at[i].ip))
            SAY(check, ip, "expects a numeric IPv4 or IPv6 address, got `%s`", at[i].ip);
        for (size_t k = 0; k < i; k++)
            if (at[k].port == at[i].port && strcmp(at[k].ip, at[i].ip) == 0)
                SAY(check, at[i].path, "%s listens at %s port %u already", at[k].path, at[i].ip,
                    (unsigned)at[i].port);
    }
}

static void check_listeners(const struct check *check)
{
    struct config *config = check->config;
    size_t c2s = config->listen.c2s.count, http = config->listen.http.count;
    struct listen_at *at = arena_zero(&config->arena, (c2s + http) * sizeof *at);
    if (c2s == 0)
        SAY(check, "listen.c2s", "at least one listener is needed");
    for (size_t i = 0; i < c2s; i++) {
        const struct c2s_listener *core = &config_c2s(config, i)->core;
        at[i] = (struct listen_at){core->ip, c2s_path(check, i, ""), core->port};
        check_c2s(check, i);
    }
    for (size_t i = 0; i < http; i++) {
        const struct listen_http *one = config_http(config, i);
        const char *path = arena_format(&config->arena, "listen.http[%zu]", i).at;
        at[c2s + i] = (struct listen_at){one->ip, path, one->port};
    }
    check_addresses(check, at, c2s + http);
}

/* --- The rest --- */

static void check_modules(const struct check *check)
{
    const struct config *config = check->config;
    for (size_t i = 0; i < config->module_count; i++) {
        const struct module *module = config->modules[i].module;
        const char *path = bind_path(&check->config->arena, "modules", module->name);
        for (const char *const *need = module->needs; need && *need; need++)
            if (!has_module(config, *need))
                SAY(check, path, "needs the module %s, which is off", *need);
    }
}

void config_check(struct config *config, struct problems *problems, const struct conf_node *root)
{
    struct check check = {config, problems, root};
    make_all_absolute(config);
    check_domains(&check);
    check_listeners(&check);
    check_modules(&check);
    if (config->storage.backend == STORE_POSTGRESQL && !config->storage.conninfo)
        SAY(&check, "storage.conninfo", "is missing, the backend postgresql needs it");
    if (config->auth.mechanisms.count == 0)
        SAY(&check, "auth.mechanisms", "at least one mechanism is needed");
}
