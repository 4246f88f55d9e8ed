/*
 * Checks for bugs. They stay in release builds. Never CHECK bytes that came from outside.
 */
#ifndef RT_CHECK_H
#define RT_CHECK_H

/* Ends the process with a message, the place, and what on_panic has to tell. Any thread. */
_Noreturn void panic(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Called once at the start of a panic, on the panicking thread (the shard prints its last events).
 * Set at boot, before threads start. */
extern void (*panic_hook)(void);

#define PANIC(...) panic(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            panic(__FILE__, __LINE__, "check failed: %s", #condition);                             \
    } while (0)

#endif
