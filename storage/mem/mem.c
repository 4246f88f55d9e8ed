/* The memory back end: one map for the whole process, for tests and the simulator. */
#include "mem.h"

#include "map.h"
#include "mem_document.h"
#include "mem_inbox.h"
#include "mem_mam.h"
#include "mem_offline.h"
#include "mem_pep.h"
#include "mem_privacy.h"
#include "mem_room.h"
#include "mem_roster.h"
#include "store_backend.h"

#include <pthread.h>
#include <stdlib.h>

enum err (*store_mem_hook)(const struct store_op *op, uint64_t *delay_ms);

struct account {
    struct map_node node;
    char *user, *domain, *credentials;
    char *pending; /* NUL inside is fine, its length counts */
    size_t pending_len;
    struct mem_roster roster;
    struct mem_list *lists;
    struct mem_waiting *waiting;
    struct mem_document *documents;
    struct mem_pep_node *nodes;
    uint64_t last_us; /* 0: never */
    char *last_status;
};

/* Shards share it; nothing in here takes long enough to mind the lock. */
static struct map accounts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct mem_shard {
    struct link slow; /* answers that wait for their time */
};

/* An operation that was done, or not, and whose answer is under way. */
struct mem_answer {
    struct link link;
    struct timer timer;
    struct task task;
    struct store_op *op;
    enum err outcome;
};

static uint64_t hash_of(struct str user, struct str domain)
{
    return map_hash(user) * 31 + map_hash(domain);
}

static bool is_account(const struct map_node *node, const void *key)
{
    const struct account *account = MAP_OWNER(node, const struct account, node);
    const struct store_account *wanted = key;
    return str_is(wanted->user, account->user) && str_is(wanted->domain, account->domain);
}

static struct account *find(const struct store_account *wanted)
{
    uint64_t hash = hash_of(wanted->user, wanted->domain);
    struct map_node *node = map_find(&accounts, hash, is_account, wanted);
    return node ? MAP_OWNER(node, struct account, node) : NULL;
}

bool mem_has_account(struct str bare)
{
    struct store_account wanted = {0};
    wanted.user = str_cut(bare, '@', &wanted.domain);
    return find(&wanted) != NULL;
}

bool mem_has_contact(struct str bare, struct str contact)
{
    struct store_account wanted = {0};
    wanted.user = str_cut(bare, '@', &wanted.domain);
    const struct account *account = find(&wanted);
    const struct mem_item *item = account ? account->roster.items : NULL;
    while (item && !str_is(contact, item->contact))
        item = item->next;
    return item && item->flags & ROSTER_LISTED;
}

static char *copy(struct str text)
{
    return mem_strndup(text.at ? text.at : "", text.len);
}

static void put_credentials(struct account *account, struct str credentials, struct str pending)
{
    mem_free(account->credentials);
    mem_free(account->pending);
    account->credentials = copy(credentials);
    account->pending = copy(pending);
    account->pending_len = pending.len;
}

static void account_free(struct account *account)
{
    mem_free(account->user);
    mem_free(account->domain);
    mem_free(account->credentials);
    mem_free(account->pending);
    mem_roster_fini(&account->roster);
    mem_privacy_fini(&account->lists);
    mem_offline_fini(&account->waiting);
    mem_document_fini(&account->documents);
    mem_pep_fini(&account->nodes);
    mem_free(account->last_status);
    mem_free(account);
}

static enum err add(const struct store_account *wanted)
{
    if (!wanted->user.len || !wanted->domain.len)
        return ERR_INVALID;
    if (find(wanted))
        return ERR_CONFLICT;
    struct account *account = mem_zalloc(sizeof *account);
    account->user = copy(wanted->user);
    account->domain = copy(wanted->domain);
    put_credentials(account, wanted->credentials, wanted->pending);
    map_add(&accounts, &account->node, hash_of(wanted->user, wanted->domain));
    return ERR_OK;
}

static enum err get(struct store_op *op)
{
    const struct account *account = find(&op->account);
    if (!account)
        return ERR_NOT_FOUND;
    struct str pending = {account->pending, account->pending_len};
    op->account.credentials = arena_str(&op->arena, str_of(account->credentials));
    op->account.pending = arena_str(&op->arena, pending);
    return ERR_OK;
}

static enum err set(struct store_op *op)
{
    struct account *account = find(&op->account);
    if (!account)
        return ERR_NOT_FOUND;
    put_credentials(account, op->account.credentials, (struct str){0});
    return ERR_OK;
}

static struct str bare_of(struct arena *arena, const struct account *account)
{
    return arena_format(arena, "%s@%s", account->user, account->domain);
}

static enum err drop(struct store_op *op)
{
    struct account *account = find(&op->account);
    if (!account)
        return ERR_NOT_FOUND;
    struct str bare = bare_of(&op->arena, account);
    mem_mam_remove(bare, op->account.upto);
    mem_mam_forget(bare);
    mem_room_leave(bare);
    map_drop(&accounts, &account->node);
    account_free(account);
    return ERR_OK;
}

/* There is no domain without accounts here, and all is done at once. */
static enum err change_domain(struct store_op *op)
{
    size_t found = 0;
    for (struct map_node *node = map_next(&accounts, NULL), *next; node; node = next) {
        struct account *account = MAP_OWNER(node, struct account, node);
        next = map_next(&accounts, node);
        if (!str_is(op->removal.domain, account->domain))
            continue;
        found++;
        mem_mam_remove(bare_of(&op->arena, account), op->removal.upto);
        if (op->kind == STORE_DOMAIN_RETAIN)
            continue;
        mem_mam_forget(bare_of(&op->arena, account));
        mem_room_leave(bare_of(&op->arena, account));
        map_drop(&accounts, node);
        account_free(account);
    }
    return found ? ERR_OK : ERR_NOT_FOUND;
}

static enum err step(struct store_op *op)
{
    op->removal.left = false;
    return ERR_OK;
}

static enum err import(struct store_op *op)
{
    for (size_t i = 0; i < op->import.count; i++)
        if (!op->import.accounts[i].user.len || !op->import.accounts[i].domain.len)
            return ERR_INVALID; /* all or nothing, as a transaction */
    for (size_t i = 0; i < op->import.count; i++)
        if (add(&op->import.accounts[i]) == ERR_OK)
            op->import.added++;
    return ERR_OK;
}

static int by_user(const void *a, const void *b)
{
    return strcmp(((const struct store_account *)a)->user.at,
                  ((const struct store_account *)b)->user.at);
}

static bool is_behind(const struct account *account, struct str after)
{
    return after.len == 0 || strcmp(account->user, after.at) > 0;
}

/* The map has no order: all that match are sorted, so that pages are the same every time. */
static enum err list(struct store_op *op)
{
    struct store_account *items = mem_alloc((accounts.count + 1) * sizeof *items);
    struct str after = arena_str(&op->arena, op->list.after);
    size_t count = 0;
    for (struct map_node *node = NULL; (node = map_next(&accounts, node));) {
        const struct account *account = MAP_OWNER(node, const struct account, node);
        if (str_is(op->list.domain, account->domain) && is_behind(account, after))
            items[count++] = (struct store_account){.user = str_of(account->user)};
    }
    qsort(items, count, sizeof *items, by_user);
    size_t limit = op->list.limit < STORE_LIST_MAX ? op->list.limit : STORE_LIST_MAX;
    op->list.count = count < limit ? count : limit;
    op->list.items = arena_zero(&op->arena, (op->list.count + 1) * sizeof *items);
    for (size_t i = 0; i < op->list.count; i++) {
        op->list.items[i].user = arena_str(&op->arena, items[i].user);
        op->list.items[i].domain = op->list.domain;
    }
    mem_free(items);
    return ERR_OK;
}

static enum err count(struct store_op *op)
{
    for (struct map_node *node = NULL; (node = map_next(&accounts, node));)
        if (str_is(op->list.domain, MAP_OWNER(node, struct account, node)->domain))
            op->list.total++;
    return ERR_OK;
}

static enum err run_roster(struct store_op *op)
{
    struct store_account owner = {.user = op->roster.user, .domain = op->roster.domain};
    struct account *account = find(&owner);
    if (!account)
        return ERR_NOT_FOUND;
    if (op->kind == STORE_ROSTER_GET)
        return mem_roster_get(&account->roster, op);
    if (op->kind == STORE_ROSTER_SET)
        return mem_roster_set(&account->roster, op);
    if (op->kind == STORE_ROSTER_IMPORT)
        return mem_roster_import(&account->roster, op);
    return mem_roster_remove(&account->roster, op);
}

static enum err run_privacy(struct store_op *op)
{
    struct store_account owner = {.user = op->privacy.user, .domain = op->privacy.domain};
    struct account *account = find(&owner);
    return account ? mem_privacy(&account->lists, op) : ERR_NOT_FOUND;
}

static enum err run_document(struct store_op *op)
{
    struct store_account owner = {.user = op->documents.user, .domain = op->documents.domain};
    struct account *account = find(&owner);
    return account ? mem_document(&account->documents, op) : ERR_NOT_FOUND;
}

static enum err run_pep(struct store_op *op)
{
    struct store_account owner = {.user = op->pep.user, .domain = op->pep.domain};
    struct account *account = find(&owner);
    return account ? mem_pep(&account->nodes, op) : ERR_NOT_FOUND;
}

static enum err clean_offline(struct store_op *op)
{
    for (struct map_node *node = NULL; (node = map_next(&accounts, node));)
        mem_offline_clean(&MAP_OWNER(node, struct account, node)->waiting, op);
    return ERR_OK;
}

static enum err run_offline(struct store_op *op)
{
    if (op->kind == STORE_OFFLINE_CLEAN)
        return clean_offline(op);
    struct store_account owner = {.user = op->offline.user, .domain = op->offline.domain};
    struct account *account = find(&owner);
    if (account)
        return mem_offline(&account->waiting, op);
    return op->kind == STORE_OFFLINE_ADD ? ERR_NOT_FOUND : ERR_OK;
}

static enum err get_last(const struct account *account, struct store_op *op)
{
    if (!account->last_us)
        return ERR_NOT_FOUND;
    op->last.stamp_us = account->last_us;
    op->last.status = arena_str(&op->arena, str_of(account->last_status));
    return ERR_OK;
}

static enum err run_last(struct store_op *op)
{
    struct store_account owner = {.user = op->last.user, .domain = op->last.domain};
    struct account *account = find(&owner);
    if (!account)
        return ERR_NOT_FOUND;
    if (op->kind == STORE_LAST_GET)
        return get_last(account, op);
    mem_free(account->last_status);
    account->last_status = copy(op->last.status);
    account->last_us = op->last.stamp_us;
    return ERR_OK;
}

static enum err add_account(struct store_op *op)
{
    return add(&op->account);
}

static enum err (*const kinds[STORE_KIND_COUNT])(struct store_op *op) = {
    [STORE_ACCOUNT_GET] = get,
    [STORE_ACCOUNT_ADD] = add_account,
    [STORE_ACCOUNT_SET] = set,
    [STORE_ACCOUNT_REMOVE] = drop,
    [STORE_ACCOUNT_LIST] = list,
    [STORE_ACCOUNT_IMPORT] = import,
    [STORE_ACCOUNT_COUNT] = count,
    [STORE_DOMAIN_REMOVE] = change_domain,
    [STORE_DOMAIN_RETAIN] = change_domain,
    [STORE_REMOVAL_STEP] = step,
    [STORE_ROSTER_GET] = run_roster,
    [STORE_ROSTER_SET] = run_roster,
    [STORE_ROSTER_REMOVE] = run_roster,
    [STORE_ROSTER_IMPORT] = run_roster,
    [STORE_PRIVACY_GET] = run_privacy,
    [STORE_PRIVACY_SET] = run_privacy,
    [STORE_PRIVACY_REMOVE] = run_privacy,
    [STORE_PRIVACY_DEFAULT] = run_privacy,
    [STORE_LAST_GET] = run_last,
    [STORE_LAST_SET] = run_last,
    [STORE_MAM_STORE] = mem_mam,
    [STORE_MAM_ROOM] = mem_mam,
    [STORE_MAM_BATCH] = mem_mam,
    [STORE_MAM_IMPORT] = mem_mam,
    [STORE_MAM_PAGE] = mem_mam,
    [STORE_MAM_METADATA] = mem_mam,
    [STORE_MAM_REMOVE] = mem_mam,
    [STORE_MAM_FIND] = mem_mam,
    [STORE_MAM_REPLACE] = mem_mam,
    [STORE_MAM_PREFS_GET] = mem_mam,
    [STORE_MAM_PREFS_SET] = mem_mam,
    [STORE_UPKEEP] = mem_mam,
    [STORE_INBOX_PAGE] = mem_inbox,
    [STORE_INBOX_GET] = mem_inbox,
    [STORE_INBOX_SET] = mem_inbox,
    [STORE_INBOX_READ] = mem_inbox,
    [STORE_INBOX_EMPTY_BIN] = mem_inbox,
    [STORE_INBOX_REMOVE] = mem_inbox,
    [STORE_INBOX_IMPORT] = mem_inbox,
    [STORE_INBOX_CLEAN] = mem_inbox,
    [STORE_ROOM_CREATE] = mem_room,
    [STORE_ROOM_GET] = mem_room,
    [STORE_ROOM_SET] = mem_room,
    [STORE_ROOM_DESTROY] = mem_room,
    [STORE_ROOM_PAGE] = mem_room,
    [STORE_ROOM_GUESTS] = mem_room,
    [STORE_ROOM_BLOCKING] = mem_room,
    [STORE_ROOM_BLOCK] = mem_room,
    [STORE_ROOM_GONE] = mem_room,
    [STORE_INBOX_DROP] = mem_inbox,
    [STORE_DOCUMENT_GET] = run_document,
    [STORE_DOCUMENT_SET] = run_document,
    [STORE_PEP_NODES] = run_pep,
    [STORE_PEP_SET] = run_pep,
    [STORE_PEP_PUBLISH] = run_pep,
    [STORE_PEP_RETRACT] = run_pep,
    [STORE_PEP_PURGE] = run_pep,
    [STORE_PEP_DELETE] = run_pep,
    [STORE_PEP_PICK] = run_pep,
    [STORE_PEP_PAGE] = run_pep,
    [STORE_OFFLINE_ADD] = run_offline,
    [STORE_OFFLINE_PAGE] = run_offline,
    [STORE_OFFLINE_DROP] = run_offline,
    [STORE_OFFLINE_CLEAN] = clean_offline,
};

static enum err setup(const struct store_config *config, const char **why)
{
    (void)config;
    (void)why;
    return ERR_OK;
}

static void teardown(void)
{
    for (struct map_node *node = map_next(&accounts, NULL), *next; node; node = next) {
        next = map_next(&accounts, node);
        account_free(MAP_OWNER(node, struct account, node));
    }
    map_fini(&accounts);
    mem_mam_drop();
    mem_inbox_drop();
    mem_room_drop();
}

static void *shard_start(struct shard *shard)
{
    (void)shard;
    struct mem_shard *own = mem_zalloc(sizeof *own);
    list_init(&own->slow);
    return own;
}

static void give(struct mem_answer *late)
{
    shard_drop(&late->timer);
    task_drop(&late->task);
    list_drop(&late->link);
    store_finish(late->op, late->outcome);
}

static void on_time(struct timer *timer)
{
    give(LIST_OWNER(timer, struct mem_answer, timer));
}

static void on_next_turn(struct task *task)
{
    give(LIST_OWNER(task, struct mem_answer, task));
}

static void shard_stop(void *state)
{
    struct mem_shard *own = state;
    while (!list_empty(&own->slow))
        give(LIST_OWNER(own->slow.next, struct mem_answer, link));
    mem_free(own);
}

static void submit(void *state, struct store_op *op)
{
    struct mem_shard *own = state;
    struct mem_answer *late = arena_zero(&op->arena, sizeof *late);
    uint64_t delay_ms = 0;
    late->op = op;
    late->outcome = store_mem_hook ? store_mem_hook(op, &delay_ms) : ERR_OK;
    if (late->outcome == ERR_OK) {
        pthread_mutex_lock(&lock);
        late->outcome = kinds[op->kind](op);
        pthread_mutex_unlock(&lock);
    }
    list_push(&own->slow, &late->link);
    late->task.run = on_next_turn;
    if (delay_ms)
        shard_after(&late->timer, delay_ms, on_time);
    else
        shard_soon(&late->task);
}

static bool ready(void *state, const char **why)
{
    (void)state;
    (void)why;
    return true;
}

static const char *version(void)
{
    return "memory";
}

const struct store_backend store_memory = {
    .name = "memory",
    .setup = setup,
    .teardown = teardown,
    .shard_start = shard_start,
    .shard_stop = shard_stop,
    .submit = submit,
    .ready = ready,
    .version = version,
};
