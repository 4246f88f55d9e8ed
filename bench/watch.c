#include "watch.h"

#include <stdio.h>

enum { PATIENCE_MS = 5000 };

/* What goes over the wire, in this order. */
#define USAGE(side)                                                                                \
    offsetof(struct reading, side.cpu_us), offsetof(struct reading, side.rss),                     \
        offsetof(struct reading, side.pss), offsetof(struct reading, side.private),                \
        offsetof(struct reading, side.written)
static const size_t fields[] = {USAGE(server), USAGE(database)};

static double *field_at(struct reading *reading, size_t i)
{
    return (double *)((char *)reading + fields[i]);
}

/* --- On the other machine --- */

static void tell(struct wire *wire, const struct options *options)
{
    struct reading reading = reading_take(options);
    struct buf line = {0};
    buf_push_str(&line, STR("usage"));
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        buf_format(&line, " %.0f", *field_at(&reading, i));
    wire_say(wire, "%.*s", STR_ARG(buf_str(&line)));
    buf_fini(&line);
}

void watch_serve(struct wire *wire, const struct options *options)
{
    struct str line;
    wire_say(wire, "watching");
    while (!wire->dead)
        if (wire_hear(wire, PATIENCE_MS, &line) && str_is(line, "read"))
            tell(wire, options);
}

/* --- Here --- */

static bool greet(struct wire *wire, const struct options *options)
{
    struct buf text = {0};
    struct str line;
    options_write(&text, options, true);
    wire_say(wire, "watch %.*s", STR_ARG(buf_str(&text)));
    buf_fini(&text);
    return wire_hear(wire, PATIENCE_MS, &line) && str_is(line, "watching");
}

enum err watches_open(struct watches *watches, const struct options *options)
{
    watches->count = 0;
    watches->failed = false;
    for (size_t i = 0; i < options->watch.count; i++) {
        const char *address = options->watch.items[i];
        int fd = i < WATCHES_MAX ? wire_connect(address) : -1;
        if (fd < 0)
            return ERR_DOWN;
        struct wire *wire = &watches->wires[watches->count++];
        wire_init(wire, fd);
        if (greet(wire, options))
            continue;
        fprintf(stderr, "ringtail-bench: %s does not watch (is it a worker that is free?)\n",
                address);
        return ERR_DOWN;
    }
    return ERR_OK;
}

void watches_close(struct watches *watches)
{
    for (unsigned i = 0; i < watches->count; i++)
        wire_close(&watches->wires[i]);
}

static bool add_usage(struct reading *reading, struct str line)
{
    struct str rest;
    if (!str_is(str_cut(line, ' ', &rest), "usage"))
        return false;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        uint64_t value;
        if (!text_u64(str_cut(rest, ' ', &rest), 0, UINT64_MAX, &value))
            return false;
        *field_at(reading, i) += (double)value;
    }
    return true;
}

struct reading watches_read(struct watches *watches, const struct options *options)
{
    struct reading reading = reading_take(options);
    for (unsigned i = 0; i < watches->count; i++)
        wire_say(&watches->wires[i], "read");
    for (unsigned i = 0; i < watches->count; i++) {
        struct str line;
        if (wire_hear(&watches->wires[i], PATIENCE_MS, &line) && add_usage(&reading, line))
            continue;
        if (!watches->failed)
            fprintf(stderr, "ringtail-bench: %s watches no more: CPU time and memory are wrong\n",
                    options->watch.items[i]);
        watches->failed = true;
    }
    return reading;
}
