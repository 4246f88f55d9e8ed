/* Plays in the simulator: two shards, split reads, late completions, no TLS. */
#include "play.h"
#include "sim_server.h"

#include "mem.h"

#include <stdlib.h>

static const char *const users[] = {"alice", "bob", "carol", NULL};
static uint64_t seed;

static void begin(void)
{
    const struct sim_faults faults = {.split_percent = 40, .delay_percent = 30};
    sim_server_more = getenv("PLAY_MODULES");
    sim_server_open(2, seed, faults, users, NULL);
}

static void *do_connect(const char *listener)
{
    if (strcmp(listener, "legacy") == 0)
        return sim_connect(SIM_PORT_LEGACY);
    return sim_connect(strcmp(listener, "shaped") == 0 ? SIM_PORT_SHAPED : SIM_PORT_C2S);
}

static void do_send(void *connection, struct str bytes)
{
    sim_send(connection, bytes);
}

static bool do_receive(void *connection, struct buf *into, unsigned ms)
{
    (void)ms;
    struct buf *got = sim_received(connection);
    for (int i = 0; i < 400 && buf_len(got) == 0 && !sim_is_closed(connection); i++) {
        sim_settle(50);
        got = sim_received(connection);
    }
    bool open = buf_len(got) || !sim_is_closed(connection);
    buf_push_str(into, buf_str(got));
    buf_fini(got);
    return open;
}

static void do_drop(void *connection, bool reset)
{
    if (reset)
        sim_reset(connection);
    else
        sim_finish(connection);
}

static void do_wait(unsigned ms)
{
    sim_settle(2000);
    sim_pass(ms);
}

int main(int argc, char **argv)
{
    static const struct wire wire = {"sim",   begin,      sim_server_close, do_connect,
                                     do_send, do_receive, do_drop,          do_wait};
    int bad = 0;
    const char *count = getenv("PLAY_SEEDS");
    uint64_t seeds = count ? strtoull(count, NULL, 10) : 5;
    for (seed = 1; seed <= seeds && !bad; seed++)
        bad = play_all(&wire, argv + 1, argc - 1);
    return bad;
}
