/*
 * Hosts. A host type is a named set of modules with their options; its hook tables are compiled
 * once. A domain belongs to a host type; a session points at its host.
 */
#ifndef RT_HOST_H
#define RT_HOST_H

#include "acc.h"
#include "hook.h"
#include "iq.h"
#include "map.h"

struct module_on {
    const struct module *module;
    void *conf;
    size_t session_offset, user_offset;
    unsigned first_alarm; /* number of its first alarm in a session */
};

struct host_type {
    const char *name;
    struct module_on *modules; /* in order of name */
    size_t module_count;
    struct hook_list hooks[HOOK_COUNT];
    struct iq_table iqs;
    size_t session_size, user_size; /* of all modules' slots */
    unsigned alarm_count;
    unsigned privacy_uses; /* enum privacy_uses */
    struct service *services;
    size_t service_count;
};

struct host {
    struct map_node node;
    struct jid jid; /* the domain */
    struct host_type *type;
};

/* A module that is on, with its configuration (owned by the host type from now). */
struct module_setup {
    const struct module *module;
    void *conf;
};

/* Makes a host type: resolves needs and order, lays out the slots, starts the modules. On failure
 * *why is a sentence for the operator. At boot. */
RT_NODISCARD enum err host_type_new(const char *name, const struct module_setup *setups,
                                    size_t count, struct host_type **out, const char **why);
void host_type_free(struct host_type *type);

/* Adds a domain (prepared) at boot, before shards start. */
void host_add(struct host_type *type, const struct jid *domain);
void hosts_free(void);

/* The host of a prepared domain, or NULL. Any thread. */
struct host *host_find(struct str domain);

/* The domain that error streams for unknown hosts come from: the first one. */
struct host *host_default(void);

/* The module's entry, or NULL when it is off. */
const struct module_on *host_module(const struct host_type *type, const struct module *module);

/* Bytes of the largest session's slots and most alarms over all host types. */
size_t hosts_session_size(void);
unsigned hosts_alarm_count(void);

/* All host types, for printing; NULL at the end. */
struct host_type *hosts_type(size_t index);
struct host *hosts_next(struct host *host);

#endif
