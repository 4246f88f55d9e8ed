/*
 * A doubly linked list whose links live inside the members. A list is a link of its own that points
 * at itself when empty. Not thread safe: it belongs to what owns it.
 */
#ifndef RT_LIST_H
#define RT_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *next, *prev;
};

/* The struct of type `type` that has `link` as its field `field`. */
#define LIST_OWNER(link_, type, field) ((type *)((char *)(link_)-offsetof(type, field)))

#define LIST_EACH(list, link_)                                                                     \
    for (struct link *link_ = (list)->next; link_ != (list); link_ = link_->next)

/* As LIST_EACH; the member at hand may be dropped or freed. */
#define LIST_EACH_SAFE(list, link_)                                                                \
    for (struct link *link_ = (list)->next, *link_##_next = link_->next; link_ != (list);          \
         link_ = link_##_next, link_##_next = link_->next)

static inline void list_init(struct link *list)
{
    list->next = list->prev = list;
}

static inline bool list_empty(const struct link *list)
{
    return list->next == list;
}

/* True while the link is a member of some list. A fresh link is all zeroes, or list_init'ed. */
static inline bool list_has(const struct link *link)
{
    return link->next && link->next != link;
}

static inline void list_push(struct link *list, struct link *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static inline void list_drop(struct link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

/* Takes the oldest member out; NULL when the list is empty. */
static inline struct link *list_pop(struct link *list)
{
    if (list_empty(list))
        return NULL;
    struct link *first = list->next;
    list_drop(first);
    return first;
}

/* Moves all members of `from`, in order, behind those of `to`; `from` is empty then. */
static inline void list_move(struct link *to, struct link *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
