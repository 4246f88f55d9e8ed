/* The commands `db …`: what ringtailctl does with the database itself. */
#ifndef RT_CTL_DB_H
#define RT_CTL_DB_H

#include "ctl.h"

/* Returns the exit code; the answer goes to standard output. Blocking. */
int ctl_db(const struct ctl_command *command, const struct config *config);

#endif
