/* Pins the running thread, so that load and server do not share a CPU by chance. */
#ifndef RT_AFFINITY_H
#define RT_AFFINITY_H

#include "err.h"

/* ERR_SYSTEM: there is no such CPU, or it is not allowed. */
RT_NODISCARD enum err affinity_pin(unsigned cpu);

#endif
