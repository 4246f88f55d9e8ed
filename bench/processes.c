#include "processes.h"

#include "text.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is read of /proc/PID/stat. */
struct stat_line {
    unsigned parent;
    uint64_t dead_user, dead_system; /* ticks of children that have ended */
};

static bool read_stat(unsigned pid, struct stat_line *out)
{
    char path[64], line[1024] = "";
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t len = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[len] = 0;
    const char *behind = strrchr(line, ')'); /* a name may hold anything */
    return behind &&
           sscanf(behind + 1,
                  " %*c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
                  &out->parent, &out->dead_user, &out->dead_system) == 3;
}

/* --- Descendants --- */

static bool holds(const unsigned *pids, unsigned count, unsigned pid)
{
    for (unsigned i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* All processes of a name, as /proc/PID/comm tells it. */
static unsigned find_named(struct str name, unsigned *pids, unsigned count)
{
    DIR *all = opendir("/proc");
    for (struct dirent *entry; all && (entry = readdir(all)) && count < PROCESSES_MAX;) {
        char path[320], comm[32] = "";
        uint64_t pid;
        if (!text_u64(str_of(entry->d_name), 1, INT32_MAX, &pid))
            continue;
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file && fgets(comm, sizeof comm, file) && str_eq(str_trim(str_of(comm)), name) &&
            !holds(pids, count, (unsigned)pid))
            pids[count++] = (unsigned)pid;
        if (file)
            fclose(file);
    }
    if (all)
        closedir(all);
    return count;
}

static unsigned read_list(const char *list, unsigned *pids)
{
    struct str rest = str_of(list);
    unsigned count = 0;
    while (rest.len && count < PROCESSES_MAX) {
        struct str word = str_trim(str_cut(rest, ',', &rest));
        uint64_t pid;
        if (text_u64(word, 1, INT32_MAX, &pid))
            pids[count++] = (unsigned)pid;
        else
            count = find_named(word, pids, count);
    }
    return count;
}

/* One look at all processes: those whose parent is in the list join it. */
static unsigned adopt(unsigned *pids, unsigned count)
{
    DIR *all = opendir("/proc");
    if (!all)
        return count;
    for (struct dirent *entry; (entry = readdir(all)) && count < PROCESSES_MAX;) {
        struct stat_line line;
        uint64_t pid;
        if (text_u64(str_of(entry->d_name), 1, INT32_MAX, &pid) &&
            !holds(pids, count, (unsigned)pid) && read_stat((unsigned)pid, &line) &&
            holds(pids, count, line.parent))
            pids[count++] = (unsigned)pid;
    }
    closedir(all);
    return count;
}

unsigned processes_of(const char *list, unsigned pids[PROCESSES_MAX])
{
    unsigned count = read_list(list, pids), before;
    if (count == 0)
        return 0;
    do {
        before = count;
        count = adopt(pids, count);
    } while (count != before && count < PROCESSES_MAX);
    return count;
}

/* --- CPU time --- */

/* The first number of schedstat: nanoseconds on a CPU. */
static double thread_cpu_us(unsigned pid, const char *thread)
{
    char path[320];
    uint64_t ns = 0;
    snprintf(path, sizeof path, "/proc/%u/task/%s/schedstat", pid, thread);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%" SCNu64, &ns) != 1)
        ns = 0;
    fclose(file);
    return (double)ns / 1e3;
}

static double dead_children_us(unsigned pid)
{
    struct stat_line line;
    if (!read_stat(pid, &line))
        return 0;
    return (double)(line.dead_user + line.dead_system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static bool is_called(unsigned pid, const char *thread, const char *prefix)
{
    char path[320], name[32] = "";
    snprintf(path, sizeof path, "/proc/%u/task/%s/comm", pid, thread);
    FILE *file = fopen(path, "re");
    bool read = file && fgets(name, sizeof name, file);
    if (file)
        fclose(file);
    return read && strncmp(name, prefix, strlen(prefix)) == 0;
}

double process_threads_cpu_us(unsigned pid, const char *prefix)
{
    char path[64];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%u/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return 0;
    for (struct dirent *entry; (entry = readdir(tasks));)
        if (entry->d_name[0] != '.' && is_called(pid, entry->d_name, prefix))
            sum += thread_cpu_us(pid, entry->d_name);
    closedir(tasks);
    return sum;
}

double process_cpu_us(unsigned pid)
{
    return process_threads_cpu_us(pid, "") + dead_children_us(pid);
}
