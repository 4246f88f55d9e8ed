/*
 * What a module includes, and all that it needs: a module is a folder with <name>.c, which defines
 * `const struct module module_<name>`, and <name>.md. Modules know this header, store.h and
 * themselves, and no other module.
 */
#ifndef RT_MODULE_H
#define RT_MODULE_H

#include "acc.h"
#include "amp.h"
#include "caps.h"
#include "caps_ver.h"
#include "chore.h"
#include "delivery.h"
#include "derive.h"
#include "digest.h"
#include "effect.h"
#include "fanout.h"
#include "foreign.h"
#include "form.h"
#include "hook.h"
#include "host.h"
#include "iq.h"
#include "kept.h"
#include "key.h"
#include "limits.h"
#include "log.h"
#include "mem.h"
#include "metric.h"
#include "pep_item.h"
#include "privacy.h"
#include "promise.h"
#include "question.h"
#include "room.h"
#include "service.h"
#include "session.h"
#include "shard_slot.h"
#include "stanza_id.h"
#include "state.h"
#include "subscription.h"
#include "users.h"

/* A named timeout of a session. It rings with a fresh accumulator; effects are applied after it. */
struct alarm {
    const char *name; /* NULL ends a table */
    void (*ring)(struct acc *acc, struct session *session);
};

/* What a module adds to service discovery (XEP-0030). */
struct feature {
    unsigned target; /* enum iq_target; 0 ends a table */
    const char *var;
};

struct module {
    const char *name, *xep;         /* as in the configuration; "XEP-0199", or NULL */
    const char *const *needs;       /* modules that must be on too; NULL-ended, or NULL */
    const struct hook *hooks;       /* ended by run == NULL, or NULL */
    const struct iq_handler *iqs;   /* ended by run == NULL, or NULL */
    const struct feature *features; /* ended by target == 0, or NULL */
    const struct key *keys;         /* configuration, or NULL */
    size_t conf_size;
    struct metric *const *metrics;     /* NULL-ended, or NULL */
    const struct state *const *states; /* external states, NULL-ended, or NULL */
    const struct alarm *alarms;        /* or NULL */
    const struct chore *chore;         /* or NULL */
    size_t session_size, user_size;    /* bytes zeroed in each session, each user that is online */
    size_t shard_size;                 /* bytes zeroed in each shard (shard_slot.h) */
    /* At boot, for each host type that has it. On failure *why is a sentence. */
    enum err (*start)(struct host_type *type, const void *conf, const char **why);
    void (*stop)(struct host_type *type);
    void (*session_end)(struct session *session, void *own);
    void (*user_end)(void *own);
    void (*shard_end)(void *own);
};

/* The module's own bytes in a session or user, and its configuration; the module must be on. */
void *session_slot(struct session *session, const struct module *module);
void *user_slot(struct user *user, const struct module *module);
const void *module_conf(const struct host *host, const struct module *module);

/* All modules compiled in, NULL-ended; defined by floor 4 from modules.def. */
extern const struct module *const modules_all[];

#endif
