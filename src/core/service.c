#include "service.h"

#include "core.h"
#include "mem.h"
#include "module.h"
#include "router.h"

#include <stdio.h>

#define HOST_WORD "@HOST@"

/* --- Names --- */

/* With "x" in place of the host's domain. */
static bool is_prepared(struct str before, struct str behind)
{
    struct arena arena;
    struct str prepared;
    arena_init(&arena);
    struct str name = arena_format(&arena, "%.*sx%.*s", STR_ARG(before), STR_ARG(behind));
    bool is = !jid_prep_domain(&arena, name, &prepared) && str_eq(name, prepared);
    arena_fini(&arena);
    return is;
}

static struct service parse(const struct module *module, const char *pattern)
{
    struct service service = {.module = module, .before = str_of(pattern), .behind = STR("")};
    const char *word = strstr(pattern, HOST_WORD);
    service.fixed = !word;
    if (word) {
        service.before.len = (size_t)(word - pattern);
        service.behind = str_of(word + strlen(HOST_WORD));
    }
    return service;
}

enum err service_declare(struct host_type *type, const struct module *module, const char *pattern,
                         const char **why)
{
    struct service service = parse(module, pattern);
    bool is_host = !service.fixed && !service.before.len && !service.behind.len;
    if (is_host || !is_prepared(service.before, service.behind)) {
        char *text = mem_alloc(256); /* for a process that is about to end */
        snprintf(text, 256, "module %s: `host` is not the name of a service, as muclight.@HOST@",
                 module->name);
        *why = text;
        return ERR_INVALID;
    }
    type->services =
        mem_realloc(type->services, (type->service_count + 1) * sizeof *type->services);
    type->services[type->service_count++] = service;
    return ERR_OK;
}

static struct host *first_of(const struct host_type *type)
{
    struct host *host = NULL;
    while ((host = hosts_next(host)) && host->type != type)
        ;
    return host;
}

static bool begins(struct str text, struct str with)
{
    return text.len >= with.len && memcmp(text.at, with.at, with.len) == 0;
}

static bool ends(struct str text, struct str with)
{
    return text.len >= with.len && memcmp(text.at + text.len - with.len, with.at, with.len) == 0;
}

/* The host whose service of this kind has the name, or NULL. */
static struct host *host_of(const struct host_type *type, const struct service *service,
                            struct str domain)
{
    size_t around = service->before.len + service->behind.len;
    if (service->fixed)
        return str_eq(domain, service->before) ? first_of(type) : NULL;
    if (domain.len <= around || !begins(domain, service->before) || !ends(domain, service->behind))
        return NULL;
    struct str inside = {domain.at + service->before.len, domain.len - around};
    struct host *host = host_find(inside);
    return host && host->type == type ? host : NULL;
}

const struct service *service_find(struct str domain, struct host **host)
{
    struct host_type *type;
    for (size_t i = 0; (type = hosts_type(i)); i++)
        for (size_t k = 0; k < type->service_count; k++)
            if ((*host = host_of(type, &type->services[k], domain)))
                return &type->services[k];
    return NULL;
}

bool service_jid(struct arena *arena, const struct host *host, const struct module *module,
                 struct jid *out)
{
    for (size_t i = 0; i < host->type->service_count; i++) {
        const struct service *service = &host->type->services[i];
        if (service->module != module)
            continue;
        struct str domain = service->before;
        if (!service->fixed)
            domain = arena_format(arena, "%.*s%.*s%.*s", STR_ARG(service->before),
                                  STR_ARG(host->jid.domain), STR_ARG(service->behind));
        jid_make(arena, STR(""), domain, STR(""), out);
        return true;
    }
    return false;
}

/* --- The way --- */

static void after_service(struct acc *acc, struct session *session, enum verdict verdict)
{
    if (verdict != HOOK_OK)
        acc_free(acc);
    else if (acc->kind == STANZA_IQ && (acc->type == TYPE_GET || acc->type == TYPE_SET))
        iq_answer(acc, acc->to.user.len ? IQ_ROOM : IQ_SERVICE, session);
    else
        router_bounce(acc, STANZA_SERVICE_UNAVAILABLE, NULL);
}

static void at_address(struct mail *mail)
{
    struct acc *acc = LIST_OWNER(mail, struct acc, mail);
    if (!core_self()) /* the shard has stopped, and the process is about to end */
        acc_free(acc);
    else
        hook_chain(HOOK_service_packet, acc, NULL, after_service);
}

void service_route(struct acc *acc, struct session *session)
{
    if (acc->to.user.len == 0) {
        hook_chain(HOOK_service_packet, acc, session, after_service);
        return;
    }
    unsigned target = shard_of(acc->to.bare_hash);
    acc->mail.run = at_address;
    mail_send(target, &acc->mail);
    if (session)
        session_mind_lane(session, target);
}
