/*
 * Tables that describe configuration: name, type, place in a struct, preset, range and help. The
 * same table binds a file, prints the reference and the man page, and prints what is in effect.
 */
#ifndef RT_KEY_H
#define RT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_type {
    KEY_BOOL,     /* bool */
    KEY_NUMBER,   /* uint64_t */
    KEY_SIZE,     /* uint64_t, bytes, takes units */
    KEY_DURATION, /* uint64_t, milliseconds, takes units */
    KEY_TEXT,     /* const char *, NULL when absent and without preset */
    KEY_CHOICE,   /* int, the index in `choices` */
    KEY_TEXTS,    /* struct key_texts, a list of texts (of `choices`, if given) */
    KEY_GROUP,    /* a struct of its own, described by `keys` */
    KEY_LIST,     /* struct key_list, a list of groups described by `keys` */
};

struct key_texts {
    const char **items;
    size_t count;
};

struct key_list {
    void *items; /* `count` structs of `group_size` bytes */
    size_t count;
};

struct key {
    const char *name; /* NULL ends the table */
    enum key_type type;
    size_t offset;
    const char *preset; /* as it would stand in the file; NULL: none; lists: comma-separated */
    bool required;
    uint64_t min, max;          /* of numbers, sizes (bytes) and durations (ms); both 0: any */
    const char *const *choices; /* NULL-ended */
    const struct key *keys;
    size_t group_size;
    const char *help; /* one sentence for the operator */
};

/* A number that means "no bound" may be written as `infinity`; it is stored as UINT64_MAX. */
#define KEY_INFINITY UINT64_MAX

#endif
