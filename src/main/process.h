/* What the kernel knows of this process. Any thread. */
#ifndef RT_PROCESS_H
#define RT_PROCESS_H

#include <stdint.h>

/* Now is when it started; for process_uptime_ms. At boot, once. */
void process_begin(void);
uint64_t process_uptime_ms(void);

/* Resident memory in bytes, CPU time of all threads in µs, open descriptors; 0: unknown. */
uint64_t process_resident(void);
uint64_t process_cpu_us(void);
uint64_t process_descriptors(void);

#endif
