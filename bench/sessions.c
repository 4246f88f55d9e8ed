#include "sessions.h"

#include "fleet.h"

static _Thread_local unsigned turn; /* whose turn it is */

/* A login that is due, by one user. False: not now. */
static bool come(struct phase *phase, unsigned index, uint64_t due_us)
{
    if (!fleet_open(index))
        return false;
    fleet.clients[index].due_us = due_us;
    phase->tally->sent++;
    phase->tally->expected++;
    return true;
}

/* --- login_storm --- */

void storm_begin(struct phase *phase)
{
    (void)phase;
    turn = 0;
}

/* The next one who is out. */
bool storm_act(struct phase *phase, uint64_t due_us)
{
    for (unsigned tries = 0; tries < fleet.count; tries++) {
        unsigned index = turn++ % fleet.count;
        if (fleet.clients[index].stage == CLIENT_IDLE)
            return come(phase, index, due_us);
    }
    return false;
}

void storm_on_ready(struct phase *phase, struct client *client)
{
    phase_count(phase, client->due_us, clock_monotonic_us());
    client_close(client);
}

void storm_on_gone(struct phase *phase, struct client *client, const char *why)
{
    (void)client;
    phase->tally->errors += why != NULL;
}

/* --- reconnect --- */

void reconnect_begin(struct phase *phase)
{
    turn = 0;
    fleet_cut();
    if (phase->pace.writes > fleet.count)
        phase->pace.writes = fleet.count;
}

bool reconnect_act(struct phase *phase, uint64_t due_us)
{
    if (!come(phase, turn, due_us))
        return false;
    turn++;
    return true;
}

void reconnect_on_ready(struct phase *phase, struct client *client)
{
    phase_count(phase, client->due_us, clock_monotonic_us());
}
