#include "host.h"

#include "check.h"
#include "mem.h"
#include "module.h"

#include <stdio.h>
#include <stdlib.h>

enum { TYPES_MAX = 64 };

static struct host_type *types[TYPES_MAX];
static size_t type_count;
static struct map hosts;
static struct host *first_host;

static const char *say(const char *format, const char *a, const char *b)
{
    char *text = mem_alloc(512); /* for a process that is about to end */
    snprintf(text, 512, format, a, b);
    return text;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct module_on *)a)->module->name,
                  ((const struct module_on *)b)->module->name);
}

static const struct module_on *find_by_name(const struct host_type *type, const char *name)
{
    for (size_t i = 0; i < type->module_count; i++)
        if (strcmp(type->modules[i].module->name, name) == 0)
            return &type->modules[i];
    return NULL;
}

static enum err check_needs(const struct host_type *type, const char **why)
{
    for (size_t i = 0; i < type->module_count; i++) {
        const struct module *module = type->modules[i].module;
        for (const char *const *need = module->needs; need && *need; need++)
            if (!find_by_name(type, *need)) {
                *why = say("module %s needs module %s, which is off", module->name, *need);
                return ERR_INVALID;
            }
    }
    return ERR_OK;
}

static size_t aligned(size_t size)
{
    return (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

static unsigned count_alarms(const struct module *module)
{
    unsigned count = 0;
    while (module->alarms && module->alarms[count].name)
        count++;
    return count;
}

static void lay_out(struct host_type *type)
{
    for (size_t i = 0; i < type->module_count; i++) {
        struct module_on *on = &type->modules[i];
        on->session_offset = type->session_size;
        on->user_offset = type->user_size;
        on->first_alarm = type->alarm_count;
        type->session_size += aligned(on->module->session_size);
        type->user_size += aligned(on->module->user_size);
        type->alarm_count += count_alarms(on->module);
    }
}

static enum err compile(struct host_type *type, const char **why)
{
    const struct module **modules = mem_zalloc(type->module_count * sizeof *modules);
    for (size_t i = 0; i < type->module_count; i++)
        modules[i] = type->modules[i].module;
    enum err err = hooks_compile(type->hooks, modules, type->module_count, why);
    if (!err)
        iq_compile(&type->iqs, modules, type->module_count);
    mem_free(modules);
    return err;
}

static enum err start_modules(struct host_type *type, const char **why)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < type->module_count && !err; i++) {
        const struct module_on *on = &type->modules[i];
        metric_register(on->module->metrics);
        if (on->module->start)
            err = on->module->start(type, on->conf, why);
    }
    return err;
}

enum err host_type_new(const char *name, const struct module_setup *setups, size_t count,
                       struct host_type **out, const char **why)
{
    struct host_type *type = mem_zalloc(sizeof *type);
    type->name = mem_strdup(name);
    type->modules = mem_zalloc(count * sizeof *type->modules);
    type->module_count = count;
    for (size_t i = 0; i < count; i++)
        type->modules[i] = (struct module_on){.module = setups[i].module, .conf = setups[i].conf};
    qsort(type->modules, count, sizeof *type->modules, by_name);
    enum err err = check_needs(type, why);
    if (!err) {
        lay_out(type);
        err = compile(type, why);
    }
    if (!err)
        err = start_modules(type, why);
    if (err) {
        for (size_t i = 0; i < count; i++)
            mem_free(type->modules[i].conf);
        type->module_count = 0; /* none was started to the end */
        host_type_free(type);
        return err;
    }
    CHECK(type_count < TYPES_MAX);
    types[type_count++] = type;
    *out = type;
    return ERR_OK;
}

void host_type_free(struct host_type *type)
{
    for (size_t i = 0; i < type->module_count; i++)
        if (type->modules[i].module->stop)
            type->modules[i].module->stop(type);
    for (size_t i = 0; i < type->module_count; i++)
        mem_free(type->modules[i].conf);
    hooks_free(type->hooks);
    iq_free(&type->iqs);
    mem_free(type->services);
    mem_free(type->modules);
    mem_free((char *)type->name);
    mem_free(type);
}

void host_add(struct host_type *type, const struct jid *domain)
{
    struct host *host = mem_zalloc(sizeof *host);
    jid_keep(&host->jid, domain);
    host->type = type;
    map_add(&hosts, &host->node, map_hash(host->jid.domain));
    if (!first_host)
        first_host = host;
}

void hosts_free(void)
{
    struct map_node *node;
    while ((node = map_next(&hosts, NULL))) {
        struct host *host = MAP_OWNER(node, struct host, node);
        map_drop(&hosts, node);
        jid_drop(&host->jid);
        mem_free(host);
    }
    map_fini(&hosts);
    first_host = NULL;
    while (type_count)
        host_type_free(types[--type_count]);
}

static bool is_domain(const struct map_node *node, const void *key)
{
    return str_eq(MAP_OWNER(node, struct host, node)->jid.domain, *(const struct str *)key);
}

/* Each message asks for it some times, one in a room for each who is in it, and mostly for the one
 * domain that there is: to compare costs a tenth of a hash. */
struct host *host_find(struct str domain)
{
    if (first_host && str_eq(first_host->jid.domain, domain))
        return first_host;
    struct map_node *node = map_find(&hosts, map_hash(domain), is_domain, &domain);
    return node ? MAP_OWNER(node, struct host, node) : NULL;
}

struct host *host_default(void)
{
    return first_host;
}

const struct module_on *host_module(const struct host_type *type, const struct module *module)
{
    for (size_t i = 0; i < type->module_count; i++)
        if (type->modules[i].module == module)
            return &type->modules[i];
    return NULL;
}

size_t hosts_session_size(void)
{
    size_t most = 0;
    for (size_t i = 0; i < type_count; i++)
        most = types[i]->session_size > most ? types[i]->session_size : most;
    return most;
}

unsigned hosts_alarm_count(void)
{
    unsigned most = 0;
    for (size_t i = 0; i < type_count; i++)
        most = types[i]->alarm_count > most ? types[i]->alarm_count : most;
    return most;
}

struct host_type *hosts_type(size_t index)
{
    return index < type_count ? types[index] : NULL;
}

struct host *hosts_next(struct host *host)
{
    struct map_node *node = map_next(&hosts, host ? &host->node : NULL);
    return node ? MAP_OWNER(node, struct host, node) : NULL;
}

/* --- module.h --- */

void *session_slot(struct session *session, const struct module *module)
{
    const struct module_on *on = host_module(session->host->type, module);
    CHECK(on);
    return session->slots + on->session_offset;
}

const void *module_conf(const struct host *host, const struct module *module)
{
    const struct module_on *on = host_module(host->type, module);
    CHECK(on);
    return on->conf;
}
