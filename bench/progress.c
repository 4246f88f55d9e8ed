#include "progress.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { EVERY_US = 500000 };

void progress_show(struct progress *progress, const char *what, uint64_t rate, uint64_t sent,
                   uint64_t delivered)
{
    uint64_t now_us = clock_monotonic_us();
    if (now_us < progress->next_us || !isatty(STDERR_FILENO))
        return;
    progress->next_us = now_us + EVERY_US;
    progress->shown = true;
    fprintf(stderr, "\r\033[K%s: %" PRIu64 "/s, sent %" PRIu64 ", delivered %" PRIu64, what, rate,
            sent, delivered);
}

void progress_clear(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
