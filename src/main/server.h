/* A server from its configuration to its end. Main thread. */
#ifndef RT_SERVER_H
#define RT_SERVER_H

#include "config.h"

/* Boots, serves until it is stopped, and cleans up. Returns the exit code of the process: 0 after a
 * stop, 1 when the start failed (a sentence was printed). Once a process. */
int server_run(struct config *config);

/* Pieces that ringtailctl uses without a server. On failure *why is a sentence. */

/* The secret in data_dir (which is locked), mechanisms, iterations. */
RT_NODISCARD enum err server_setup_core(const struct config *config, const char **why);

/* The host type and the domains. Takes the modules' configurations. */
RT_NODISCARD enum err server_setup_hosts(struct config *config, const char **why);

/* Storage and helpers for key derivation. */
RT_NODISCARD enum err server_setup_store(const struct config *config, unsigned crypto_helpers,
                                         const char **why);

#endif
