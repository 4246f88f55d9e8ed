/*
 * Hooks: where modules come in. A handler changes its own session bytes and appends effects to the
 * accumulator; it does no I/O. Handlers of one point run in an order that is declared by name and
 * resolved once at start.
 */
#ifndef RT_HOOK_H
#define RT_HOOK_H

#include "err.h"
#include "ns.h"

#include <stdbool.h>
#include <stddef.h>

struct acc;
struct session;
struct host_type;
struct module;

#define HOOK(name, when, stop) HOOK_##name,
enum hook_point {
#include "hooks.def"
    HOOK_COUNT
};
#undef HOOK

enum verdict {
    HOOK_OK,   /* go on */
    HOOK_STOP, /* stop here; hooks.def says what that means */
    HOOK_PARK, /* wait for a store answer: acc_park was called, its continuation goes on */
};

/* `session` is NULL where the point has none (filter_local_packet, offline_message, remove_user).
 */
typedef enum verdict hook_fn(struct acc *acc, struct session *session);

struct hook {
    enum hook_point at;
    enum ns ns;          /* only elements of this namespace, or with such a child; NS_NONE: all */
    const char *element; /* only elements of this name, or with such a child; NULL: all */
    hook_fn *run;        /* NULL ends a table */
    const char *before, *after; /* names of modules, comma-separated; NULL: anywhere */
};

/* One handler in its resolved place. */
struct hook_entry {
    const struct hook *hook;
    const struct module *module;
};

struct hook_list {
    struct hook_entry *entries;
    size_t count;
};

/* Resolves the order of all handlers of these modules for a host type; stable: without a rule,
 * modules stand in the order of their names. ERR_INVALID: the rules form a circle; *why names the
 * point and the modules. */
RT_NODISCARD enum err hooks_compile(struct hook_list lists[HOOK_COUNT],
                                    const struct module *const *modules, size_t count,
                                    const char **why);
void hooks_free(struct hook_list lists[HOOK_COUNT]);

/* Runs the handlers of a point in acc->host's type, applies the effects, and calls `then` with the
 * verdict of the chain; later, if a handler parks. `then` takes the accumulator. When a handler
 * ended the session (hard_stop), `then` gets HOOK_STOP. */
typedef void hook_then_fn(struct acc *acc, struct session *session, enum verdict verdict);
void hook_chain(enum hook_point at, struct acc *acc, struct session *session, hook_then_fn *then);

/* Goes on with a chain behind a parked handler (acc.c). */
void hook_resume(struct acc *acc, struct session *session, enum verdict verdict);

/* Runs a point whose handlers cannot park and have nothing to stop; the accumulator stays the
 * caller's. A handler that parks here is a bug. */
enum verdict hook_run(enum hook_point at, struct acc *acc, struct session *session);

/* True for the points on the way to a client. */
bool hook_is_receive(enum hook_point at);

/* What hooks.def says of a point. */
const char *hook_name(enum hook_point at);
const char *hook_when(enum hook_point at);

#endif
