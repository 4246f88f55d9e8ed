/* SIGTERM and SIGINT end the server: once in order, twice at once. SIGHUP is noted. */
#ifndef RT_SIGNALS_H
#define RT_SIGNALS_H

#include <stdint.h>

/* Blocks them for this thread and those it will make, and ignores SIGPIPE. At boot. */
void signals_block(void);

/* Begins to listen for them, on shard 0. */
void signals_start(uint64_t grace_ms);
void signals_stop(void);

#endif
