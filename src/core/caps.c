#include "caps.h"

#include "core.h"
#include "limits.h"
#include "mem.h"
#include "session.h"

#include <stdio.h>

enum { KEY_ROOM = 160 };

static struct caps_cache *cache(void)
{
    return &core_self()->caps;
}

void caps_start(struct caps_cache *cache_)
{
    list_init(&cache_->used);
}

static void drop(struct caps_cache *cache_, struct caps *caps)
{
    list_drop(&caps->link);
    map_drop(&cache_->all, &caps->node);
    mem_free(caps);
}

void caps_stop(struct caps_cache *cache_)
{
    while (!list_empty(&cache_->used))
        drop(cache_, LIST_OWNER(cache_->used.next, struct caps, link));
    map_fini(&cache_->all);
}

/* Hash names and verification strings are short: a longer key is none of ours. */
static struct str key_of(char room[KEY_ROOM], struct str hash, struct str ver)
{
    int len = snprintf(room, KEY_ROOM, "%.*s %.*s", STR_ARG(hash), STR_ARG(ver));
    return len > 0 && len < KEY_ROOM ? (struct str){room, (size_t)len} : (struct str){0};
}

static bool has_key(const struct map_node *node, const void *key)
{
    return str_eq(MAP_OWNER(node, struct caps, node)->key, *(const struct str *)key);
}

static struct caps *find(struct str key)
{
    struct map_node *node = map_find(&cache()->all, map_hash(key), has_key, &key);
    return node ? MAP_OWNER(node, struct caps, node) : NULL;
}

const struct caps *caps_find(struct str hash, struct str ver)
{
    char room[KEY_ROOM];
    struct caps *caps = find(key_of(room, hash, ver));
    if (caps) {
        list_drop(&caps->link);
        list_push(&cache()->used, &caps->link);
    }
    return caps;
}

/* What sessions have stays, whatever its number: they are bounded themselves. */
static void trim(void)
{
    LIST_EACH_SAFE (&cache()->used, link) {
        struct caps *caps = LIST_OWNER(link, struct caps, link);
        if (cache()->all.count < LIMIT_CAPS_KNOWN)
            return;
        if (!caps->refs)
            drop(cache(), caps);
    }
}

static struct str cut(struct str notify)
{
    if (notify.len > LIMIT_CAPS_NOTIFY)
        notify.len = LIMIT_CAPS_NOTIFY;
    return notify;
}

const struct caps *caps_learn(struct str hash, struct str ver, struct str notify)
{
    char room[KEY_ROOM];
    struct str key = key_of(room, hash, ver);
    const struct caps *known = find(key);
    if (known || !key.len)
        return known;
    trim();
    notify = cut(notify);
    struct caps *caps = mem_zalloc(sizeof *caps + key.len + notify.len);
    memcpy(caps->text, key.at, key.len);
    if (notify.len)
        memcpy(caps->text + key.len, notify.at, notify.len);
    caps->key = (struct str){caps->text, key.len};
    caps->notify = (struct str){caps->text + key.len, notify.len};
    list_push(&cache()->used, &caps->link);
    map_add(&cache()->all, &caps->node, map_hash(caps->key));
    return caps;
}

void caps_set(struct session *session, const struct caps *caps)
{
    if (caps)
        ((struct caps *)caps)->refs++;
    if (session->caps)
        ((struct caps *)session->caps)->refs--;
    session->caps = caps;
}

bool caps_wants(const struct session *session, struct str node)
{
    struct str rest = session->caps ? session->caps->notify : (struct str){0};
    while (rest.len)
        if (str_eq(str_cut(rest, '\n', &rest), node))
            return true;
    return false;
}
