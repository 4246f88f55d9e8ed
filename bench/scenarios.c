#include "lookup.h"
#include "muc.h"
#include "scenario.h"
#include "sessions.h"
#include "traffic.h"

#include <stdio.h>

static unsigned peers(const struct options *options)
{
    return (unsigned)options->peers;
}

static unsigned occupants(const struct options *options)
{
    return (unsigned)options->room_size;
}

static unsigned pair(const struct options *options)
{
    (void)options;
    return 2;
}

#define TRAFFIC                                                                                    \
    .unit = "message", .begin = traffic_begin, .act = traffic_act, .take = traffic_take,           \
    .end = traffic_end
#define LOOKUP                                                                                     \
    .unit = "lookup", .prepare = lookup_prepare, .group = pair, .begin = lookup_begin,             \
    .take = lookup_take, .end = lookup_end

static const struct scenario table[] = {
    {.name = "one_to_one",
     .help = "chat messages between users who are peers, in pairs or more",
     .group = peers,
     TRAFFIC},
    {.name = "muc_light",
     .help = "messages in rooms (MUC Light)",
     .group = occupants,
     .room_service = "muclight",
     .prepare = muc_light_prepare,
     TRAFFIC},
    {.name = "muc",
     .help = "messages in rooms that all servers have (XEP-0045)",
     .group = occupants,
     .room_service = "conference",
     .prepare = muc_prepare,
     TRAFFIC},
    {.name = "relay",
     .help = "chat messages through ringtail-relay, without XMPP",
     .group = pair,
     .through_relay = true,
     .alone = true,
     TRAFFIC},
    {.name = "relay_rooms",
     .help = "the same in rooms (ringtail-relay has to know their size)",
     .group = occupants,
     .room_service = "relay",
     .through_relay = true,
     .alone = true,
     TRAFFIC},
    {.name = "mam_lookup",
     .help = "pages of the archive, the newest first (XEP-0313)",
     .act = lookup_mam,
     LOOKUP},
    {.name = "inbox_lookup",
     .help = "pages of the inbox (MongooseIM's)",
     .act = lookup_inbox,
     LOOKUP},
    {.name = "login_storm",
     .help = "users log in and out again",
     .unit = "login",
     .logs_in = true,
     .without_pause = true,
     .begin = storm_begin,
     .act = storm_act,
     .on_ready = storm_on_ready,
     .on_gone = storm_on_gone},
    {.name = "reconnect",
     .help = "all lose their connections at once and come back",
     .unit = "login",
     .without_pause = true,
     .begin = reconnect_begin,
     .act = reconnect_act,
     .on_ready = reconnect_on_ready},
    {.name = "idle", .help = "sessions that do nothing: memory", .unit = "session"},
};

const struct scenario *scenario_find(const char *name)
{
    for (size_t i = 0; name && i < COUNT_OF(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

void scenario_help(void)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        printf("  %-14s %s\n", table[i].name, table[i].help);
}

void phase_count(struct phase *phase, uint64_t due_us, uint64_t now_us)
{
    struct tally *tally = phase->tally;
    tally->delivered++;
    tally->last_us = now_us > phase->pace.start_us ? now_us - phase->pace.start_us : 0;
    if (now_us >= phase->pace.measure_us && now_us < phase->pace.end_us)
        tally->in_window++;
    if (due_us >= phase->pace.measure_us)
        hist_add(&tally->latency_us, now_us > due_us ? now_us - due_us : 0);
}
