/* One conversation: its properties, <reset/>, and <empty-bin/>. MongooseIM's words. */
#include "inbox.h"

/* An operation on the conversation that `jid` names; NULL: it has been answered. */
static struct store_op *op_on(struct acc *acc, enum store_kind kind)
{
    struct store_op *op = store_op_new(kind, NULL, NULL);
    struct jid peer;
    if (jid_parse(&op->arena, element_attr(element_first(acc->element), "jid"), &peer)) {
        store_revoke(op);
        effect_error(acc, STANZA_BAD_REQUEST, "invalid-jid");
        return NULL;
    }
    op->inbox.owner = arena_str(&op->arena, acc->from.bare);
    op->inbox.peer = peer.bare;
    return op;
}

/* --- Telling --- */

static enum verdict tell_form(struct acc *acc)
{
    static const char *const fields[][2] = {
        {"archive", "boolean"}, {"read", "boolean"}, {"mute", "text-single"}};
    const struct inbox_conf *conf = module_conf(acc->host, &module_inbox);
    struct arena *arena = &acc->arena;
    struct element *result = stanza_result(arena, acc->element);
    struct element *query = element_add(arena, result, NS_INBOX_CONVERSATION, "query");
    struct element *form =
        form_new(arena, "form", "erlang-solutions.com:xmpp:inbox:0#conversation");
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        form_field(arena, form, fields[i][0], fields[i][1], NULL, (struct str){NULL, 0});
    struct element *box = form_field(arena, form, "box", "list-single", NULL, STR(STORE_BOX_INBOX));
    for (size_t i = 0; inbox_boxes[i]; i++)
        form_value(arena, element_add(arena, box, NS_DATA, "option"), str_of(inbox_boxes[i]));
    for (size_t i = 0; i < conf->boxes.count; i++)
        form_value(arena, element_add(arena, box, NS_DATA, "option"), str_of(conf->boxes.items[i]));
    element_push(query, form);
    effect_answer(acc, result);
    return HOOK_STOP;
}

static enum verdict on_got(struct acc *acc, struct session *session)
{
    (void)session;
    if (inbox_failed(acc))
        return HOOK_STOP;
    const struct store_inbox *inbox = &acc->answer->inbox;
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_INBOX_CONVERSATION, "query");
    if (inbox->bodies)
        inbox_add_forwarded(acc, query, &inbox->entry);
    inbox_add_properties(acc, query, NS_INBOX_CONVERSATION, &inbox->entry);
    effect_answer(acc, result);
    return HOOK_STOP;
}

enum verdict inbox_conversation_get(struct acc *acc, struct session *session)
{
    if (!inbox_is_own(acc, session))
        return HOOK_STOP;
    const struct element *query = element_first(acc->element);
    if (!element_attr(query, "jid").at)
        return tell_form(acc);
    metric_count(&inbox_gets);
    struct store_op *op = op_on(acc, STORE_INBOX_GET);
    if (!op)
        return HOOK_STOP;
    struct str complete = element_attr(query, "complete");
    if (complete.at && !inbox_bool(complete, &op->inbox.bodies)) {
        store_revoke(op);
        effect_error(acc, STANZA_BAD_REQUEST, "`complete` is true or false");
        return HOOK_STOP;
    }
    return acc_park_store(acc, session, on_got, op);
}

/* --- Changing: each reads its property, and says what is wrong --- */

static const char *read_box(const struct acc *acc, struct store_op *op, struct str text)
{
    const struct inbox_conf *conf = module_conf(acc->host, &module_inbox);
    if (!inbox_has_box(conf, text))
        return "invalid-box";
    op->inbox.set.box = arena_str(&op->arena, text);
    op->inbox.set.expires_us =
        str_is(text, STORE_BOX_BIN) ? acc->stamp_us + conf->bin_ttl_days * 86400 * 1000000 : 0;
    return NULL;
}

static const char *read_archive(const struct acc *acc, struct store_op *op, struct str text)
{
    bool archive;
    if (!inbox_bool(text, &archive))
        return "invalid-archive";
    return read_box(acc, op, archive ? STR(STORE_BOX_ARCHIVE) : STR(STORE_BOX_INBOX));
}

static const char *read_read(const struct acc *acc, struct store_op *op, struct str text)
{
    bool read;
    (void)acc;
    if (!inbox_bool(text, &read))
        return "invalid-read";
    op->inbox.set.read = read ? STORE_READ_ALL : STORE_READ_NONE;
    return NULL;
}

static const char *read_mute(const struct acc *acc, struct store_op *op, struct str text)
{
    uint64_t seconds;
    if (!text_u64(text, 0, UINT32_MAX, &seconds))
        return "invalid-mute";
    op->inbox.set.mutes = true;
    op->inbox.set.muted_until_us = seconds ? acc->stamp_us + seconds * 1000000 : 0;
    return NULL;
}

static const char *read_property(struct acc *acc, struct store_op *op,
                                 const struct element *property)
{
    static const struct {
        const char *name;
        const char *(*read)(const struct acc *acc, struct store_op *op, struct str text);
    } properties[] = {
        {"box", read_box}, {"archive", read_archive}, {"read", read_read}, {"mute", read_mute}};
    for (size_t i = 0; i < COUNT_OF(properties); i++)
        if (element_is(property, NS_INBOX_CONVERSATION, properties[i].name))
            return properties[i].read(acc, op, str_trim(element_text(&acc->arena, property)));
    return "unknown-property";
}

static const char *read_properties(struct acc *acc, struct store_op *op)
{
    const struct element *property = element_first(element_first(acc->element));
    if (!property)
        return "no-property";
    for (; property; property = element_next(property)) {
        const char *wrong = read_property(acc, op, property);
        if (wrong)
            return wrong;
    }
    return NULL;
}

/* All of the user's resources hear of it. */
static void tell_all(struct acc *acc, const struct store_inbox *inbox)
{
    struct element *message = inbox_message(acc);
    element_set(&acc->arena, message, "to", acc->from.bare);
    element_set(&acc->arena, message, "id", element_attr(acc->element, "id"));
    struct element *x = element_add(&acc->arena, message, NS_INBOX_CONVERSATION, "x");
    element_set(&acc->arena, x, "jid", inbox->peer);
    inbox_add_properties(acc, x, NS_INBOX_CONVERSATION, &inbox->entry);
    effect_route(acc, message);
}

static enum verdict on_set(struct acc *acc, struct session *session)
{
    (void)session;
    if (inbox_failed(acc))
        return HOOK_STOP;
    tell_all(acc, &acc->answer->inbox);
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

enum verdict inbox_conversation_set(struct acc *acc, struct session *session)
{
    if (!inbox_is_own(acc, session))
        return HOOK_STOP;
    metric_count(&inbox_sets);
    struct store_op *op = op_on(acc, STORE_INBOX_SET);
    if (!op)
        return HOOK_STOP;
    const char *wrong = read_properties(acc, op);
    if (!wrong)
        return acc_park_store(acc, session, on_set, op);
    store_revoke(op);
    effect_error(acc, STANZA_BAD_REQUEST, wrong);
    return HOOK_STOP;
}

/* --- <reset/> --- */

/* Nothing is unread in a conversation that is not there. */
static enum verdict on_reset(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome != ERR_NOT_FOUND && inbox_failed(acc))
        return HOOK_STOP;
    struct element *result = stanza_result(&acc->arena, acc->element);
    element_add(&acc->arena, result, NS_INBOX, "reset");
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* With `id`, which MongooseIM does not have: up to that message. */
enum verdict inbox_reset(struct acc *acc, struct session *session)
{
    if (!inbox_is_own(acc, session))
        return HOOK_STOP;
    metric_count(&inbox_resets);
    struct store_op *op = op_on(acc, STORE_INBOX_READ);
    if (!op)
        return HOOK_STOP;
    struct str id = element_attr(element_first(acc->element), "id");
    op->inbox.up_to.all = id.len == 0;
    op->inbox.up_to.client_id = arena_str(&op->arena, id);
    stanza_id_parse(id, &op->inbox.up_to.id);
    return acc_park_store(acc, session, on_reset, op);
}

/* --- <empty-bin/> --- */

static enum verdict on_emptied(struct acc *acc, struct session *session)
{
    (void)session;
    if (inbox_failed(acc))
        return HOOK_STOP;
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *bin = element_add(&acc->arena, result, NS_INBOX, "empty-bin");
    inbox_add_number(acc, bin, "num", acc->answer->inbox.count);
    effect_answer(acc, result);
    return HOOK_STOP;
}

enum verdict inbox_empty_bin(struct acc *acc, struct session *session)
{
    if (!inbox_is_own(acc, session))
        return HOOK_STOP;
    struct store_op *op = store_op_new(STORE_INBOX_EMPTY_BIN, NULL, NULL);
    op->inbox.owner = arena_str(&op->arena, acc->from.bare);
    return acc_park_store(acc, session, on_emptied, op);
}
