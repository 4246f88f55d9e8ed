/* What this binary is made of. Boot thread and tools. */
#ifndef RT_VERSION_H
#define RT_VERSION_H

#include "buf.h"

/* "ringtail 0.1.0", then a line for each library and for the kernel features in use. */
void version_print(struct buf *out);

#endif
