#include "sim_server.h"

#include "check.h"
#include "config.h"
#include "core.h"
#include "credentials.h"
#include "log.h"
#include "mem.h"
#include "problems.h"
#include "server.h"
#include "session.h"
#include "store_backend.h"

#include <stdio.h>

static struct config config;
static const char *const *accounts;
static const char *modules_text;
const char *sim_server_more;
static size_t accounts_to_come;

static const char all_modules[] =
    "modules:\n"
    "  ping: {send_pings: true, timeout_action: kill}\n"
    "  disco: {server_info: [{name: abuse-addresses, urls: ['mailto:abuse@localhost']}]}\n"
    "  version: {}\n"
    "  time: {}\n"
    "  last: {}\n"
    "  register: {registration_timeout: 0s}\n"
    "  presence: {}\n"
    "  roster: {max_items: 3}\n"
    "  carbons: {}\n"
    "  csi: {}\n"
    "  sm: {resume_timeout: 60s}\n"
    "  mam: {}\n"
    "  inbox: {boxes: [work]}\n"
    "  caps: {}\n"
    "  amp: {}\n"
    "  stream_limits: {}\n"
    "  privacy: {}\n"
    "  blocking: {max_items: 4}\n"
    "  private: {max_elements: 3, max_bytes: 2k}\n"
    "  vcard: {max_bytes: 4k}\n"
    "  pep: {max_nodes: 40, max_items_per_node: 4, max_item_size: 3k, max_bytes: 12k}\n"
    "  extdisco: {services: [{type: stun, host: turn.example, port: 3478, transport: udp},\n"
    "    {type: turn, host: turn.example, port: 3478, secret: north}]}\n"
    "  shaper: {rates: [{name: slow, max_rate: 1000}]}\n";

static const char listeners[] =
    "data_dir: .\n"
    "domains: [localhost]\n"
    "storage: {backend: memory}\n"
    "auth: {scram_iterations: 4096}\n"
    "listen:\n"
    "  c2s:\n"
    "    - {ip: 127.0.0.1, port: 1, tls: {mode: none}, plaintext_auth: true, state_timeout: 5s,\n"
    "       backwards_compatible_session: false}\n"
    "    - {ip: 127.0.0.1, port: 2, tls: {mode: none}, plaintext_auth: true, state_timeout: 5s,\n"
    "       backwards_compatible_session: true}\n"
    "    - {ip: 127.0.0.1, port: 3, tls: {mode: none}, plaintext_auth: true, shaper: slow,\n"
    "       backwards_compatible_session: false}\n";

static enum err slow_store(const struct store_op *op, uint64_t *delay_ms)
{
    (void)op;
    if (sim_chance(sim_faults.store_slow_percent))
        *delay_ms = 1 + prng_below(&sim_prng, 200);
    return sim_chance(sim_faults.store_down_percent) ? ERR_DOWN : ERR_OK;
}

static void read_config(void)
{
    struct buf text = {0};
    struct problems problems = {0};
    buf_push_str(&text, str_of(listeners));
    buf_push_str(&text, str_of(modules_text ? modules_text : all_modules));
    if (!modules_text && sim_server_more) {
        buf_push_str(&text, STR("  "));
        buf_push_str(&text, str_of(sim_server_more));
    }
    if (!config_read(buf_str(&text), "sim.yaml", &config, &problems))
        PANIC("the simulator's configuration is wrong: %s", (const char *)problems.text.memory);
    buf_fini(&text);
}

static void on_connection(struct listener *listener, int fd)
{
    session_new(listener->own, fd);
}

static void open_listeners(void)
{
    const char *why = "";
    size_t count = config.listen.c2s.count;
    core_config.listeners = mem_zalloc(count * sizeof *core_config.listeners);
    core_config.listener_count = count;
    for (size_t i = 0; i < count; i++) {
        struct c2s_listener *core = &core_config.listeners[i];
        *core = config_c2s(&config, i)->core;
        core->listener.at = (struct address){core->ip, (uint16_t)core->port};
        core->listener.reuse_port = true;
        core->listener.max_connections = core->max_connections;
        core->listener.on_connection = on_connection;
        core->listener.own = core;
        CHECK(listener_open(&core->listener, shard_count, &why) == ERR_OK);
    }
}

static void setup(void)
{
    const char *why = "";
    read_config();
    core_register_metrics();
    for (int i = SASL_SCRAM_SHA_512; i < SASL_MECHANISM_COUNT; i++)
        core_config.mechanisms[i] = true;
    core_config.scram_iterations = 1;
    open_listeners();
    if (server_setup_hosts(&config, &why))
        PANIC("%s", why);
    if (server_setup_store(&config, 1, &why))
        PANIC("%s", why);
}

static void on_added(struct store_op *op)
{
    CHECK(op->outcome == ERR_OK);
    accounts_to_come--;
}

static void add_account(const char *user)
{
    static struct credentials credentials;
    if (!credentials.iterations)
        CHECK(credentials_derive(STR("secret"), 1, &credentials) == ERR_OK);
    struct store_op *op = store_op_new(STORE_ACCOUNT_ADD, on_added, NULL);
    op->account.user = arena_str(&op->arena, str_of(user));
    op->account.domain = STR("localhost");
    op->account.credentials = credentials_write(&op->arena, &credentials);
    store_ask(op, 0);
    accounts_to_come++;
}

static void start(struct shard *shard)
{
    store_shard_start(shard);
    core_start(shard);
    if (shard->id == 0)
        for (const char *const *user = accounts; user && *user; user++)
            add_account(*user);
}

static void stop(struct shard *shard)
{
    core_stop(shard);
    store_shard_stop(shard);
}

static void teardown(void)
{
    for (size_t i = 0; i < core_config.listener_count; i++)
        listener_close(&core_config.listeners[i].listener);
    store_teardown();
    hosts_free();
    mem_free(core_config.listeners);
    core_config.listener_count = 0;
    config_free(&config);
    memset(&config, 0, sizeof config);
}

void sim_server_open(unsigned shards, uint64_t seed, struct sim_faults faults,
                     const char *const *users, const char *modules)
{
    const struct sim_program program = {shards, setup, start, stop, teardown};
    log_threshold = LOG_NONE;
    accounts = users;
    modules_text = modules;
    store_mem_hook = NULL; /* the accounts are there before anything goes wrong */
    sim_open(&program, seed, (struct sim_faults){0});
    for (int i = 0; accounts_to_come && i < 1000; i++)
        sim_settle(100);
    CHECK(accounts_to_come == 0);
    sim_faults = faults;
    store_mem_hook = slow_store;
}

void sim_server_close(void)
{
    sim_faults = (struct sim_faults){0};
    store_mem_hook = NULL;
    sim_close();
}

size_t sim_server_sessions(void)
{
    size_t count = 0;
    for (unsigned i = 0; i < shard_count; i++) {
        const struct core *core = shard_at(i)->core;
        LIST_EACH ((struct link *)&core->sessions, link)
            count++;
    }
    return count;
}

size_t sim_server_timers(void)
{
    size_t count = 0;
    for (unsigned i = 0; i < shard_count; i++)
        count += shard_at(i)->wheel.count;
    return count;
}
