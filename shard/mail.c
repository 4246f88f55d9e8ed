#include "mail.h"

#include "check.h"
#include "limits.h"
#include "mem.h"
#include "spsc.h"

#include <stdatomic.h>

/* What waits on the sender's side for one target, oldest first. */
struct stage {
    struct mail *first, **last;
    size_t count;
};

struct post {
    struct spsc *in;     /* one ring from each post */
    struct stage *out;   /* one stage to each post */
    unsigned *staged_to; /* targets with something staged, so that a flush looks only there */
    unsigned staged_count;
    struct stage own; /* to itself: run by the next mail_run, through no ring */
    _Alignas(SPSC_LINE) atomic_bool sleeping;
};

static struct post *posts;
static unsigned post_count;
static void (*wake_post)(unsigned target);
static _Thread_local unsigned self;

void mail_setup(unsigned count, void (*wake)(unsigned target))
{
    posts = mem_zalloc_aligned(count * sizeof *posts, SPSC_LINE);
    post_count = count;
    wake_post = wake;
    for (unsigned i = 0; i < count; i++) {
        posts[i].in = mem_zalloc_aligned(count * sizeof *posts[i].in, SPSC_LINE);
        posts[i].out = mem_zalloc(count * sizeof *posts[i].out);
        posts[i].staged_to = mem_zalloc(count * sizeof(unsigned));
        posts[i].own.last = &posts[i].own.first;
        for (unsigned k = 0; k < count; k++) {
            spsc_init(&posts[i].in[k], LIMIT_MAIL_RING);
            posts[i].out[k].last = &posts[i].out[k].first;
        }
    }
}

void mail_teardown(void)
{
    for (unsigned i = 0; i < post_count; i++) {
        for (unsigned k = 0; k < post_count; k++)
            spsc_fini(&posts[i].in[k]);
        mem_free(posts[i].in);
        mem_free(posts[i].out);
        mem_free(posts[i].staged_to);
    }
    mem_free(posts);
    posts = NULL;
    post_count = 0;
}

void mail_enter(unsigned id)
{
    CHECK(id < post_count);
    self = id;
}

unsigned mail_self(void)
{
    return self;
}

void mail_send(unsigned target, struct mail *mail)
{
    CHECK(target < post_count);
    struct post *me = &posts[self];
    struct stage *stage = target == self ? &me->own : &me->out[target];
    mail->next = NULL;
    if (stage->count++ == 0 && target != self)
        me->staged_to[me->staged_count++] = target;
    *stage->last = mail;
    stage->last = &mail->next;
}

bool mail_crowded(unsigned target)
{
    const struct post *me = &posts[self];
    return (target == self ? me->own.count : me->out[target].count) > LIMIT_MAIL_STAGED;
}

/* Publishes as much of a stage as the ring takes; true when all of it went. */
static bool publish(struct stage *stage, struct spsc *ring)
{
    while (stage->count) {
        /* What lies behind each mail is read now: a published mail belongs to the target. */
        void *batch[64];
        struct mail *rest[64];
        size_t count = 0;
        for (struct mail *mail = stage->first; mail && count < 64; mail = mail->next) {
            batch[count] = mail;
            rest[count++] = mail->next;
        }
        size_t pushed = spsc_push(ring, batch, count);
        if (pushed && pushed <= count) { /* the second half is for the compiler */
            stage->first = rest[pushed - 1];
            stage->count -= pushed;
            if (!stage->first)
                stage->last = &stage->first;
        }
        if (pushed < count)
            return false;
    }
    return true;
}

/* The fence pairs with the one in mail_sleep: either the sleeper sees the mail, or we see it sleep.
 */
static void wake_if_asleep(unsigned target)
{
    struct post *post = &posts[target];
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&post->sleeping, memory_order_relaxed) &&
        atomic_exchange_explicit(&post->sleeping, false, memory_order_acq_rel))
        wake_post(target);
}

size_t mail_flush(void)
{
    struct post *me = &posts[self];
    size_t left = 0;
    unsigned kept = 0, count = me->staged_count;
    for (unsigned i = 0; i < count; i++) {
        unsigned target = me->staged_to[i];
        struct stage *stage = &me->out[target];
        if (!publish(stage, &posts[target].in[self])) {
            me->staged_to[kept++] = target;
            left += stage->count;
        }
        wake_if_asleep(target);
    }
    me->staged_count = kept;
    return left;
}

/* The mail to itself that was there at the start. */
static size_t run_own(struct post *me)
{
    struct mail *mail = me->own.first;
    size_t count = me->own.count;
    me->own = (struct stage){.last = &me->own.first};
    for (size_t i = 0; i < count; i++) {
        struct mail *next = mail->next;
        mail->run(mail);
        mail = next;
    }
    return count;
}

size_t mail_run(void)
{
    struct post *me = &posts[self];
    size_t total = run_own(me);
    for (unsigned from = 0; from < post_count; from++) {
        void *batch[64];
        size_t bound = LIMIT_MAIL_RING;
        while (bound) {
            size_t count = spsc_pop(&me->in[from], batch, bound < 64 ? bound : 64);
            for (size_t i = 0; i < count; i++) {
                struct mail *mail = batch[i];
                mail->run(mail);
            }
            total += count;
            bound -= count;
            if (count < 64)
                break;
        }
    }
    return total;
}

static bool mail_waits(const struct post *me)
{
    if (me->own.count)
        return true;
    for (unsigned from = 0; from < post_count; from++)
        if (!spsc_empty(&me->in[from]))
            return true;
    return false;
}

bool mail_pending(void)
{
    return mail_waits(&posts[self]);
}

bool mail_sleep(void)
{
    struct post *me = &posts[self];
    atomic_store_explicit(&me->sleeping, true, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (!mail_waits(me))
        return true;
    mail_awake();
    return false;
}

void mail_awake(void)
{
    atomic_store_explicit(&posts[self].sleeping, false, memory_order_relaxed);
}
