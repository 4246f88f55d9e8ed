/*
 * A hierarchical timing wheel, 4 levels of 256 slots, one tick a millisecond. Timers live inside
 * their owners; setting and dropping one is a few instructions and allocates nothing. One shard.
 */
#ifndef RT_WHEEL_H
#define RT_WHEEL_H

#include "list.h"

#include <stdbool.h>
#include <stdint.h>

struct timer;
typedef void timer_fn(struct timer *timer);

/* Zeroed: not set. The owner must drop it before it goes away. */
struct timer {
    struct link link;
    uint64_t due_ms;
    timer_fn *fire;
};

enum { WHEEL_LEVELS = 4, WHEEL_SLOTS = 256 };

struct wheel {
    uint64_t now_ms;
    uint64_t count;                                /* timers that are set */
    uint64_t used[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* a bit a slot that may have timers */
    struct link slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* An empty wheel that stands at this millisecond. */
void wheel_init(struct wheel *wheel, uint64_t now_ms);

/* Sets or moves a timer. `due_ms` in the past fires at the next turn; more than 2^32 ms ahead is
 * taken as 2^32-1. */
void wheel_set(struct wheel *wheel, struct timer *timer, uint64_t due_ms, timer_fn *fire);

/* Drops a timer if it is set. */
void wheel_drop(struct wheel *wheel, struct timer *timer);

static inline bool timer_is_set(const struct timer *timer)
{
    return list_has(&timer->link);
}

/* Fires all that is due, in order of their ticks. A fired timer is not set any more; its function
 * may set or drop any timer, this one too. */
void wheel_turn(struct wheel *wheel, uint64_t now_ms);

/* Milliseconds until the wheel wants a turn (at most the time to the next timer); UINT64_MAX
 * without timers. */
uint64_t wheel_next(const struct wheel *wheel);

#endif
