/* Helper threads: jobs in order, in batches, and home again. */
#include "helper.h"

#include "shard_test.h"

#include <pthread.h>
#include <stdatomic.h>

enum { JOBS = 3000 };

struct task_job {
    struct job job; /* first */
    unsigned number, helper;
    unsigned worked, done;
};

/* What a helper saw; written by its thread alone, read when it has ended or sent something home. */
struct place {
    pthread_t thread;
    unsigned started, stopped, batches, count, biggest;
    bool right, foreign;
};

static struct task_job jobs[JOBS];
static struct place places[4];
static unsigned done_count;
static bool done_right;

static void reset(void)
{
    memset(jobs, 0, sizeof jobs);
    memset(places, 0, sizeof places);
    for (size_t i = 0; i < COUNT_OF(places); i++)
        places[i].right = true;
    for (unsigned i = 0; i < JOBS; i++)
        jobs[i].number = i;
    done_count = 0;
    done_right = true;
}

static void on_start(void *own)
{
    struct place *place = own;
    place->thread = pthread_self();
    place->started++;
}

static void on_stop(void *own)
{
    struct place *place = own;
    place->stopped++;
    place->foreign |= !pthread_equal(place->thread, pthread_self());
}

static void work(struct job *job)
{
    struct task_job *mine = (struct task_job *)job;
    struct place *place = &places[mine->helper];
    place->foreign |= place->started && !pthread_equal(place->thread, pthread_self());
    place->right &= mine->number >= place->count; /* never an older one */
    place->count = mine->number;
    mine->worked++;
}

static void done(struct job *job)
{
    struct task_job *mine = (struct task_job *)job;
    done_right &= mine->worked == 1 && mine->number == done_count && shard_self == shard;
    mine->done++;
    done_count++;
}

static void batch(void *own, struct job **given, size_t count)
{
    struct place *place = own;
    place->batches++;
    place->biggest = count > place->biggest ? (unsigned)count : place->biggest;
    place->foreign |= !pthread_equal(place->thread, pthread_self());
    for (size_t i = 0; i < count; i++) {
        struct task_job *mine = (struct task_job *)given[i];
        place->right &= mine->number == place->count++;
        mine->worked++;
    }
}

static void send_jobs(unsigned helper, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        jobs[i].helper = helper;
        jobs[i].job.work = work;
        jobs[i].job.done = done;
        helper_send(helper, &jobs[i].job);
    }
}

static void runs_jobs_in_order(void **state)
{
    reset();
    unsigned helper = helper_declare(
        &(struct helper){.name = "one", .own = &places[0], .start = on_start, .stop = on_stop});
    assert_int_equal(helper_count(), 1);
    assert_int_equal(shard_up(state), 0);
    send_jobs(helper, 0, 10);
    assert_int_equal(done_count, 0);
    TURN_UNTIL(done_count == 10);
    send_jobs(helper, 10, JOBS - 10);
    TURN_UNTIL(done_count == JOBS);
    shard_down(state);
    assert_true(done_right && places[0].right && !places[0].foreign);
    assert_false(pthread_equal(places[0].thread, pthread_self()));
    assert_int_equal(places[0].started, 1);
    assert_int_equal(places[0].stopped, 1);
    assert_int_equal(helper_count(), 0);
}

static void gives_what_came_together_as_one(void **state)
{
    reset();
    unsigned helper = helper_declare(&(struct helper){
        .name = "batch", .own = &places[0], .start = on_start, .batch = batch, .stop = on_stop});
    assert_int_equal(shard_up(state), 0);
    for (unsigned i = 0; i < JOBS; i += 100) {
        send_jobs(helper, i, 100); /* published together */
        shard_turn(shard, 0);
    }
    TURN_UNTIL(done_count == JOBS);
    shard_down(state);
    assert_true(done_right && places[0].right && !places[0].foreign);
    assert_int_equal(places[0].count, JOBS);
    assert_true(places[0].biggest >= 2);
    assert_true(places[0].batches <= JOBS / 2);
}

/* More than a ring holds, to a home that does not look for a while. */
static void a_slow_home_loses_nothing(void **state)
{
    enum { MORE = 20000 };
    reset();
    struct task_job *many = mem_zalloc(MORE * sizeof *many);
    unsigned helper = helper_declare(&(struct helper){.name = "one"});
    assert_int_equal(shard_up(state), 0);
    for (unsigned i = 0; i < MORE; i++) {
        many[i].number = i;
        many[i].job.work = work;
        many[i].job.done = done;
        helper_send(helper, &many[i].job);
        if (i % 1000 == 999)
            mail_flush();
    }
    while (mail_flush())
        usleep(1000);
    usleep(20000);
    TURN_UNTIL(done_count == MORE);
    shard_down(state);
    assert_true(done_right);
    mem_free(many);
}

static void what_is_under_way_at_the_end_comes_home(void **state)
{
    reset();
    unsigned helper = helper_declare(&(struct helper){.name = "one"});
    assert_int_equal(shard_up(state), 0);
    send_jobs(helper, 0, 2000);
    shard_down(state); /* no turn in between */
    assert_int_equal(done_count, 2000);
    assert_true(done_right);
}

static _Thread_local unsigned worked_here;
static atomic_uint most_worked, all_worked;

static void work_anywhere(struct job *job)
{
    (void)job;
    worked_here++;
    atomic_fetch_add(&all_worked, 1);
    if (worked_here > atomic_load(&most_worked))
        atomic_store(&most_worked, worked_here);
}

static void done_anywhere(struct job *job)
{
    (void)job;
    done_count++;
}

static void anyone_is_the_next_in_turn(void **state)
{
    reset();
    helper_declare(&(struct helper){.name = "other"});
    helper_declare_anyone(3);
    assert_int_equal(helper_count(), 4);
    assert_int_equal(shard_up(state), 0);
    for (unsigned i = 0; i < 300; i++) {
        jobs[i].job.work = work_anywhere;
        jobs[i].job.done = done_anywhere;
        helper_anyone(&jobs[i].job);
    }
    TURN_UNTIL(done_count == 300);
    shard_down(state);
    assert_int_equal(all_worked, 300);
    assert_int_equal(most_worked, 100);
}

/* --- Two shards, one helper --- */

enum { EACH = 500 };

static struct {
    struct job job; /* first */
    unsigned home;
} shared[2][EACH];

static unsigned came_home[2];
static atomic_uint wrong_home, ended;

static void done_on_shard(struct job *job)
{
    if (shared[shard_self->id][came_home[shard_self->id]].home != shard_self->id ||
        &shared[shard_self->id][came_home[shard_self->id]].job != job)
        atomic_fetch_add(&wrong_home, 1);
    if (++came_home[shard_self->id] == EACH && atomic_fetch_add(&ended, 1) == 1)
        boot_stop();
}

static void start_shard(struct shard *self)
{
    for (unsigned i = 0; i < EACH; i++) {
        shared[self->id][i].home = self->id;
        shared[self->id][i].job.work = work_anywhere;
        shared[self->id][i].job.done = done_on_shard;
        helper_send(0, &shared[self->id][i].job);
    }
}

static void stop_shard(struct shard *self)
{
    (void)self;
}

static void done_runs_at_home(void **state)
{
    (void)state;
    const struct boot boot = {.shards = 2, .start = start_shard, .stop = stop_shard};
    helper_declare(&(struct helper){.name = "one"});
    assert_int_equal(boot_run(&boot), ERR_OK);
    assert_int_equal(came_home[0] + came_home[1], 2 * EACH);
    assert_int_equal(wrong_home, 0);
}

/* --- Mistakes --- */

static void send_to_nobody(void)
{
    helper_send(0, &jobs[0].job);
}

static void anyone_without_helpers(void)
{
    helper_anyone(&jobs[0].job);
}

static void too_many(void)
{
    helper_declare_anyone(HELPERS_MAX + 1);
}

static void mistakes_panic(void **state)
{
    (void)state;
    assert_true(panics(send_to_nobody));
    assert_true(panics(anyone_without_helpers));
    assert_true(panics(too_many));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_jobs_in_order),
        cmocka_unit_test(gives_what_came_together_as_one),
        cmocka_unit_test(a_slow_home_loses_nothing),
        cmocka_unit_test(what_is_under_way_at_the_end_comes_home),
        cmocka_unit_test(anyone_is_the_next_in_turn),
        cmocka_unit_test(done_runs_at_home),
        cmocka_unit_test(mistakes_panic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
