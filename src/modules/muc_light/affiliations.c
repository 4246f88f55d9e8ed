#include "affiliations.h"

#include <stdlib.h>

static const char *const names[] = {
    [STORE_ROOM_NONE] = "none", [STORE_ROOM_MEMBER] = "member", [STORE_ROOM_OWNER] = "owner"};

const char *affiliation_name(enum store_affiliation affiliation)
{
    return names[affiliation];
}

bool affiliation_parse(struct str text, enum store_affiliation *out)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_is(text, names[i])) {
            *out = (enum store_affiliation)i;
            return true;
        }
    return false;
}

static int order(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int least = len ? memcmp(a.at, b.at, len) : 0;
    return least ? least : (a.len > b.len) - (a.len < b.len);
}

int affiliations_order(struct str a, struct str b)
{
    struct str a_domain, b_domain;
    struct str a_user = str_cut(a, '@', &a_domain), b_user = str_cut(b, '@', &b_domain);
    int users = order(a_user, b_user);
    return users ? users : order(a_domain, b_domain);
}

static int by_order(const void *a, const void *b)
{
    return affiliations_order(((const struct store_occupant *)a)->bare,
                              ((const struct store_occupant *)b)->bare);
}

/* --- What is asked --- */

static void note_move(struct affiliations *a, struct str bare, bool joins)
{
    a->moves[a->move_count++] = (struct room_change){bare, joins};
}

/* One who was there, by what is asked of him, or NULL. */
static void take_old(struct affiliations *a, const struct store_occupant *old,
                     const struct store_occupant *asked)
{
    struct store_occupant *is = &a->after[a->after_count];
    *is = *old;
    if (asked)
        is->affiliation = asked->affiliation;
    if (is->affiliation == STORE_ROOM_NONE)
        note_move(a, old->bare, false);
    else
        a->after_count++;
}

static void take_new(struct affiliations *a, const struct store_occupant *asked)
{
    a->after[a->after_count++] = *asked;
    note_move(a, asked->bare, true);
}

/* Both lists are in order. */
static const char *merge(struct affiliations *a)
{
    size_t i = 0, k = 0;
    while (i < a->now_count || k < a->change_count) {
        const struct store_occupant *old = i < a->now_count ? &a->now[i] : NULL;
        const struct store_occupant *new = k < a->change_count ? &a->changes[k] : NULL;
        int which = !old ? 1 : !new ? -1 : affiliations_order(old->bare, new->bare);
        enum store_affiliation was = which <= 0 ? old->affiliation : STORE_ROOM_NONE;
        if (which >= 0 && was == new->affiliation)
            return "Meaningless change";
        if (which <= 0)
            take_old(a, old, which == 0 ? new : NULL);
        else
            take_new(a, new);
        i += which <= 0;
        k += which >= 0;
    }
    return NULL;
}

static const char *sort_asked(struct affiliations *a)
{
    a->change_count = a->asked_count;
    if (a->asked_count)
        memcpy(a->changes, a->asked, a->asked_count * sizeof *a->asked);
    qsort(a->changes, a->change_count, sizeof *a->changes, by_order);
    for (size_t i = 1; i < a->change_count; i++)
        if (str_eq(a->changes[i - 1].bare, a->changes[i].bare))
            return "The same user is changed twice";
    return NULL;
}

/* --- Owners --- */

static size_t count_owners(const struct store_occupant *list, size_t count)
{
    size_t owners = 0;
    for (size_t i = 0; i < count; i++)
        owners += list[i].affiliation == STORE_ROOM_OWNER;
    return owners;
}

static struct store_occupant *find(struct store_occupant *list, size_t count, struct str bare)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i].bare, bare))
            return &list[i];
    return NULL;
}

/* A change that follows from what was asked for. */
static void set_affiliation(struct affiliations *a, struct store_occupant *who,
                            enum store_affiliation affiliation)
{
    struct store_occupant *change = find(a->changes, a->change_count, who->bare);
    who->affiliation = affiliation;
    if (!change)
        change = &a->changes[a->change_count++];
    *change = *who;
}

/* Who was the owner is a member when another one is named. */
static void demote_old(struct affiliations *a, size_t asked_count)
{
    for (size_t i = 0; i < a->after_count; i++) {
        struct store_occupant *is = &a->after[i];
        if (is->affiliation == STORE_ROOM_OWNER && !find(a->changes, asked_count, is->bare))
            set_affiliation(a, is, STORE_ROOM_MEMBER);
    }
}

static bool has_moved(const struct affiliations *a, struct str bare)
{
    for (size_t i = 0; i < a->move_count; i++)
        if (str_eq(a->moves[i].bare, bare))
            return true;
    return false;
}

/* First one whom nothing was asked of, else one who joins, else the owner who wants to be none. */
static void promote(struct affiliations *a)
{
    struct store_occupant *best = NULL;
    int rank = 3;
    for (size_t i = 0; i < a->after_count && rank > 0; i++) {
        struct store_occupant *is = &a->after[i];
        bool asked = find(a->changes, a->change_count, is->bare);
        int fits = !asked ? 0 : has_moved(a, is->bare) ? 1 : 2;
        if (fits < rank) {
            rank = fits;
            best = is;
        }
    }
    if (best)
        set_affiliation(a, best, STORE_ROOM_OWNER);
}

/* A change that was undone, as when the only occupant gives up being the owner, is none. */
static void drop_undone(struct affiliations *a)
{
    size_t left = 0;
    for (size_t i = 0; i < a->change_count; i++) {
        const struct store_occupant *was =
            find((struct store_occupant *)a->now, a->now_count, a->changes[i].bare);
        if (!was || was->affiliation != a->changes[i].affiliation)
            a->changes[left++] = a->changes[i];
    }
    a->change_count = left;
}

static const char *settle_owners(struct affiliations *a)
{
    if (!a->now_count) /* who creates a room says it himself */
        return NULL;
    bool owned = count_owners(a->now, a->now_count) > 0;
    size_t asked = count_owners(a->changes, a->change_count);
    if (!owned)
        return asked ? "Ownerless room" : NULL;
    if (asked > 1 && !a->several_owners)
        return "There can be only one owner";
    if (asked && !a->several_owners)
        demote_old(a, a->change_count);
    if (!count_owners(a->after, a->after_count))
        promote(a);
    drop_undone(a);
    return NULL;
}

const char *affiliations_apply(struct affiliations *a)
{
    size_t room = a->now_count + a->asked_count + 1;
    a->after = arena_zero(a->arena, room * sizeof *a->after);
    a->changes = arena_zero(a->arena, room * sizeof *a->changes);
    a->moves = arena_zero(a->arena, room * sizeof *a->moves);
    a->after_count = a->move_count = 0;
    const char *wrong = sort_asked(a);
    if (!wrong)
        wrong = merge(a);
    return wrong ? wrong : settle_owners(a);
}
