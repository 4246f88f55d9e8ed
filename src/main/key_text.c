/* What a key takes, in words and in figures. */
#include "bind.h"

#include <inttypes.h>

struct unit {
    uint64_t factor;
    const char *name;
};

static const struct unit sizes[] = {{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "k"}, {1, ""}};
static const struct unit durations[] = {
    {86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};

/* In the largest unit that leaves no rest. */
static void put_amount(struct buf *out, uint64_t number, const struct unit *units)
{
    while (number % units->factor)
        units++;
    buf_format(out, "%" PRIu64 "%s", number / units->factor, units->name);
}

void key_format_number(struct buf *out, const struct key *key, uint64_t number)
{
    if (key->type == KEY_NUMBER && key->choices && number == 0)
        buf_push_str(out, str_of(key->choices[0]));
    else if (number == KEY_INFINITY)
        buf_push_str(out, STR("infinity"));
    else if (number && key->type == KEY_SIZE)
        put_amount(out, number, sizes);
    else if (key->type == KEY_DURATION)
        put_amount(out, number, number ? durations : &durations[3]);
    else
        buf_format(out, "%" PRIu64, number);
}

static void put_range(struct buf *out, const struct key *key)
{
    if (!key->min && !key->max)
        return;
    buf_push_str(out, STR(" from "));
    key_format_number(out, &(struct key){.type = key->type}, key->min);
    buf_push_str(out, STR(" to "));
    key_format_number(out, key, key->max);
}

static void put_choices(struct buf *out, const char *const *choices, const char *last)
{
    for (size_t i = 0; choices[i]; i++)
        buf_format(out, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : last, choices[i]);
}

void key_describe(struct buf *out, const struct key *key)
{
    static const char *const words[] = {
        [KEY_BOOL] = "true or false",
        [KEY_NUMBER] = "a number",
        [KEY_SIZE] = "a size",
        [KEY_DURATION] = "a duration",
        [KEY_TEXT] = "a text",
        [KEY_CHOICE] = "",
        [KEY_TEXTS] = "a list of texts",
        [KEY_GROUP] = "keys and values",
        [KEY_LIST] = "a list of groups of keys and values",
    };
    if (key->type == KEY_TEXTS && key->choices)
        buf_push_str(out, STR("a list of "));
    else
        buf_push_str(out, str_of(words[key->type]));
    put_range(out, key);
    if (key->type == KEY_NUMBER && key->choices)
        buf_format(out, ", or %s", key->choices[0]);
    else if (key->choices)
        put_choices(out, key->choices, key->type == KEY_TEXTS ? " and " : " or ");
}
