#include "affinity.h"

#include <sched.h>

enum err affinity_pin(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) ? ERR_SYSTEM : ERR_OK;
}
