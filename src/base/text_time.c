/* XEP-0082 date and time, read. */
#include "text.h"

/* A number of `digits` digits and what must stand behind it (0: anything). */
static bool take(struct str *s, size_t digits, char behind, uint64_t min, uint64_t max,
                 uint64_t *out)
{
    if (s->len < digits + (behind ? 1 : 0))
        return false;
    if (!text_u64((struct str){s->at, digits}, min, max, out))
        return false;
    if (behind && s->at[digits] != behind)
        return false;
    size_t used = digits + (behind ? 1 : 0);
    *s = (struct str){s->at + used, s->len - used};
    return true;
}

static uint64_t take_fraction(struct str *s)
{
    uint64_t us = 0, unit = 100000;
    if (!s->len || s->at[0] != '.')
        return 0;
    size_t used = 1;
    for (; used < s->len && s->at[used] >= '0' && s->at[used] <= '9'; used++, unit /= 10)
        us += (uint64_t)(s->at[used] - '0') * unit;
    *s = (struct str){s->at + used, s->len - used};
    return us;
}

/* "Z", or "+hh:mm" east of Greenwich. */
static bool take_zone(struct str s, int64_t *east_s)
{
    uint64_t hours, minutes;
    *east_s = 0;
    if (str_is(s, "Z"))
        return true;
    if (!s.len || (s.at[0] != '+' && s.at[0] != '-'))
        return false;
    int64_t sign = s.at[0] == '+' ? 1 : -1;
    s = (struct str){s.at + 1, s.len - 1};
    if (!take(&s, 2, ':', 0, 23, &hours) || !take(&s, 2, 0, 0, 59, &minutes) || s.len)
        return false;
    *east_s = sign * (int64_t)(hours * 3600 + minutes * 60);
    return true;
}

static unsigned days_in(uint64_t year, uint64_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static uint64_t days_before(uint64_t year, uint64_t month)
{
    uint64_t past = year - 1, days = past * 365 + past / 4 - past / 100 + past / 400;
    for (uint64_t i = 1; i < month; i++)
        days += days_in(year, i);
    return days - 719162; /* from the year 1 to 1970 */
}

bool text_time_parse(struct str s, uint64_t *unix_us)
{
    uint64_t year, month, day, hour, minute, second;
    int64_t east_s;
    if (!take(&s, 4, '-', 1970, 9999, &year) || !take(&s, 2, '-', 1, 12, &month) ||
        !take(&s, 2, 'T', 1, days_in(year, month), &day) || !take(&s, 2, ':', 0, 23, &hour) ||
        !take(&s, 2, ':', 0, 59, &minute) || !take(&s, 2, 0, 0, 60, &second))
        return false;
    uint64_t us = take_fraction(&s);
    if (!take_zone(s, &east_s))
        return false;
    uint64_t days = days_before(year, month) + day - 1;
    int64_t seconds = (int64_t)(days * 86400 + hour * 3600 + minute * 60 + second) - east_s;
    if (seconds < 0)
        return false;
    *unix_us = (uint64_t)seconds * 1000000 + us;
    return true;
}
