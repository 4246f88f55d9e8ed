/* vCards and private XML (XEP-0049), which are kept as they are. */
#include "accounts.h"
#include "mim.h"

#include <stdio.h>

#define OF_DOMAINS "server = ANY (string_to_array($1::text, ','))"

enum { NO_CAP = INT32_MAX };

/* In the arena of `add`. */
struct document {
    struct mim *mim;
    struct mim_table *table;
    struct store_op *add;
};

static void refuse(struct mim *mim, struct mim_table *table, const struct store_op *op,
                   const char *why)
{
    const struct store_documents *documents = &op->documents;
    char key[256];
    snprintf(key, sizeof key, "%.*s@%.*s", STR_ARG(documents->user), STR_ARG(documents->domain));
    mim_refuse(mim, table, str_of(key), why);
}

static void on_added(struct store_op *op)
{
    const struct document *document = op->owner;
    if (!mim_answered(document->mim, op))
        return;
    if (op->outcome == ERR_OK)
        document->table->imported++;
    else
        refuse(document->mim, document->table, op, account_why(op->outcome));
}

/* What is here stays. */
static void on_looked(struct store_op *op)
{
    const struct document *document = op->owner;
    bool answered = mim_answered(document->mim, op);
    bool present = !op->outcome && op->documents.items[0].body.at;
    if (answered && !op->outcome && !present) {
        mim_ask_now(document->mim, document->add);
        return;
    }
    document->table->present += answered && present;
    if (answered && op->outcome)
        refuse(document->mim, document->table, document->add, account_why(op->outcome));
    store_revoke(document->add);
}

static struct store_op *new_op(enum store_kind kind, const struct jid *owner,
                               enum store_document_kind of, struct str name, struct str body)
{
    struct store_op *op = store_op_new(kind, NULL, NULL);
    op->documents.user = arena_str(&op->arena, owner->user);
    op->documents.domain = arena_str(&op->arena, owner->domain);
    op->documents.kind = of;
    op->documents.max_count = op->documents.max_bytes = NO_CAP;
    op->documents.count = 1;
    op->documents.items = arena_zero(&op->arena, sizeof *op->documents.items);
    op->documents.items[0].name = arena_str(&op->arena, name);
    op->documents.items[0].body = arena_str(&op->arena, body);
    return op;
}

static void keep(struct mim *mim, const struct jid *owner, enum store_document_kind of,
                 struct str name, struct str body)
{
    struct store_op *add = new_op(STORE_DOCUMENT_SET, owner, of, name, body);
    struct store_op *look = new_op(STORE_DOCUMENT_GET, owner, of, name, STR(""));
    struct document *document = arena_zero(&add->arena, sizeof *document);
    *document = (struct document){mim, mim->table, add};
    add->done = on_added;
    look->done = on_looked;
    add->owner = look->owner = document;
    mim_ask(mim, look, MIM_WINDOW);
}

static void take_vcard(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid owner;
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &owner);
    struct element *card = why ? NULL : mim_stanza(mim, arena, mim_text(row, 2));
    if (!why && !(card && element_is(card, NS_VCARD, "vCard")))
        why = "it is not a vCard";
    if (why)
        mim_refuse(mim, mim->table, mim_text(row, 0), why);
    else if (!mim->dry_run)
        keep(mim, &owner, DOCUMENT_VCARD, STR("vCard"), element_xml(arena, card, NS_NONE));
}

void mim_vcards(struct mim *mim)
{
    mim_each(mim, MIM_VCARDS, "SELECT count(*) FROM vcard WHERE " OF_DOMAINS,
             "SELECT username, server, vcard FROM vcard WHERE " OF_DOMAINS
             " ORDER BY server, username",
             take_vcard);
}

static void take_private(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid owner;
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &owner);
    struct element *data = why ? NULL : mim_stanza(mim, arena, mim_text(row, 3));
    if (!why && !(data && str_eq(data->ns_uri, mim_text(row, 2))))
        why = "it is not an element of its namespace";
    if (why)
        mim_refuse(
            mim, mim->table,
            arena_format(arena, "%.*s, %.*s", STR_ARG(mim_text(row, 0)), STR_ARG(mim_text(row, 2))),
            why);
    else if (!mim->dry_run)
        keep(mim, &owner, DOCUMENT_PRIVATE,
             arena_format(arena, "%.*s %.*s", STR_ARG(data->ns_uri), STR_ARG(data->name)),
             element_xml(arena, data, NS_NONE));
}

void mim_private(struct mim *mim)
{
    mim_each(mim, MIM_PRIVATE, "SELECT count(*) FROM private_storage WHERE " OF_DOMAINS,
             "SELECT username, server, namespace, data FROM private_storage WHERE " OF_DOMAINS
             " ORDER BY server, username, namespace",
             take_private);
}
