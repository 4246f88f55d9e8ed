/* One line on a terminal that says how far a run is. */
#ifndef RT_PROGRESS_H
#define RT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown;
    uint64_t next_us;
};

/* Rewrites the line, twice a second at most, when standard error is a terminal. */
void progress_show(struct progress *progress, const char *what, uint64_t rate, uint64_t sent,
                   uint64_t delivered);

/* Takes it away. */
void progress_clear(struct progress *progress);

#endif
