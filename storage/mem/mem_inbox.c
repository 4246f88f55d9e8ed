#include "mem_inbox.h"

#include "mem.h"
#include "mem_mam.h"
#include "stanza_id.h"

#include <stdlib.h>

struct row {
    char *owner, *peer, *box;
    uint64_t last, read_to, unread, muted_until_us, expires_us;
    bool room; /* the peer is one */
};

static struct row *rows; /* in no order */
static size_t row_count, row_room;

static char *copy(struct str text)
{
    return mem_strndup(text.at ? text.at : "", text.len);
}

static bool box_is(const struct row *row, const char *box)
{
    return strcmp(row->box, box) == 0;
}

static void set_box(struct row *row, struct str box, uint64_t expires_us)
{
    mem_free(row->box);
    row->box = copy(box);
    row->expires_us = expires_us;
}

static void row_free(const struct row *row)
{
    mem_free(row->owner);
    mem_free(row->peer);
    mem_free(row->box);
}

static struct row *find(struct str owner, struct str peer)
{
    for (size_t i = 0; i < row_count; i++)
        if (str_is(owner, rows[i].owner) && str_is(peer, rows[i].peer))
            return &rows[i];
    return NULL;
}

/* --- Messages --- */

static struct row *need(struct str owner, struct str peer)
{
    struct row *row = find(owner, peer);
    if (row)
        return row;
    if (row_count == row_room) {
        row_room = row_room ? row_room * 2 : 16;
        rows = mem_realloc(rows, row_room * sizeof *rows);
    }
    row = &rows[row_count++];
    *row =
        (struct row){.owner = copy(owner), .peer = copy(peer), .box = copy(STR(STORE_BOX_INBOX))};
    return row;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void read_to(struct row *row, uint64_t id)
{
    if (id > row->read_to)
        row->read_to = id;
    row->unread =
        least(row->unread, mem_mam_unread(str_of(row->owner), str_of(row->peer), row->read_to));
}

static void note(struct row *row, uint64_t id)
{
    if (id > row->last)
        row->last = id;
    if (box_is(row, STORE_BOX_ARCHIVE))
        set_box(row, STR(STORE_BOX_INBOX), 0);
}

void mem_inbox_add(const struct store_message *message, unsigned flags)
{
    if ((message->inbox & STORE_INBOX_SENDER) && !(flags & STORE_NOT_OF_SENDER)) {
        struct row *row = need(message->sender, message->recipient);
        read_to(row, message->id);
        note(row, message->id);
    }
    if ((message->inbox & STORE_INBOX_RECIPIENT) && !(flags & STORE_NOT_OF_RECIPIENT)) {
        struct row *row = need(message->recipient, message->sender);
        row->unread += (message->inbox & STORE_INBOX_UNREAD) && message->id > row->read_to;
        note(row, message->id);
    }
}

static void add_party(const struct store_message *message, const struct store_party *party)
{
    if (!mem_has_account(party->bare) || (message->rest && !mem_mam_body(message->id).at))
        return;
    struct row *row = need(party->bare, message->recipient);
    if (message->rest && row->last >= message->id) /* it was written before */
        return;
    row->room = true;
    if (party->own)
        read_to(row, message->id);
    else
        row->unread += party->counts && message->id > row->read_to;
    note(row, message->id);
}

void mem_inbox_add_parties(const struct store_message *message)
{
    for (size_t i = 0; i < message->party_count; i++)
        add_party(message, &message->parties[i]);
}

bool mem_inbox_is_room(struct str owner, struct str peer)
{
    const struct row *row = find(owner, peer);
    return row && row->room;
}

/* --- One conversation --- */

static struct store_inbox_entry entry_of(struct arena *arena, const struct row *row, bool bodies)
{
    struct str body = bodies ? mem_mam_body(row->last) : (struct str){NULL, 0};
    return (struct store_inbox_entry){.peer = arena_str(arena, str_of(row->peer)),
                                      .box = arena_str(arena, str_of(row->box)),
                                      .room = row->room,
                                      .last = row->last,
                                      .unread = row->unread,
                                      .muted_until_us = row->muted_until_us,
                                      .body = body.at ? arena_str(arena, body) : body};
}

static enum err get(struct store_op *op)
{
    const struct row *row = find(op->inbox.owner, op->inbox.peer);
    if (!row)
        return ERR_NOT_FOUND;
    op->inbox.entry = entry_of(&op->arena, row, op->inbox.bodies);
    return ERR_OK;
}

static enum err set(struct store_op *op)
{
    struct row *row = find(op->inbox.owner, op->inbox.peer);
    if (!row)
        return ERR_NOT_FOUND;
    if (op->inbox.set.box.len)
        set_box(row, op->inbox.set.box, op->inbox.set.expires_us);
    if (op->inbox.set.mutes)
        row->muted_until_us = op->inbox.set.muted_until_us;
    if (op->inbox.set.read == STORE_READ_ALL)
        read_to(row, row->last);
    if (op->inbox.set.read == STORE_READ_NONE && row->unread == 0)
        row->unread = 1;
    return get(op);
}

/* What is counted anew later gives the same, if so many messages are there. */
static uint64_t read_up_to(const struct store_inbox *inbox, uint64_t last)
{
    uint64_t unread = inbox->entry.unread;
    uint64_t first = unread ? mem_mam_counted(inbox->owner, inbox->peer, unread) : 0;
    return unread == 0 ? last : first ? first - 1 : 0;
}

static enum err import(struct store_op *op)
{
    const struct store_inbox *inbox = &op->inbox;
    if (find(inbox->owner, inbox->peer))
        return ERR_CONFLICT;
    struct row *row = need(inbox->owner, inbox->peer);
    row->room = inbox->entry.room;
    uint64_t newest = mem_mam_newest(inbox->owner, inbox->peer);
    row->last = newest ? newest : inbox->entry.last;
    row->unread = inbox->entry.unread;
    row->read_to = read_up_to(inbox, row->last);
    row->muted_until_us = inbox->entry.muted_until_us;
    set_box(row, inbox->entry.box, inbox->set.expires_us);
    return ERR_OK;
}

static enum err mark(struct store_op *op)
{
    struct row *row = find(op->inbox.owner, op->inbox.peer);
    if (!row)
        return ERR_NOT_FOUND;
    uint64_t id = op->inbox.up_to.all ? row->last
                                      : mem_mam_find(op->inbox.owner, op->inbox.peer,
                                                     op->inbox.up_to.id, op->inbox.up_to.client_id);
    if (id)
        read_to(row, id);
    return ERR_OK;
}

/* --- All that fit --- */

static bool is_owned(const struct row *row, const struct store_op *op)
{
    return str_is(op->inbox.owner, row->owner);
}

static bool is_meant(const struct row *row, const struct store_op *op)
{
    return is_owned(row, op) && str_is(op->inbox.peer, row->peer);
}

static bool is_in_bin(const struct row *row, const struct store_op *op)
{
    return is_owned(row, op) && box_is(row, STORE_BOX_BIN);
}

static bool has_expired(const struct row *row, const struct store_op *op)
{
    return row->expires_us && row->expires_us < op->inbox.now_us;
}

static enum err drop_rows(struct store_op *op, uint64_t most,
                          bool (*fits)(const struct row *row, const struct store_op *op))
{
    size_t left = 0;
    op->inbox.count = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (op->inbox.count < most && fits(&rows[i], op)) {
            row_free(&rows[i]);
            op->inbox.count++;
        } else {
            rows[left++] = rows[i];
        }
    }
    row_count = left;
    return ERR_OK;
}

void mem_inbox_remove(struct str owner, uint64_t upto)
{
    size_t left = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (str_is(owner, rows[i].owner) && rows[i].last <= upto)
            row_free(&rows[i]);
        else
            rows[left++] = rows[i];
    }
    row_count = left;
}

/* --- Pages --- */

static int compare(const struct row *row, struct store_inbox_place place)
{
    uint64_t us = stanza_id_us(row->last);
    if (us != place.us)
        return us < place.us ? -1 : 1;
    return strcmp(row->peer, place.peer.at ? place.peer.at : "");
}

static int by_place(const void *a, const void *b)
{
    const struct row *one = a, *other = b;
    return compare(one, (struct store_inbox_place){stanza_id_us(other->last), str_of(other->peer)});
}

static bool is_in_set(const struct row *row, const struct store_inbox_page *page)
{
    return (!page->box.len || str_is(page->box, row->box)) &&
           !(page->without_bin && box_is(row, STORE_BOX_BIN)) &&
           !(page->only_unread && !row->unread);
}

static void count_row(struct store_inbox_page *page, const struct row *row)
{
    page->total += is_in_set(row, page);
    if (box_is(row, STORE_BOX_BIN))
        return;
    page->all.conversations++;
    page->all.active += row->unread > 0;
    page->all.unread += row->unread;
}

/* Those of the owner, counted, and in order. */
static struct row *owned(struct store_op *op, size_t *count)
{
    struct store_inbox_page *page = &op->inbox_page;
    struct row *own = arena_zero(&op->arena, (row_count + 1) * sizeof *own);
    *count = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (!str_is(page->owner, rows[i].owner))
            continue;
        count_row(page, &rows[i]);
        own[(*count)++] = rows[i];
    }
    qsort(own, *count, sizeof *own, by_place);
    return own;
}

static enum err page(struct store_op *op)
{
    struct store_inbox_page *page = &op->inbox_page;
    size_t count;
    const struct row *own = owned(op, &count);
    store_inbox_room(op);
    for (size_t i = 0; i < count && page->count < store_inbox_fetch(op); i++) {
        const struct row *row = &own[store_inbox_falls(op) ? count - 1 - i : i];
        if (is_in_set(row, page) && compare(row, page->above) > 0 && compare(row, page->below) < 0)
            page->items[page->count++] = entry_of(&op->arena, row, page->bodies);
    }
    store_inbox_settle(op);
    return ERR_OK;
}

static enum err empty_bin(struct store_op *op)
{
    return drop_rows(op, UINT64_MAX, is_in_bin);
}

static bool is_meant_and_old(const struct row *row, const struct store_op *op)
{
    uint64_t upto = op->inbox.up_to.id;
    return is_meant(row, op) && (!upto || row->last <= upto);
}

static enum err drop_one(struct store_op *op)
{
    enum err err = drop_rows(op, 1, is_meant_and_old);
    return err || op->inbox.count ? err : ERR_NOT_FOUND;
}

static enum err drop_all(struct store_op *op)
{
    return drop_rows(op, UINT64_MAX, is_owned);
}

static enum err clean(struct store_op *op)
{
    return drop_rows(op, STORE_INBOX_CLEAN_MAX, has_expired);
}

enum err mem_inbox(struct store_op *op)
{
    static enum err (*const kinds[STORE_KIND_COUNT])(struct store_op *) = {
        [STORE_INBOX_PAGE] = page,
        [STORE_INBOX_GET] = get,
        [STORE_INBOX_SET] = set,
        [STORE_INBOX_READ] = mark,
        [STORE_INBOX_EMPTY_BIN] = empty_bin,
        [STORE_INBOX_DROP] = drop_one,
        [STORE_INBOX_REMOVE] = drop_all,
        [STORE_INBOX_IMPORT] = import,
        [STORE_INBOX_CLEAN] = clean,
    };
    return kinds[op->kind] ? kinds[op->kind](op) : ERR_UNSUPPORTED;
}

void mem_inbox_drop(void)
{
    for (size_t i = 0; i < row_count; i++)
        row_free(&rows[i]);
    mem_free(rows);
    rows = NULL;
    row_count = row_room = 0;
}
