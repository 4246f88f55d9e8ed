#include "contacts.h"

/* An owner has one home shard, so threads share nothing here. */
static _Thread_local struct map all;

/* An accumulator that waits for reading; in its arena. */
struct waiter {
    struct link link;
    struct acc *acc;
};

/* A write under way: what its end needs; in the arena of the operation. */
struct write {
    struct acc *acc; /* NULL: it went away */
    struct contacts *contacts;
};

static bool is_owner(const struct map_node *node, const void *key)
{
    return str_eq(MAP_OWNER(node, struct contacts, node)->owner.bare, *(const struct str *)key);
}

struct contacts *contacts_find(const struct jid *owner)
{
    struct map_node *node = map_find(&all, owner->bare_hash, is_owner, &owner->bare);
    return node ? MAP_OWNER(node, struct contacts, node) : NULL;
}

static struct contacts *need(const struct jid *owner)
{
    struct contacts *contacts = contacts_find(owner);
    if (contacts)
        return contacts;
    struct jid bare = jid_bare(owner);
    contacts = mem_zalloc(sizeof *contacts);
    jid_keep(&contacts->owner, &bare);
    list_init(&contacts->waiting);
    list_init(&contacts->behind);
    map_add(&all, &contacts->node, contacts->owner.bare_hash);
    return contacts;
}

/* --- Items --- */

/* Item and texts are one block. */
static struct contact *contact_new(const struct contact *model)
{
    const struct str *texts[] = {&model->jid, &model->name, &model->groups, &model->request};
    size_t len = sizeof *model;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        len += texts[i]->len;
    struct contact *contact = mem_zalloc(len);
    struct str *const copies[] = {&contact->jid, &contact->name, &contact->groups,
                                  &contact->request};
    char *at = (char *)(contact + 1);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (texts[i]->len)
            memcpy(at, texts[i]->at, texts[i]->len);
        *copies[i] = (struct str){at, texts[i]->len};
        at += texts[i]->len;
    }
    contact->flags = model->flags;
    return contact;
}

static struct contact **place_of(struct contacts *contacts, struct str jid)
{
    struct contact **at = &contacts->first;
    while (*at && !str_eq((*at)->jid, jid))
        at = &(*at)->next;
    return at;
}

struct contact *contacts_get(const struct contacts *contacts, struct str jid)
{
    return *place_of((struct contacts *)contacts, jid);
}

static void take_out(struct contacts *contacts, struct contact **at)
{
    struct contact *contact = *at;
    *at = contact->next;
    contacts->count--;
    mem_free(contact);
}

static void put(struct contacts *contacts, const struct contact *wanted)
{
    struct contact **at = place_of(contacts, wanted->jid);
    struct contact *contact = wanted->flags ? contact_new(wanted) : NULL;
    if (contact) {
        contact->next = *at;
        contacts->count++;
    }
    if (*at) {
        struct contact **old = contact ? &contact->next : at;
        if (contact)
            *at = contact;
        take_out(contacts, old);
    } else if (contact) {
        *at = contact;
    }
}

static void clear(struct contacts *contacts)
{
    while (contacts->first)
        take_out(contacts, &contacts->first);
}

/* --- Life --- */

static void free_if_idle(struct contacts *contacts)
{
    if (contacts->held || contacts->reading || !list_empty(&contacts->waiting))
        return;
    clear(contacts);
    map_drop(&all, &contacts->node);
    jid_drop(&contacts->owner);
    mem_free(contacts);
    if (all.count == 0)
        map_fini(&all);
}

struct contacts *contacts_hold(const struct jid *owner)
{
    struct contacts *contacts = need(owner);
    contacts->held++;
    return contacts;
}

void contacts_unhold(struct contacts *contacts)
{
    if (!contacts)
        return;
    contacts->held--;
    free_if_idle(contacts);
}

/* --- Reading --- */

static void take_items(struct contacts *contacts, const struct store_op *op)
{
    struct contact **end = &contacts->first;
    clear(contacts);
    contacts->version = op->roster.version;
    for (size_t i = 0; i < op->roster.count; i++) {
        const struct store_roster_item *item = &op->roster.items[i];
        *end = contact_new(&(struct contact){.jid = item->contact,
                                             .name = item->name,
                                             .groups = item->groups,
                                             .request = item->request,
                                             .flags = item->flags});
        end = &(*end)->next;
        contacts->count++;
    }
}

static void let_go_on(struct link *waiting)
{
    struct link *link;
    while ((link = list_pop(waiting)))
        acc_unpark(LIST_OWNER(link, struct waiter, link)->acc);
}

static void on_read(struct store_op *op)
{
    struct contacts *contacts = op->owner;
    contacts->reading = NULL;
    contacts->err = op->outcome;
    contacts->loaded = op->outcome == ERR_OK;
    contacts->stale = false;
    if (contacts->loaded)
        take_items(contacts, op);
    contacts->held++; /* what waits may be the last to need it */
    let_go_on(&contacts->waiting);
    contacts_unhold(contacts);
}

static void start_reading(struct contacts *contacts)
{
    struct store_op *op = store_op_new(STORE_ROSTER_GET, on_read, contacts);
    op->roster.user = arena_str(&op->arena, contacts->owner.user);
    op->roster.domain = arena_str(&op->arena, contacts->owner.domain);
    contacts->reading = op;
    store_ask(op, 0);
}

static void on_revoke(void *own)
{
    struct waiter *waiter = own;
    list_drop(&waiter->link);
}

static void wait_in(struct link *list, struct acc *acc, struct session *session, hook_fn *then)
{
    struct waiter *waiter = arena_zero(&acc->arena, sizeof *waiter);
    waiter->acc = acc;
    list_push(list, &waiter->link);
    acc_park(acc, session, then, waiter, on_revoke);
}

enum verdict contacts_with(struct acc *acc, struct session *session, const struct jid *owner,
                           hook_fn *then)
{
    struct contacts *contacts = need(owner);
    if (contacts->loaded && !contacts->stale) {
        contacts->held++;
        enum verdict verdict = then(acc, session);
        contacts_unhold(contacts);
        return verdict;
    }
    wait_in(&contacts->waiting, acc, session, then);
    if (!contacts->reading)
        start_reading(contacts);
    return HOOK_PARK;
}

/* --- Writing --- */

/* It comes again, behind the pushes that were sent just now. */
static enum verdict go_on(struct acc *acc, struct session *session)
{
    (void)session;
    effect_route(acc, acc->element);
    return HOOK_STOP;
}

enum verdict contacts_behind(struct acc *acc, const struct jid *owner)
{
    struct contacts *contacts = contacts_find(owner);
    if (!contacts || !contacts->writing)
        return HOOK_OK;
    wait_in(&contacts->behind, acc, NULL, go_on);
    return HOOK_PARK;
}

static void on_written(struct store_op *op)
{
    struct write *write = op->owner;
    struct contacts *contacts = write->contacts;
    if (op->outcome != ERR_OK && op->outcome != ERR_NOT_FOUND) {
        LOG(LOG_WARNING, "roster_not_written", LF_STR("user", contacts->owner.bare),
            LF("why", err_name(op->outcome)));
        contacts->stale = true;
    }
    if (write->acc) {
        write->acc->answer = op;
        acc_unpark(write->acc);
    }
    if (--contacts->writing == 0)
        let_go_on(&contacts->behind);
    contacts_unhold(contacts);
}

/* The change stays under way when who asked for it has gone. */
static void on_forgotten(void *own)
{
    ((struct write *)own)->acc = NULL;
}

static struct store_op *write_op(struct contacts *contacts, const struct contact *contact)
{
    enum store_kind kind = contact->flags ? STORE_ROSTER_SET : STORE_ROSTER_REMOVE;
    struct store_op *op = store_op_new(kind, on_written, NULL);
    op->roster.user = arena_str(&op->arena, contacts->owner.user);
    op->roster.domain = arena_str(&op->arena, contacts->owner.domain);
    op->roster.version = ++contacts->version;
    op->roster.count = 1;
    op->roster.items = arena_zero(&op->arena, sizeof *op->roster.items);
    *op->roster.items =
        (struct store_roster_item){.contact = arena_str(&op->arena, contact->jid),
                                   .name = arena_str(&op->arena, contact->name),
                                   .groups = arena_str(&op->arena, contact->groups),
                                   .request = arena_str(&op->arena, contact->request),
                                   .flags = contact->flags};
    return op;
}

enum verdict contacts_set(struct acc *acc, struct session *session, struct contacts *contacts,
                          const struct contact *wanted, hook_fn *then)
{
    struct store_op *op = write_op(contacts, wanted);
    struct write *write = arena_zero(&op->arena, sizeof *write);
    *write = (struct write){.acc = acc, .contacts = contacts};
    op->owner = write;
    contacts->held++;
    contacts->writing++;
    put(contacts, wanted);
    acc_park(acc, session, then, write, on_forgotten);
    store_ask(op, 0);
    return HOOK_PARK;
}
