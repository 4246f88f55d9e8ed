#include "server.h"

#include "ctl.h"
#include "ctl_server.h"
#include "data_dir.h"
#include "gather.h"
#include "health.h"
#include "http.h"
#include "jid.h"
#include "process.h"
#include "signals.h"
#include "tls.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { GRACE_MS = 10000, CRYPTO_HELPERS_MAX = 8 };

/* The one server of the process. */
static struct {
    struct config *config;
    unsigned shards;
    uint64_t descriptors;
    const char *features; /* of the ring */
    const char *why;      /* of a start that failed; here leak checkers find it */
    int lock;
    atomic_uint started;
} server = {.lock = -1};

/* --- Pieces for ringtailctl as well --- */

enum err server_setup_core(const struct config *config, const char **why)
{
    core_config.scram_iterations = (uint32_t)config->auth.scram_iterations;
    for (size_t i = 0; i < config->auth.mechanisms.count; i++) {
        enum sasl_mechanism mechanism;
        if (sasl_mechanism_find(str_of(config->auth.mechanisms.items[i]), &mechanism))
            core_config.mechanisms[mechanism] = true;
    }
    enum err err = data_dir_secret(config->data_dir, core_config.secret, why);
    if (!err)
        stanza_id_key((struct str){(const char *)core_config.secret, sizeof core_config.secret});
    return err;
}

enum err server_setup_store(const struct config *config, unsigned crypto_helpers, const char **why)
{
    enum err err = store_setup(&config->storage, why);
    if (!err)
        helper_declare_anyone(crypto_helpers);
    return err;
}

enum err server_setup_hosts(struct config *config, const char **why)
{
    struct module_setup *setups = mem_zalloc(config->module_count * sizeof *setups);
    struct host_type *type;
    for (size_t i = 0; i < config->module_count; i++) {
        setups[i] = (struct module_setup){config->modules[i].module, config->modules[i].conf};
        config->modules[i].conf = NULL; /* the host type's now */
    }
    enum err err = host_type_new("default", setups, config->module_count, &type, why);
    for (size_t i = 0; i < config->domains.count && !err; i++) {
        struct jid jid;
        jid_make(&config->arena, STR(""), str_of(config->domains.items[i]), STR(""), &jid);
        host_add(type, &jid);
    }
    mem_free(setups);
    return err;
}

/* --- Steps of the boot --- */

static enum err seed(void)
{
    uint8_t secret[16];
    process_begin();
    signals_block();
    digest_random(secret, sizeof secret);
    map_seed(secret);
    return ERR_OK;
}

static enum err raise_descriptors(void)
{
    uint64_t wanted = config_connections(server.config);
    server.descriptors = boot_descriptors();
    if (wanted > server.descriptors)
        LOG(LOG_WARNING, "few_descriptors", LF_INT("descriptors", server.descriptors),
            LF_INT("max_connections", wanted),
            LF("hint", "raise the hard limit (ulimit -Hn, LimitNOFILE) or lower max_connections"));
    return ERR_OK;
}

static enum err probe_ring(void)
{
    enum err err = ring_probe(&server.features);
    server.why = server.features;
    return err;
}

static enum err take_folder(void)
{
    const char *data_dir = server.config->data_dir;
    enum err err = data_dir_make(data_dir, &server.why);
    return err ? err : data_dir_lock(data_dir, &server.lock, &server.why);
}

static enum err set_up_core(void)
{
    core_register_metrics();
    metric_register(ctl_metrics);
    metric_register(http_metrics);
    ctl_world = (struct ctl_world){.config = server.config, .is_server = true};
    return server_setup_core(server.config, &server.why);
}

static enum err set_up_tls(struct c2s_listener *core, const struct key_list *sni)
{
    const struct listen_sni *more = sni->items;
    if (core->tls.mode == TLS_NONE)
        return ERR_OK;
    enum err err = tls_context_new(core->tls.certificate, core->tls.key, "xmpp-client",
                                   &core->tls_context, &server.why);
    for (size_t i = 0; i < sni->count && !err; i++)
        err = tls_context_add(core->tls_context, more[i].domain, more[i].certificate, more[i].key,
                              &server.why);
    return err;
}

static enum err make_listeners(void)
{
    enum err err = ERR_OK;
    size_t count = server.config->listen.c2s.count;
    core_config.listeners = mem_zalloc(count * sizeof *core_config.listeners);
    core_config.listener_count = count;
    for (size_t i = 0; i < count && !err; i++) {
        const struct listen_c2s *listen = config_c2s(server.config, i);
        core_config.listeners[i] = listen->core;
        err = set_up_tls(&core_config.listeners[i], &listen->sni);
    }
    return err;
}

static enum err set_up_hosts(void)
{
    return server_setup_hosts(server.config, &server.why);
}

static enum err set_up_store(void)
{
    unsigned helpers = server.shards < CRYPTO_HELPERS_MAX ? server.shards : CRYPTO_HELPERS_MAX;
    return server_setup_store(server.config, helpers, &server.why);
}

static void on_connection(struct listener *listener, int fd)
{
    session_new(listener->own, fd);
}

static enum err open_listeners(void)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < core_config.listener_count && !err; i++) {
        struct c2s_listener *core = &core_config.listeners[i];
        core->listener.at = (struct address){core->ip, (uint16_t)core->port};
        core->listener.backlog = (int)core->backlog;
        core->listener.reuse_port = core->reuse_port;
        core->listener.max_connections = core->max_connections;
        core->listener.on_connection = on_connection;
        core->listener.own = core;
        err = listener_open(&core->listener, server.shards, &server.why);
    }
    return err;
}

static enum err open_ctl(void)
{
    return ctl_open(server.config->data_dir, &server.why);
}

static enum err open_http(void)
{
    return http_open(server.config, &server.why);
}

static enum err (*const steps[])(void) = {
    seed,         raise_descriptors, probe_ring,     take_folder, set_up_core, make_listeners,
    set_up_hosts, set_up_store,      open_listeners, open_ctl,    open_http};

/* --- Shards --- */

static struct str listeners_text(struct buf *out)
{
    for (size_t i = 0; i < core_config.listener_count; i++)
        buf_format(out, "%s%s:%u", i ? " " : "", core_config.listeners[i].ip,
                   (unsigned)core_config.listeners[i].port);
    return buf_str(out);
}

static void say_ready(void)
{
    struct buf c2s = {0};
    LOG(LOG_INFO, "ready", LF("version", RINGTAIL_VERSION), LF_INT("shards", shard_count),
        LF_STR("c2s", listeners_text(&c2s)), LF_INT("http", server.config->listen.http.count),
        LF("storage", store_backend_names[server.config->storage.backend]),
        LF_INT("modules", server.config->module_count),
        LF_INT("module_bytes_a_session", hosts_session_size()),
        LF_INT("descriptors", server.descriptors), LF("ring", server.features));
    buf_fini(&c2s);
}

static void on_start(struct shard *shard)
{
    store_shard_start(shard);
    core_start(shard);
    if (shard->id == 0) {
        signals_start(GRACE_MS);
        ctl_start();
        http_start();
    }
    if (atomic_fetch_add(&server.started, 1) + 1 == shard_count)
        say_ready();
}

static void on_stop(struct shard *shard)
{
    if (shard->id == 0) {
        http_stop();
        ctl_close_all();
        signals_stop();
    }
    core_stop(shard);
    store_shard_stop(shard);
}

static void close_all(void)
{
    http_close();
    ctl_close();
    gather_sweep();
    health_sweep();
    ctl_sweep();
    for (size_t i = 0; i < core_config.listener_count; i++) {
        listener_close(&core_config.listeners[i].listener);
        if (core_config.listeners[i].tls_context)
            tls_context_free(core_config.listeners[i].tls_context);
    }
    store_teardown();
    hosts_free();
    mem_free(core_config.listeners);
    core_config.listener_count = 0;
    if (server.lock >= 0)
        close(server.lock);
}

int server_run(struct config *config)
{
    enum err err = ERR_OK;
    unsigned cpus[256], count = boot_cpus(cpus, COUNT_OF(cpus));
    server.config = config;
    server.shards = config->shards ? (unsigned)config->shards : count;
    log_setup((enum log_level)config->log.level, (enum log_format)config->log.format, 2);
    for (size_t i = 0; i < COUNT_OF(steps) && !err; i++)
        err = steps[i]();
    if (err)
        fprintf(stderr, "ringtaild: %s\n", server.why);
    struct boot boot = {.shards = server.shards,
                        .pin = true,
                        .spin = config->spin,
                        .start = on_start,
                        .stop = on_stop};
    if (!err && (err = boot_run(&boot)))
        fprintf(stderr, "ringtaild: the shards cannot be started: %s\n", err_name(err));
    close_all();
    if (!err)
        LOG(LOG_INFO, "stopped", LF_INT("uptime_ms", process_uptime_ms()));
    return err ? 1 : 0;
}
