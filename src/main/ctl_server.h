/*
 * The control socket: a Unix socket in data_dir (mode 0600), served by shard 0.
 *
 * A request is "<length>\n" and that many bytes: words, each with a NUL behind it. The answer is
 * text, then a NUL, the exit code as a digit, and a newline. Requests of a connection are answered
 * in order; several may follow each other.
 */
#ifndef RT_CTL_SERVER_H
#define RT_CTL_SERVER_H

#include "err.h"

/* Binds the socket, at boot. On failure *why is a sentence. */
RT_NODISCARD enum err ctl_open(const char *data_dir, const char **why);

/* Begins and ends to serve, on shard 0. What is under way is cut off. */
void ctl_start(void);
void ctl_close_all(void);

/* Removes the socket; after boot_run. */
void ctl_close(void);

/* "data_dir/ringtail.sock" */
const char *ctl_socket_path(const char *data_dir);

extern struct metric *const ctl_metrics[];

#endif
