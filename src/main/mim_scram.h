/* Passwords as MongooseIM keeps them (users.pass_details). Any thread. */
#ifndef RT_MIM_SCRAM_H
#define RT_MIM_SCRAM_H

#include "credentials.h"

/* Reads "==SCRAM==,stored,server,salt,iterations" and
 * "==MULTI_SCRAM==,iterations,<hash>salt|stored|server,…", base64 inside. Hashes that are not known
 * here are left out. NULL, or what is wrong. */
const char *mim_scram_read(struct str text, struct credentials *out);

#endif
