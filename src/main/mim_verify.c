/* What there is no place for, and whether what is here is what was there. */
#include "accounts.h"
#include "mim.h"
#include "stanza_id.h"

#include <inttypes.h>
#include <stdio.h>

/* --- Left --- */

static const struct {
    const char *table, *what;
} left[] = {
    {"muc_rooms", "rooms (XEP-0045)"},
    {"muc_registered", "registered nicks"},
    {"pubsub_subscriptions", "subscriptions to nodes"},
    {"event_pusher_push_subscription", "push subscriptions"},
    {"smart_markers", "chat markers"},
    {"auth_token", "authentication tokens"},
    {"domain_settings", "dynamic domains"},
};

static void count_left(struct mim *mim, const char *table, const char *what)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    int64_t count = mim_has_table(mim, table) ? mim_number(mim, sql, NULL) : 0;
    if (count)
        buf_format(&mim->notes,
                   "%s: %" PRId64 " rows not imported, there is no place for them: %s\n", table,
                   count, what);
}

static void count_strangers(struct mim *mim)
{
    struct pq_params params = {0};
    mim_bind_domains(mim, &params);
    int64_t count = mim_number(mim,
                               "SELECT count(*) FROM users"
                               " WHERE NOT server = ANY (string_to_array($1::text, ','))",
                               &params);
    if (count)
        buf_format(&mim->notes, "users: %" PRId64 " accounts of domains that were not imported\n",
                   count);
}

void mim_left(struct mim *mim)
{
    count_strangers(mim);
    for (size_t i = 0; i < COUNT_OF(left); i++)
        count_left(mim, left[i].table, left[i].what);
}

/* --- Verified --- */

enum { ARCHIVES_MAX = 1000 };

/* An answer that is a number. */
struct count {
    struct mim *mim;
    uint64_t total;
};

static void on_count(struct store_op *op)
{
    struct count *count = op->owner;
    if (!mim_answered(count->mim, op) || op->outcome)
        return;
    count->total = op->kind == STORE_ACCOUNT_COUNT ? op->list.total : op->page.total;
}

static uint64_t ask(struct mim *mim, struct store_op *op)
{
    struct count count = {.mim = mim};
    op->owner = &count;
    mim_ask(mim, op, MIM_WINDOW);
    mim_wait(mim);
    return count.total;
}

static uint64_t count_accounts(struct mim *mim, struct str domain)
{
    struct store_op *op = store_op_new(STORE_ACCOUNT_COUNT, on_count, NULL);
    op->list.domain = arena_str(&op->arena, domain);
    return ask(mim, op);
}

static uint64_t count_archive(struct mim *mim, const struct jid *owner)
{
    struct store_op *op = store_op_new(STORE_MAM_PAGE, on_count, NULL);
    op->page.owner = arena_str(&op->arena, owner->bare);
    op->page.to = op->page.before = STANZA_ID_MAX;
    op->page.limit = 1;
    op->page.counted = true;
    return ask(mim, op);
}

static void verify_accounts(struct mim *mim)
{
    for (struct str rest = buf_str(&mim->domains); rest.len && mim_goes_on(mim);) {
        struct str domain = str_cut(rest, ',', &rest);
        struct pq_params params = {0};
        pq_bind(&params, domain);
        int64_t there = mim_number(mim, "SELECT count(*) FROM users WHERE server = $1", &params);
        printf("verified: %.*s has %" PRIu64 " accounts here, %" PRId64 " there\n", STR_ARG(domain),
               count_accounts(mim, domain), there);
    }
}

/* Archives that differ: messages were refused, or came to this server since. */
struct archives {
    uint64_t same, fewer, more;
};

static void verify_archive(struct mim *mim, const struct mim_row *row, struct archives *archives)
{
    struct arena arena;
    struct jid owner;
    arena_init(&arena);
    uint64_t there = (uint64_t)mim_int(row, 2);
    if (!mim_user(&arena, mim_text(row, 0), mim_text(row, 1), &owner)) {
        uint64_t here = count_archive(mim, &owner);
        archives->same += here == there;
        archives->more += here > there;
        if (here < there && archives->fewer++ < MIM_REASONS)
            printf("  archive of %.*s: %" PRIu64 " messages here, %" PRIu64 " there\n",
                   STR_ARG(owner.bare), here, there);
    }
    arena_fini(&arena);
}

static void verify_archives(struct mim *mim)
{
    struct pq_params params = {0};
    struct arena arena;
    struct archives archives = {0};
    arena_init(&arena);
    mim_bind_domains(mim, &params);
    pq_bind_number(&params, &arena, ARCHIVES_MAX);
    struct pq_answer *page = mim_query(
        mim,
        "SELECT u.user_name, u.server, (SELECT count(*) FROM mam_message m WHERE m.user_id = u.id)"
        " FROM mam_server_user u WHERE u.server = ANY (string_to_array($1::text, ','))"
        " ORDER BY u.id LIMIT $2::bigint",
        &params);
    struct mim_row row = {.answer = page};
    for (; page && row.at < pq_rows(page) && mim_goes_on(mim); row.at++)
        verify_archive(mim, &row, &archives);
    printf("verified: of %d archives (at most %d are looked at) %" PRIu64
           " have as many messages here as there, %" PRIu64 " fewer, %" PRIu64 " more\n",
           row.at, ARCHIVES_MAX, archives.same, archives.fewer, archives.more);
    pq_answer_free(page);
    arena_fini(&arena);
}

void mim_verify(struct mim *mim)
{
    if (mim_has_table(mim, "users"))
        verify_accounts(mim);
    if (mim_has_table(mim, "mam_message"))
        verify_archives(mim);
}
