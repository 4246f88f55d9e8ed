#include "data_dir.h"
#include "main_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static const char *why;

static int up(void **state)
{
    text_copy(folder, sizeof folder, STR("/tmp/ringtail_data_XXXXXX"));
    why = NULL;
    return mkdtemp(folder) ? main_up(state) : -1;
}

static int down(void **state)
{
    static const char *const files[] = {
        "secret.key", "secret.key.new", "ringtail.lock", "a/b/c", "a/b", "a"};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        remove(arena_format(&arena, "%s/%s", folder, files[i]).at);
    rmdir(folder);
    return main_down(state);
}

static void makes_the_folder_and_its_parents(void **state)
{
    (void)state;
    struct stat st;
    const char *path = arena_format(&arena, "%s/a/b/c", folder).at;
    assert_int_equal(data_dir_make(path, &why), ERR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(data_dir_make(path, &why), ERR_OK);
    close(open(arena_format(&arena, "%s/file", folder).at, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(data_dir_make(arena_format(&arena, "%s/file/x", folder).at, &why), ERR_SYSTEM);
    assert_non_null(strstr(why, "cannot be made: Not a directory"));
    remove(arena_format(&arena, "%s/file", folder).at);
}

static void one_process_at_a_time(void **state)
{
    (void)state;
    int first, second;
    char expected[32];
    assert_int_equal(data_dir_lock(folder, &first, &why), ERR_OK);
    assert_int_equal(data_dir_lock(folder, &second, &why), ERR_CONFLICT);
    snprintf(expected, sizeof expected, "(pid %d)", (int)getpid());
    assert_non_null(strstr(why, expected));
    close(first);
    assert_int_equal(data_dir_lock(folder, &second, &why), ERR_OK);
    close(second);
    assert_int_equal(data_dir_lock("/nonexistent/x", &first, &why), ERR_SYSTEM);
}

static void write_secret(const char *text, mode_t mode)
{
    const char *path = arena_format(&arena, "%s/secret.key", folder).at;
    remove(path);
    int fd = open(path, O_CREAT | O_WRONLY, mode);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void the_secret_is_made_once(void **state)
{
    (void)state;
    uint8_t first[DIGEST_SEAL_KEY], second[DIGEST_SEAL_KEY];
    struct stat st;
    assert_int_equal(data_dir_secret(folder, first, &why), ERR_OK);
    assert_int_equal(data_dir_secret(folder, second, &why), ERR_OK);
    assert_memory_equal(first, second, sizeof first);
    assert_int_equal(stat(arena_format(&arena, "%s/secret.key", folder).at, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 2 * DIGEST_SEAL_KEY + 1);
}

static void bad_secrets_are_refused(void **state)
{
    (void)state;
    uint8_t secret[DIGEST_SEAL_KEY];
    char good[2 * DIGEST_SEAL_KEY + 1];
    memset(good, 'a', sizeof good);
    good[sizeof good - 1] = '\0';
    write_secret(good, 0640);
    assert_int_equal(data_dir_secret(folder, secret, &why), ERR_DENIED);
    assert_non_null(strstr(why, "can be read by others"));
    write_secret(good, 0600);
    assert_int_equal(data_dir_secret(folder, secret, &why), ERR_OK);
    assert_int_equal(secret[0], 0xaa);
    good[10] = 'x';
    write_secret(good, 0600);
    assert_int_equal(data_dir_secret(folder, secret, &why), ERR_INVALID);
    write_secret("aa", 0600);
    assert_int_equal(data_dir_secret(folder, secret, &why), ERR_INVALID);
    assert_non_null(strstr(why, "is damaged"));
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(makes_the_folder_and_its_parents),
        TEST(one_process_at_a_time),
        TEST(the_secret_is_made_once),
        TEST(bad_secrets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
