/* Commands on sessions. */
#include "ctl.h"
#include "foreign.h"
#include "gather.h"
#include "limits.h"
#include "shard.h"
#include "users.h"

#include <inttypes.h>
#include <stdio.h>

enum { LIST_PRESET = 1000 };

/* --- list --- */

static void put_session(struct buf *out, const struct session *session)
{
    char since[TEXT_TIME_ROOM] = "-";
    if (session->opened_us)
        text_time(since, session->opened_us);
    buf_format(out, "%-8" PRIu64 "  %-5u  %-24s  %-24s  %-30s  %s  %.*s\n", session->number,
               shard_self->id, session->state ? session->state->name : "-", since,
               session_is_secure(session) ? tls_describe(session->conn->tls) : "-", session->peer,
               STR_ARG(session->jid.full.len ? session->jid.full : STR("-")));
}

static void list_sessions(struct gather *gather, struct gather_part *part)
{
    const uint64_t *limit = gather->question;
    LIST_EACH (session_list(), link) {
        const struct session *session = LIST_OWNER(link, struct session, shard_link);
        if (session->ended)
            continue;
        if (part->number[0]++ < *limit)
            put_session(&part->text, session);
    }
}

static void on_listed(struct gather *gather)
{
    struct ctl_call *call = gather->own;
    uint64_t left = *(const uint64_t *)gather->question, total = gather_sum(gather, 0);
    uint64_t hidden = total > left ? total - left : 0;
    ctl_say(call, "%-8s  %-5s  %-24s  %-24s  %-30s  %s  %s\n", "number", "shard", "state", "since",
            "tls", "peer", "jid");
    for (unsigned i = 0; i < gather->count; i++) {
        struct str lines = buf_str(&gather->parts[i].text);
        for (; lines.len && left; left--) {
            struct str line = str_cut(lines, '\n', &lines);
            ctl_say(call, "%.*s\n", STR_ARG(line));
        }
    }
    if (hidden)
        ctl_say(call, "%" PRIu64 " more: session list LIMIT\n", hidden);
    ctl_done(call, CTL_OK);
}

void ctl_session_list(struct ctl_call *call)
{
    uint64_t *limit = arena_take(&call->arena, sizeof *limit);
    *limit = LIST_PRESET;
    if (call->arg_count && !text_u64(call->args[0], 1, UINT32_MAX, limit))
        ctl_fail(call, "LIMIT is not a number");
    else
        gather_start(GATHER_ALL, list_sessions, on_listed, limit, call);
}

/* --- kick --- */

struct kick {
    uint64_t number; /* 0: by jid */
    struct jid jid;  /* full or bare */
    const char *reason;
};

static bool is_meant(const struct kick *kick, const struct session *session)
{
    if (kick->number)
        return session->number == kick->number;
    return str_eq(session->jid.bare, kick->jid.bare) &&
           (kick->jid.resource.len == 0 || str_eq(session->jid.full, kick->jid.full));
}

static void kick_sessions(struct gather *gather, struct gather_part *part)
{
    const struct kick *kick = gather->question;
    LIST_EACH_SAFE (session_list(), link) {
        struct session *session = LIST_OWNER(link, struct session, shard_link);
        if (session->ended || !is_meant(kick, session))
            continue;
        session_end(session, STREAM_CONFLICT, kick->reason);
        part->number[0]++;
    }
}

static void on_kicked(struct gather *gather)
{
    struct ctl_call *call = gather->own;
    uint64_t count = gather_sum(gather, 0);
    if (count == 0) {
        ctl_fail(call, "%.*s: there is no such session", STR_ARG(call->args[0]));
        return;
    }
    ctl_say(call, "ended %" PRIu64 "\n", count);
    ctl_done(call, CTL_OK);
}

void ctl_session_kick(struct ctl_call *call)
{
    struct kick *kick = arena_zero(&call->arena, sizeof *kick);
    int target = GATHER_ALL;
    kick->reason = call->arg_count > 1 ? call->args[1].at : "kicked by an administrator";
    if (!text_u64(call->args[0], 1, UINT64_MAX, &kick->number)) {
        if (jid_parse(&call->arena, call->args[0], &kick->jid) || kick->jid.user.len == 0) {
            ctl_fail(call, "%.*s: neither a JID nor a number", STR_ARG(call->args[0]));
            return;
        }
        target = (int)shard_of(kick->jid.bare_hash);
    }
    if (!text_is_xml(str_of(kick->reason)))
        ctl_fail(call, "REASON has characters that XML does not allow");
    else
        gather_start(target, kick_sessions, on_kicked, kick, call);
}

/* --- presence --- */

struct ask_presence {
    struct jid jid; /* full or bare */
    struct str presence;
};

static void ask_session(const struct ask_presence *asked, struct session *session,
                        struct gather_part *part)
{
    struct buf answer = {0};
    const struct foreign_event event = {.call =
                                            asked->presence.len ? "set_presence" : "get_presence",
                                        .argument = asked->presence,
                                        .answer = &answer};
    part->number[0]++;
    if (!foreign_ask(session, &event))
        buf_format(&answer, "module presence is off");
    else if (asked->presence.len && buf_len(&answer) == 0)
        buf_format(&answer, "set");
    buf_format(&part->text, "%.*s  %.*s\n", STR_ARG(session->jid.full), STR_ARG(buf_str(&answer)));
    buf_fini(&answer);
}

static void ask_sessions(struct gather *gather, struct gather_part *part)
{
    const struct ask_presence *asked = gather->question;
    struct session *session = NULL;
    while ((session = users_next_session(&asked->jid, session)))
        if (!asked->jid.resource.len || str_eq(session->jid.full, asked->jid.full))
            ask_session(asked, session, part);
}

static void on_asked(struct gather *gather)
{
    struct ctl_call *call = gather->own;
    if (gather_sum(gather, 0) == 0) {
        ctl_fail(call, "%.*s: there is no such session", STR_ARG(call->args[0]));
        return;
    }
    for (unsigned i = 0; i < gather->count; i++)
        ctl_say(call, "%.*s", STR_ARG(buf_str(&gather->parts[i].text)));
    ctl_done(call, CTL_OK);
}

void ctl_session_presence(struct ctl_call *call)
{
    struct ask_presence *asked = arena_zero(&call->arena, sizeof *asked);
    if (jid_parse(&call->arena, call->args[0], &asked->jid) || asked->jid.user.len == 0) {
        ctl_fail(call, "%.*s: not the JID of a user", STR_ARG(call->args[0]));
        return;
    }
    if (call->arg_count > 1)
        asked->presence = call->args[1];
    gather_start((int)shard_of(asked->jid.bare_hash), ask_sessions, on_asked, asked, call);
}

/* --- subscribed: the same of all sessions of a user, so one is asked --- */

static void ask_one(struct gather *gather, struct gather_part *part)
{
    struct session *session = users_next_session(gather->question, NULL);
    const struct foreign_event event = {.call = "get_subscribed", .answer = &part->text};
    if (!session)
        return;
    part->number[0]++;
    if (!foreign_ask(session, &event))
        buf_format(&part->text, "module roster is off\n");
}

void ctl_session_subscribed(struct ctl_call *call)
{
    struct jid *jid = arena_zero(&call->arena, sizeof *jid);
    if (jid_parse(&call->arena, call->args[0], jid) || jid->user.len == 0)
        ctl_fail(call, "%.*s: not the JID of a user", STR_ARG(call->args[0]));
    else
        gather_start((int)shard_of(jid->bare_hash), ask_one, on_asked, jid, call);
}
