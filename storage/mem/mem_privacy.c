#include "mem_privacy.h"

#include "mem.h"

static char *copy(struct str text)
{
    return mem_strndup(text.at ? text.at : "", text.len);
}

/* Where the list is, or belongs. */
static struct mem_list **find(struct mem_list **lists, struct str name, bool *found)
{
    struct mem_list **at = lists;
    while (*at && strcmp((*at)->name, name.at) < 0)
        at = &(*at)->next;
    *found = *at && str_is(name, (*at)->name);
    return at;
}

static enum err get(const struct mem_list *lists, struct store_op *op)
{
    size_t count = 0;
    for (const struct mem_list *list = lists; list; list = list->next)
        count++;
    op->privacy.count = 0;
    op->privacy.lists = arena_zero(&op->arena, (count + 1) * sizeof *op->privacy.lists);
    for (const struct mem_list *list = lists; list; list = list->next)
        op->privacy.lists[op->privacy.count++] = (struct store_privacy_list){
            .name = arena_str(&op->arena, str_of(list->name)),
            .items = arena_str(&op->arena, str_of(list->items)),
            .is_default = list->is_default,
        };
    return ERR_OK;
}

static enum err set(struct mem_list **lists, const struct store_privacy_list *wanted)
{
    if (!wanted->name.len)
        return ERR_INVALID;
    bool found;
    struct mem_list **at = find(lists, wanted->name, &found), *list = *at;
    if (!found) {
        list = mem_zalloc(sizeof *list);
        list->name = copy(wanted->name);
        list->next = *at;
        *at = list;
    }
    mem_free(list->items);
    list->items = copy(wanted->items);
    return ERR_OK;
}

static void drop(struct mem_list **at)
{
    struct mem_list *list = *at;
    *at = list->next;
    mem_free(list->name);
    mem_free(list->items);
    mem_free(list);
}

static enum err set_default(struct mem_list **lists, struct str name)
{
    bool found = true;
    if (name.len)
        find(lists, name, &found);
    for (struct mem_list *list = *lists; found && list; list = list->next)
        list->is_default = str_is(name, list->name);
    return found ? ERR_OK : ERR_NOT_FOUND;
}

static enum err change(struct mem_list **lists, struct store_op *op)
{
    struct store_privacy_list wanted = op->privacy.lists[0];
    wanted.name = arena_str(&op->arena, wanted.name); /* with a NUL */
    if (op->kind == STORE_PRIVACY_SET)
        return set(lists, &wanted);
    if (op->kind == STORE_PRIVACY_DEFAULT)
        return set_default(lists, wanted.name);
    bool found;
    struct mem_list **at = find(lists, wanted.name, &found);
    if (found)
        drop(at);
    return found ? ERR_OK : ERR_NOT_FOUND;
}

enum err mem_privacy(struct mem_list **lists, struct store_op *op)
{
    return op->kind == STORE_PRIVACY_GET ? get(*lists, op) : change(lists, op);
}

void mem_privacy_fini(struct mem_list **lists)
{
    while (*lists)
        drop(lists);
}
