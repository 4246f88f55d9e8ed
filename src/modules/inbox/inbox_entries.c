/* XEP-0430: the inbox as entries, with results of the archive beside them. */
#include "inbox.h"

static void read_flag(struct inbox_reading *reading, const struct element *query, const char *name,
                      bool *out)
{
    struct str text = element_attr(query, name);
    if (text.at && !inbox_bool(text, out))
        inbox_wrong(reading, STANZA_BAD_REQUEST,
                    arena_format(&reading->acc->arena, "`%s` is true or false", name).at);
}

static void set_number(struct acc *acc, struct element *element, const char *name, uint64_t number)
{
    element_set(&acc->arena, element, name,
                arena_format(&acc->arena, "%llu", (unsigned long long)number));
}

static void send_entry(struct acc *acc, const struct store_inbox_entry *item)
{
    struct element *message = inbox_message(acc);
    struct element *entry = element_add(&acc->arena, message, NS_INBOX_1, "entry");
    struct str id = stanza_id_text(&acc->arena, item->last);
    element_set(&acc->arena, entry, "jid", arena_str(&acc->arena, item->peer));
    set_number(acc, entry, "unread", item->unread);
    element_set(&acc->arena, entry, "id", id);
    if (item->body.len) {
        struct element *result = element_add(&acc->arena, message, NS_MAM, "result");
        element_set(&acc->arena, result, "queryid", element_attr(acc->element, "id"));
        element_set(&acc->arena, result, "id", id);
        inbox_add_forwarded(acc, result, item);
    }
    effect_flush(acc, message);
    metric_count(&inbox_entries);
}

static enum verdict on_page(struct acc *acc, struct session *session)
{
    (void)session;
    if (inbox_failed(acc))
        return HOOK_STOP;
    struct store_inbox_page *page = &acc->answer->inbox_page;
    inbox_cut(page);
    for (size_t i = 0; i < page->count; i++)
        send_entry(acc, &page->items[i]);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *fin = element_add(&acc->arena, result, NS_INBOX_1, "fin");
    set_number(acc, fin, "total", page->all.conversations);
    set_number(acc, fin, "unread", page->all.active);
    set_number(acc, fin, "all-unread", page->all.unread);
    inbox_add_set(acc, fin, page);
    effect_answer(acc, result);
    return HOOK_STOP;
}

enum verdict inbox_list(struct acc *acc, struct session *session)
{
    if (!inbox_is_own(acc, session))
        return HOOK_STOP;
    metric_count(&inbox_queries);
    const struct element *query = element_first(acc->element);
    struct inbox_reading reading = inbox_read(acc);
    reading.page->without_bin = true;
    read_flag(&reading, query, "unread-only", &reading.page->only_unread);
    read_flag(&reading, query, "messages", &reading.page->bodies);
    inbox_read_set(&reading, query);
    return inbox_ask(&reading, session, on_page);
}
