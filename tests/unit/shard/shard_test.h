/* What the tests of this floor share: one shard on the test's own thread, turned by hand. */
#ifndef RT_SHARD_TEST_H
#define RT_SHARD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arena.h"
#include "boot.h"
#include "log.h"
#include "mem.h"
#include "prng.h"
#include "text.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* The shard of a test that uses shard_up. */
static struct shard *shard;

static inline int shard_up(void **state)
{
    (void)state;
    log_threshold = LOG_NONE;
    return boot_single(&shard) ? -1 : 0;
}

static inline int shard_down(void **state)
{
    (void)state;
    boot_single_end(shard);
    arena_pool_drop();
    return 0;
}

#define SHARD_TEST(name) cmocka_unit_test_setup_teardown(name, shard_up, shard_down)

/* Turns until the condition holds, at most 20 s. */
#define TURN_UNTIL(condition)                                                                      \
    do {                                                                                           \
        uint64_t turn_end_ = clock_monotonic_us() + 20000000;                                      \
        while (!(condition) && clock_monotonic_us() < turn_end_)                                   \
            shard_turn(shard, 1000);                                                               \
        assert_true(condition);                                                                    \
    } while (0)

/* Turns for that long, and a few times at least: the machine may be busy with something else. */
static inline void turn_for(uint64_t ms)
{
    uint64_t end = clock_monotonic_us() + ms * 1000;
    for (int turns = 0; turns < 8 || clock_monotonic_us() < end; turns++)
        shard_turn(shard, 1000);
}

/* True when `run` ends a process by a panic. */
static inline bool panics(void (*run)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        run();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
