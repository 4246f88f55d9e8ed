#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void (*panic_hook)(void);

_Noreturn void panic(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "panic: %s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (panic_hook) {
        void (*hook)(void) = panic_hook;
        panic_hook = NULL; /* a panic inside the hook must not come back here */
        hook();
    }
    abort();
}
