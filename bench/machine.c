#include "machine.h"

#include "clock.h"
#include "hist.h"
#include "json.h"
#include "mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct machine_time machine_time(void)
{
    uint64_t user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, soft = 0, steal = 0;
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return (struct machine_time){0};
    int got = fscanf(file,
                     "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                     " %" SCNu64 " %" SCNu64,
                     &user, &nice, &system, &idle, &waiting, &irq, &soft, &steal);
    fclose(file);
    double tick_us = 1e6 / (double)sysconf(_SC_CLK_TCK);
    if (got != 8)
        return (struct machine_time){0};
    return (struct machine_time){(double)(user + nice + system + irq + soft) * tick_us,
                                 (double)steal * tick_us};
}

enum { NOISE_US = 100000, PIECE = 20000 };

/* Nothing in it waits for memory; some 10 to 50 µs. */
static uint64_t work(uint64_t x)
{
    for (int i = 0; i < PIECE; i++)
        x = x * 6364136223846793005 + 1442695040888963407;
    return x;
}

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void machine_noise(struct report *report)
{
    struct hist *ns = mem_zalloc(sizeof *ns);
    volatile uint64_t sink = 0;
    uint64_t until_us = clock_monotonic_us() + NOISE_US;
    while (clock_monotonic_us() < until_us) {
        uint64_t before = now_ns();
        sink = work(sink);
        hist_add(ns, now_ns() - before);
    }
    report_add(report, "noise_p50_us", (double)hist_at(ns, 500) / 1e3, 1);
    report_add(report, "noise_p99_us", (double)hist_at(ns, 990) / 1e3, 1);
    report_add(report, "noise_max_us", (double)ns->max / 1e3, 1);
    mem_free(ns);
}

/* The model's name where the kernel tells it (x86), else the kernel's word for the machine. */
static void cpu_name(char *out, size_t room, const char *otherwise)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    text_copy(out, room, str_of(otherwise));
    while (file && fgets(line, sizeof line, file)) {
        struct str value;
        if (strncmp(line, "model name", 10) != 0)
            continue;
        str_cut(str_of(line), ':', &value);
        text_copy(out, room, str_trim(value));
        break;
    }
    if (file)
        fclose(file);
}

void machine_write(struct buf *out)
{
    struct utsname name;
    struct sysinfo info = {0};
    char cpu[128];
    if (uname(&name))
        memset(&name, 0, sizeof name);
    sysinfo(&info);
    cpu_name(cpu, sizeof cpu, name.machine);
    buf_push_str(out, STR("{"));
    json_member(out, "cpu", cpu);
    json_number(out, "cpus", (double)sysconf(_SC_NPROCESSORS_ONLN), 0);
    json_number(out, "memory_bytes", (double)info.totalram * info.mem_unit, 0);
    json_member(out, "kernel", name.release);
    json_member(out, "machine", name.machine);
    buf_push_str(out, STR("}"));
}
