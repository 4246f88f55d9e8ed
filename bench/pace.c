#include "pace.h"

void pace_init(struct pace *pace, uint64_t start_us, uint64_t warmup_us, uint64_t measured_us)
{
    pace->start_us = start_us;
    pace->measure_us = start_us + warmup_us;
    pace->end_us = pace->measure_us + measured_us;
    unsigned __int128 messages = (unsigned __int128)(warmup_us + measured_us) * pace->rate;
    uint64_t writes = (uint64_t)(messages / 1000000 / pace->burst);
    pace->writes = (writes + pace->parts - 1 - pace->part) / pace->parts;
}

uint64_t pace_due_us(const struct pace *pace, uint64_t index)
{
    if (index >= pace->writes)
        return UINT64_MAX;
    uint64_t messages = (index * pace->parts + pace->part) * pace->burst, tick = pace->tick_us;
    uint64_t offset_us = (uint64_t)((unsigned __int128)messages * 1000000 / pace->rate);
    if (tick)
        offset_us = (offset_us + tick - 1) / tick * tick;
    return pace->start_us + offset_us;
}
