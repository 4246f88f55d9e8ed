/*
 * shard/spsc.c and the sleep/wake handshake of shard/mail.c on relacy's model of C11 memory: the
 * code itself (relacy.sh cuts it out of the files and exchanges the atomic types), in all schedules
 * with a few switches and in many random ones, with all values that a load may return there.
 *
 * Found would be: a slot that is read without having been published (a data race, or a wrong item),
 * a slot written over before it was read, an item lost, doubled or out of order, and a wake that is
 * lost, which is a deadlock here. What must be found when the orders are weakened is checked, too:
 * see CMakeLists.txt.
 */
#include <relacy/relacy.hpp>

#include <cstddef>
#include <cstdio>
#include <cstring>

#define _Alignas(bytes)
#define atomic_load_explicit(at, order)            (at)->load(order)
#define atomic_store_explicit(at, value, order)    (at)->store(value, order)
#define atomic_exchange_explicit(at, value, order) (at)->exchange(value, order)
#define atomic_thread_fence(order)                 rl::atomic_thread_fence(order)

using rl::mo_acq_rel;
using rl::mo_acquire;
using rl::mo_relaxed;
using rl::mo_release;
using rl::mo_seq_cst;

/* A slot of the ring: memory that is not atomic, in which relacy finds races. */
struct cell {
    rl::var<void *> value;

    cell &operator=(void *item)
    {
        value($) = item;
        return *this;
    }
    operator void *()
    {
        return value($);
    }
};

#include "spsc_under_test.h"

#include "spsc_under_test.c"

/* What the handshake touches of struct post. */
struct post {
    struct spsc *in;
    struct {
        size_t count;
    } own;
    rl::atomic<bool> sleeping;
};

static struct post *posts;
static unsigned post_count;
static void (*wake_post)(unsigned target);
enum { self = 0 }; /* only the target sleeps here */

void mail_awake(void);

#include "mail_under_test.c"

static void *item(size_t number)
{
    return reinterpret_cast<void *>(number);
}

static const size_t ROOM = 2;

struct bounded {
    struct spsc ring;
    struct cell slots[ROOM];

    void begin()
    {
        ring.head.store(0, rl::mo_relaxed, $);
        ring.tail.store(0, rl::mo_relaxed, $);
        ring.tail_seen = ring.head_seen = 0;
        ring.mask = ROOM - 1;
        ring.slots = slots;
    }
};

/* One producer, one consumer, more items than slots, in pieces of one and two. */
struct order : rl::test_suite<order, 2> {
    static const size_t ITEMS = 4;
    struct bounded bounded;

    void before()
    {
        bounded.begin();
    }

    void produce()
    {
        for (size_t sent = 0; sent < ITEMS;) {
            void *items[2] = {item(sent + 1), item(sent + 2)};
            size_t count = sent % 2 == 0 && sent + 2 <= ITEMS ? 2 : 1;
            size_t pushed = spsc_push(&bounded.ring, items, count);
            sent += pushed;
            if (!pushed)
                rl::yield(1, $);
        }
    }

    void consume()
    {
        for (size_t got = 0; got < ITEMS;) {
            void *items[ROOM + 1];
            size_t count = spsc_pop(&bounded.ring, items, ROOM + 1);
            for (size_t i = 0; i < count; i++)
                RL_ASSERT(items[i] == item(++got));
            if (!count)
                rl::yield(1, $);
        }
        RL_ASSERT(spsc_empty(&bounded.ring));
    }

    void thread(unsigned index)
    {
        if (index == 0)
            produce();
        else
            consume();
    }
};

/* Two senders, each with a ring, and a target that sleeps whenever there is nothing. */
struct wakes : rl::test_suite<wakes, 3> {
    static const size_t ITEMS = 2;
    static const unsigned SENDERS = 2;
    struct spsc in[SENDERS];
    struct cell slots[SENDERS][ROOM];
    struct post post;
    rl::semaphore<struct wake_tag> wake;
    static wakes *now;

    static void on_wake(unsigned)
    {
        unsigned before;
        now->wake.post(1, before, $);
    }

    void before()
    {
        now = this;
        for (unsigned i = 0; i < SENDERS; i++) {
            in[i].head.store(0, rl::mo_relaxed, $);
            in[i].tail.store(0, rl::mo_relaxed, $);
            in[i].tail_seen = in[i].head_seen = 0;
            in[i].mask = ROOM - 1;
            in[i].slots = slots[i];
        }
        post.in = in;
        post.own.count = 0;
        post.sleeping.store(false, rl::mo_relaxed, $);
        posts = &post;
        post_count = SENDERS;
        wake_post = on_wake;
        wake.init(false, 0, 100, $);
    }

    void after()
    {
        wake.deinit($);
    }

    void send(unsigned from)
    {
        for (size_t sent = 0; sent < ITEMS; sent++) {
            void *one = item(sent + 1);
            RL_ASSERT(spsc_push(&in[from], &one, 1) == 1);
            wake_if_asleep(0);
        }
    }

    void run_mail(size_t *got)
    {
        void *items[ROOM];
        for (unsigned from = 0; from < SENDERS; from++) {
            size_t count = spsc_pop(&in[from], items, ROOM);
            for (size_t i = 0; i < count; i++)
                RL_ASSERT(items[i] == item(++got[from]));
        }
    }

    void receive()
    {
        size_t got[SENDERS] = {0, 0};
        for (;;) {
            run_mail(got);
            if (got[0] == ITEMS && got[1] == ITEMS)
                return;
            if (mail_sleep())
                wake.wait(false, false, $);
            mail_awake();
        }
    }

    void thread(unsigned index)
    {
        if (index < SENDERS)
            send(index);
        else
            receive();
    }
};

wakes *wakes::now;

template <typename suite> static bool holds(rl::scheduler_type_e search, unsigned iterations)
{
    std::ostream nowhere(nullptr);
    rl::test_params params;
    params.search_type = search;
    params.iteration_count = iterations;
    params.context_bound = 3;
    params.progress_stream = &nowhere;
    return rl::simulate<suite>(params);
}

/* relacy.sh says which suites and how long. */
int main(int, char **arguments)
{
    const char *what = arguments[1];
    bool all = true;
    if (std::strcmp(what, "order") == 0)
        all = holds<order>(rl::sched_bound, 1000000) && holds<order>(rl::sched_random, 200000);
    else
        all = holds<wakes>(rl::sched_bound, 1000000) && holds<wakes>(rl::sched_random, 200000);
    std::puts(all ? "holds" : "does not hold");
    return all ? 0 : 1;
}
