/*
 * Structured log lines (logfmt or JSON) on standard error: an event name and fields, never free
 * text that a machine must parse. Lines of one event are rate-limited a thread; what was left out
 * is counted in the next line of that event. Values from outside are escaped, so a line stays a
 * line.
 */
#ifndef RT_LOG_H
#define RT_LOG_H

#include "text.h"

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_NONE };
enum log_format { LOG_LOGFMT, LOG_JSON };

enum log_type { LOG_T_STR, LOG_T_INT };

struct log_field {
    const char *key;
    enum log_type type;
    struct str text;
    int64_t number;
};

#define LF(k, s)     ((struct log_field){(k), LOG_T_STR, str_of(s), 0})
#define LF_STR(k, s) ((struct log_field){(k), LOG_T_STR, (s), 0})
#define LF_INT(k, n) ((struct log_field){(k), LOG_T_INT, {0}, (int64_t)(n)})

extern enum log_level log_threshold;

/* At boot. `fd` is where lines go (2 unless a test collects them). */
void log_setup(enum log_level level, enum log_format format, int fd);

/* Fields that every line of the running thread carries; -1 for none. */
void log_thread(int shard);

/* Writes a line. `event` is a constant in words_with_underscores. Any thread. */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

#define LOG(level, event, ...)                                                                     \
    do {                                                                                           \
        if ((level) >= log_threshold) {                                                            \
            const struct log_field log_fields_[] = {__VA_ARGS__};                                  \
            log_write((level), (event), log_fields_, COUNT_OF(log_fields_));                       \
        }                                                                                          \
    } while (0)

#endif
