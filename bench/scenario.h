/*
 * What ringtail-bench can do. A scenario is a row in a table (scenarios.c): what its users do when
 * something is due, and what they make of what comes. It runs on each thread for the users of that
 * thread and knows of no other; everything else (logins, timetable, threads, machines, numbers) is
 * not its business.
 */
#ifndef RT_SCENARIO_H
#define RT_SCENARIO_H

#include "client.h"
#include "pace.h"
#include "tally.h"

/* One rate, once, on one thread. */
struct phase {
    const struct options *options;
    const struct scenario *scenario;
    struct pace pace;
    struct tally *tally; /* of this thread */
    uint64_t next;       /* line of the timetable */
};

struct scenario {
    const char *name, *help;
    const char *unit; /* what is counted: message, lookup, login */
    /* Users that have to do with each other, and so are on one thread; NULL: each is alone. */
    unsigned (*group)(const struct options *options);
    const char *room_service; /* of rooms; NULL: there are none */
    bool through_relay;
    bool alone;         /* one thread only */
    bool logs_in;       /* its users log in while it is measured, not before */
    bool without_pause; /* no warm-up: all is measured */
    /* Once, when all are there; false: it failed, which was told. May be NULL, as may all below. */
    bool (*prepare)(const struct scenario *scenario);
    /* The timetable is set, and may be made shorter. */
    void (*begin)(struct phase *phase);
    /* Does what is due. False: it cannot be done now; it is asked again, for the same line. */
    bool (*act)(struct phase *phase, uint64_t due_us);
    void (*take)(struct phase *phase, struct client *client, const struct element *element,
                 uint64_t now_us);
    void (*on_ready)(struct phase *phase, struct client *client);
    void (*on_gone)(struct phase *phase, struct client *client, const char *why);
    void (*end)(struct phase *phase);
};

/* NULL: there is none of that name. */
const struct scenario *scenario_find(const char *name);

/* All of them, on standard output. */
void scenario_help(void);

/* How many users belong together. */
static inline unsigned scenario_group(const struct scenario *scenario,
                                      const struct options *options)
{
    return scenario->group ? scenario->group(options) : 1;
}

/* Something came that was due at `due_us`. */
void phase_count(struct phase *phase, uint64_t due_us, uint64_t now_us);

#endif
