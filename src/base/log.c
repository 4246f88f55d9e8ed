#include "log.h"

#include "limits.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum log_level log_threshold = LOG_INFO;

static enum log_format line_format = LOG_LOGFMT;
static int line_fd = 2;
static _Thread_local int thread_shard = -1;

static const char *const level_names[] = {"debug", "info", "warning", "error", "none"};

void log_setup(enum log_level level, enum log_format format, int fd)
{
    log_threshold = level;
    line_format = format;
    line_fd = fd;
}

void log_thread(int shard)
{
    thread_shard = shard;
}

/* A line on the stack: too long a line is cut, a server that logs must not allocate. What is cut is
 * a value, at a character, or whole fields at the end: behind the limit there is always room for
 * the closing quote, the count of what was left out, and the end of the line. */
struct line {
    char text[2048];
    size_t len, limit;
};

enum { LINE_TAIL = 64, UNIT_MAX = 8, NUMBER_MAX = 24 };

static void put(struct line *line, struct str s)
{
    size_t room = sizeof line->text - line->len;
    size_t len = s.len < room ? s.len : room;
    if (len)
        memcpy(line->text + line->len, s.at, len);
    line->len += len;
}

/* Bytes of a character, of text that is UTF-8. */
static size_t char_len(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Escapes for a JSON string, which are right for logfmt as well. In what is no UTF-8, each byte
 * beyond ASCII is escaped, so that a reader of the log need not choke on it. */
static void put_escaped(struct line *line, struct str s)
{
    bool wide_is_fine = text_is_xml(s);
    for (size_t i = 0, len; i < s.len && line->len + UNIT_MAX < line->limit; i += len) {
        unsigned char c = (unsigned char)s.at[i];
        char escape[UNIT_MAX];
        len = 1;
        if (c == '"' || c == '\\') {
            put(line, (struct str){escape, (size_t)snprintf(escape, sizeof escape, "\\%c", c)});
        } else if (c < 0x20 || c == 0x7f || (c > 0x7f && !wide_is_fine)) {
            put(line, (struct str){escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c)});
        } else {
            len = char_len(c);
            put(line, (struct str){s.at + i, len});
        }
    }
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
            return false;
    }
    return s.len > 0;
}

static void put_quoted(struct line *line, struct str s)
{
    put(line, STR("\""));
    put_escaped(line, s);
    put(line, STR("\""));
}

/* False when the line is too long for one more field. */
static bool put_key(struct line *line, const char *key)
{
    if (line->len + strlen(key) + NUMBER_MAX + UNIT_MAX > line->limit)
        return false;
    bool first = line->len <= 1;
    if (line_format == LOG_JSON) {
        put(line, first ? STR("\"") : STR(",\""));
        put(line, str_of(key));
        put(line, STR("\":"));
    } else {
        put(line, first ? STR("") : STR(" "));
        put(line, str_of(key));
        put(line, STR("="));
    }
    return true;
}

static void put_text(struct line *line, const char *key, struct str s)
{
    if (!put_key(line, key))
        return;
    bool fits = line->len + s.len < line->limit;
    if (line_format == LOG_LOGFMT && fits && is_plain(s))
        put(line, s);
    else
        put_quoted(line, s);
}

static void put_number(struct line *line, const char *key, int64_t number)
{
    char digits[NUMBER_MAX];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)number);
    if (put_key(line, key))
        put(line, (struct str){digits, (size_t)len});
}

static uint64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* The budget of an event on this thread. Events are constants, so their address is their name; a
 * small direct-mapped table is enough, a collision only resets a budget. */
struct budget {
    const char *event;
    uint64_t second;
    unsigned used, left_out;
};

static bool allowed(const char *event, uint64_t us, unsigned *left_out)
{
    static _Thread_local struct budget budgets[64];
    struct budget *budget = &budgets[((uintptr_t)event >> 3) % COUNT_OF(budgets)];
    uint64_t second = us / 1000000;
    *left_out = 0;
    if (budget->event != event || budget->second != second) {
        *left_out = budget->event == event ? budget->left_out : 0;
        *budget = (struct budget){event, second, 0, 0};
    }
    if (budget->used++ < LIMIT_LOG_BURST)
        return true;
    budget->left_out++;
    return false;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    uint64_t us = now_us();
    unsigned left_out;
    if (!allowed(event, us, &left_out))
        return;
    struct line line;
    line.len = 0;
    line.limit = sizeof line.text - LINE_TAIL;
    char time[TEXT_TIME_ROOM];
    if (line_format == LOG_JSON)
        put(&line, STR("{"));
    put_text(&line, "time", (struct str){time, text_time(time, us)});
    put_text(&line, "level", str_of(level_names[level]));
    put_text(&line, "event", str_of(event));
    if (thread_shard >= 0)
        put_number(&line, "shard", thread_shard);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].type == LOG_T_INT)
            put_number(&line, fields[i].key, fields[i].number);
        else
            put_text(&line, fields[i].key, fields[i].text);
    }
    line.limit = sizeof line.text;
    if (left_out)
        put_number(&line, "left_out", left_out);
    if (line_format == LOG_JSON)
        put(&line, STR("}"));
    put(&line, STR("\n"));
    ssize_t written = write(line_fd, line.text, line.len);
    (void)written; /* nowhere left to complain */
}
