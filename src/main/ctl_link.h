/*
 * How ringtailctl has a command done: by the server, over its socket, or without a server on a
 * shard of its own. Blocking; main thread of a tool.
 */
#ifndef RT_CTL_LINK_H
#define RT_CTL_LINK_H

#include "ctl.h"

struct ctl_link {
    int fd;              /* to the server; -1: without one */
    struct shard *shard; /* without a server */
    int lock;
    struct buf request; /* words of the next request, a NUL behind each */
};

/* Sets up the link, and connects to the server. ERR_DOWN: none is running, ERR_SYSTEM: something
 * else; *why is a sentence. */
RT_NODISCARD enum err ctl_link_connect(struct ctl_link *link, const char *data_dir,
                                       const char **why);

/* Sets up the link with a shard for commands that need no more than `needs`. */
RT_NODISCARD enum err ctl_link_alone(struct ctl_link *link, struct config *config,
                                     enum ctl_needs needs, const char **why);

/* When root looks after a server's files they stay its own: takes on the identity of the owner of
 * data_dir, for good. On failure *why is a sentence. */
RT_NODISCARD enum err ctl_become_owner(const char *data_dir, const char **why);

/* Adds a word to the next request. */
void ctl_link_word(struct ctl_link *link, struct str word);

/* Has the request done. The answer's text goes to `text` as it comes, whole if `text` is given,
 * else to standard output (standard error when it failed). Returns the exit code. */
int ctl_link_run(struct ctl_link *link, struct buf *text);

/* Waits until the server is gone. */
void ctl_link_wait_end(struct ctl_link *link);
void ctl_link_close(struct ctl_link *link);

#endif
