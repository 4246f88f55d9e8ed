#include "boot.h"

#include "arena.h"
#include "check.h"
#include "limits.h"
#include "log.h"
#include "mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LAST_MAIL_TRIES = 1000 };

struct seat {
    const struct boot *boot;
    unsigned id, cpu;
    pthread_t thread;
    enum err err;
    char name[24];
};

static pthread_barrier_t all_there;
static atomic_int failed_seats;
static struct mail *stop_mails;
static atomic_bool stop_asked;

/* The quota of cgroup v2 in CPUs, rounded up; 0 without one. */
static unsigned cgroup_cpus(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    unsigned long quota = 0, period = 0;
    if (!file)
        return 0;
    int got = fscanf(file, "%lu %lu", &quota, &period); /* "max 100000" gives none */
    fclose(file);
    return got == 2 && period ? (unsigned)((quota + period - 1) / period) : 0;
}

unsigned boot_cpus(unsigned *cpus, unsigned room)
{
    cpu_set_t set;
    unsigned count = 0;
    if (sched_getaffinity(0, sizeof set, &set))
        CPU_ZERO(&set);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && count < room; cpu++)
        if (CPU_ISSET(cpu, &set))
            cpus[count++] = cpu;
    unsigned quota = cgroup_cpus();
    if (quota && quota < count)
        count = quota;
    return count ? count : 1;
}

uint64_t boot_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

/* Shards wake each other through the sender's ring, helpers through the target's event. */
static void wake(unsigned target)
{
    if (target >= shard_count)
        helper_wake(target - shard_count);
    else if (shard_self)
        ring_wake(shard_self->ring, shard_at(target)->ring);
    else
        ring_wake_outside(shard_at(target)->ring);
}

static void on_panic(void)
{
    if (shard_self)
        fprintf(stderr, "panic: on shard %u in turn at %llu us\n", shard_self->id,
                (unsigned long long)shard_self->now_us);
}

static void prepare(unsigned shards)
{
    shard_count = shards;
    panic_hook = on_panic;
    metric_register(shard_metrics);
    mail_setup(shards + helper_count(), wake);
}

static void pin_to(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        LOG(LOG_WARNING, "pin_failed", LF_INT("cpu", cpu));
}

/* What is staged for others, their end among it, must go out, and they must wake up for it. */
static void send_last_mail(struct shard *shard)
{
    for (int tries = 0; mail_flush() && tries < LAST_MAIL_TRIES; tries++)
        usleep(1000);
    ring_wait(shard->ring, 0); /* wakes are requests to the ring */
}

static void *run_seat(void *argument)
{
    struct seat *seat = argument;
    struct shard *shard = NULL;
    if (seat->boot->pin)
        pin_to(seat->cpu);
    mail_enter(seat->id);
    log_thread((int)seat->id);
    metric_thread(seat->name);
    prctl(PR_SET_NAME, seat->name); /* as top and perf show it */
    seat->err = shard_new(seat->id, &shard);
    if (seat->err)
        atomic_fetch_add(&failed_seats, 1);
    pthread_barrier_wait(&all_there);
    if (atomic_load(&failed_seats))
        return NULL;
    shard_enter(shard);
    shard->spin = seat->boot->spin;
    seat->boot->start(shard);
    shard_run(shard);
    seat->boot->stop(shard);
    send_last_mail(shard);
    arena_pool_drop();
    return NULL;
}

static enum err start_seats(const struct boot *boot, struct seat *seats)
{
    unsigned cpus[256], cpu_count = boot_cpus(cpus, COUNT_OF(cpus));
    pthread_barrier_init(&all_there, NULL, boot->shards);
    for (unsigned i = 0; i < boot->shards; i++) {
        seats[i] = (struct seat){.boot = boot, .id = i, .cpu = cpus[i % cpu_count]};
        snprintf(seats[i].name, sizeof seats[i].name, "shard %u", i);
        int failed = pthread_create(&seats[i].thread, NULL, run_seat, &seats[i]);
        CHECK(!failed);
    }
    for (unsigned i = 0; i < boot->shards; i++)
        pthread_join(seats[i].thread, NULL);
    pthread_barrier_destroy(&all_there);
    for (unsigned i = 0; i < boot->shards; i++)
        if (seats[i].err)
            return seats[i].err;
    return ERR_OK;
}

/* Passes on what ended helpers could not send because a ring was full. True: some is still left. */
static bool flush_helpers(unsigned shards, unsigned helpers)
{
    size_t left = 0;
    for (unsigned i = 0; i < helpers; i++) {
        mail_enter(shards + i);
        left += mail_flush();
    }
    return left > 0;
}

/* What the helpers sent while the shards ended is run here, so that its owners can free it. */
static void run_last_mail(unsigned shards, unsigned helpers)
{
    bool more;
    do {
        more = flush_helpers(shards, helpers);
        for (unsigned i = 0; i < shards; i++) {
            if (!shard_at(i))
                continue;
            shard_enter(shard_at(i));
            while (mail_run())
                ;
        }
    } while (more);
}

enum err boot_run(const struct boot *boot)
{
    struct seat *seats = mem_zalloc(boot->shards * sizeof *seats);
    stop_mails = mem_zalloc(boot->shards * sizeof *stop_mails);
    unsigned helpers = helper_count();
    atomic_store(&stop_asked, false);
    atomic_store(&failed_seats, 0);
    prepare(boot->shards);
    helper_start_all(boot->shards);
    enum err err = start_seats(boot, seats);
    mail_enter(0);
    helper_stop_all();
    run_last_mail(boot->shards, helpers);
    for (unsigned i = 0; i < boot->shards; i++)
        if (shard_at(i))
            shard_free(shard_at(i));
    mail_teardown();
    mem_free(stop_mails);
    mem_free(seats);
    return err;
}

static void on_stop(struct mail *mail)
{
    (void)mail;
    shard_self->stopping = true;
}

void boot_stop(void)
{
    if (atomic_exchange(&stop_asked, true)) /* the mails are on their way */
        return;
    for (unsigned i = 0; i < shard_count; i++) {
        stop_mails[i].run = on_stop;
        mail_send(i, &stop_mails[i]);
    }
}

enum err boot_single(struct shard **out)
{
    prepare(1);
    metric_thread("shard 0");
    mail_enter(0);
    enum err err = shard_new(0, out);
    if (err)
        return err;
    shard_enter(*out);
    helper_start_all(1);
    return ERR_OK;
}

void boot_single_end(struct shard *shard)
{
    unsigned helpers = helper_count();
    helper_stop_all();
    run_last_mail(1, helpers);
    shard_free(shard);
    mail_teardown();
}
