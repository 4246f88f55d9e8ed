#include "mem_document.h"

#include "mem.h"

static char *copy(struct str text)
{
    return mem_strndup(text.at ? text.at : "", text.len);
}

static struct mem_document *find(struct mem_document *documents, enum store_document_kind kind,
                                 struct str name)
{
    while (documents && (documents->kind != kind || !str_is(name, documents->name)))
        documents = documents->next;
    return documents;
}

static enum err get(struct mem_document *documents, struct store_op *op)
{
    for (size_t i = 0; i < op->documents.count; i++) {
        struct store_document *item = &op->documents.items[i];
        const struct mem_document *found = find(documents, op->documents.kind, item->name);
        item->body = found ? arena_str(&op->arena, str_of(found->body)) : (struct str){0};
    }
    return ERR_OK;
}

static bool is_wanted(const struct store_op *op, const struct mem_document *document)
{
    for (size_t i = 0; i < op->documents.count; i++)
        if (str_is(op->documents.items[i].name, document->name))
            return true;
    return false;
}

static bool fits(const struct mem_document *documents, const struct store_op *op)
{
    uint64_t count = op->documents.count, bytes = 0;
    for (size_t i = 0; i < op->documents.count; i++)
        bytes += op->documents.items[i].body.len;
    for (; documents; documents = documents->next) {
        if (documents->kind != op->documents.kind || is_wanted(op, documents))
            continue;
        count++;
        bytes += strlen(documents->body);
    }
    return count <= op->documents.max_count && bytes <= op->documents.max_bytes;
}

static void put(struct mem_document **documents, enum store_document_kind kind,
                const struct store_document *item)
{
    struct mem_document *document = find(*documents, kind, item->name);
    if (!document) {
        document = mem_zalloc(sizeof *document);
        document->kind = kind;
        document->name = copy(item->name);
        document->next = *documents;
        *documents = document;
    }
    mem_free(document->body);
    document->body = copy(item->body);
}

static enum err set(struct mem_document **documents, struct store_op *op)
{
    for (size_t i = 0; i < op->documents.count; i++)
        if (!op->documents.items[i].name.len)
            return ERR_INVALID;
    if (!fits(*documents, op))
        return ERR_CONFLICT;
    for (size_t i = 0; i < op->documents.count; i++)
        put(documents, op->documents.kind, &op->documents.items[i]);
    return ERR_OK;
}

enum err mem_document(struct mem_document **documents, struct store_op *op)
{
    return op->kind == STORE_DOCUMENT_GET ? get(*documents, op) : set(documents, op);
}

void mem_document_fini(struct mem_document **documents)
{
    while (*documents) {
        struct mem_document *document = *documents;
        *documents = document->next;
        mem_free(document->name);
        mem_free(document->body);
        mem_free(document);
    }
}
