/* Commands that remove much: it is hidden at once, and goes little by little (removal.h). */
#include "accounts.h"
#include "ctl.h"
#include "service.h"
#include "stanza_id.h"

static void on_done(struct store_op *op)
{
    struct ctl_call *call = op->owner;
    if (op->outcome == ERR_NOT_FOUND)
        ctl_fail(call, "%.*s: nothing is stored of such a domain", STR_ARG(call->args[0]));
    else if (op->outcome)
        ctl_fail(call, "%.*s: %s", STR_ARG(call->args[0]), account_why(op->outcome));
    else
        ctl_done(call, CTL_OK);
}

/* NULL while the server stops; then the call has ended. */
static struct store_op *op_new(struct ctl_call *call, enum store_kind kind)
{
    if (shard_self->store)
        return store_op_new(kind, on_done, call);
    ctl_fail(call, "the server is stopping");
    return NULL;
}

static bool read_time(struct ctl_call *call, uint64_t *id)
{
    uint64_t us;
    *id = STANZA_ID_MAX;
    if (call->arg_count < 2)
        return true;
    if (!text_time_parse(call->args[1], &us)) {
        ctl_fail(call, "%.*s is not a time like 2026-01-31T00:00:00Z", STR_ARG(call->args[1]));
        return false;
    }
    *id = stanza_id_at(us);
    return true;
}

void ctl_archive_remove(struct ctl_call *call)
{
    struct jid jid;
    uint64_t to;
    const char *why = account_parse(ctl_world.config, &call->arena, call->args[0], &jid);
    if (why) {
        ctl_fail(call, "%.*s: %s", STR_ARG(call->args[0]), why);
        return;
    }
    struct store_op *op = read_time(call, &to) ? op_new(call, STORE_MAM_REMOVE) : NULL;
    if (!op)
        return;
    op->page.owner = arena_str(&op->arena, jid.bare);
    op->page.to = to;
    store_ask(op, 0);
}

/* --- A domain: first its rooms, one by one, since what is left of them is found when the command
 * is given again; then its accounts --- */

struct leaving {
    struct str domain, service;
    struct str room; /* bare; the one that goes now */
};

static void ask_room(struct ctl_call *call);

static void ask_domain(struct ctl_call *call)
{
    const struct leaving *leaving = call->own;
    struct store_op *op = op_new(call, STORE_DOMAIN_REMOVE);
    if (!op)
        return;
    op->removal.domain = arena_str(&op->arena, leaving->domain);
    store_ask(op, 0);
}

static bool has_failed(const struct store_op *op)
{
    if (op->outcome && op->outcome != ERR_NOT_FOUND)
        on_done((struct store_op *)op);
    return op->outcome && op->outcome != ERR_NOT_FOUND;
}

static void on_archive_gone(struct store_op *op)
{
    if (!has_failed(op))
        ask_room(op->owner);
}

static void on_room_gone(struct store_op *op)
{
    struct ctl_call *call = op->owner;
    const struct leaving *leaving = call->own;
    struct store_op *archive = has_failed(op) ? NULL : op_new(call, STORE_MAM_REMOVE);
    if (!archive)
        return;
    archive->done = on_archive_gone;
    archive->page.owner = arena_str(&archive->arena, leaving->room);
    archive->page.to = STANZA_ID_MAX;
    store_ask(archive, 0);
}

static void on_room(struct store_op *op)
{
    struct ctl_call *call = op->owner;
    struct leaving *leaving = call->own;
    if (has_failed(op))
        return;
    if (op->room_page.count == 0) {
        ask_domain(call);
        return;
    }
    leaving->room = arena_str(&call->arena, op->room_page.items[0].bare);
    struct store_op *destroy = op_new(call, STORE_ROOM_DESTROY);
    if (!destroy)
        return;
    destroy->done = on_room_gone;
    destroy->room.bare = arena_str(&destroy->arena, leaving->room);
    store_ask(destroy, 0);
}

static void ask_room(struct ctl_call *call)
{
    const struct leaving *leaving = call->own;
    struct store_op *op = op_new(call, STORE_ROOM_PAGE);
    if (!op)
        return;
    op->done = on_room;
    op->room_page.host = arena_str(&op->arena, leaving->service);
    op->room_page.limit = 1;
    store_ask(op, 0);
}

/* What is served is in use, and would be filled again. */
static const char *refusal(struct ctl_call *call, struct leaving *leaving)
{
    struct host *host;
    struct str service = call->arg_count > 1 ? call->args[1] : (struct str){0};
    if (jid_prep_domain(&call->arena, call->args[0], &leaving->domain))
        return "it is not a domain";
    if (config_has_domain(ctl_world.config, leaving->domain))
        return "it is served: take it out of the configuration first, and restart";
    if (!service.len)
        service = arena_format(&call->arena, "muclight.%.*s", STR_ARG(leaving->domain));
    if (jid_prep_domain(&call->arena, service, &leaving->service))
        return "SERVICE is not a domain";
    if (ctl_world.is_server && service_find(leaving->service, &host))
        return "its SERVICE is served";
    return NULL;
}

void ctl_domain_remove(struct ctl_call *call)
{
    struct leaving *leaving = arena_zero(&call->arena, sizeof *leaving);
    const char *why = refusal(call, leaving);
    call->own = leaving;
    if (why)
        ctl_fail(call, "%.*s: %s", STR_ARG(call->args[0]), why);
    else
        ask_room(call);
}
