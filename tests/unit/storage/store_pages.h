/* Pages of archives, and what they have, for the contract tests. */
#ifndef RT_STORE_PAGES_H
#define RT_STORE_PAGES_H

#include "store_messages.h"

static inline uint64_t say(const char *sender, const char *recipient, const char *body)
{
    return put(message(sender, recipient, body));
}

/* What a page answered; texts in stage_texts. */
struct paged {
    bool done;
    enum err outcome;
    struct store_mam_page page;
    struct store_mam_prefs prefs;
    uint64_t first;    /* the id of what came first */
    char bodies[4096]; /* joined by spaces */
};

static inline void on_page(struct store_op *op)
{
    struct paged *paged = op->owner;
    paged->done = true;
    paged->outcome = op->outcome;
    paged->bodies[0] = '\0';
    if (op->outcome)
        return;
    paged->page = op->page;
    paged->first = op->kind == STORE_MAM_FIND && op->page.count ? op->page.items[0].id : 0;
    for (size_t i = 0; i < op->page.count && op->kind == STORE_MAM_PAGE; i++) {
        size_t len = strlen(paged->bodies);
        snprintf(paged->bodies + len, sizeof paged->bodies - len, "%s%.*s", i ? " " : "",
                 STR_ARG(op->page.items[i].body));
    }
    if (op->kind == STORE_MAM_PAGE && op->page.count) {
        paged->page.first = op->page.items[0].id;
        paged->page.last = op->page.items[op->page.count - 1].id;
    }
}

static inline struct store_mam_page of(const char *owner, size_t limit)
{
    return (struct store_mam_page){
        .owner = str_of(owner), .to = STANZA_ID_MAX, .before = STANZA_ID_MAX, .limit = limit};
}

static inline void ask_page(enum store_kind kind, struct store_mam_page page, struct paged *paged)
{
    struct store_op *op = store_op_new(kind, on_page, paged);
    *paged = (struct paged){0};
    op->page = page;
    store_ask(op, 0);
}

static inline struct paged look(struct store_mam_page page)
{
    struct paged paged;
    ask_page(STORE_MAM_PAGE, page, &paged);
    stage_until(&paged.done);
    return paged;
}

static inline void assert_page(struct store_mam_page page, const char *bodies, bool more)
{
    struct paged paged = look(page);
    assert_int_equal(paged.outcome, ERR_OK);
    assert_string_equal(paged.bodies, bodies);
    assert_int_equal(paged.page.more, more);
}

static inline void on_account(struct store_op *op)
{
    struct paged *paged = op->owner;
    paged->done = true;
    paged->outcome = op->outcome;
}

static inline void do_account(enum store_kind kind, const char *user, const char *domain)
{
    struct paged paged = {0};
    struct store_op *op = store_op_new(kind, on_account, &paged);
    op->account = (struct store_account){
        .user = str_of(user), .domain = str_of(domain), .credentials = STR("c")};
    store_ask(op, 0);
    stage_until(&paged.done);
    assert_int_equal(paged.outcome, ERR_OK);
}

#endif
