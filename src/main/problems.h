/* What is wrong with a configuration: one sentence a line, each with file, line and key. */
#ifndef RT_PROBLEMS_H
#define RT_PROBLEMS_H

#include "buf.h"

/* All of them are counted, the first PROBLEMS_MAX are kept. */
enum { PROBLEMS_MAX = 20 };

struct problems {
    const char *file; /* as it stands in front of each line */
    struct buf text;  /* the lines; buf_fini gives them back */
    unsigned count;
};

/* Adds "file:line: path: <format>"; without line when it is 0, without path when it is NULL. */
void problem(struct problems *problems, unsigned line, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
