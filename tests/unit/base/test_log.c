#include "log.h"

#include "base_test.h"
#include "limits.h"

#include <time.h>
#include <unistd.h>

static int pipe_fds[2];
static char line[8192];

static struct str read_line(void)
{
    ssize_t len = read(pipe_fds[0], line, sizeof line - 1);
    assert_true(len > 0);
    line[len] = '\0';
    return (struct str){line, (size_t)len};
}

static void set(enum log_format format)
{
    log_setup(LOG_INFO, format, pipe_fds[1]);
}

/* What stands behind the time, which is cut off. */
static const char *tail(void)
{
    read_line();
    const char *at = strstr(line, "level");
    assert_non_null(at);
    return at;
}

static void logfmt(void **state)
{
    (void)state;
    set(LOG_LOGFMT);
    LOG(LOG_WARNING, "thing_happened", LF("jid", "a@b/c"), LF_INT("count", -5), LF("empty", ""),
        LF("text", "with \"quotes\" = and\nlines\\"), LF_STR("part", ((struct str){"abcdef", 3})));
    assert_string_equal(tail(), "level=warning event=thing_happened jid=a@b/c count=-5 empty=\"\" "
                                "text=\"with \\\"quotes\\\" = and\\u000alines\\\\\" part=abc\n");
    assert_memory_equal(line, "time=20", 7);
}

static void json(void **state)
{
    (void)state;
    set(LOG_JSON);
    log_thread(3);
    LOG(LOG_ERROR, "json_thing", LF("text", "a\"b\x01\x7f\xc3\xa4"), LF_INT("n", INT64_MIN));
    log_thread(-1);
    assert_string_equal(tail(), "level\":\"error\",\"event\":\"json_thing\",\"shard\":3,"
                                "\"text\":\"a\\\"b\\u0001\\u007f\\u00c3\\u00a4\","
                                "\"n\":-9223372036854775808}\n");
    LOG(LOG_INFO, "json_wide", LF("text", "\xc3\xa4"), LF("bad", "\xc3"), LF("null", NULL));
    assert_string_equal(tail(), "level\":\"info\",\"event\":\"json_wide\",\"text\":\"\xc3\xa4\","
                                "\"bad\":\"\\u00c3\",\"null\":\"\"}\n");
    assert_memory_equal(line, "{\"time\":\"20", 11);
}

static void below_the_threshold(void **state)
{
    (void)state;
    set(LOG_LOGFMT);
    LOG(LOG_DEBUG, "never_seen");
    LOG(LOG_INFO, "seen");
    assert_string_equal(tail(), "level=info event=seen\n");
}

/* Whatever is too long, a line is one line, and in JSON an object. */
static void long_lines(void **state)
{
    (void)state;
    static char big[5000], events[2][400][8]; /* fresh addresses have fresh budgets */
    for (int format = LOG_LOGFMT; format <= LOG_JSON; format++)
        for (size_t len = 1700; len < 2100; len++) {
            struct str value = {big, len};
            for (size_t i = 0; i < len; i++)
                big[i] = "ab\"\xc3\xa4"[i % 5];
            big[len - 1] = 'z';
            set((enum log_format)format);
            char *event = events[format][len - 1700];
            event[0] = 'e';
            LOG(LOG_INFO, event, LF_STR("value", value), LF("after", "x"), LF_INT("number", 12345));
            struct str got = read_line();
            assert_true(got.len <= 2048);
            assert_ptr_equal(memchr(got.at, '\n', got.len), got.at + got.len - 1);
            if (format == LOG_JSON)
                assert_memory_equal(got.at + got.len - 2, "}\n", 2);
            size_t quotes = 0;
            for (size_t i = 0; i < got.len; i++)
                quotes += got.at[i] == '"' && got.at[i - 1] != '\\';
            assert_int_equal(quotes % 2, 0);
            assert_true(text_is_xml(got));
        }
}

static void bursts_are_summed_up(void **state)
{
    (void)state;
    static const char event[] = "again_and_again";
    struct timespec now;
    set(LOG_LOGFMT);
    do /* all in one second */
        clock_gettime(CLOCK_REALTIME, &now);
    while (now.tv_nsec > 500000000);
    for (int i = 0; i < LIMIT_LOG_BURST + 7; i++)
        LOG(LOG_INFO, event);
    char *at = line;
    size_t lines = 0;
    read_line();
    for (; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, LIMIT_LOG_BURST);
    usleep(1100000 - (unsigned)(now.tv_nsec / 1000));
    LOG(LOG_INFO, event);
    assert_string_equal(tail(), "level=info event=again_and_again left_out=7\n");
}

static int up(void **state)
{
    (void)state;
    return pipe(pipe_fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt),
        cmocka_unit_test(json),
        cmocka_unit_test(below_the_threshold),
        cmocka_unit_test(bursts_are_summed_up),
        cmocka_unit_test(long_lines),
    };
    return cmocka_run_group_tests(tests, up, NULL);
}
