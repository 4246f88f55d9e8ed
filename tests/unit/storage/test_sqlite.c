/* What is particular to the SQLite back end: the file, group commit, a disk that fails. */
#include "store_stage.h"

#include "store_backend.h"

#include "log.h"
#include "sqlite/lite.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64], path[96];
static struct store_config config = {.backend = STORE_SQLITE, .data_dir = dir};

static int make_dir(void **state)
{
    (void)state;
    text_copy(dir, sizeof dir, STR("/tmp/ringtail-sqlite-XXXXXX"));
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/ringtail.sqlite", dir);
    return 0;
}

static int drop_dir(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    rmdir(path); /* one test puts a folder there */
    return rmdir(dir);
}

static void open_stage(void)
{
    const char *why = "";
    if (stage_open(&config, &why))
        fail_msg("%s", why);
}

static struct store_account account(const char *user)
{
    return (struct store_account){
        .user = str_of(user), .domain = STR("a.example"), .credentials = STR("x")};
}

/* Opening must fail with a sentence that has the path and `what` in it. */
static void must_refuse(const char *what)
{
    const char *why = "";
    assert_int_not_equal(store_setup(&config, &why), ERR_OK);
    if (!strstr(why, path) || !strstr(why, what))
        fail_msg("\"%s\" says nothing of \"%s\"", why, what);
}

static void test_reopen(void **state)
{
    (void)state;
    struct reply reply;
    open_stage();
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account("a"), &reply), ERR_OK);
    stage_close();
    open_stage();
    assert_int_equal(ask_account(STORE_ACCOUNT_GET, account("a"), &reply), ERR_OK);
    assert_true(str_is(reply.credentials, "x"));
    stage_close();
}

static void test_mode(void **state)
{
    (void)state;
    struct reply reply;
    struct stat file, wal;
    char name[128];
    open_stage();
    ask_account(STORE_ACCOUNT_ADD, account("a"), &reply);
    snprintf(name, sizeof name, "%s-wal", path);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(stat(name, &wal), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(wal.st_mode & 0777, 0600);
    stage_close();
}

static void test_group_commit(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static struct reply replies[MANY];
    memset(replies, 0, sizeof replies);
    open_stage();
    uint64_t commits = metric_sum(&store_commits);
    for (int i = 0; i < MANY; i++) {
        char user[16];
        snprintf(user, sizeof user, "u%d", i);
        store_ask(account_op(STORE_ACCOUNT_ADD, account(user), &replies[i]), 15000);
    }
    for (int i = 0; i < MANY; i++) {
        stage_until(&replies[i].done);
        assert_int_equal(replies[i].outcome, ERR_OK);
    }
    commits = metric_sum(&store_commits) - commits;
    assert_in_range(commits, 1, 5);
    stage_close();
}

/* Readers have connections of their own and must not be behind. */
static void test_read_your_writes(void **state)
{
    (void)state;
    open_stage();
    for (int i = 0; i < 200; i++) {
        struct reply reply;
        char user[16];
        snprintf(user, sizeof user, "u%d", i);
        assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account(user), &reply), ERR_OK);
        assert_int_equal(ask_account(STORE_ACCOUNT_GET, account(user), &reply), ERR_OK);
        assert_int_equal(ask_account(STORE_ACCOUNT_REMOVE, account(user), &reply), ERR_OK);
        assert_int_equal(ask_account(STORE_ACCOUNT_GET, account(user), &reply), ERR_NOT_FOUND);
    }
    stage_close();
}

static struct lite *open_beside(void)
{
    struct lite *lite;
    char why[256];
    if (lite_open(path, true, &lite, why, sizeof why))
        fail_msg("%s", why);
    return lite;
}

static void test_newer(void **state)
{
    (void)state;
    open_stage();
    stage_close();
    struct lite *lite = open_beside();
    assert_int_equal(lite_exec(lite, "INSERT INTO schema_migration (version) VALUES (99)"), ERR_OK);
    lite_close(lite);
    must_refuse("schema version 99");
    must_refuse("versions up to");
}

static void test_garbage(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fprintf(file, "this is no database at all %d\n", i);
    fclose(file);
    must_refuse("not a database");
}

static void test_not_writable(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    must_refuse("Is a directory");
}

static void test_no_dir(void **state)
{
    (void)state;
    assert_int_equal(rmdir(dir), 0);
    must_refuse("No such file or directory");
    assert_int_equal(mkdir(dir, 0700), 0);
}

/* Another program holds the write lock for longer than the busy timeout. */
static void test_locked(void **state)
{
    (void)state;
    struct reply reply;
    const char *why;
    open_stage();
    struct lite *lite = open_beside();
    assert_int_equal(lite_exec(lite, "BEGIN IMMEDIATE"), ERR_OK);
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account("a"), &reply), ERR_DOWN);
    assert_false(store_ready(stage_shard, &why));
    assert_non_null(strstr(why, "locked"));
    assert_int_equal(ask_account(STORE_ACCOUNT_GET, account("a"), &reply), ERR_NOT_FOUND);
    assert_int_equal(lite_exec(lite, "COMMIT"), ERR_OK);
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account("a"), &reply), ERR_OK);
    assert_true(store_ready(stage_shard, &why));
    lite_close(lite);
    stage_close();
}

static void set_file_limit(rlim_t len)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = len;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The disk takes no more: the whole batch is refused, nothing of it is there, and when there is
 * room again all goes on. A limit on file sizes stands for the full disk. */
static void test_disk_fails(void **state)
{
    (void)state;
    enum { BATCH = 200 };
    static struct reply replies[BATCH];
    const char *why;
    memset(replies, 0, sizeof replies);
    struct reply reply;
    open_stage();
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account("before"), &reply), ERR_OK);
    signal(SIGXFSZ, SIG_IGN);
    set_file_limit(64 * 1024);
    for (int i = 0; i < BATCH; i++) {
        char user[1024];
        snprintf(user, sizeof user, "%0900d", i);
        store_ask(account_op(STORE_ACCOUNT_ADD, account(user), &replies[i]), 15000);
    }
    for (int i = 0; i < BATCH; i++) {
        stage_until(&replies[i].done);
        assert_true(replies[i].outcome == ERR_DOWN || replies[i].outcome == ERR_FULL);
    }
    assert_false(store_ready(stage_shard, &why));
    set_file_limit(RLIM_INFINITY);
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account("after"), &reply), ERR_OK);
    assert_true(store_ready(stage_shard, &why));
    struct reply total = {0};
    struct store_op *op = store_op_new(STORE_ACCOUNT_COUNT, on_reply, &total);
    op->list.domain = STR("a.example");
    store_ask(op, 0);
    stage_until(&total.done);
    assert_int_equal(total.total, 2);
    stage_close();
}

/* In a process of its own: adds, and tells of each that was answered. */
static void add_until_killed(int out)
{
    open_stage();
    for (int i = 0; i < 100000; i++) {
        struct reply reply;
        char user[16];
        snprintf(user, sizeof user, "u%d", i);
        if (ask_account(STORE_ACCOUNT_ADD, account(user), &reply) ||
            write(out, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

/* What was answered is there after a kill. */
static void test_killed(void **state)
{
    (void)state;
    int ends[2], last = -1, next;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        add_until_killed(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    while (read(ends[0], &next, sizeof next) == sizeof next) {
        last = next;
        if (last == 50)
            kill(child, SIGKILL);
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(last >= 50);
    open_stage();
    for (int i = 0; i <= last; i++) {
        struct reply reply;
        char user[16];
        snprintf(user, sizeof user, "u%d", i);
        assert_int_equal(ask_account(STORE_ACCOUNT_GET, account(user), &reply), ERR_OK);
    }
    stage_close();
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_dir, drop_dir)

int main(void)
{
    log_threshold = LOG_NONE;
    const struct CMUnitTest tests[] = {
        CASE(test_reopen),     CASE(test_mode),   CASE(test_group_commit),
        CASE(test_newer),      CASE(test_locked), CASE(test_read_your_writes),
        CASE(test_garbage),    CASE(test_no_dir), CASE(test_not_writable),
        CASE(test_disk_fails), CASE(test_killed),
    };
    return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
