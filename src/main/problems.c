#include "problems.h"

#include <stdarg.h>
#include <stdio.h>

static void put_place(struct problems *problems, unsigned line, const char *path)
{
    buf_format(&problems->text, "%s:", problems->file);
    if (line)
        buf_format(&problems->text, "%u:", line);
    if (path && *path)
        buf_format(&problems->text, " %s:", path);
}

void problem(struct problems *problems, unsigned line, const char *path, const char *format, ...)
{
    char sentence[1024];
    va_list args;
    if (problems->count++ >= PROBLEMS_MAX)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    put_place(problems, line, path);
    buf_format(&problems->text, " %s\n", sentence);
}
