/* Time. The simulator links a body of its own. Any thread. */
#ifndef RT_CLOCK_H
#define RT_CLOCK_H

#include <stdint.h>

/* Microseconds that never run backwards (for timers and measuring). */
uint64_t clock_monotonic_us(void);

/* Microseconds since 1970 in UTC (for stamps and ids); may jump. */
uint64_t clock_unix_us(void);

#endif
