/* MongooseIM's query of an inbox: <query/> for the form, <inbox/> for the conversations. */
#include "inbox.h"

/* --- The form --- */

static const char *sentence(struct inbox_reading *reading, const char *format, struct str text)
{
    return arena_format(&reading->acc->arena, format, STR_ARG(text)).at;
}

static void read_start(struct inbox_reading *reading, struct str value)
{
    if (!text_time_parse(value, &reading->page->above.us))
        inbox_wrong(reading, STANZA_BAD_REQUEST, "`start` is not a date and time");
}

/* Stamps are told to the millisecond: all of the last one is meant. */
static void read_end(struct inbox_reading *reading, struct str value)
{
    uint64_t us = 0;
    if (!text_time_parse(value, &us))
        inbox_wrong(reading, STANZA_BAD_REQUEST, "`end` is not a date and time");
    reading->page->below.us = us / 1000 * 1000 + 1000;
}

static void read_order(struct inbox_reading *reading, struct str value)
{
    reading->page->descending = !str_is(value, "asc");
    if (reading->page->descending && !str_is(value, "desc"))
        inbox_wrong(reading, STANZA_BAD_REQUEST, "`order` is asc or desc");
}

static void read_hidden_read(struct inbox_reading *reading, struct str value)
{
    if (!inbox_bool(value, &reading->page->only_unread))
        inbox_wrong(reading, STANZA_BAD_REQUEST, "`hidden_read` is true or false");
}

static void read_box(struct inbox_reading *reading, struct str value)
{
    const struct inbox_conf *conf = module_conf(reading->acc->host, &module_inbox);
    reading->page->without_bin = false;
    reading->page->box.len = 0;
    if (str_is(value, "all"))
        return;
    if (!inbox_has_box(conf, value))
        inbox_wrong(reading, STANZA_BAD_REQUEST, "`box` is none that is here");
    reading->page->box = arena_str(&reading->op->arena, value);
}

/* Older clients say it so; `box` says it better. */
static void read_archive(struct inbox_reading *reading, struct str value)
{
    bool archive;
    if (!inbox_bool(value, &archive))
        inbox_wrong(reading, STANZA_BAD_REQUEST, "`archive` is true or false");
    else if (reading->page->without_bin)
        read_box(reading, archive ? STR(STORE_BOX_ARCHIVE) : STR(STORE_BOX_INBOX));
}

static const struct form_line {
    const char *var, *type, *preset;
    void (*read)(struct inbox_reading *reading, struct str value);
} lines[] = {
    {"start", "text-single", NULL, read_start},
    {"end", "text-single", NULL, read_end},
    {"order", "list-single", "desc", read_order},
    {"hidden_read", "text-single", "false", read_hidden_read},
    {"box", "list-single", "all", read_box},
    {"archive", "boolean", "false", read_archive},
};

static const struct form_line *line_of(struct str var)
{
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        if (str_is(var, lines[i].var))
            return &lines[i];
    return NULL;
}

static void read_field(struct inbox_reading *reading, const struct element *field)
{
    struct str var = element_attr(field, "var");
    const struct element *value = element_child(field, NS_DATA, "value");
    struct str text = value ? str_trim(element_text(&reading->acc->arena, value)) : STR("");
    const struct form_line *line = line_of(var);
    if (line)
        line->read(reading, text);
    else if (!str_is(var, "FORM_TYPE"))
        inbox_wrong(reading, STANZA_BAD_REQUEST,
                    sentence(reading, "`%.*s` is no field of this form", var));
    else if (!str_eq(text, ns_uri(NS_INBOX)))
        inbox_wrong(reading, STANZA_BAD_REQUEST, "FORM_TYPE is that of another form");
}

/* Its type is `submit` by XEP-0004, and `form` with MongooseIM's own clients. */
static void read_form(struct inbox_reading *reading, const struct element *query)
{
    const struct element *form = element_child(query, NS_DATA, "x");
    struct element *field = form ? element_first(form) : NULL;
    reading->page->without_bin = true;
    for (; field; field = element_next(field))
        if (element_is(field, NS_DATA, "field"))
            read_field(reading, field);
}

/* --- The answer --- */

static void send_entry(struct acc *acc, const struct store_inbox_entry *entry, struct str query_id)
{
    struct element *message = inbox_message(acc);
    element_set(&acc->arena, message, "id", stanza_id_text(&acc->arena, entry->last));
    struct element *result = element_add(&acc->arena, message, NS_INBOX, "result");
    unsigned long long unread = entry->unread;
    element_set(&acc->arena, result, "unread", arena_format(&acc->arena, "%llu", unread));
    element_set(&acc->arena, result, "queryid", query_id);
    inbox_add_forwarded(acc, result, entry);
    inbox_add_properties(acc, result, NS_INBOX, entry);
    effect_flush(acc, message);
    metric_count(&inbox_entries);
}

/* MongooseIM's numbers are those of the page; all-unread is that of all conversations. */
static void add_counts(struct acc *acc, struct element *fin, const struct store_inbox_page *page)
{
    uint64_t unread = 0, active = 0;
    for (size_t i = 0; i < page->count; i++) {
        unread += page->items[i].unread;
        active += page->items[i].unread > 0;
    }
    inbox_add_number(acc, fin, "count", page->count);
    inbox_add_number(acc, fin, "unread-messages", unread);
    inbox_add_number(acc, fin, "active-conversations", active);
    inbox_add_number(acc, fin, "all-unread", page->all.unread);
}

static enum verdict on_page(struct acc *acc, struct session *session)
{
    (void)session;
    if (inbox_failed(acc))
        return HOOK_STOP;
    struct store_inbox_page *page = &acc->answer->inbox_page;
    struct str query_id = element_attr(element_first(acc->element), "queryid");
    if (!query_id.at)
        query_id = element_attr(acc->element, "id");
    inbox_cut(page);
    for (size_t i = 0; i < page->count; i++)
        send_entry(acc, &page->items[i], query_id);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *fin = element_add(&acc->arena, result, NS_INBOX, "fin");
    if (!page->more)
        element_set(&acc->arena, fin, "complete", STR("true"));
    inbox_add_set(acc, fin, page);
    add_counts(acc, fin, page);
    effect_answer(acc, result);
    return HOOK_STOP;
}

enum verdict inbox_query(struct acc *acc, struct session *session)
{
    if (!inbox_is_own(acc, session))
        return HOOK_STOP;
    metric_count(&inbox_queries);
    const struct element *query = element_first(acc->element);
    struct inbox_reading reading = inbox_read(acc);
    read_form(&reading, query);
    inbox_read_set(&reading, query);
    return inbox_ask(&reading, session, on_page);
}

static void add_option(struct acc *acc, struct element *field, const char *label, const char *value)
{
    struct element *option = element_add(&acc->arena, field, NS_DATA, "option");
    element_set(&acc->arena, option, "label", str_of(label));
    form_value(&acc->arena, option, str_of(value));
}

static void add_boxes(struct acc *acc, struct element *field)
{
    const struct inbox_conf *conf = module_conf(acc->host, &module_inbox);
    add_option(acc, field, "all", "all");
    for (size_t i = 0; inbox_boxes[i]; i++)
        add_option(acc, field, inbox_boxes[i], inbox_boxes[i]);
    for (size_t i = 0; i < conf->boxes.count; i++)
        add_option(acc, field, conf->boxes.items[i], conf->boxes.items[i]);
}

enum verdict inbox_form(struct acc *acc, struct session *session)
{
    if (!inbox_is_own(acc, session))
        return HOOK_STOP;
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_INBOX, "query");
    struct element *form = form_new(&acc->arena, "form", "erlang-solutions.com:xmpp:inbox:0");
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct element *field = form_field(&acc->arena, form, lines[i].var, lines[i].type, NULL,
                                           str_of(lines[i].preset));
        if (lines[i].read == read_order) {
            add_option(acc, field, "Ascending by timestamp", "asc");
            add_option(acc, field, "Descending by timestamp", "desc");
        } else if (lines[i].read == read_box) {
            add_boxes(acc, field);
        }
    }
    element_push(query, form);
    effect_answer(acc, result);
    return HOOK_STOP;
}
