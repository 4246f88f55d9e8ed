/* Preferences: XEP-0441. They hold where messages are stored; here they are read, changed, and
 * known of users who are online. */
#include "mam.h"

/* --- Known of users who are online --- */

static void forget(struct mam_user *user)
{
    for (size_t i = 0; i < user->count; i++) {
        mem_free((char *)user->items[i].bare.at);
        mem_free((char *)user->items[i].resource.at);
    }
    mem_free(user->items);
    user->items = NULL;
    user->count = 0;
}

static struct str keep(struct str text)
{
    return (struct str){mem_strndup(text.at ? text.at : "", text.len), text.len};
}

static void learn(struct mam_user *user, const struct store_mam_prefs *prefs)
{
    forget(user);
    user->chosen = true;
    user->keeps = prefs->keeps;
    user->count = prefs->count;
    user->items = mem_zalloc((prefs->count + 1) * sizeof *user->items);
    for (size_t i = 0; i < prefs->count; i++)
        user->items[i] = (struct store_mam_pref){.bare = keep(prefs->items[i].bare),
                                                 .resource = keep(prefs->items[i].resource),
                                                 .keeps = prefs->items[i].keeps};
}

static void on_loaded(struct store_op *op)
{
    struct mam_user *user = op->owner;
    user->op = NULL;
    if (!op->outcome)
        learn(user, &op->prefs);
    else if (op->outcome != ERR_NOT_FOUND)
        user->asked = false; /* the next session asks again */
}

/* Not as an effect: one that is dropped would leave the user with an operation that is gone. */
void mam_user_load(struct session *session)
{
    struct mam_user *user = user_slot(session->user, &module_mam);
    if (user->asked)
        return;
    user->asked = true;
    user->op = store_op_new(STORE_MAM_PREFS_GET, on_loaded, user);
    user->op->prefs.owner = arena_str(&user->op->arena, session->jid.bare);
    store_ask(user->op, 0);
}

int mam_user_keeps(struct session *session, const struct jid *peer)
{
    const struct mam_user *user = user_slot(session->user, &module_mam);
    int keeps = user->chosen ? user->keeps : STORE_KEEPS_ALWAYS;
    for (size_t i = 0; i < user->count; i++) {
        const struct store_mam_pref *item = &user->items[i];
        if (!str_eq(item->bare, peer->bare))
            continue;
        if (str_eq(item->resource, peer->resource))
            return item->keeps;
        if (!item->resource.len)
            keeps = item->keeps;
    }
    return keeps;
}

void mam_user_end(void *own)
{
    struct mam_user *user = own;
    if (user->op)
        store_revoke(user->op);
    forget(user);
}

/* --- Asked for --- */

static const char *const defaults[] = {[STORE_KEEPS_NEVER] = "never",
                                       [STORE_KEEPS_ALWAYS] = "always",
                                       [STORE_KEEPS_ROSTER] = "roster"};

static void add_list(struct acc *acc, struct element *prefs, const struct store_mam_prefs *stored,
                     bool keeps)
{
    struct element *list = element_add(&acc->arena, prefs, NS_MAM, keeps ? "always" : "never");
    for (size_t i = 0; i < stored->count; i++) {
        const struct store_mam_pref *item = &stored->items[i];
        if (item->keeps != keeps)
            continue;
        struct str jid = item->bare;
        if (item->resource.len)
            jid = arena_format(&acc->arena, "%.*s/%.*s", STR_ARG(item->bare),
                               STR_ARG(item->resource));
        element_add_text(&acc->arena, element_add(&acc->arena, list, NS_MAM, "jid"), jid);
    }
}

static void answer(struct acc *acc, const struct store_mam_prefs *stored)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *prefs = element_add(&acc->arena, result, NS_MAM, "prefs");
    element_set(&acc->arena, prefs, "default", str_of(defaults[stored->keeps]));
    add_list(acc, prefs, stored, true);
    add_list(acc, prefs, stored, false);
    effect_answer(acc, result);
}

static enum verdict on_got(struct acc *acc, struct session *session)
{
    static const struct store_mam_prefs none = {.keeps = STORE_KEEPS_ALWAYS};
    (void)session;
    if (acc->answer->outcome == ERR_NOT_FOUND)
        answer(acc, &none);
    else if (!mam_failed(acc))
        answer(acc, &acc->answer->prefs);
    return HOOK_STOP;
}

enum verdict mam_prefs_get(struct acc *acc, struct session *session)
{
    if (!mam_is_own(acc, session))
        return HOOK_STOP;
    metric_count(&mam_prefs_gets);
    struct store_op *op = store_op_new(STORE_MAM_PREFS_GET, NULL, NULL);
    op->prefs.owner = arena_str(&op->arena, acc->from.bare);
    return acc_park_store(acc, session, on_got, op);
}

static enum verdict on_set(struct acc *acc, struct session *session)
{
    if (mam_failed(acc))
        return HOOK_STOP;
    struct mam_user *user = user_slot(session->user, &module_mam);
    learn(user, &acc->answer->prefs);
    answer(acc, &acc->answer->prefs);
    return HOOK_STOP;
}

static bool is_new(const struct store_mam_prefs *prefs, const struct jid *jid)
{
    for (size_t i = 0; i < prefs->count; i++)
        if (str_eq(prefs->items[i].bare, jid->bare) &&
            str_eq(prefs->items[i].resource, jid->resource))
            return false;
    return true;
}

/* An address in both lists is kept: what stands first. */
static const char *read_list(struct acc *acc, struct store_op *op, bool keeps)
{
    const struct element *prefs = element_first(acc->element);
    const struct element *list = element_child(prefs, NS_MAM, keeps ? "always" : "never");
    for (struct element *child = list ? element_first(list) : NULL; child;
         child = element_next(child)) {
        struct jid jid;
        if (!element_is(child, NS_MAM, "jid"))
            continue;
        if (op->prefs.count == STORE_MAM_PREFS_MAX)
            return "the lists are too long";
        if (jid_parse(&op->arena, str_trim(element_text(&acc->arena, child)), &jid))
            return "an entry of the lists is not an address";
        if (is_new(&op->prefs, &jid))
            op->prefs.items[op->prefs.count++] =
                (struct store_mam_pref){jid.bare, jid.resource, keeps};
    }
    return NULL;
}

static const char *read_prefs(struct acc *acc, struct store_op *op)
{
    struct str standard = element_attr(element_first(acc->element), "default");
    op->prefs.owner = arena_str(&op->arena, acc->from.bare);
    op->prefs.items = arena_zero(&op->arena, STORE_MAM_PREFS_MAX * sizeof *op->prefs.items);
    int keeps = 0;
    while (keeps < (int)COUNT_OF(defaults) && !str_is(standard, defaults[keeps]))
        keeps++;
    if (keeps == (int)COUNT_OF(defaults))
        return "`default` is always, never or roster";
    op->prefs.keeps = keeps;
    const char *wrong = read_list(acc, op, true);
    return wrong ? wrong : read_list(acc, op, false);
}

enum verdict mam_prefs_set(struct acc *acc, struct session *session)
{
    if (!mam_is_own(acc, session))
        return HOOK_STOP;
    metric_count(&mam_prefs_sets);
    struct store_op *op = store_op_new(STORE_MAM_PREFS_SET, NULL, NULL);
    const char *wrong = read_prefs(acc, op);
    if (!wrong)
        return acc_park_store(acc, session, on_set, op);
    store_revoke(op);
    effect_error(acc, STANZA_BAD_REQUEST, wrong);
    return HOOK_STOP;
}
