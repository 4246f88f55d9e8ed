#include "fleet.h"

#include "mem.h"

#include <stdio.h>

enum { FAILURES_TOLD = 5, TURN_US = 100000 };

struct fleet fleet;

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
    fleet.gone++;
    if (!why)
        return;
    if (fleet.failed++ < FAILURES_TOLD)
        fprintf(stderr, "ringtail-bench: user %s%u: %s\n", client->setup->options->prefix,
                client->number, why);
}

void fleet_init(const struct options *options, bool through_relay)
{
    fleet.setup = (struct client_setup){.options = options,
                                        .through_relay = through_relay,
                                        .parser = parser_new(),
                                        .on_ready = on_ready,
                                        .on_stanza = on_stanza,
                                        .on_gone = on_gone};
    if (options->tls || options->direct_tls)
        fleet.setup.tls = tls_context_client("xmpp-client");
    fleet.count = (unsigned)options->users;
    fleet.clients = mem_zalloc(fleet.count * sizeof *fleet.clients);
}

void fleet_fini(void)
{
    parser_free(fleet.setup.parser);
    tls_context_free(fleet.setup.tls);
    mem_free(fleet.clients);
    memset(&fleet, 0, sizeof fleet);
}

void fleet_begin(unsigned until)
{
    uint64_t room = fleet.setup.options->in_flight;
    while (fleet.began < until && fleet.began - fleet.ready - fleet.failed < room) {
        unsigned index = fleet.began++;
        unsigned number = (unsigned)fleet.setup.options->first + index;
        client_open(&fleet.clients[index], &fleet.setup, number);
    }
}

enum err fleet_login(unsigned until)
{
    while (fleet.ready < until && !fleet.failed) {
        fleet_begin(until);
        shard_turn(shard_self, TURN_US);
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
    for (unsigned i = 0; i < fleet.began; i++)
        if (fleet.clients[i].stage == CLIENT_READY)
            end(&fleet.clients[i]);
    uint64_t deadline_us = clock_monotonic_us() + 10000000;
    while (fleet.gone < fleet.began && clock_monotonic_us() < deadline_us)
        shard_turn(shard_self, TURN_US);
}

void fleet_logout(void)
{
    end_all(client_close);
}

void fleet_cut(void)
{
    end_all(client_cut);
    fleet.began = fleet.ready = fleet.gone = 0;
}
