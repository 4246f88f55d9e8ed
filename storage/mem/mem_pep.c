#include "mem_pep.h"

#include "mem.h"

static char *copy(struct str text)
{
    return mem_strndup(text.at ? text.at : "", text.len);
}

/* --- Items --- */

static void drop_item(struct mem_pep_item **at)
{
    struct mem_pep_item *item = *at;
    *at = item->next;
    mem_free(item->name);
    mem_free(item->body);
    mem_free(item);
}

static struct mem_pep_item **find_item(struct mem_pep_node *node, struct str name)
{
    struct mem_pep_item **at = &node->items;
    while (*at && !str_is(name, (*at)->name))
        at = &(*at)->next;
    return at;
}

static void put_item(struct mem_pep_node *node, const struct store_pep_item *model)
{
    struct mem_pep_item **at = find_item(node, model->name);
    if (*at)
        drop_item(at);
    for (at = &node->items; *at && (*at)->number > model->number;)
        at = &(*at)->next;
    struct mem_pep_item *item = mem_zalloc(sizeof *item);
    item->name = copy(model->name);
    item->body = copy(model->body);
    item->number = model->number;
    item->next = *at;
    *at = item;
}

static void prune(struct mem_pep_node *node, uint64_t keep)
{
    struct mem_pep_item **at = &node->items;
    for (; *at && keep; keep--)
        at = &(*at)->next;
    while (*at)
        drop_item(at);
}

/* --- Nodes --- */

/* Where the node is, or belongs. */
static struct mem_pep_node **find(struct mem_pep_node **nodes, struct str name, bool *found)
{
    int order = -1;
    struct mem_pep_node **at = nodes;
    for (; *at; at = &(*at)->next) {
        struct str other = str_of((*at)->name);
        size_t least = other.len < name.len ? other.len : name.len;
        order = memcmp(other.at, name.at, least);
        order = order ? order : (other.len > name.len) - (other.len < name.len);
        if (order >= 0)
            break;
    }
    *found = *at && order == 0;
    return at;
}

static void drop(struct mem_pep_node **at)
{
    struct mem_pep_node *node = *at;
    *at = node->next;
    prune(node, 0);
    mem_free(node->name);
    mem_free(node->settings);
    mem_free(node);
}

static struct mem_pep_node *need(struct mem_pep_node **nodes, const struct store_pep *pep)
{
    bool found;
    struct mem_pep_node **at = find(nodes, pep->node, &found);
    if (found)
        return *at;
    struct mem_pep_node *node = mem_zalloc(sizeof *node);
    node->name = copy(pep->node);
    node->settings = copy(pep->settings);
    node->next = *at;
    return *at = node;
}

/* --- Told --- */

static struct store_pep_item tell_item(struct arena *arena, const struct mem_pep_item *item)
{
    return (struct store_pep_item){.name = arena_str(arena, str_of(item->name)),
                                   .number = item->number,
                                   .body = arena_str(arena, str_of(item->body))};
}

static void tell(struct store_op *op, const struct mem_pep_node *node)
{
    struct store_pep_node *out = &op->pep.nodes[op->pep.node_count++];
    out->name = arena_str(&op->arena, str_of(node->name));
    out->settings = arena_str(&op->arena, str_of(node->settings));
    for (const struct mem_pep_item *item = node->items; item; item = item->next) {
        out->count++;
        out->bytes += strlen(item->body);
    }
    if (node->items)
        out->last = tell_item(&op->arena, node->items);
    if (out->last.body.len > STORE_PEP_LAST_MAX)
        out->last.body = (struct str){0};
}

static enum err tell_all(const struct mem_pep_node *node, struct store_op *op)
{
    size_t count = 1;
    for (const struct mem_pep_node *one = node; one; one = one->next)
        count++;
    op->pep.nodes = arena_zero(&op->arena, count * sizeof *op->pep.nodes);
    for (; node; node = node->next)
        tell(op, node);
    return ERR_OK;
}

/* --- Operations --- */

static enum err set(struct mem_pep_node **nodes, struct store_op *op)
{
    struct mem_pep_node *node = need(nodes, &op->pep);
    mem_free(node->settings);
    node->settings = copy(op->pep.settings);
    prune(node, op->pep.keep);
    tell(op, node);
    return ERR_OK;
}

static enum err publish(struct mem_pep_node **nodes, struct store_op *op)
{
    if (!op->pep.items[0].name.len)
        return ERR_INVALID;
    struct mem_pep_node *node = need(nodes, &op->pep);
    put_item(node, &op->pep.items[0]);
    prune(node, op->pep.keep);
    tell(op, node);
    return ERR_OK;
}

static enum err retract(struct mem_pep_node *node, struct store_op *op)
{
    size_t dropped = 0;
    for (size_t i = 0; i < op->pep.count; i++) {
        struct mem_pep_item **at = find_item(node, op->pep.items[i].name);
        dropped += *at != NULL;
        if (*at)
            drop_item(at);
    }
    tell(op, node);
    return dropped ? ERR_OK : ERR_NOT_FOUND;
}

static enum err purge(struct mem_pep_node *node, struct store_op *op)
{
    prune(node, 0);
    tell(op, node);
    return ERR_OK;
}

static bool is_picked(const struct store_pep_item *names, size_t count,
                      const struct mem_pep_item *item)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(names[i].name, item->name))
            return true;
    return false;
}

static size_t count_items(const struct mem_pep_node *node)
{
    size_t count = 0;
    for (const struct mem_pep_item *item = node->items; item; item = item->next)
        count++;
    return count;
}

static enum err pick(const struct mem_pep_node *node, struct store_op *op)
{
    const struct store_pep_item *names = op->pep.items;
    size_t count = op->pep.count;
    op->pep.items = arena_zero(&op->arena, (count_items(node) + 1) * sizeof *op->pep.items);
    op->pep.count = 0;
    for (const struct mem_pep_item *item = node->items; item; item = item->next)
        if (is_picked(names, count, item))
            op->pep.items[op->pep.count++] = tell_item(&op->arena, item);
    return ERR_OK;
}

static enum err page(struct mem_pep_node *node, struct store_op *op)
{
    struct store_pep *pep = &op->pep;
    size_t at = 0, place = 0;
    struct mem_pep_item *from = pep->from.len ? *find_item(node, pep->from) : NULL;
    pep->total = count_items(node);
    if (pep->from.len && !from)
        return ERR_NOT_FOUND;
    for (const struct mem_pep_item *item = node->items; from && item != from; item = item->next)
        place++;
    size_t first = from ? place + 1 : 0, end = pep->total;
    if (pep->backwards) {
        end = from ? place : pep->total;
        first = end > pep->limit ? end - pep->limit : 0;
    } else if (end > first && end - first > pep->limit) {
        end = first + pep->limit;
    }
    pep->items = arena_zero(&op->arena, (pep->total + 1) * sizeof *pep->items);
    pep->count = 0;
    for (const struct mem_pep_item *item = node->items; item; item = item->next, at++)
        if (at >= first && at < end)
            pep->items[pep->count++] = tell_item(&op->arena, item);
    return ERR_OK;
}

static enum err on_node(struct mem_pep_node **nodes, struct store_op *op)
{
    bool found;
    struct mem_pep_node **at = find(nodes, op->pep.node, &found);
    if (!found)
        return ERR_NOT_FOUND;
    if (op->kind == STORE_PEP_RETRACT)
        return retract(*at, op);
    if (op->kind == STORE_PEP_PURGE)
        return purge(*at, op);
    if (op->kind == STORE_PEP_PICK)
        return pick(*at, op);
    if (op->kind == STORE_PEP_PAGE)
        return page(*at, op);
    drop(at);
    return ERR_OK;
}

enum err mem_pep(struct mem_pep_node **nodes, struct store_op *op)
{
    op->pep.node_count = 0;
    if (op->kind == STORE_PEP_NODES)
        return tell_all(*nodes, op);
    if (!op->pep.node.len)
        return ERR_INVALID;
    op->pep.nodes = arena_zero(&op->arena, sizeof *op->pep.nodes);
    if (op->kind == STORE_PEP_SET)
        return set(nodes, op);
    if (op->kind == STORE_PEP_PUBLISH)
        return publish(nodes, op);
    return on_node(nodes, op);
}

void mem_pep_fini(struct mem_pep_node **nodes)
{
    while (*nodes)
        drop(nodes);
}
