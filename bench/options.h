/* The command line of ringtail-bench: one table gives the parsing, the presets and the help. */
#ifndef RT_OPTIONS_H
#define RT_OPTIONS_H

#include "err.h"
#include "probe.h"

#include <stdbool.h>
#include <stdint.h>

struct options {
    /* where */
    const char *host, *domain;
    uint64_t port;
    bool resume, origin_ids, rooms_made, tls, direct_tls;
    /* who */
    const char *prefix, *password, *mechanism, *room_service;
    uint64_t users, first, in_flight;
    /* what */
    uint64_t room_size, rate, burst, stanza_len, body_len, tick_us;
    uint64_t seconds_ms, warmup_ms, settle_ms, drain_ms;
    /* how it is watched and told */
    struct probe server, database;
    uint64_t cpu;
    bool json;
};

enum { OPTIONS_NO_CPU = 4096 }; /* `cpu` when the thread is not pinned */

/* Presets first, then the words. ERR_INVALID after a sentence on standard error. Texts are views of
 * argv. */
RT_NODISCARD enum err options_parse(int argc, char **argv, struct options *out);

/* All options with their presets, on standard output. */
void options_help(void);

#endif
