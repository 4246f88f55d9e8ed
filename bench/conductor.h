/* Leads a run: all parts through logins, ladder and repeats; reads the usage of server and
 * database, adds up and tells. */
#ifndef RT_CONDUCTOR_H
#define RT_CONDUCTOR_H

#include "crew.h"

/* With these crews, which it frees. The exit code: 0 when all came, once. */
int conduct(const struct options *options, struct crew **crews, unsigned count);

#endif
