#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct ctl_world ctl_world;

static struct link calls;

#define ANY 1000000 /* as many as a request holds */

const struct ctl_command ctl_commands[] = {
    {"user add", "JID [PASSWORD]", "add an account; without PASSWORD it is asked for",
     CTL_NEEDS_STORE, 2, 2, ctl_user_add, false},
    {"user passwd", "JID [PASSWORD]", "set an account's password", CTL_NEEDS_STORE, 2, 2,
     ctl_user_passwd, false},
    {"user remove", "JID", "remove an account and end its sessions", CTL_NEEDS_STORE, 1, 1,
     ctl_user_remove, false},
    {"user import", "FILE [--derive]",
     "add accounts from lines `jid,password`; keys are derived at first login, or now (--derive)",
     CTL_NEEDS_STORE, 2, ANY, ctl_user_import, false},
    {"user list", "[DOMAIN]", "list accounts", CTL_NEEDS_STORE, 0, 1, ctl_user_list, false},
    {"archive remove", "JID [TIME]",
     "empty a user's archive and inbox, or of what is older than TIME (2026-01-31T00:00:00Z)",
     CTL_NEEDS_STORE, 1, 2, ctl_archive_remove, false},
    {"domain remove", "DOMAIN [SERVICE]",
     "remove all accounts of a domain that is not served any more, what they have, and the rooms "
     "of "
     "SERVICE (muclight.DOMAIN)",
     CTL_NEEDS_STORE, 1, 2, ctl_domain_remove, false},
    {"session list", "[LIMIT]", "list streams, at most LIMIT of them (1000)", CTL_NEEDS_SERVER, 0,
     1, ctl_session_list, false},
    {"session kick", "JID|NUMBER [REASON]", "end sessions of a JID, or the one of that number",
     CTL_NEEDS_SERVER, 1, 2, ctl_session_kick, false},
    {"session presence", "JID [PRESENCE]", "tell the presence of a JID's sessions, or set it (XML)",
     CTL_NEEDS_SERVER, 1, 2, ctl_session_presence, false},
    {"room list", "SERVICE|USER",
     "list rooms, of a service or a user, with the number of occupants", CTL_NEEDS_SERVER, 1, 1,
     ctl_room_list, false},
    {"room show", "ROOM", "tell version, configuration and occupants of a room", CTL_NEEDS_SERVER,
     1, 1, ctl_room_show, false},
    {"room create", "ROOM OWNER [ROOMNAME]", "create a room", CTL_NEEDS_SERVER, 2, 3,
     ctl_room_create, false},
    {"room add", "ROOM USER [owner|member]", "bring a user into a room, or change what he is there",
     CTL_NEEDS_SERVER, 2, 3, ctl_room_add, false},
    {"room remove", "ROOM USER", "take a user out of a room", CTL_NEEDS_SERVER, 2, 2,
     ctl_room_remove, false},
    {"room destroy", "ROOM", "destroy a room, with its archive", CTL_NEEDS_SERVER, 1, 1,
     ctl_room_destroy, false},
    {"session subscribed", "JID", "tell which contacts get the presence of a user who is online",
     CTL_NEEDS_SERVER, 1, 1, ctl_session_subscribed, false},
    {"status", "[--json]", "uptime, shards, storage and all counters", CTL_NEEDS_SERVER, 0, 1,
     ctl_status, false},
    {"hooks", "", "handlers of each hook, in the order in which they run", CTL_NEEDS_SERVER, 0, 0,
     ctl_hooks, false},
    {"states", "", "the states of a client's stream, for graphviz (dot -Tsvg)", CTL_NEEDS_NOTHING,
     0, 0, ctl_states, false},
    {"limits", "", "the server's own caps", CTL_NEEDS_NOTHING, 0, 0, ctl_limits, false},
    {"db plan", "", "what `db migrate` would do to the database, as SQL", CTL_BY_TOOL, 0, 0, NULL,
     false},
    {"db migrate", "", "bring the database up to what this version works with", CTL_BY_TOOL, 0, 0,
     NULL, false},
    {"db check", "", "look whether a server can work with the database", CTL_BY_TOOL, 0, 0, NULL,
     false},
    {"import mongooseim", "--conninfo CONNINFO [--dry-run] [--domain DOMAIN]...",
     "import what is missing from MongooseIM's PostgreSQL database; no server may run", CTL_BY_TOOL,
     0, 0, NULL, false},
    {"drain", "", "accept no more, end all sessions, and stop (like SIGTERM)", CTL_NEEDS_SERVER, 0,
     0, ctl_drain, true},
    {"stop", "", "stop at once", CTL_NEEDS_SERVER, 0, 0, ctl_stop, true},
    {"version", "", "versions of the server and its libraries", CTL_NEEDS_NOTHING, 0, 0,
     ctl_version, false},
    {"help", "", "this text", CTL_NEEDS_NOTHING, 0, 0, ctl_help, false},
    {0},
};

/* Cuts one word off; false when none is left, or it lacks its NUL. */
static bool next_word(struct str *rest, struct str *word)
{
    if (rest->len == 0)
        return false;
    *word = str_cut(*rest, '\0', rest);
    return rest->at != NULL;
}

const struct ctl_command *ctl_find(struct str words, struct str *rest)
{
    struct str first, second = {0}, behind_first;
    char both[64];
    *rest = words;
    if (!next_word(rest, &first))
        return NULL;
    behind_first = *rest;
    bool two = next_word(rest, &second);
    snprintf(both, sizeof both, "%.*s %.*s", STR_ARG(first), STR_ARG(second));
    for (const struct ctl_command *command = ctl_commands; command->name; command++) {
        if (two && strcmp(command->name, both) == 0)
            return command;
        if (str_is(first, command->name)) {
            *rest = behind_first;
            return command;
        }
    }
    return NULL;
}

void ctl_say(struct ctl_call *call, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len > 0)
        buf_push(&call->out, text, (size_t)len);
    free(text);
}

void ctl_flush(struct ctl_call *call, ctl_fn *more)
{
    call->more = more;
    call->way->flush(call);
}

void ctl_done(struct ctl_call *call, int code)
{
    call->way->finish(call, code);
}

void ctl_fail(struct ctl_call *call, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ctl_say(call, "%s\n", text);
    ctl_done(call, CTL_FAILED);
}

void ctl_free(struct ctl_call *call)
{
    for (size_t i = 0; i < call->arg_count; i++)
        mem_wipe((void *)call->args[i].at, call->args[i].len);
    if (call->rest.len)
        mem_wipe((void *)call->rest.at, call->rest.len);
    list_drop(&call->link);
    buf_fini(&call->out);
    arena_fini(&call->arena);
    mem_free(call);
}

void ctl_sweep(void)
{
    while (calls.next && !list_empty(&calls))
        ctl_free(LIST_OWNER(calls.next, struct ctl_call, link));
}

/* Takes the words behind the command's name. */
static bool take_args(struct ctl_call *call, struct str words)
{
    words = arena_str(&call->arena, words);
    while (words.len && call->arg_count < COUNT_OF(call->args))
        if (!next_word(&words, &call->args[call->arg_count++]))
            return false;
    call->rest = words;
    return true;
}

static const char *const *command_names(struct arena *arena)
{
    const char **names =
        arena_zero(arena, sizeof ctl_commands / sizeof *ctl_commands * sizeof *names);
    for (size_t i = 0; ctl_commands[i].name; i++)
        names[i] = ctl_commands[i].name;
    return names;
}

static void refuse(struct ctl_call *call, struct str words)
{
    struct str asked = arena_str(&call->arena, words);
    for (size_t i = 0; i + 1 < asked.len; i++)
        if (asked.at[i] == '\0')
            ((char *)asked.at)[i] = ' ';
    const char *near = text_nearest(str_of(asked.at), command_names(&call->arena));
    ctl_say(call, "there is no command `%s`", asked.at);
    if (near)
        ctl_say(call, " (did you mean `%s`?)", near);
    ctl_say(call, "; `ringtailctl help` lists them\n");
    ctl_done(call, CTL_USAGE);
}

struct ctl_call *ctl_call_new(const struct ctl_way *way, void *carrier)
{
    struct ctl_call *call = mem_zalloc(sizeof *call);
    arena_init(&call->arena);
    call->way = way;
    call->carrier = carrier;
    if (!calls.next)
        list_init(&calls);
    list_push(&calls, &call->link);
    return call;
}

void ctl_run(struct ctl_call *call, struct str words)
{
    struct str rest;
    call->command = ctl_find(words, &rest);
    if (!call->command) {
        refuse(call, words);
        return;
    }
    if (!take_args(call, rest) || call->arg_count < call->command->min_args ||
        call->arg_count > call->command->max_args) {
        ctl_say(call, "usage: ringtailctl -c FILE %s %s\n", call->command->name,
                call->command->args);
        ctl_done(call, CTL_USAGE);
        return;
    }
    call->command->run(call);
}

void ctl_print_help(struct buf *out)
{
    char left[128];
    buf_push_str(out, STR("usage: ringtailctl -c FILE COMMAND [ARGUMENT...]\n\n"));
    for (const struct ctl_command *command = ctl_commands; command->name; command++) {
        snprintf(left, sizeof left, "%s %s", command->name, command->args);
        buf_format(out, "  %-32s  %s\n", left, command->help);
    }
}
