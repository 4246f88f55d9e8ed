/* What ends a process is tried in one of its own. */
#ifndef RT_FORK_TEST_H
#define RT_FORK_TEST_H

#include "core_test.h"

/* How a process ends that runs this: its exit code, or minus the signal. */
static inline int end_of(void (*run)(void))
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
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static inline bool panics(void (*run)(void))
{
    return end_of(run) == -SIGABRT;
}

#endif
