#include "helper.h"

#include "arena.h"
#include "check.h"
#include "limits.h"
#include "log.h"
#include "mem.h"
#include "metric.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

struct runner {
    struct helper is;
    pthread_t thread;
    int event; /* what a sleeping helper reads */
    unsigned post;
    bool running;
    bool ending;
    struct mail end;
    struct job **gathered; /* of this turn, for `batch` */
    size_t gathered_count, gathered_room;
};

static struct runner runners[HELPERS_MAX];
static unsigned runner_count;
static unsigned anyone_first, anyone_count;
static _Thread_local unsigned anyone_turn;
static _Thread_local struct runner *runner_self;

unsigned helper_declare(const struct helper *helper)
{
    CHECK(runner_count < HELPERS_MAX);
    runners[runner_count] = (struct runner){.is = *helper, .event = -1};
    return runner_count++;
}

unsigned helper_count(void)
{
    return runner_count;
}

void helper_declare_anyone(unsigned count)
{
    anyone_first = runner_count;
    anyone_count = count;
    for (unsigned i = 0; i < count; i++)
        helper_declare(&(struct helper){.name = "helper"});
}

static void run_done(struct mail *mail)
{
    struct job *job = (struct job *)mail;
    job->done(job);
}

static void send_home(struct job *job)
{
    job->mail.run = run_done;
    mail_send(job->home, &job->mail);
}

static void gather(struct runner *runner, struct job *job)
{
    if (runner->gathered_count == runner->gathered_room) {
        runner->gathered_room = runner->gathered_room ? runner->gathered_room * 2 : 256;
        runner->gathered =
            mem_realloc(runner->gathered, runner->gathered_room * sizeof(struct job *));
    }
    runner->gathered[runner->gathered_count++] = job;
}

static void run_work(struct mail *mail)
{
    struct job *job = (struct job *)mail;
    if (runner_self->is.batch) {
        gather(runner_self, job);
        return;
    }
    job->work(job);
    send_home(job);
}

void helper_send(unsigned helper, struct job *job)
{
    CHECK(helper < runner_count);
    job->home = mail_self();
    job->mail.run = run_work;
    mail_send(runners[helper].post, &job->mail);
}

void helper_anyone(struct job *job)
{
    CHECK(anyone_count);
    helper_send(anyone_first + anyone_turn++ % anyone_count, job);
}

static size_t turn(struct runner *runner)
{
    runner_self = runner;
    size_t count = mail_run();
    if (runner->gathered_count) {
        runner->is.batch(runner->is.own, runner->gathered, runner->gathered_count);
        for (size_t i = 0; i < runner->gathered_count; i++)
            send_home(runner->gathered[i]);
        runner->gathered_count = 0;
    }
    return count;
}

size_t helper_turn(unsigned helper)
{
    struct runner *runner = &runners[helper];
    mail_enter(runner->post);
    size_t count = turn(runner);
    mail_flush();
    return count;
}

static void end_runner(struct mail *mail)
{
    struct runner *runner = (struct runner *)((char *)mail - offsetof(struct runner, end));
    runner->ending = true;
}

static void *run_thread(void *argument)
{
    struct runner *runner = argument;
    mail_enter(runner->post);
    metric_thread(runner->is.name);
    prctl(PR_SET_NAME, runner->is.name); /* the first 15 bytes */
    if (runner->is.start)
        runner->is.start(runner->is.own);
    while (!runner->ending) {
        size_t worked = turn(runner);
        if (mail_flush() || worked)
            continue;
        uint64_t ticks;
        if (mail_sleep() && read(runner->event, &ticks, sizeof ticks) < 0)
            PANIC("reading the event of helper %s failed", runner->is.name);
        mail_awake();
    }
    if (runner->is.stop)
        runner->is.stop(runner->is.own);
    arena_pool_drop();
    return NULL;
}

void helper_seat_all(unsigned first_post)
{
    for (unsigned i = 0; i < runner_count; i++)
        runners[i].post = first_post + i;
}

void helper_start_all(unsigned first_post)
{
    helper_seat_all(first_post);
    for (unsigned i = 0; i < runner_count; i++) {
        runners[i].event = eventfd(0, EFD_CLOEXEC);
        CHECK(runners[i].event >= 0);
    }
    for (unsigned i = 0; i < runner_count; i++) {
        int failed = pthread_create(&runners[i].thread, NULL, run_thread, &runners[i]);
        CHECK(!failed);
        runners[i].running = true;
    }
}

void helper_wake(unsigned helper)
{
    uint64_t one = 1;
    if (write(runners[helper].event, &one, sizeof one) < 0)
        PANIC("waking helper %s failed", runners[helper].is.name);
}

void helper_stop_all(void)
{
    for (unsigned i = 0; i < runner_count; i++)
        if (runners[i].running) {
            runners[i].end.run = end_runner;
            mail_send(runners[i].post, &runners[i].end);
        }
    while (mail_flush())
        usleep(1000);
    for (unsigned i = 0; i < runner_count; i++) {
        if (runners[i].running)
            pthread_join(runners[i].thread, NULL);
        if (runners[i].event >= 0)
            close(runners[i].event);
        mem_free(runners[i].gathered);
    }
    runner_count = anyone_count = 0;
}
