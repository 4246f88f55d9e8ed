/*
 * The archive of one-to-one messages. MongooseIM has a row in each of the two archives, here a
 * message is one. So conversations are read one by one, the rows of both sides together in order of
 * time, through the indexes that are there; a row waits a while for its other half. One whose other
 * half does not come is a message of which the other side has no copy.
 */
#include "accounts.h"
#include "mim_message.h"

#include <stdio.h>

enum {
    HALVES_MAX = 256,     /* rows of a conversation that wait for their other halves */
    HALVES_US = 60000000, /* and how long */
    BATCHES = 4,          /* under way */
    YOUNG_SECONDS = 30,   /* MongooseIM may still be writing a message's other half */
};

struct conversation {
    struct jid owners[2]; /* of the archives */
    int64_t users[2];     /* their numbers; -1: no archive */
    struct str peers[2];  /* how each names the other */
    int64_t after[2];     /* ids that were read */
    bool to_oneself;
    struct link halves; /* oldest first */
    size_t half_count;
};

static struct {
    enum mim_format format;
    int64_t before; /* ids */
    struct store_op *batch;
} archive;

/* --- Batches --- */

static void on_stored(struct store_op *op);

static struct store_op *batch_new(struct mim *mim)
{
    struct store_op *op = store_op_new(STORE_MAM_IMPORT, on_stored, mim);
    op->batch.ops = arena_zero(&op->arena, MIM_PAGE * sizeof *op->batch.ops);
    return op;
}

/* To find the one that spoils it. They go with the batches that have them. */
static void ask_one_by_one(struct mim *mim, struct store_op *op)
{
    for (size_t i = 0; i < op->batch.count; i++) {
        struct store_op *one = batch_new(mim);
        one->batch.ops[one->batch.count++] = op->batch.ops[i];
        mim_ask_now(mim, one);
    }
    op->batch.count = 0;
}

static void on_stored(struct store_op *op)
{
    struct mim *mim = op->owner;
    struct mim_table *table = &mim->tables[MIM_MESSAGES];
    if (!mim_answered(mim, op))
        return;
    if (op->outcome && op->batch.count > 1) {
        ask_one_by_one(mim, op);
        return;
    }
    if (op->outcome) {
        mim_refuse(mim, table, op->batch.ops[0]->message.sender, account_why(op->outcome));
    } else {
        table->imported += op->batch.stored;
        table->present += op->batch.count - op->batch.stored;
    }
}

static void flush(struct mim *mim)
{
    if (archive.batch)
        mim_ask(mim, archive.batch, BATCHES);
    archive.batch = NULL;
}

static struct store_op *store_op_of(const struct store_message *message)
{
    struct store_op *op = store_op_new(STORE_MAM_STORE, NULL, NULL);
    struct arena *arena = &op->arena;
    op->message = *message;
    op->message.sender = arena_str(arena, message->sender);
    op->message.recipient = arena_str(arena, message->recipient);
    op->message.sender_resource = arena_str(arena, message->sender_resource);
    op->message.recipient_resource = arena_str(arena, message->recipient_resource);
    op->message.body = arena_str(arena, message->body);
    op->message.client_id = arena_str(arena, message->client_id);
    op->message.text = arena_str(arena, store_searches() ? message->text : (struct str){0});
    return op;
}

static void put(struct mim *mim, struct mim_message *message)
{
    if (!mim->dry_run) {
        if (!archive.batch)
            archive.batch = batch_new(mim);
        archive.batch->batch.ops[archive.batch->batch.count++] = store_op_of(&message->message);
        if (archive.batch->batch.count == MIM_PAGE)
            flush(mim);
    }
    mim_message_free(message);
}

/* --- Halves --- */

static struct mim_message *half_at(struct link *link)
{
    return LIST_OWNER(link, struct mim_message, link);
}

static void take_out(struct conversation *conversation, struct mim_message *half)
{
    list_drop(&half->link);
    conversation->half_count--;
}

/* Its other half has not come. */
static void put_half(struct mim *mim, struct conversation *conversation, struct mim_message *half)
{
    take_out(conversation, half);
    if (!conversation->to_oneself)
        half->message.flags = half->outgoing ? STORE_NOT_OF_RECIPIENT : STORE_NOT_OF_SENDER;
    put(mim, half);
}

static bool belong_together(const struct mim_message *a, const struct mim_message *b)
{
    return a->side != b->side && a->outgoing != b->outgoing &&
           (a->source_id == b->source_id || a->signature == b->signature);
}

/* The sender's row is kept: it has the message as it was sent. */
static void join(struct mim *mim, struct conversation *conversation, struct mim_message *half,
                 struct mim_message *other)
{
    struct mim_message *sent = half->outgoing ? half : other;
    struct mim_message *received = half->outgoing ? other : half;
    take_out(conversation, half);
    mim->tables[MIM_MESSAGES].joined++;
    mim_message_free(received);
    put(mim, sent);
}

static void expire_halves(struct mim *mim, struct conversation *conversation, uint64_t unix_us)
{
    while (!list_empty(&conversation->halves)) {
        struct mim_message *oldest = half_at(conversation->halves.next);
        if (oldest->unix_us + HALVES_US > unix_us && conversation->half_count < HALVES_MAX)
            break;
        put_half(mim, conversation, oldest);
    }
}

static void take_half(struct mim *mim, struct conversation *conversation, struct mim_message *half)
{
    expire_halves(mim, conversation, half->unix_us);
    LIST_EACH (&conversation->halves, link) {
        if (belong_together(half_at(link), half)) {
            join(mim, conversation, half_at(link), half);
            return;
        }
    }
    list_push(&conversation->halves, &half->link);
    conversation->half_count++;
}

/* Those whose other halves may not be written, or were not read, are left for another run: what is
 * stored for one side alone stays so. */
static void drop_halves(struct mim *mim, struct conversation *conversation)
{
    uint64_t before_us = (uint64_t)archive.before >> 8;
    LIST_EACH_SAFE (&conversation->halves, link) {
        struct mim_message *half = half_at(link);
        if (mim_goes_on(mim) && half->unix_us + HALVES_US <= before_us)
            continue;
        take_out(conversation, half);
        mim_message_free(half);
        mim->tables[MIM_MESSAGES].read--;
    }
}

/* --- A conversation --- */

#define SIDE(user, peer, after, side)                                                              \
    "(SELECT m.id, m.direction::text, m.from_jid, m.remote_bare_jid, m.remote_resource,"           \
    "  m.message, " side "::bigint FROM mam_message m WHERE m.user_id = " user "::bigint"          \
    "  AND m.remote_bare_jid = " peer " AND m.id > " after "::bigint AND m.id < $7::bigint"        \
    "  ORDER BY m.id LIMIT 500)"
static const char page_sql[] = SIDE("$1", "$2", "$3", "0") " UNION ALL " SIDE(
    "$4", "$5", "$6", "1") " ORDER BY 1, 7 LIMIT 500";

static struct pq_answer *read_page(struct mim *mim, const struct conversation *conversation)
{
    struct pq_params params = {0};
    struct arena arena;
    arena_init(&arena);
    for (int side = 0; side < 2; side++) {
        pq_bind_number(&params, &arena, conversation->users[side]);
        pq_bind(&params, conversation->peers[side]);
        pq_bind_number(&params, &arena, conversation->after[side]);
    }
    pq_bind_number(&params, &arena, archive.before);
    struct pq_answer *page = mim_query(mim, page_sql, &params);
    arena_fini(&arena);
    return page;
}

static void take_row(struct mim *mim, struct conversation *conversation, const struct mim_row *row)
{
    int side = (int)mim_int(row, 6);
    conversation->after[side] = mim_int(row, 0);
    mim->table->read++;
    struct mim_message *half =
        mim_message_read(mim, archive.format, &conversation->owners[side], row);
    if (half)
        take_half(mim, conversation, half);
    mim_progress(mim);
}

static void read_conversation(struct mim *mim, struct conversation *conversation)
{
    int got = MIM_PAGE;
    list_init(&conversation->halves);
    while (got == MIM_PAGE && mim_goes_on(mim)) {
        struct pq_answer *page = read_page(mim, conversation);
        struct mim_row row = {.answer = page};
        got = page ? pq_rows(page) : 0;
        for (; row.at < got && mim_goes_on(mim); row.at++)
            take_row(mim, conversation, &row);
        pq_answer_free(page);
    }
    drop_halves(mim, conversation);
    expire_halves(mim, conversation, UINT64_MAX);
}

/* --- Which conversations there are --- */

static bool has_word(struct str words, struct str word)
{
    while (words.len)
        if (str_eq(str_cut(words, ',', &words), word))
            return true;
    return false;
}

/* The other side's archive, if it is one of this server. True: the conversation is read when it is
 * the other one's turn, or was. */
static bool find_other(struct mim *mim, struct arena *arena, struct conversation *conversation)
{
    struct pq_params params = {0};
    const struct jid *other = &conversation->owners[1];
    if (conversation->to_oneself || !other->user.len ||
        !has_word(buf_str(&mim->served), other->domain))
        return false;
    conversation->peers[1] = mim_jid_write(arena, archive.format, other, &conversation->owners[0]);
    pq_bind(&params, other->domain);
    pq_bind(&params, other->user);
    pq_bind(&params, conversation->peers[1]);
    struct pq_answer *found =
        mim_query(mim,
                  "SELECT u.id::bigint, EXISTS (SELECT FROM mam_message m WHERE m.user_id = u.id"
                  " AND m.remote_bare_jid = $3)::int FROM mam_server_user u"
                  " WHERE u.server = $1 AND u.user_name = $2",
                  &params);
    bool has_rows = false;
    if (found && pq_rows(found)) {
        conversation->users[1] = pq_number(found, 0, 0);
        has_rows = pq_number(found, 0, 1) != 0;
    }
    pq_answer_free(found);
    return has_rows && conversation->users[1] < conversation->users[0] &&
           has_word(buf_str(&mim->domains), other->domain);
}

static enum mim_format format_of(struct str peer)
{
    return peer.len && memchr(peer.at, '@', peer.len) ? MIM_WHOLE : archive.format;
}

static void take_peer(struct mim *mim, const struct jid *owner, int64_t user, struct str peer)
{
    struct arena arena;
    arena_init(&arena);
    struct conversation conversation = {
        .owners = {*owner}, .users = {user, -1}, .peers = {peer, STR("")}};
    enum mim_format format = format_of(peer);
    enum err err = mim_jid_read(&arena, format, owner, peer, &conversation.owners[1]);
    conversation.to_oneself = !err && str_eq(owner->bare, conversation.owners[1].bare);
    /* rows of another format than most are looked at alone: the others have found the other side */
    if (err || format != archive.format || !find_other(mim, &arena, &conversation))
        read_conversation(mim, &conversation);
    arena_fini(&arena);
}

static void take_archive(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct pq_params params = {0};
    struct jid owner;
    int64_t user = mim_int(row, 2);
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &owner);
    if (why) {
        mim_refuse(mim, mim->table, mim_text(row, 0), why);
        return;
    }
    pq_bind_number(&params, arena, user);
    struct pq_answer *peers = mim_query(mim,
                                        "SELECT DISTINCT remote_bare_jid FROM mam_message"
                                        " WHERE user_id = $1::bigint ORDER BY 1",
                                        &params);
    for (int i = 0; peers && i < pq_rows(peers) && mim_goes_on(mim); i++)
        take_peer(mim, &owner, user, pq_cell(peers, i, 0));
    pq_answer_free(peers);
}

/* --- All of it --- */

static bool is_whole(const struct mim_row *row)
{
    struct arena arena;
    struct jid owner;
    arena_init(&arena);
    bool whole = !mim_user(&arena, mim_text(row, 0), mim_text(row, 1), &owner) &&
                 mim_jid_format(&owner, mim_text(row, 2)) == MIM_WHOLE;
    arena_fini(&arena);
    return whole;
}

/* What somebody has sent stands there with his own address; most of some rows decide. */
static enum mim_format find_format(struct mim *mim)
{
    int whole = 0;
    struct pq_answer *some =
        mim_query(mim,
                  "SELECT u.user_name, u.server, m.from_jid FROM mam_message m"
                  " JOIN mam_server_user u ON u.id = m.user_id WHERE m.direction = 'O' LIMIT 100",
                  NULL);
    struct mim_row row = {.answer = some};
    for (; some && row.at < pq_rows(some); row.at++)
        whole += is_whole(&row);
    enum mim_format format = whole * 2 > row.at ? MIM_WHOLE : MIM_RELATIVE;
    pq_answer_free(some);
    return format;
}

static void note_young(struct mim *mim)
{
    const struct mim_table *table = &mim->tables[MIM_MESSAGES];
    if (table->read < table->total && mim_goes_on(mim))
        buf_format(&mim->notes,
                   "mam_message: %llu rows were left for another run, since they are so young that"
                   " MongooseIM may be writing their other halves\n",
                   (unsigned long long)(table->total - table->read));
}

void mim_messages(struct mim *mim)
{
    char now[128];
    snprintf(now, sizeof now,
             "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - %d000000",
             YOUNG_SECONDS);
    archive.format = find_format(mim);
    archive.before = mim_number(mim, now, NULL) << 8;
    mim_each(mim, MIM_MESSAGES,
             "SELECT count(*) FROM mam_message m JOIN mam_server_user u ON u.id = m.user_id"
             " WHERE u.server = ANY (string_to_array($1::text, ','))",
             "SELECT user_name, server, id::bigint FROM mam_server_user"
             " WHERE server = ANY (string_to_array($1::text, ',')) ORDER BY id",
             take_archive);
    flush(mim);
    mim_wait(mim);
    note_young(mim);
}
