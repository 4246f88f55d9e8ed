/* The command that imports MongooseIM's database (docs/import-mongooseim.md). Main thread. */
#ifndef RT_CTL_MONGOOSEIM_H
#define RT_CTL_MONGOOSEIM_H

#include "config.h"

/* `words` (a NUL behind each): --conninfo CONNINFO [--dry-run] [--domain DOMAIN]… Needs that no
 * server runs on this data_dir, but for a dry run. Returns the exit code: failed also when rows
 * were refused. */
int ctl_mongooseim(struct config *config, struct str words);

#endif
