/*
 * The way from thread to thread (shard/spsc.c, and mail_sleep, wake_if_asleep and mail_flush of
 * shard/mail.c) as a Promela model, checked in all interleavings for small bounds:
 *
 *   - no mail is lost, doubled or reordered, and none is written over one that was not taken;
 *   - no wake is lost: once all was sent, the target has all of it, without any timer.
 *
 * Two senders, one target: a ring each, and the one `sleeping` flag that both look at.
 *
 * Memory order. Promela interleaves steps on one memory that all see alike, which is stronger than
 * C11. What the code relies on is therefore put in by hand, as store buffers: a store of `head` or
 * of `sleeping` goes to a buffer of its thread, and the process `memory` makes it visible at any
 * later time. A thread waits for its buffer at
 *
 *   - atomic_thread_fence(seq_cst), here SENDER_FENCE and TARGET_FENCE. One stands between the store
 *     of `head` and the load of `sleeping`, the other between the store of `sleeping` and the loads
 *     of `head`: store buffering, which release and acquire do not forbid. With both fences at
 *     least one of the two loads sees the other side's store (C17 7.17.3 p9 to p11): that is what
 *     waiting for the buffer gives. Without either fence this model finds the lost wake, and the
 *     tests model/spsc_no_..._fence expect it to.
 *   - atomic_exchange: a read-modify-write acts on the newest value in the flag's modification
 *     order, which in the model is the memory itself.
 *
 * The slots have no buffer: they are written before a store-release of `head` that the reader sees
 * by a load-acquire, and read before a store-release of `tail` that the writer sees by one; so
 * whoever sees the index sees the slot. `tail` has none because nothing that the target does next
 * depends on whether the sender has seen it: seeing it later is the same as looking earlier. That
 * release and acquire are there, and are needed, is not shown here: spsc_relacy.cpp runs the code
 * itself on a model of C11 memory, and the unit tests of the shard floor run it under TSan.
 *
 * Indices are size_t and wrap; here they wrap at 8, and begin shortly before that.
 */
#define SENDERS 2
#ifndef ITEMS
#define ITEMS 3
#endif
#define ROOM    2
#define MASK    (ROOM - 1)
#define WRAP(n) ((n) & 7)
#define BEGIN   6
#define EMPTY   255

typedef spsc {
    byte head, tail;     /* the memory, as the other side sees it */
    byte head_own;       /* as the sender sees its own index */
    bool head_waits;     /* in the sender's store buffer */
    byte tail_seen, head_seen;
    byte slots[ROOM];
};

spsc ring[SENDERS];
bool sleeping, sleeping_new, sleeping_waits;
bool wake; /* the completion of a MSG_RING, or the counter of an eventfd */

active proctype memory()
{
end:
    do
    :: d_step { ring[0].head_waits -> ring[0].head = ring[0].head_own; ring[0].head_waits = false }
    :: d_step { ring[1].head_waits -> ring[1].head = ring[1].head_own; ring[1].head_waits = false }
    :: d_step { sleeping_waits -> sleeping = sleeping_new; sleeping_waits = false }
    od
}

/* --- The sender --- */

#ifdef NO_SENDER_FENCE
#define SENDER_FENCE skip
#else
#define SENDER_FENCE (!ring[me].head_waits)
#endif

/* wake_if_asleep. The wake itself is a step of its own: it is delivered when the sender submits. */
inline wake_if_asleep()
{
    SENDER_FENCE;
    if
    :: sleeping ->
        !ring[me].head_waits; /* atomic_exchange waits for the stores before it */
        d_step { was = sleeping; sleeping = false }
        if
        :: was -> d_step { wake = true; was = false }
        :: else
        fi
    :: else
    fi
}

/* spsc_push of up to `want` items; the stage keeps what had no room. What is local to the sender, or
 * seen by nobody before `head` is, is one step. */
inline push(want)
{
    if
    :: ROOM - WRAP(ring[me].head_own - ring[me].tail_seen) < want ->
        ring[me].tail_seen = ring[me].tail
    :: else
    fi;
    !ring[me].head_waits; /* a buffer of one store: a second one waits for the first */
    d_step {
        count = ROOM - WRAP(ring[me].head_own - ring[me].tail_seen);
        count = (want < count -> want : count);
        i = 0;
        do
        :: i < count ->
            assert(ring[me].slots[(ring[me].head_own + i) & MASK] == EMPTY);
            ring[me].slots[(ring[me].head_own + i) & MASK] = sent + i;
            i++
        :: else -> break
        od;
        i = 0;
        ring[me].head_own = WRAP(ring[me].head_own + count);
        ring[me].head_waits = true;
        sent = sent + count
    }
}

proctype sender(byte me)
{
    byte sent = 0, count, i;
    bool was;
    do
    :: sent < ITEMS ->
        if
        :: push(1)
        :: sent + 2 <= ITEMS -> push(2)
        fi;
        wake_if_asleep();
        if
        :: count == 0 -> /* full. The next turn is not before the target has taken something: that
                          * the code looks again by itself after a moment must not be needed. */
            (ring[me].tail != ring[me].tail_seen)
        :: else -> count = 0
        fi
    :: else -> break
    od
}

/* --- The target --- */

#ifdef NO_TARGET_FENCE
#define TARGET_FENCE skip
#else
#define TARGET_FENCE (!sleeping_waits)
#endif

inline store_sleeping(value)
{
    !sleeping_waits;
    d_step { sleeping_new = value; sleeping_waits = true }
}

/* spsc_pop of up to ROOM items, and what mail_run does with them: the items are read before the
 * store of `tail` gives their slots back. */
inline pop(from)
{
    if
    :: WRAP(ring[from].head_seen - ring[from].tail) < ROOM ->
        ring[from].head_seen = ring[from].head
    :: else
    fi;
    d_step {
        have = WRAP(ring[from].head_seen - ring[from].tail);
        assert(have <= ROOM);
        i = 0;
        do
        :: i < have ->
            slot = (ring[from].tail + i) & MASK;
            assert(ring[from].slots[slot] == got[from]); /* not lost, doubled or reordered */
            got[from]++;
            ring[from].slots[slot] = EMPTY;
            i++
        :: else -> break
        od;
        i = 0;
        slot = 0
    }
    d_step { ring[from].tail = WRAP(ring[from].tail + have); have = 0 }
}

proctype target()
{
    byte got[SENDERS], have, i, slot;
    bool waits;
    bool timer = true; /* something else wakes it once, at some time or never */
    do
    :: true ->
        pop(0);
        pop(1);
        if
        :: got[0] == ITEMS && got[1] == ITEMS -> break
        :: else
        fi;
        /* mail_sleep */
        store_sleeping(true);
        TARGET_FENCE;
        waits = (ring[0].head != ring[0].tail);
        waits = waits || (ring[1].head != ring[1].tail);
        if
        :: waits ->
            waits = false;
            if /* a ring takes wakes that are there; an eventfd keeps them */
            :: wake = false
            :: skip
            fi
        :: else ->
            if
            :: wake -> wake = false
            :: timer -> timer = false
            fi
        fi;
        store_sleeping(false) /* mail_awake */
    od
}

init
{
    d_step {
        ring[0].head = BEGIN; ring[0].head_own = BEGIN; ring[0].head_seen = BEGIN;
        ring[0].tail = BEGIN; ring[0].tail_seen = BEGIN;
        ring[0].slots[0] = EMPTY; ring[0].slots[1] = EMPTY;
        ring[1].head = BEGIN; ring[1].head_own = BEGIN; ring[1].head_seen = BEGIN;
        ring[1].tail = BEGIN; ring[1].tail_seen = BEGIN;
        ring[1].slots[0] = EMPTY; ring[1].slots[1] = EMPTY
    }
    atomic { run sender(0); run sender(1); run target() }
}
