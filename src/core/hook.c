#include "hook.h"

#include "acc.h"
#include "check.h"
#include "effect.h"
#include "host.h"
#include "mem.h"
#include "module.h"
#include "session.h"

#include <stdio.h>

#define HOOK(name, when, stop) {#name, when},
static const struct {
    const char *name, *when;
} points[HOOK_COUNT] = {
#include "hooks.def"
};
#undef HOOK

const char *hook_name(enum hook_point at)
{
    return points[at].name;
}

const char *hook_when(enum hook_point at)
{
    return points[at].when;
}

bool hook_is_receive(enum hook_point at)
{
    return at >= HOOK_user_receive_packet && at <= HOOK_xmpp_send_element;
}

/* --- Order --- */

static bool names_module(const char *list, const char *name)
{
    struct str rest = str_of(list);
    while (rest.len) {
        struct str one = str_trim(str_cut(rest, ',', &rest));
        if (str_is(one, name))
            return true;
    }
    return false;
}

static bool must_precede(const struct hook_entry *a, const struct hook_entry *b)
{
    return names_module(a->hook->before, b->module->name) ||
           names_module(b->hook->after, a->module->name);
}

/* The first entry not placed yet that no other such entry must precede; -1: a circle. */
static ssize_t next_free(const struct hook_entry *entries, const bool *placed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool free = !placed[i];
        for (size_t k = 0; free && k < count; k++)
            free = placed[k] || k == i || !must_precede(&entries[k], &entries[i]);
        if (free)
            return (ssize_t)i;
    }
    return -1;
}

static const char *circle(enum hook_point at, const struct hook_entry *entries, const bool *placed,
                          size_t count)
{
    size_t room = 128 + count * 64, len = 0;
    char *text = mem_alloc(room); /* for a process that is about to end */
    len += (size_t)snprintf(text, room, "hook %s: before and after form a circle between",
                            hook_name(at));
    for (size_t i = 0; i < count; i++)
        if (!placed[i])
            len += (size_t)snprintf(text + len, room - len, " %s", entries[i].module->name);
    return text;
}

static enum err sort_list(enum hook_point at, struct hook_list *list, const char **why)
{
    struct hook_entry *sorted = mem_zalloc(list->count * sizeof *sorted);
    bool *placed = mem_zalloc(list->count * sizeof *placed);
    enum err err = ERR_OK;
    for (size_t done = 0; done < list->count && !err; done++) {
        ssize_t next = next_free(list->entries, placed, list->count);
        if (next < 0) {
            *why = circle(at, list->entries, placed, list->count);
            err = ERR_INVALID;
        } else {
            sorted[done] = list->entries[next];
            placed[next] = true;
        }
    }
    mem_free(placed);
    mem_free(list->entries);
    list->entries = sorted;
    return err;
}

static void collect(struct hook_list lists[HOOK_COUNT], const struct module *module)
{
    for (const struct hook *hook = module->hooks; hook && hook->run; hook++) {
        struct hook_list *list = &lists[hook->at];
        list->entries = mem_realloc(list->entries, (list->count + 1) * sizeof *list->entries);
        list->entries[list->count++] = (struct hook_entry){hook, module};
    }
}

enum err hooks_compile(struct hook_list lists[HOOK_COUNT], const struct module *const *modules,
                       size_t count, const char **why)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < count; i++)
        collect(lists, modules[i]);
    for (int at = 0; at < HOOK_COUNT && !err; at++)
        if (lists[at].count)
            err = sort_list((enum hook_point)at, &lists[at], why);
    return err;
}

void hooks_free(struct hook_list lists[HOOK_COUNT])
{
    for (int at = 0; at < HOOK_COUNT; at++)
        mem_free(lists[at].entries);
}

/* --- Running --- */

static bool matches(const struct hook *hook, const struct element *element)
{
    return (hook->ns == NS_NONE || element->ns == hook->ns) &&
           (!hook->element || str_is(element->name, hook->element));
}

static bool concerns(const struct hook *hook, const struct element *element)
{
    if (hook->ns == NS_NONE && !hook->element)
        return true;
    if (!element)
        return false;
    bool found = matches(hook, element);
    for (element = element_first(element); element && !found; element = element_next(element))
        found = matches(hook, element);
    return found;
}

/* Runs entries from acc->next_entry on. */
static enum verdict run_from(struct acc *acc, struct session *session)
{
    const struct hook_list *list = &acc->host->type->hooks[acc->at];
    while (acc->next_entry < list->count) {
        const struct hook *hook = list->entries[acc->next_entry++].hook;
        if (!concerns(hook, acc->element))
            continue;
        enum verdict verdict = hook->run(acc, session);
        if (verdict != HOOK_OK)
            return verdict;
    }
    return HOOK_OK;
}

static void end_chain(struct acc *acc, struct session *session, enum verdict verdict)
{
    hook_then_fn *then = acc->then;
    bool alive = !session || !session->ended;
    if (acc->effects)
        effects_apply(acc, session);
    if (session && alive && session->ended)
        verdict = HOOK_STOP;
    then(acc, session, verdict);
}

void hook_chain(enum hook_point at, struct acc *acc, struct session *session, hook_then_fn *then)
{
    acc->at = at;
    acc->next_entry = 0;
    acc->then = then;
    enum verdict verdict = run_from(acc, session);
    if (verdict != HOOK_PARK)
        end_chain(acc, session, verdict);
    else
        CHECK(acc->parked);
}

void hook_resume(struct acc *acc, struct session *session, enum verdict verdict)
{
    if (verdict == HOOK_OK)
        verdict = run_from(acc, session);
    if (verdict != HOOK_PARK)
        end_chain(acc, session, verdict);
}

enum verdict hook_run(enum hook_point at, struct acc *acc, struct session *session)
{
    acc->at = at;
    acc->next_entry = 0;
    enum verdict verdict = run_from(acc, session);
    CHECK(verdict != HOOK_PARK);
    if (acc->effects)
        effects_apply(acc, session);
    return verdict;
}
