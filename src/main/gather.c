#include "gather.h"

#include "check.h"
#include "mem.h"

/* Those under way, so that none is lost at the end. */
static struct link under_way;

static void gather_free(struct gather *gather)
{
    list_drop(&gather->link);
    for (unsigned i = 0; i < gather->count; i++)
        buf_fini(&gather->parts[i].text);
    mem_free(gather->parts);
    mem_free(gather);
}

static void on_home(struct mail *mail)
{
    struct gather *gather = ((struct gather_part *)mail)->gather;
    if (--gather->left)
        return;
    gather->done(gather);
    gather_free(gather);
}

static void on_asked(struct mail *mail)
{
    struct gather_part *part = (struct gather_part *)mail;
    if (shard_self->core && !shard_self->stopping) {
        part->answered = true;
        part->gather->each(part->gather, part);
    }
    part->mail.run = on_home;
    mail_send(0, &part->mail);
}

void gather_start(int target, void (*each)(struct gather *, struct gather_part *),
                  void (*done)(struct gather *), const void *question, void *own)
{
    CHECK(shard_self->id == 0);
    struct gather *gather = mem_zalloc(sizeof *gather);
    *gather = (struct gather){.each = each,
                              .done = done,
                              .question = question,
                              .own = own,
                              .count = target == GATHER_ALL ? shard_count : 1};
    gather->left = gather->count;
    gather->parts = mem_zalloc(gather->count * sizeof *gather->parts);
    if (!under_way.next)
        list_init(&under_way);
    list_push(&under_way, &gather->link);
    for (unsigned i = 0; i < gather->count; i++) {
        struct gather_part *part = &gather->parts[i];
        part->gather = gather;
        part->shard = target == GATHER_ALL ? i : (unsigned)target;
        part->mail.run = on_asked;
        mail_send(part->shard, &part->mail);
    }
}

uint64_t gather_sum(const struct gather *gather, size_t number)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < gather->count; i++)
        sum += gather->parts[i].number[number];
    return sum;
}

void gather_sweep(void)
{
    while (under_way.next && !list_empty(&under_way))
        gather_free(LIST_OWNER(under_way.next, struct gather, link));
}
