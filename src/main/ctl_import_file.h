/* Bulk import as ringtailctl does it: the file is read there and goes out in batches. */
#ifndef RT_CTL_IMPORT_FILE_H
#define RT_CTL_IMPORT_FILE_H

#include "ctl_link.h"

/* Imports all lines, tells about bad ones on standard error and sums up. Returns the exit code:
 * failed when a line was bad or a batch was not stored. */
int ctl_import_file(struct ctl_link *link, const char *path, bool derive);

#endif
