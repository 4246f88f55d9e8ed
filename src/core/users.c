#include "users.h"

#include "core.h"
#include "mem.h"
#include "module.h"

static bool is_user(const struct map_node *node, const void *key)
{
    return str_eq(MAP_OWNER(node, struct user, node)->jid.bare, *(const struct str *)key);
}

struct user *users_find(const struct jid *jid)
{
    if (!core_self()) /* the shard has stopped: nobody is online */
        return NULL;
    struct map_node *node = map_find(&core_self()->users, jid->bare_hash, is_user, &jid->bare);
    return node ? MAP_OWNER(node, struct user, node) : NULL;
}

struct session *users_session(const struct jid *full)
{
    struct user *user = users_find(full);
    if (!user)
        return NULL;
    LIST_EACH (&user->sessions, link) {
        struct session *session = LIST_OWNER(link, struct session, user_link);
        if (str_eq(session->jid.resource, full->resource))
            return session;
    }
    return NULL;
}

struct session *users_next_session(const struct jid *jid, const struct session *session)
{
    struct user *user = users_find(jid);
    if (!user)
        return NULL;
    struct link *next = session ? session->user_link.next : user->sessions.next;
    return next == &user->sessions ? NULL : LIST_OWNER(next, struct session, user_link);
}

static struct user *user_new(const struct session *session)
{
    struct user *user = mem_zalloc(sizeof *user + session->host->type->user_size);
    struct jid bare = jid_bare(&session->jid);
    jid_keep(&user->jid, &bare);
    user->host = session->host;
    list_init(&user->sessions);
    map_add(&core_self()->users, &user->node, user->jid.bare_hash);
    return user;
}

void users_add(struct session *session)
{
    struct user *user = users_find(&session->jid);
    if (!user)
        user = user_new(session);
    session->user = user;
    list_push(&user->sessions, &session->user_link);
    user->session_count++;
}

static void user_free(struct user *user)
{
    const struct host_type *type = user->host->type;
    for (size_t i = 0; i < type->module_count; i++)
        if (type->modules[i].module->user_end)
            type->modules[i].module->user_end(user->slots + type->modules[i].user_offset);
    map_drop(&core_self()->users, &user->node);
    privacy_user_ends(user);
    jid_drop(&user->jid);
    mem_free(user);
}

void users_drop(struct session *session)
{
    struct user *user = session->user;
    session->user = NULL;
    list_drop(&session->user_link);
    if (--user->session_count == 0)
        user_free(user);
}

struct user *users_next(struct user *user)
{
    struct map_node *node = map_next(&core_self()->users, user ? &user->node : NULL);
    return node ? MAP_OWNER(node, struct user, node) : NULL;
}

size_t users_count(void)
{
    return core_self()->users.count;
}

void *user_slot(struct user *user, const struct module *module)
{
    return user->slots + host_module(user->host->type, module)->user_offset;
}
