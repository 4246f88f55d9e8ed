/*
 * The server's own folder: made when absent, locked against a second server, and the secret in it.
 * At boot and in tools.
 */
#ifndef RT_DATA_DIR_H
#define RT_DATA_DIR_H

#include "digest.h"

/* Makes the folder (mode 0700, and its parents) when it is not there. */
RT_NODISCARD enum err data_dir_make(const char *data_dir, const char **why);

/* Takes the lock: a file in there that stays locked as long as *fd is open. ERR_CONFLICT: another
 * process has it; *why tells its number. */
RT_NODISCARD enum err data_dir_lock(const char *data_dir, int *fd, const char **why);

/* Reads secret.key, or makes it (mode 0600). Refuses one that others may read. Needs the lock. */
RT_NODISCARD enum err data_dir_secret(const char *data_dir, uint8_t secret[DIGEST_SEAL_KEY],
                                      const char **why);

/* The path of a file in there; kept as a sentence is. */
const char *data_dir_path(const char *data_dir, const char *name);

/* printf to memory that is kept to the end of the process. Boot thread. */
const char *sentence(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
