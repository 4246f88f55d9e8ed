#include "privacy.h"

#include "core.h"
#include "limits.h"
#include "log.h"
#include "mem.h"
#include "module.h"
#include "store.h"

#include <stdatomic.h>

/* Of users who are online and have no lists. */
static struct privacy nothing = {.loaded = true};

/* Hashes of users who have no lists, for all shards: written by their homes, at any place of their
 * own. Who is not found here may have some. */
static _Atomic uint64_t without[LIMIT_PRIVACY_HINTS];

static _Atomic uint64_t *hint_of(const struct jid *jid)
{
    return &without[jid->bare_hash % LIMIT_PRIVACY_HINTS];
}

static bool is_hinted(const struct jid *jid)
{
    return atomic_load_explicit(hint_of(jid), memory_order_acquire) == (jid->bare_hash | 1);
}

static void hint(const struct privacy *privacy)
{
    const struct jid *owner = &privacy->owner;
    bool none = privacy->loaded && !privacy->stale && !privacy->count;
    if (none != is_hinted(owner))
        atomic_store_explicit(hint_of(owner), none ? owner->bare_hash | 1 : 0,
                              memory_order_release);
}

bool privacy_may_stop(const struct jid *to)
{
    const struct host *host = host_find(to->domain);
    return host && host->type->privacy_uses && !is_hinted(to);
}

/* An accumulator that waits for reading; in its arena. */
struct waiter {
    struct link link;
    struct acc *acc;
};

/* A change under way; in the arena of its operation. */
struct write {
    struct link link;
    struct acc *acc; /* NULL: it went away */
    struct privacy *privacy;
    struct store_op *op;
    struct host *host;
    struct privacy_push push; /* with references; no name: nothing to push */
};

/* --- The shelf --- */

static struct privacy_shelf *shelf(void)
{
    return core_self() ? &core_self()->privacy : NULL;
}

static bool is_owner(const struct map_node *node, const void *key)
{
    return str_eq(MAP_OWNER(node, struct privacy, node)->owner.bare, *(const struct str *)key);
}

static struct privacy *find(const struct jid *owner)
{
    struct map_node *node =
        shelf() ? map_find(&shelf()->all, owner->bare_hash, is_owner, &owner->bare) : NULL;
    return node ? MAP_OWNER(node, struct privacy, node) : NULL;
}

struct privacy *privacy_of(const struct jid *owner)
{
    struct user *user = users_find(owner);
    return user && user->privacy ? user->privacy : find(owner);
}

static void clear(struct privacy *privacy)
{
    for (size_t i = 0; i < privacy->count; i++)
        privacy_list_unref(privacy->lists[i]);
    mem_free(privacy->lists);
    privacy->lists = NULL;
    privacy->standard = NULL;
    privacy->count = 0;
}

static void take_off(struct privacy *privacy)
{
    if (list_has(&privacy->idle)) {
        list_drop(&privacy->idle);
        shelf()->idle_count--;
    }
}

static void free_it(struct privacy *privacy)
{
    take_off(privacy);
    if (privacy->user)
        privacy->user->privacy = NULL;
    clear(privacy);
    map_drop(&shelf()->all, &privacy->node);
    jid_drop(&privacy->owner);
    mem_free(privacy);
}

static void trim(void)
{
    while (shelf()->idle_count > LIMIT_PRIVACY_IDLE)
        free_it(LIST_OWNER(shelf()->idle.next, struct privacy, idle));
}

/* Who is online keeps it, as nothing if it is nothing; else it stays for a while. */
static void settle(struct privacy *privacy)
{
    struct user *user = privacy->user;
    if (privacy->held || privacy->reading)
        return;
    if (!privacy->loaded || privacy->stale) {
        free_it(privacy);
    } else if (user && !privacy->count) {
        free_it(privacy);
        user->privacy = &nothing;
    } else if (!user && !list_has(&privacy->idle)) {
        list_push(&shelf()->idle, &privacy->idle);
        shelf()->idle_count++;
        trim();
    }
}

static struct privacy *need(const struct jid *owner)
{
    struct privacy *privacy = find(owner);
    struct user *user = users_find(owner);
    if (!privacy) {
        struct jid bare = jid_bare(owner);
        privacy = mem_zalloc(sizeof *privacy);
        jid_keep(&privacy->owner, &bare);
        list_init(&privacy->waiting);
        list_init(&privacy->writes);
        map_add(&shelf()->all, &privacy->node, privacy->owner.bare_hash);
    }
    take_off(privacy);
    privacy->user = user;
    if (user)
        user->privacy = privacy;
    return privacy;
}

void privacy_start(struct privacy_shelf *shelf_)
{
    list_init(&shelf_->idle);
}

void privacy_user_ends(struct user *user)
{
    struct privacy *privacy = user->privacy;
    user->privacy = NULL;
    if (!privacy || privacy == &nothing)
        return;
    privacy->user = NULL;
    settle(privacy);
}

void privacy_forget(const struct jid *owner)
{
    struct privacy *privacy = find(owner);
    if (!privacy)
        return;
    privacy->stale = true;
    settle(privacy);
}

/* --- Reading --- */

static void take_lists(struct privacy *privacy, const struct store_op *op)
{
    clear(privacy);
    privacy->lists = mem_zalloc((op->privacy.count + 1) * sizeof *privacy->lists);
    for (size_t i = 0; i < op->privacy.count; i++) {
        const struct store_privacy_list *stored = &op->privacy.lists[i];
        privacy->lists[i] = privacy_list_new(stored->name, stored->items);
        if (stored->is_default)
            privacy->standard = privacy->lists[i];
    }
    privacy->count = op->privacy.count;
}

/* Who has no account has no lists. */
static void on_read(struct store_op *op)
{
    struct privacy *privacy = op->owner;
    bool none = op->outcome == ERR_NOT_FOUND;
    privacy->reading = NULL;
    privacy->err = none ? ERR_OK : op->outcome;
    privacy->loaded = privacy->err == ERR_OK;
    privacy->stale = false;
    if (none)
        clear(privacy);
    else if (privacy->loaded)
        take_lists(privacy, op);
    hint(privacy);
    privacy->held++;
    for (struct link *link; (link = list_pop(&privacy->waiting));)
        acc_unpark(LIST_OWNER(link, struct waiter, link)->acc);
    privacy->held--;
    settle(privacy);
}

static void start_reading(struct privacy *privacy)
{
    struct store_op *op = store_op_new(STORE_PRIVACY_GET, on_read, privacy);
    op->privacy.user = arena_str(&op->arena, privacy->owner.user);
    op->privacy.domain = arena_str(&op->arena, privacy->owner.domain);
    privacy->reading = op;
    store_ask(op, 0);
}

static void on_revoke(void *own)
{
    struct waiter *waiter = own;
    list_drop(&waiter->link);
}

enum verdict privacy_with(struct acc *acc, struct session *session, const struct jid *owner,
                          hook_fn *then)
{
    struct user *user = users_find(owner);
    if (user && user->privacy == &nothing)
        return then(acc, session);
    struct privacy *privacy = need(owner);
    if (privacy->loaded && !privacy->stale) {
        hint(privacy);
        privacy->held++;
        enum verdict verdict = then(acc, session);
        privacy->held--;
        settle(privacy);
        return verdict;
    }
    struct waiter *waiter = arena_zero(&acc->arena, sizeof *waiter);
    waiter->acc = acc;
    list_push(&privacy->waiting, &waiter->link);
    acc_park(acc, session, then, waiter, on_revoke);
    if (!privacy->reading)
        start_reading(privacy);
    return HOOK_PARK;
}

/* --- What is in force --- */

static size_t place_of(const struct privacy *privacy, struct str name, bool *found)
{
    size_t i = 0;
    while (i < privacy->count && !str_eq(privacy->lists[i]->name, name))
        i++;
    *found = i < privacy->count;
    return i;
}

const struct privacy_list *privacy_get(const struct privacy *privacy, struct str name)
{
    bool found = false;
    size_t at = privacy ? place_of(privacy, name, &found) : 0;
    return found ? privacy->lists[at] : NULL;
}

struct privacy_view privacy_view(const struct privacy *privacy, const struct host_type *type,
                                 const struct session *session)
{
    struct privacy_view view = {.unknown = type->privacy_uses && (!privacy || !privacy->loaded)};
    if (!privacy || !privacy->count)
        return view;
    if (type->privacy_uses & PRIVACY_USES_BLOCKS)
        view.blocked = privacy_get(privacy, STR(PRIVACY_BLOCK_LIST));
    if (!(type->privacy_uses & PRIVACY_USES_LISTS))
        return view;
    if (session && session->active_list)
        view.list = privacy_get(privacy, str_of(session->active_list));
    if (!view.list)
        view.list = privacy->standard;
    return view;
}

struct privacy_view privacy_view_of(const struct jid *who)
{
    const struct host *host = host_find(who->domain);
    const struct session *session = who->resource.len ? users_session(who) : NULL;
    return host ? privacy_view(privacy_of(who), host->type, session) : (struct privacy_view){0};
}

bool privacy_is_exempt(const struct jid *owner, const struct jid *peer)
{
    return !peer->full.len || str_eq(owner->bare, peer->bare) || str_eq(owner->domain, peer->full);
}

bool privacy_hides(const struct privacy_view *view, const struct jid *peer,
                   const struct subscription *contact)
{
    return view->unknown || privacy_list_blocks(view->blocked, peer) ||
           privacy_list_denies(view->list, PRIVACY_PRESENCE_OUT, peer, contact);
}

/* --- Telling --- */

static struct acc *news_of(const struct jid *owner, struct host *host, void *data)
{
    struct acc *news = acc_new();
    news->host = host;
    jid_make(&news->arena, owner->user, owner->domain, STR(""), &news->from);
    news->event_data = data;
    return news;
}

static bool is_same(const struct privacy_update *update)
{
    return update->before.blocked == update->after.blocked &&
           update->before.list == update->after.list;
}

static void tell_updated(struct session *session, struct privacy_update *update)
{
    if (is_same(update))
        return;
    struct acc *news = news_of(&session->jid, session->host, update);
    hook_run(HOOK_privacy_updated_list, news, session);
    acc_free(news);
}

/* What each session of a user had in force, in the order of the sessions. */
struct views {
    size_t count;
    struct privacy_view of[LIMIT_SESSIONS_PER_USER];
};

static void note_views(const struct privacy *privacy, struct views *views)
{
    views->count = 0;
    for (struct session *session = NULL; views->count < COUNT_OF(views->of) &&
                                         (session = users_next_session(&privacy->owner, session));)
        views->of[views->count++] = privacy_view(privacy, session->host->type, session);
}

static void tell_views(const struct privacy *privacy, const struct views *views)
{
    size_t i = 0;
    for (struct session *session = NULL;
         i < views->count && (session = users_next_session(&privacy->owner, session));) {
        struct privacy_update update = {views->of[i++],
                                        privacy_view(privacy, session->host->type, session)};
        tell_updated(session, &update);
    }
}

/* --- Changing --- */

static void write_free(struct write *write)
{
    list_drop(&write->link);
    privacy_list_unref(write->push.before);
    privacy_list_unref(write->push.after);
}

static void on_written(struct store_op *op)
{
    struct write *write = op->owner;
    struct privacy *privacy = write->privacy;
    if (op->outcome != ERR_OK && op->outcome != ERR_NOT_FOUND) {
        LOG(LOG_WARNING, "privacy_not_written", LF_STR("user", privacy->owner.bare),
            LF("why", err_name(op->outcome)));
        privacy->stale = true;
    } else if (op->outcome == ERR_OK && write->push.name.len) {
        struct acc *news = news_of(&privacy->owner, write->host, &write->push);
        hook_run(HOOK_privacy_list_push, news, NULL);
        acc_free(news);
    }
    if (write->acc) {
        write->acc->answer = op;
        acc_unpark(write->acc);
    }
    write_free(write);
    privacy->held--;
    settle(privacy);
}

/* The change stays under way when who asked for it has gone. */
static void on_forgotten(void *own)
{
    ((struct write *)own)->acc = NULL;
}

static struct write *write_new(struct privacy *privacy, enum store_kind kind, struct str name,
                               struct host *host)
{
    struct store_op *op = store_op_new(kind, on_written, NULL);
    struct write *write = arena_zero(&op->arena, sizeof *write);
    op->owner = write;
    op->privacy.user = arena_str(&op->arena, privacy->owner.user);
    op->privacy.domain = arena_str(&op->arena, privacy->owner.domain);
    op->privacy.count = 1;
    op->privacy.lists = arena_zero(&op->arena, sizeof *op->privacy.lists);
    op->privacy.lists[0].name = arena_str(&op->arena, name);
    write->privacy = privacy;
    write->op = op;
    write->host = host;
    privacy->held++;
    list_push(&privacy->writes, &write->link);
    return write;
}

static enum verdict ask(struct acc *acc, struct session *session, struct write *write,
                        hook_fn *then)
{
    write->acc = acc;
    acc_park(acc, session, then, write, on_forgotten);
    store_ask(write->op, 0);
    return HOOK_PARK;
}

/* What is there for a change: nothing becomes something. */
static struct privacy *to_change(const struct jid *owner)
{
    struct privacy *privacy = need(owner);
    privacy->loaded = true;
    return privacy;
}

static void add_at_end(struct privacy *privacy, const struct privacy_list *list)
{
    privacy->lists = mem_realloc(privacy->lists, (privacy->count + 1) * sizeof *privacy->lists);
    privacy->lists[privacy->count++] = list;
}

static void take_out(struct privacy *privacy, size_t at)
{
    privacy->count--;
    memmove(&privacy->lists[at], &privacy->lists[at + 1],
            (privacy->count - at) * sizeof *privacy->lists);
}

/* Puts `list` in the place of the one of that name, or takes that out; returns what was there. */
static const struct privacy_list *exchange(struct privacy *privacy, struct str name,
                                           const struct privacy_list *list)
{
    bool found;
    size_t at = place_of(privacy, name, &found);
    const struct privacy_list *old = found ? privacy->lists[at] : NULL;
    if (old && privacy->standard == old)
        privacy->standard = list;
    if (found && list)
        privacy->lists[at] = list;
    else if (found)
        take_out(privacy, at);
    else if (list)
        add_at_end(privacy, list);
    return old;
}

enum verdict privacy_set(struct acc *acc, struct session *session, struct str name, struct str text,
                         hook_fn *then)
{
    struct privacy *privacy = to_change(&acc->from);
    struct views views;
    struct write *write =
        write_new(privacy, text.len ? STORE_PRIVACY_SET : STORE_PRIVACY_REMOVE, name, acc->host);
    write->op->privacy.lists[0].items = arena_str(&write->op->arena, text);
    write->push.name = write->op->privacy.lists[0].name;
    write->push.after = text.len ? privacy_list_new(name, text) : NULL;
    note_views(privacy, &views);
    write->push.before = exchange(privacy, name, privacy_list_ref(write->push.after));
    hint(privacy);
    tell_views(privacy, &views);
    return ask(acc, session, write, then);
}

enum verdict privacy_set_default(struct acc *acc, struct session *session, struct str name,
                                 hook_fn *then)
{
    struct privacy *privacy = to_change(&acc->from);
    struct views views;
    struct write *write = write_new(privacy, STORE_PRIVACY_DEFAULT, name, acc->host);
    note_views(privacy, &views);
    privacy->standard = privacy_get(privacy, name);
    tell_views(privacy, &views);
    return ask(acc, session, write, then);
}

void privacy_set_active(struct session *session, struct str name)
{
    const struct privacy *privacy = privacy_of(&session->jid);
    struct privacy_update update;
    update.before = privacy_view(privacy, session->host->type, session);
    mem_free(session->active_list);
    session->active_list = name.len ? mem_strndup(name.at, name.len) : NULL;
    update.after = privacy_view(privacy, session->host->type, session);
    tell_updated(session, &update);
}

/* --- The end of a shard: nobody is answered, what is being written is written --- */

static void end(struct privacy *privacy)
{
    struct link *link;
    while ((link = privacy->waiting.next) != &privacy->waiting) {
        struct acc *acc = LIST_OWNER(link, struct waiter, link)->acc;
        acc_revoke(acc);
        acc_free(acc);
    }
    while ((link = privacy->writes.next) != &privacy->writes) {
        struct write *write = LIST_OWNER(link, struct write, link);
        struct store_op *op = write->op;
        struct acc *acc = write->acc;
        if (acc)
            acc_revoke(acc);
        if (acc)
            acc_free(acc);
        write_free(write);
        store_revoke(op);
    }
    if (privacy->reading)
        store_revoke(privacy->reading);
    free_it(privacy);
}

void privacy_stop(struct privacy_shelf *shelf_)
{
    for (struct map_node *node; (node = map_next(&shelf_->all, NULL));)
        end(MAP_OWNER(node, struct privacy, node));
    map_fini(&shelf_->all);
}
