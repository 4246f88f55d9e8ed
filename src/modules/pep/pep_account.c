/*
 * The nodes of accounts in memory, with what they are set to and their last items if these are
 * small. They are read when they are asked for, and go again when a shard keeps more than
 * LIMIT_PEP_CACHE bytes, those first that nobody asked for longest.
 */
#include "pep.h"

struct pep_account {
    struct map_node map_node;
    struct link used;
    struct jid owner; /* bare, on the heap */
    struct pep_node *first;
    size_t size;
    enum err err;
    bool loaded;
    bool changed;  /* while it was being read: that may have missed it */
    unsigned held; /* by writes under way, and by who looks at it */
    uint64_t turns;
    struct link waiting; /* accumulators that wait for reading */
    struct store_op *reading;
};

/* An owner has one home shard, so threads share nothing here. */
static _Thread_local struct {
    struct map all;
    struct link used; /* least recently first */
    size_t size;
} cache;

/* In the arena of its accumulator. */
struct waiter {
    struct link link;
    struct acc *acc;
};

/* In the arena of its operation. */
struct write {
    struct acc *acc; /* NULL: it went away */
    struct acc *news;
    struct pep_account *account;
    uint64_t turn;
};

static bool is_owner(const struct map_node *node, const void *key)
{
    const struct pep_account *account = MAP_OWNER(node, const struct pep_account, map_node);
    return str_eq(account->owner.bare, *(const struct str *)key);
}

struct pep_account *pep_account_find(const struct jid *owner)
{
    struct map_node *node = map_find(&cache.all, owner->bare_hash, is_owner, &owner->bare);
    return node ? MAP_OWNER(node, struct pep_account, map_node) : NULL;
}

static void resize(struct pep_account *account, size_t more, size_t less)
{
    account->size += more - less;
    cache.size += more - less;
    metric_add(&pep_cached, (int64_t)more - (int64_t)less);
}

static struct pep_account *need(const struct jid *owner)
{
    struct pep_account *account = pep_account_find(owner);
    if (account) {
        list_drop(&account->used);
    } else {
        struct jid bare = jid_bare(owner);
        account = mem_zalloc(sizeof *account);
        jid_keep(&account->owner, &bare);
        list_init(&account->waiting);
        map_add(&cache.all, &account->map_node, account->owner.bare_hash);
        resize(account, sizeof *account + bare.bare.len, 0);
    }
    if (!cache.used.next)
        list_init(&cache.used);
    list_push(&cache.used, &account->used);
    return account;
}

enum err pep_account_err(const struct pep_account *account)
{
    return account->err;
}

/* --- Nodes --- */

struct pep_node *pep_node_first(const struct pep_account *account)
{
    return account->first;
}

static int compare(struct str a, struct str b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int order = least ? memcmp(a.at, b.at, least) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where the node is, or belongs. */
static struct pep_node **place_of(struct pep_account *account, struct str name)
{
    struct pep_node **at = &account->first;
    while (*at && compare((*at)->name, name) < 0)
        at = &(*at)->next;
    return at;
}

struct pep_node *pep_node_find(const struct pep_account *account, struct str name)
{
    struct pep_node *node = *place_of((struct pep_account *)account, name);
    return node && str_eq(node->name, name) ? node : NULL;
}

size_t pep_account_nodes(const struct pep_account *account)
{
    size_t count = 0;
    for (const struct pep_node *node = account->first; node; node = node->next)
        count++;
    return count;
}

uint64_t pep_account_bytes(const struct pep_account *account)
{
    uint64_t bytes = 0;
    for (const struct pep_node *node = account->first; node; node = node->next)
        bytes += node->bytes;
    return bytes;
}

static struct str put(char **room, struct str text)
{
    struct str copy = {*room, text.len};
    if (!text.at)
        return text;
    if (text.len)
        memcpy(*room, text.at, text.len);
    *room += text.len;
    return copy;
}

/* The node and its texts are one block. */
static struct pep_node *node_new(const struct store_pep_node *model)
{
    size_t len =
        model->name.len + model->settings.len + model->last.name.len + model->last.body.len;
    struct pep_node *node = mem_zalloc(sizeof *node + len);
    char *room = node->block;
    node->size = sizeof *node + len;
    node->name = put(&room, model->name);
    node->text = put(&room, model->settings);
    node->last.name = put(&room, model->last.name);
    node->last.body = put(&room, model->last.body);
    node->last.number = model->last.number;
    node->settings = pep_settings_parse(node->text);
    node->count = model->count;
    node->bytes = model->bytes;
    return node;
}

static void take_out(struct pep_account *account, struct pep_node **at)
{
    struct pep_node *node = *at;
    *at = node->next;
    resize(account, 0, node->size);
    mem_free(node);
}

static void put_in(struct pep_account *account, struct pep_node **at, struct pep_node *node)
{
    node->next = *at;
    *at = node;
    resize(account, node->size, 0);
}

static void clear(struct pep_account *account)
{
    while (account->first)
        take_out(account, &account->first);
    account->loaded = false;
}

/* --- Life --- */

static bool is_idle(const struct pep_account *account)
{
    return !account->held && !account->reading && list_empty(&account->waiting);
}

static void drop(struct pep_account *account)
{
    clear(account);
    list_drop(&account->used);
    map_drop(&cache.all, &account->map_node);
    resize(account, 0, account->size);
    jid_drop(&account->owner);
    mem_free(account);
    if (cache.all.count == 0)
        map_fini(&cache.all);
}

static void trim(void)
{
    LIST_EACH_SAFE (&cache.used, link) {
        struct pep_account *account = LIST_OWNER(link, struct pep_account, used);
        if (cache.size <= LIMIT_PEP_CACHE)
            return;
        if (is_idle(account))
            drop(account);
    }
}

/* What is not known, for want of an answer, is not kept. */
static void unhold(struct pep_account *account)
{
    account->held--;
    if (!account->loaded && is_idle(account))
        drop(account);
    else
        trim();
}

void pep_account_forget(const struct jid *owner)
{
    struct pep_account *account = pep_account_find(owner);
    if (!account)
        return;
    account->held++;
    account->changed = account->reading != NULL;
    clear(account);
    unhold(account);
}

/* Who waits for an answer yet goes when that comes. */
void pep_accounts_end(void *own)
{
    (void)own; /* it would be gone before them */
    if (!cache.used.next)
        return;
    LIST_EACH_SAFE (&cache.used, link) {
        struct pep_account *account = LIST_OWNER(link, struct pep_account, used);
        if (is_idle(account))
            drop(account);
    }
}

/* --- Reading --- */

static void take_nodes(struct pep_account *account, const struct store_op *op)
{
    clear(account);
    for (size_t i = 0; i < op->pep.node_count; i++) {
        struct pep_node *node = node_new(&op->pep.nodes[i]);
        put_in(account, place_of(account, node->name), node);
    }
    account->loaded = true;
}

static store_fn on_read;

struct store_op *pep_op(const struct jid *owner, enum store_kind kind, struct str node)
{
    struct store_op *op = store_op_new(kind, NULL, NULL);
    op->pep.user = arena_str(&op->arena, owner->user);
    op->pep.domain = arena_str(&op->arena, owner->domain);
    op->pep.node = arena_str(&op->arena, node);
    return op;
}

static void start_reading(struct pep_account *account)
{
    struct store_op *op = pep_op(&account->owner, STORE_PEP_NODES, STR(""));
    op->done = on_read;
    op->owner = account;
    account->reading = op;
    account->changed = false;
    store_ask(op, 0);
}

static void on_read(struct store_op *op)
{
    struct pep_account *account = op->owner;
    struct link *link;
    account->reading = NULL;
    if (account->changed && op->outcome == ERR_OK) {
        start_reading(account);
        return;
    }
    account->err = op->outcome;
    if (op->outcome == ERR_OK)
        take_nodes(account, op);
    account->held++;
    while ((link = list_pop(&account->waiting)))
        acc_unpark(LIST_OWNER(link, struct waiter, link)->acc);
    unhold(account);
}

static void on_revoke(void *own)
{
    struct waiter *waiter = own;
    list_drop(&waiter->link);
}

enum verdict pep_account_with(struct acc *acc, struct session *session, const struct jid *owner,
                              hook_fn *then)
{
    struct pep_account *account = need(owner);
    if (account->loaded) {
        account->held++;
        enum verdict verdict = then(acc, session);
        unhold(account);
        return verdict;
    }
    struct waiter *waiter = arena_zero(&acc->arena, sizeof *waiter);
    waiter->acc = acc;
    list_push(&account->waiting, &waiter->link);
    acc_park(acc, session, then, waiter, on_revoke);
    if (!account->reading)
        start_reading(account);
    return HOOK_PARK;
}

static void after_run(struct acc *acc, struct session *session, enum verdict verdict)
{
    (void)session;
    (void)verdict;
    acc_free(acc);
}

/* The accumulator stands at the end of a chain without entries. */
void pep_account_run(struct acc *acc, const struct jid *owner, hook_fn *then)
{
    acc->at = HOOK_filter_local_packet;
    acc->next_entry = acc->host->type->hooks[acc->at].count;
    acc->then = after_run;
    enum verdict verdict = pep_account_with(acc, NULL, owner, then);
    if (verdict != HOOK_PARK)
        hook_resume(acc, NULL, HOOK_STOP);
}

/* --- Writing --- */

/* Answers that come in another order than they were asked for do not bring back what was before. */
static void take_change(struct pep_account *account, const struct store_op *op, uint64_t turn)
{
    struct pep_node **at = place_of(account, op->pep.node);
    struct pep_node *old = *at && str_eq((*at)->name, op->pep.node) ? *at : NULL;
    if (!account->loaded || (old && old->turn > turn))
        return;
    if (old)
        take_out(account, at);
    if (op->kind == STORE_PEP_DELETE || op->pep.node_count == 0)
        return;
    struct pep_node *node = node_new(&op->pep.nodes[0]);
    node->turn = turn;
    put_in(account, at, node);
}

/* Whether it was done is not known, or it was all otherwise than memory has it. */
static void doubt(struct pep_account *account, enum err outcome)
{
    if (outcome != ERR_NOT_FOUND)
        LOG(LOG_WARNING, "pep_not_written", LF_STR("user", account->owner.bare),
            LF("why", err_name(outcome)));
    clear(account);
}

static void on_written(struct store_op *op)
{
    struct write *write = op->owner, copy = *write;
    struct pep_account *account = copy.account;
    account->changed = account->reading != NULL;
    if (op->outcome == ERR_OK)
        take_change(account, op, copy.turn);
    else
        doubt(account, op->outcome);
    if (copy.news && op->outcome == ERR_OK)
        pep_news_send(copy.news);
    else if (copy.news)
        acc_free(copy.news);
    if (copy.acc) {
        copy.acc->answer = op;
        acc_unpark(copy.acc);
    }
    unhold(account);
}

/* The change stays under way when who asked for it has gone. */
static void on_forgotten(void *own)
{
    ((struct write *)own)->acc = NULL;
}

enum verdict pep_write(struct acc *acc, struct session *session, struct store_op *op,
                       struct acc *news, hook_fn *then)
{
    struct pep_account *account = need(&acc->to);
    struct write *write = arena_zero(&op->arena, sizeof *write);
    *write = (struct write){acc, news, account, ++account->turns};
    op->owner = write;
    op->done = on_written;
    account->held++;
    acc_park(acc, session, then, write, on_forgotten);
    store_ask(op, 0);
    return HOOK_PARK;
}
