#include "wheel.h"

enum { SLOT_BITS = 8, SLOT_MASK = WHEEL_SLOTS - 1 };

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
    *wheel = (struct wheel){.now_ms = now_ms};
    for (int level = 0; level < WHEEL_LEVELS; level++)
        for (int slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
}

/* The level is that of the highest digit (base 256) in which due and now differ: the timer moves
 * down a level when the clock reaches that digit. */
static void place(struct wheel *wheel, struct timer *timer)
{
    uint64_t differ = timer->due_ms ^ wheel->now_ms;
    int level = differ < 1u << 8 ? 0 : differ < 1u << 16 ? 1 : differ < 1u << 24 ? 2 : 3;
    unsigned slot = (unsigned)(timer->due_ms >> (SLOT_BITS * level)) & SLOT_MASK;
    list_push(&wheel->slots[level][slot], &timer->link);
    wheel->used[level][slot / 64] |= 1ull << slot % 64;
}

void wheel_set(struct wheel *wheel, struct timer *timer, uint64_t due_ms, timer_fn *fire)
{
    wheel_drop(wheel, timer);
    if (due_ms <= wheel->now_ms)
        due_ms = wheel->now_ms + 1;
    if (due_ms - wheel->now_ms > UINT32_MAX)
        due_ms = wheel->now_ms + UINT32_MAX;
    timer->due_ms = due_ms;
    timer->fire = fire;
    place(wheel, timer);
    wheel->count++;
}

void wheel_drop(struct wheel *wheel, struct timer *timer)
{
    if (!timer_is_set(timer))
        return;
    list_drop(&timer->link);
    wheel->count--;
}

/* Moves what the slot of a higher level holds down to where it belongs now. */
static void cascade(struct wheel *wheel, int level)
{
    unsigned slot = (unsigned)(wheel->now_ms >> (SLOT_BITS * level)) & SLOT_MASK;
    struct link moving;
    list_init(&moving);
    list_move(&moving, &wheel->slots[level][slot]);
    wheel->used[level][slot / 64] &= ~(1ull << slot % 64);
    for (struct link *link; (link = list_pop(&moving));)
        place(wheel, LIST_OWNER(link, struct timer, link));
}

static void fire_slot(struct wheel *wheel)
{
    unsigned slot = (unsigned)wheel->now_ms & SLOT_MASK;
    struct link due;
    list_init(&due);
    list_move(&due, &wheel->slots[0][slot]);
    wheel->used[0][slot / 64] &= ~(1ull << slot % 64);
    for (struct link *link; (link = list_pop(&due));) {
        struct timer *timer = LIST_OWNER(link, struct timer, link);
        wheel->count--;
        timer->fire(timer);
    }
}

/* The first used slot of a level at or behind `from`; WHEEL_SLOTS when there is none. */
static unsigned next_used(const struct wheel *wheel, int level, unsigned from)
{
    for (unsigned word = from / 64; word < WHEEL_SLOTS / 64; word++) {
        uint64_t bits = wheel->used[level][word];
        if (word == from / 64)
            bits &= ~0ull << from % 64;
        if (bits)
            return word * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return WHEEL_SLOTS;
}

uint64_t wheel_next(const struct wheel *wheel)
{
    if (wheel->count == 0)
        return UINT64_MAX;
    for (int level = 0; level < WHEEL_LEVELS; level++) {
        unsigned now = (unsigned)(wheel->now_ms >> (SLOT_BITS * level)) & SLOT_MASK;
        unsigned slot = next_used(wheel, level, now + 1);
        if (slot == WHEEL_SLOTS)
            continue;
        uint64_t unit = 1ull << (SLOT_BITS * level);
        uint64_t start = (wheel->now_ms & ~(unit * WHEEL_SLOTS - 1)) + slot * unit;
        return start - wheel->now_ms;
    }
    /* Only timers behind the wrap of the highest level are left. */
    uint64_t whole = 1ull << (SLOT_BITS * WHEEL_LEVELS);
    return whole - (wheel->now_ms & (whole - 1));
}

void wheel_turn(struct wheel *wheel, uint64_t now_ms)
{
    while (wheel->now_ms < now_ms) {
        uint64_t step = wheel_next(wheel);
        if (step > now_ms - wheel->now_ms) {
            wheel->now_ms = now_ms;
            return;
        }
        wheel->now_ms += step;
        for (int level = WHEEL_LEVELS - 1; level > 0; level--)
            if ((wheel->now_ms & ((1ull << (SLOT_BITS * level)) - 1)) == 0)
                cascade(wheel, level);
        fire_slot(wheel);
    }
}
