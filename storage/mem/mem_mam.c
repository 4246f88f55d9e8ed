#include "mem_mam.h"
#include "mem_inbox.h"

#include "limits.h"
#include "mem.h"
#include "stanza_id.h"

#include <ctype.h>
#include <strings.h>

enum { NOBODYS = STORE_NOT_OF_SENDER | STORE_NOT_OF_RECIPIENT };

struct row {
    uint64_t id, origin, client_id; /* the last two hashed; 0: none */
    unsigned flags;
    char *sender, *recipient, *sender_resource, *recipient_resource, *body, *text;
};

static struct row *rows; /* in order of id */
static size_t row_count, row_room;

struct pref {
    char *owner, *bare, *resource; /* bare NULL: what holds for all others */
    int keeps;                     /* enum store_mam_keeps */
};

static struct pref *prefs;
static size_t pref_count;

static char *copy(struct str text)
{
    return mem_strndup(text.at ? text.at : "", text.len);
}

/* --- Preferences --- */

bool mem_mam_keeps(struct str owner, struct str bare, struct str resource)
{
    int found = STORE_KEEPS_ALWAYS, best = -1;
    for (size_t i = 0; i < pref_count; i++) {
        const struct pref *pref = &prefs[i];
        if (!str_is(owner, pref->owner))
            continue;
        int fits = pref->bare ? -1 : 0;
        if (pref->bare && str_is(bare, pref->bare))
            fits = !pref->resource[0] ? 1 : str_is(resource, pref->resource) ? 2 : -1;
        if (fits > best) {
            best = fits;
            found = pref->keeps;
        }
    }
    return found == STORE_KEEPS_ROSTER ? mem_has_contact(owner, bare) : found != STORE_KEEPS_NEVER;
}

static void pref_free(const struct pref *pref)
{
    mem_free(pref->owner);
    mem_free(pref->bare);
    mem_free(pref->resource);
}

void mem_mam_forget(struct str owner)
{
    size_t left = 0;
    for (size_t i = 0; i < pref_count; i++) {
        if (str_is(owner, prefs[i].owner))
            pref_free(&prefs[i]);
        else
            prefs[left++] = prefs[i];
    }
    pref_count = left;
}

static void add_pref(struct str owner, const struct store_mam_pref *item, int keeps_it)
{
    prefs = mem_realloc(prefs, (pref_count + 1) * sizeof *prefs);
    prefs[pref_count++] = (struct pref){.owner = copy(owner),
                                        .bare = item ? copy(item->bare) : NULL,
                                        .resource = item ? copy(item->resource) : NULL,
                                        .keeps = keeps_it};
}

static enum err prefs_set(struct store_op *op)
{
    mem_mam_forget(op->prefs.owner);
    add_pref(op->prefs.owner, NULL, op->prefs.keeps);
    for (size_t i = 0; i < op->prefs.count; i++)
        add_pref(op->prefs.owner, &op->prefs.items[i], op->prefs.items[i].keeps);
    return ERR_OK;
}

static enum err prefs_get(struct store_op *op)
{
    bool found = false;
    op->prefs.count = 0;
    op->prefs.items = arena_zero(&op->arena, (pref_count + 1) * sizeof *op->prefs.items);
    for (size_t i = 0; i < pref_count; i++) {
        if (!str_is(op->prefs.owner, prefs[i].owner))
            continue;
        found = true;
        if (!prefs[i].bare) {
            op->prefs.keeps = prefs[i].keeps;
            continue;
        }
        struct store_mam_pref *item = &op->prefs.items[op->prefs.count++];
        item->bare = arena_str(&op->arena, str_of(prefs[i].bare));
        item->resource = arena_str(&op->arena, str_of(prefs[i].resource));
        item->keeps = prefs[i].keeps != STORE_KEEPS_NEVER;
    }
    return found ? ERR_OK : ERR_NOT_FOUND;
}

/* --- Writing --- */

static void row_free(const struct row *row)
{
    mem_free(row->sender);
    mem_free(row->recipient);
    mem_free(row->sender_resource);
    mem_free(row->recipient_resource);
    mem_free(row->body);
    mem_free(row->text);
}

static bool is_there(const struct store_message *message, uint64_t origin)
{
    int64_t since = (int64_t)(message->id - stanza_id_span(STORE_MAM_RESENT_US));
    for (size_t i = row_count; i-- > 0;) {
        if (rows[i].id == message->id)
            return true;
        if (origin && rows[i].origin == origin && (int64_t)rows[i].id > since &&
            str_is(message->sender, rows[i].sender))
            return true;
    }
    return false;
}

static void add_row(const struct row *row)
{
    if (row_count == row_room) {
        row_room = row_room ? row_room * 2 : 64;
        rows = mem_realloc(rows, row_room * sizeof *rows);
    }
    size_t at = row_count++;
    for (; at > 0 && rows[at - 1].id > row->id; at--)
        rows[at] = rows[at - 1];
    rows[at] = *row;
}

static uint64_t add_message(const struct store_message *message)
{
    if (message->rest) {
        mem_inbox_add_parties(message);
        return 0;
    }
    uint64_t origin = message->origin_id.len ? store_mam_origin(message->origin_id) : 0;
    unsigned flags = store_mam_flags(message);
    if (!mem_mam_keeps(message->sender, message->recipient, message->recipient_resource))
        flags |= STORE_NOT_OF_SENDER;
    if (!mem_mam_keeps(message->recipient, message->sender, message->sender_resource) ||
        (message->if_registered && !mem_has_account(message->recipient)))
        flags |= STORE_NOT_OF_RECIPIENT;
    if ((flags & NOBODYS) == NOBODYS || is_there(message, origin))
        return 0;
    add_row(&(struct row){.id = message->id,
                          .origin = origin,
                          .client_id =
                              message->client_id.len ? store_mam_origin(message->client_id) : 0,
                          .flags = flags,
                          .sender = copy(message->sender),
                          .recipient = copy(message->recipient),
                          .sender_resource = copy(message->sender_resource),
                          .recipient_resource = copy(message->recipient_resource),
                          .body = copy(message->body),
                          .text = copy(message->text)});
    mem_inbox_add(message, flags);
    mem_inbox_add_parties(message);
    return 1;
}

static enum err batch(struct store_op *op)
{
    for (size_t i = 0; i < op->batch.count; i++)
        if ((!op->batch.ops[i]->message.sender.len && !op->batch.ops[i]->message.rest) ||
            !op->batch.ops[i]->message.recipient.len)
            return ERR_INVALID; /* all or nothing, as a transaction */
    op->batch.stored = 0;
    for (size_t i = 0; i < op->batch.count; i++)
        op->batch.stored += add_message(&op->batch.ops[i]->message);
    return ERR_OK;
}

void mem_mam_remove(struct str owner, uint64_t upto)
{
    size_t left = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].id <= upto && str_is(owner, rows[i].sender))
            rows[i].flags |= STORE_NOT_OF_SENDER;
        if (rows[i].id <= upto && str_is(owner, rows[i].recipient))
            rows[i].flags |= STORE_NOT_OF_RECIPIENT;
        if ((rows[i].flags & NOBODYS) == NOBODYS)
            row_free(&rows[i]);
        else
            rows[left++] = rows[i];
    }
    row_count = left;
    mem_inbox_remove(owner, upto);
}

static enum err drop_archive(struct store_op *op)
{
    mem_mam_remove(op->page.owner, op->page.to - 1);
    return ERR_OK;
}

/* --- For the inbox --- */

/* From a peer, or in a room, whose messages are those sent to it. */
static bool is_received(const struct row *row, struct str owner, struct str peer)
{
    if (mem_inbox_is_room(owner, peer))
        return str_is(peer, row->recipient) && !str_is(owner, row->sender);
    return str_is(owner, row->recipient) && str_is(peer, row->sender) &&
           !(row->flags & STORE_NOT_OF_RECIPIENT);
}

uint64_t mem_mam_unread(struct str owner, struct str peer, uint64_t after)
{
    uint64_t count = 0;
    for (size_t i = row_count; i-- > 0 && rows[i].id > after;)
        count += is_received(&rows[i], owner, peer) && (rows[i].flags & STORE_INBOX_UNREAD);
    return count;
}

uint64_t mem_mam_newest(struct str owner, struct str peer)
{
    for (size_t i = row_count; i-- > 0;) {
        const struct row *row = &rows[i];
        bool sent = str_is(owner, row->sender) && str_is(peer, row->recipient);
        bool kept = !(row->flags & STORE_NOT_OF_SENDER) || mem_inbox_is_room(owner, peer);
        if (is_received(row, owner, peer) || (sent && kept))
            return row->id;
    }
    return 0;
}

uint64_t mem_mam_counted(struct str owner, struct str peer, uint64_t nth)
{
    for (size_t i = row_count; i-- > 0;)
        if (is_received(&rows[i], owner, peer) && (rows[i].flags & STORE_INBOX_UNREAD) && !--nth)
            return rows[i].id;
    return 0;
}

uint64_t mem_mam_find(struct str owner, struct str peer, uint64_t id, struct str client_id)
{
    uint64_t hash = client_id.len ? store_mam_origin(client_id) : UINT64_MAX;
    size_t left = STORE_INBOX_LOOK;
    for (size_t i = row_count; i-- > 0 && left > 0;) {
        if (!is_received(&rows[i], owner, peer))
            continue;
        if (rows[i].id == id || rows[i].client_id == hash)
            return rows[i].id;
        left--;
    }
    return 0;
}

struct str mem_mam_body(uint64_t id)
{
    for (size_t i = row_count; i-- > 0;)
        if (rows[i].id == id)
            return str_of(rows[i].body);
    return (struct str){NULL, 0};
}

/* --- Reading --- */

static bool is_with(const struct store_op *op, const char *peer, const char *resource)
{
    return (op->page.with.len == 0 || str_is(op->page.with, peer)) &&
           (op->page.with_resource.len == 0 || str_is(op->page.with_resource, resource));
}

static bool is_own(const struct store_op *op, const struct row *row)
{
    return (str_is(op->page.owner, row->sender) && !(row->flags & STORE_NOT_OF_SENDER)) ||
           (str_is(op->page.owner, row->recipient) && !(row->flags & STORE_NOT_OF_RECIPIENT));
}

static bool is_listed(const struct store_op *op, uint64_t id)
{
    for (size_t i = 0; i < op->page.id_count; i++)
        if (op->page.ids[i] == id)
            return true;
    return false;
}

static bool is_letter(char byte)
{
    return (unsigned char)byte >= 0x80 || isalnum((unsigned char)byte);
}

/* The next word, runs of letters; empty: there are no more. */
static struct str next_word(struct str *text)
{
    while (text->len && !is_letter(*text->at))
        *text = (struct str){text->at + 1, text->len - 1};
    struct str word = {text->at, 0};
    while (word.len < text->len && is_letter(word.at[word.len]))
        word.len++;
    *text = (struct str){text->at + word.len, text->len - word.len};
    return word;
}

static bool has_word(struct str text, struct str wanted)
{
    for (struct str word; (word = next_word(&text)).len;)
        if (word.len == wanted.len && strncasecmp(word.at, wanted.at, word.len) == 0)
            return true;
    return false;
}

static bool has_words(struct str text, struct str wanted)
{
    for (struct str word; (word = next_word(&wanted)).len;)
        if (!has_word(text, word))
            return false;
    return true;
}

static bool is_in_set(const struct store_op *op, const struct row *row)
{
    if (!is_own(op, row))
        return false;
    if (op->page.only_ids)
        return is_listed(op, row->id);
    bool fits = str_is(op->page.owner, row->sender)
                    ? is_with(op, row->recipient, row->recipient_resource)
                    : is_with(op, row->sender, row->sender_resource);
    return fits && row->id > op->page.from && row->id < op->page.to &&
           has_words(str_of(row->text), op->page.text);
}

static enum err page(struct store_op *op)
{
    size_t listed = 0;
    store_mam_room(op);
    op->page.total = 0;
    for (size_t i = 0; i < row_count; i++) {
        const struct row *row = &rows[op->page.backwards ? row_count - 1 - i : i];
        listed += is_own(op, row) && is_listed(op, row->id);
        if (!is_in_set(op, row))
            continue;
        op->page.total++;
        if (row->id > op->page.after && row->id < op->page.before &&
            op->page.count < store_mam_fetch(op))
            op->page.items[op->page.count++] =
                (struct store_mam_item){row->id, arena_str(&op->arena, str_of(row->body))};
    }
    if (listed < op->page.id_count)
        return ERR_NOT_FOUND;
    store_mam_settle(op);
    return ERR_OK;
}

static enum err metadata(struct store_op *op)
{
    op->page.first = op->page.last = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (!is_own(op, &rows[i]))
            continue;
        if (!op->page.first)
            op->page.first = rows[i].id;
        op->page.last = rows[i].id;
    }
    return ERR_OK;
}

static enum err find(struct store_op *op)
{
    uint64_t hash = store_mam_origin(op->page.client_id);
    op->page.count = 0;
    op->page.items = arena_zero(&op->arena, STORE_MAM_FOUND * sizeof *op->page.items);
    for (size_t i = row_count; i-- > 0 && op->page.count < STORE_MAM_FOUND;)
        if (rows[i].client_id == hash && str_is(op->page.owner, rows[i].sender) &&
            str_is(op->page.with, rows[i].recipient))
            op->page.items[op->page.count++] =
                (struct store_mam_item){rows[i].id, arena_str(&op->arena, str_of(rows[i].body))};
    return ERR_OK;
}

static enum err replace(struct store_op *op)
{
    for (size_t i = row_count; i-- > 0;) {
        if (rows[i].id != op->message.id || !str_is(op->message.sender, rows[i].sender))
            continue;
        mem_free(rows[i].body);
        rows[i].body = copy(op->message.body);
        rows[i].text[0] = '\0';
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static enum err upkeep(struct store_op *op)
{
    size_t old = 0;
    while (old < row_count && old < LIMIT_UPKEEP_ROWS && rows[old].id < op->upkeep.keep)
        row_free(&rows[old++]);
    row_count -= old;
    if (old)
        memmove(rows, rows + old, row_count * sizeof *rows);
    op->upkeep.dropped = old;
    return ERR_OK;
}

enum err mem_mam(struct store_op *op)
{
    static enum err (*const kinds[STORE_KIND_COUNT])(struct store_op *) = {
        [STORE_MAM_BATCH] = batch,         [STORE_MAM_IMPORT] = batch,
        [STORE_MAM_PAGE] = page,           [STORE_MAM_METADATA] = metadata,
        [STORE_MAM_REMOVE] = drop_archive, [STORE_MAM_PREFS_GET] = prefs_get,
        [STORE_MAM_PREFS_SET] = prefs_set, [STORE_UPKEEP] = upkeep,
        [STORE_MAM_FIND] = find,           [STORE_MAM_REPLACE] = replace,
    };
    return kinds[op->kind] ? kinds[op->kind](op) : ERR_UNSUPPORTED;
}

void mem_mam_drop(void)
{
    for (size_t i = 0; i < row_count; i++)
        row_free(&rows[i]);
    for (size_t i = 0; i < pref_count; i++)
        pref_free(&prefs[i]);
    mem_free(rows);
    mem_free(prefs);
    rows = NULL;
    prefs = NULL;
    row_count = row_room = pref_count = 0;
}
