#include "text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (tolower((unsigned char)a.at[i]) != tolower((unsigned char)b.at[i]))
            return false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct str str_trim(struct str s)
{
    while (s.len && is_space(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

struct str str_cut(struct str s, char separator, struct str *rest)
{
    const char *at = s.len ? memchr(s.at, separator, s.len) : NULL;
    if (!at) {
        *rest = (struct str){NULL, 0};
        return s;
    }
    size_t before = (size_t)(at - s.at);
    *rest = (struct str){at + 1, s.len - before - 1};
    return (struct str){s.at, before};
}

bool text_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.at[i] - '0'), &value))
            return false;
    }
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

bool text_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s.len && s.at[0] == '-';
    struct str digits =
        negative || (s.len && s.at[0] == '+') ? (struct str){s.at + 1, s.len - 1} : s;
    uint64_t value;
    if (!text_u64(digits, 0, (uint64_t)INT64_MAX + negative, &value))
        return false;
    int64_t is = (int64_t)(negative ? 0 - value : value); /* INT64_MIN has no positive twin */
    if (is < min || is > max)
        return false;
    *out = is;
    return true;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* A number followed by one of the units; an absent unit is the one named "". */
static bool with_unit(struct str s, const struct unit *units, size_t count, uint64_t *out)
{
    size_t digits = 0;
    while (digits < s.len && s.at[digits] >= '0' && s.at[digits] <= '9')
        digits++;
    uint64_t value;
    if (!text_u64((struct str){s.at, digits}, 0, UINT64_MAX, &value))
        return false;
    struct str unit = {s.at + digits, s.len - digits};
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(unit, str_of(units[i].name)))
            return !__builtin_mul_overflow(value, units[i].factor, out);
    return false;
}

bool text_size(struct str s, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1},          {"B", 1},        {"k", 1 << 10},   {"kB", 1 << 10},
        {"KiB", 1 << 10}, {"M", 1 << 20},  {"MB", 1 << 20},  {"MiB", 1 << 20},
        {"G", 1 << 30},   {"GB", 1 << 30}, {"GiB", 1 << 30},
    };
    return with_unit(s, units, COUNT_OF(units), bytes);
}

bool text_duration(struct str s, uint64_t *ms)
{
    static const struct unit units[] = {
        {"", 1000},     {"ms", 1},      {"s", 1000},     {"m", 60000},
        {"min", 60000}, {"h", 3600000}, {"d", 86400000},
    };
    return with_unit(s, units, COUNT_OF(units), ms);
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const void *in, size_t len, char *out)
{
    const uint8_t *from = in;
    size_t at = 0;
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)from[i] << 16 | (have > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
                        (have > 2 ? from[i + 2] : 0);
        out[at++] = base64_digits[bits >> 18];
        out[at++] = base64_digits[bits >> 12 & 63];
        out[at++] = have > 1 ? base64_digits[bits >> 6 & 63] : '=';
        out[at++] = have > 2 ? base64_digits[bits & 63] : '=';
    }
    return at;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err base64_decode(struct str in, uint8_t *out, size_t *out_len)
{
    size_t pad = 0;
    *out_len = 0;
    if (in.len % 4)
        return ERR_INVALID;
    while (pad < 2 && pad < in.len && in.at[in.len - 1 - pad] == '=')
        pad++;
    uint32_t bits = 0;
    for (size_t i = 0; i < in.len; i++) {
        int value = i < in.len - pad ? base64_value(in.at[i]) : 0;
        if (value < 0)
            return ERR_INVALID;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 3)
            continue;
        size_t keep = i == in.len - 1 ? 3 - pad : 3;
        if (bits & ((1u << (8 * (3 - keep))) - 1))
            return ERR_INVALID;
        for (size_t k = 0; k < keep; k++)
            out[(*out_len)++] = (uint8_t)(bits >> (16 - 8 * k));
        bits = 0;
    }
    return ERR_OK;
}

void hex_encode(const void *in, size_t len, char *out)
{
    const uint8_t *from = in;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = "0123456789abcdef"[from[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[from[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err hex_decode(struct str in, uint8_t *out)
{
    if (in.len % 2)
        return ERR_INVALID;
    for (size_t i = 0; i < in.len; i += 2) {
        int high = hex_value(in.at[i]), low = hex_value(in.at[i + 1]);
        if (high < 0 || low < 0)
            return ERR_INVALID;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return ERR_OK;
}

/* Length and value of the UTF-8 character at `s`; 0 when ill-formed (overlong, surrogate, short).
 */
static size_t utf8_char(struct str s, uint32_t *value)
{
    const uint8_t *at = (const uint8_t *)s.at;
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = at[0] < 0x80   ? 1
                 : at[0] < 0xc2 ? 0
                 : at[0] < 0xe0 ? 2
                 : at[0] < 0xf0 ? 3
                 : at[0] < 0xf5 ? 4
                                : 0;
    if (len == 0 || len > s.len)
        return 0;
    *value = len == 1 ? at[0] : at[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *value = *value << 6 | (at[i] & 0x3f);
    }
    bool surrogate = *value >= 0xd800 && *value <= 0xdfff;
    return *value < smallest[len] || *value > 0x10ffff || surrogate ? 0 : len;
}

bool text_is_xml(struct str s)
{
    while (s.len) {
        uint32_t c = 0;
        size_t len = utf8_char(s, &c);
        bool control = c < 0x20 && c != '\t' && c != '\n' && c != '\r';
        if (len == 0 || control || c == 0xfffe || c == 0xffff)
            return false;
        s.at += len;
        s.len -= len;
    }
    return true;
}

size_t text_copy(char *out, size_t room, struct str s)
{
    size_t len = s.len < room ? s.len : room - 1;
    if (len)
        memcpy(out, s.at, len);
    out[len] = '\0';
    return len;
}

size_t text_time(char out[TEXT_TIME_ROOM], uint64_t unix_us)
{
    time_t seconds = (time_t)(unix_us / 1000000);
    unsigned ms = (unsigned)(unix_us / 1000 % 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(out, TEXT_TIME_ROOM, "%Y-%m-%dT%H:%M:%S", &tm);
    int more = ms ? snprintf(out + len, TEXT_TIME_ROOM - len, ".%03uZ", ms)
                  : snprintf(out + len, TEXT_TIME_ROOM - len, "Z");
    return len + (size_t)more;
}

enum { NEAREST_MAX = 48 };

/* Levenshtein distance in one row. */
static size_t distance(struct str a, struct str b)
{
    size_t row[NEAREST_MAX + 1];
    for (size_t i = 0; i <= b.len; i++)
        row[i] = i;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t change = diagonal + (a.at[i - 1] != b.at[k - 1]);
            size_t best = row[k] < row[k - 1] ? row[k] + 1 : row[k - 1] + 1;
            diagonal = row[k];
            row[k] = change < best ? change : best;
        }
    }
    return row[b.len];
}

const char *text_nearest(struct str word, const char *const *names)
{
    const char *best = NULL;
    size_t best_distance = word.len / 3 + 2;
    for (; word.len <= NEAREST_MAX && *names; names++) {
        struct str name = str_of(*names);
        size_t d = name.len <= NEAREST_MAX ? distance(word, name) : SIZE_MAX;
        if (d < best_distance) {
            best_distance = d;
            best = *names;
        }
    }
    return best;
}
