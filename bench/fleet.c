#include "fleet.h"

#include "client_sasl.h"
#include "mem.h"

#include <stdio.h>

enum { FAILURES_TOLD = 5, TURN_US = 100000, LAST_US = 10000000, STUCK_US = 60000000 };

_Thread_local struct fleet fleet;

static void on_ready(struct client *client)
{
    fleet.ready++;
    if (fleet.on_ready)
        fleet.on_ready(client);
}

static void on_stanza(struct client *client, const struct element *element, uint64_t now_us)
{
    if (fleet.on_stanza)
        fleet.on_stanza(client, element, now_us);
}

static void on_gone(struct client *client, const char *why)
{
    fleet.live--;
    fleet.ready -= client->established;
    if (why && fleet.failed++ < FAILURES_TOLD)
        fprintf(stderr, "ringtail-bench: user %s%u: %s\n", client->setup->options->prefix,
                client->number, why);
    if (fleet.on_gone)
        fleet.on_gone(client, why);
}

void fleet_init(const struct options *options, unsigned first, unsigned count, unsigned relay_group)
{
    memset(&fleet, 0, sizeof fleet);
    fleet.setup = (struct client_setup){.options = options,
                                        .relay_group = relay_group,
                                        .parser = parser_new(),
                                        .on_ready = on_ready,
                                        .on_stanza = on_stanza,
                                        .on_gone = on_gone};
    if ((options->tls || options->direct_tls) && !relay_group)
        fleet.setup.tls = tls_context_client("xmpp-client");
    fleet.first = first;
    fleet.count = count;
    fleet.clients = mem_zalloc((count + 1) * sizeof *fleet.clients);
    if (options->resume)
        fleet.setup.memories = mem_zalloc((count + 1) * sizeof *fleet.setup.memories);
    for (unsigned i = 0; i < count && options->resume; i++)
        fleet.clients[i].memory = &fleet.setup.memories[i];
    fleet.setup.keys = mem_zalloc((count + 1) * sizeof *fleet.setup.keys);
    for (unsigned i = 0; i < count; i++)
        fleet.clients[i].keys = &fleet.setup.keys[i];
}

void fleet_fini(void)
{
    parser_free(fleet.setup.parser);
    tls_context_free(fleet.setup.tls);
    mem_free(fleet.setup.memories);
    mem_free(fleet.setup.keys);
    mem_free(fleet.clients);
    memset(&fleet, 0, sizeof fleet);
}

bool fleet_open(unsigned index)
{
    struct client *client = &fleet.clients[index];
    unsigned group = fleet.setup.relay_group; /* a relay groups them as they come */
    uint64_t most = group > 2 ? 1 : group ? group : fleet.setup.options->in_flight;
    if (client->stage != CLIENT_IDLE || fleet.live - fleet.ready >= most)
        return false;
    fleet.live++;
    client_open(client, &fleet.setup, fleet.first + index);
    return true;
}

/* How many may have come by now. */
static uint64_t arrived(void)
{
    if (!fleet.arrivals)
        return UINT64_MAX;
    return (clock_monotonic_us() - fleet.from_us) * fleet.arrivals / 1000000 + 1;
}

/* A server that answers nobody for so long is not waited for. */
static bool is_stuck(unsigned *ready, uint64_t *since_us)
{
    uint64_t now_us = clock_monotonic_us();
    if (*ready != fleet.ready || *since_us == 0) {
        *ready = fleet.ready;
        *since_us = now_us;
    }
    if (now_us - *since_us < STUCK_US)
        return false;
    fprintf(stderr, "ringtail-bench: no login has succeeded for %d s (%u of %u are in)\n",
            STUCK_US / 1000000, fleet.ready, fleet.count);
    return true;
}

enum err fleet_login(unsigned until)
{
    unsigned next = fleet.live, ready = 0;
    uint64_t since_us = 0;
    if (!fleet.from_us)
        fleet.from_us = clock_monotonic_us();
    while (fleet.ready < until && !fleet.failed) {
        while (next < until && next < arrived() && fleet_open(next))
            next++;
        shard_turn(shard_self, fleet.arrivals && next < until ? 1000 : TURN_US);
        if (is_stuck(&ready, &since_us))
            return ERR_TIMEOUT;
    }
    return fleet.failed ? ERR_CLOSED : ERR_OK;
}

void fleet_rest(uint64_t ms)
{
    uint64_t until_us = clock_monotonic_us() + ms * 1000;
    for (uint64_t now = clock_monotonic_us(); now < until_us; now = clock_monotonic_us())
        shard_turn(shard_self, until_us - now);
}

static void end_all(void (*end)(struct client *client))
{
    for (unsigned i = 0; i < fleet.count; i++)
        if (fleet.clients[i].stage != CLIENT_IDLE && fleet.clients[i].stage != CLIENT_CLOSING)
            end(&fleet.clients[i]);
    uint64_t deadline_us = clock_monotonic_us() + LAST_US;
    while (fleet.live && clock_monotonic_us() < deadline_us)
        shard_turn(shard_self, TURN_US);
}

void fleet_logout(void)
{
    end_all(client_close);
}

void fleet_cut(void)
{
    end_all(client_cut);
}
