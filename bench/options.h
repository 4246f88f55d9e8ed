/*
 * What a run does: one table of keys (base/key.h) gives the scenario files, the command line, their
 * presets, the help, and the parameters in a report. A key `room_size` is the option --room-size.
 */
#ifndef RT_OPTIONS_H
#define RT_OPTIONS_H

#include "arena.h"
#include "buf.h"
#include "key.h"
#include "probe.h"

struct options {
    struct arena arena; /* holds the texts */
    const char *scenario, *label;
    /* where */
    const char *host, *domain;
    uint64_t port, domain_count, domain_bucket;
    bool tls, direct_tls;
    /* who */
    const char *prefix, *password, *mechanism;
    uint64_t users, first, in_flight, arrival_rate;
    bool in_band;
    /* what */
    uint64_t peers, room_size, page, history;
    const char *room_service;
    bool rooms_made, resume, sm, carbons, receipts, origin_ids, expect_archive, expect_inbox;
    uint64_t rate, interval_ms, burst, stanza_len, body_len, tick_us;
    struct key_texts rates; /* the ladder; empty: `rate` alone */
    uint64_t seconds_ms, warmup_ms, settle_ms, drain_ms, repeat, stop_p99_ms;
    /* on what, how it is watched and told */
    uint64_t threads, cpu;
    struct probe server, database;
    struct key_texts workers, watch;
    const char *counters, *json, *html;
    char address[64]; /* found: the numeric address of `host`; empty with workers, who look
                         themselves */
};

enum { OPTIONS_NO_CPU = 4096 }; /* `cpu` when the thread is not pinned */

/* Presets first, then the file (NULL: none), then the words of the command line. ERR_INVALID after
 * sentences on standard error that name file, line and key. options_fini gives all back, and is
 * fine in both cases. */
RT_NODISCARD enum err options_parse(const char *file, int argc, char **argv, struct options *out);
void options_fini(struct options *options);

/* True for "--name" of an option that is followed by a value. */
bool options_takes_value(const char *word);

/* The same of a text that options_write has written (a coordinator's). */
RT_NODISCARD enum err options_read(struct str text, struct options *out);

/* As one JSON object. `all`: what a worker needs, with the password. */
void options_write(struct buf *out, const struct options *options, bool all);

/* How many rates the ladder has, and each of them. */
unsigned options_rungs(const struct options *options);
uint64_t options_rate(const struct options *options, unsigned rung);

/* All options with their presets, on standard output. */
void options_help(void);

#endif
