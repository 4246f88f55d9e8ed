/*
 * What the server tells over HTTP: /metrics, /healthz, /readyz. The only door to libmicrohttpd,
 * whose epoll descriptor shard 0's ring polls: no thread of its own, and nothing in it blocks.
 */
#ifndef RT_HTTP_H
#define RT_HTTP_H

#include "config.h"

/* Binds all of listen.http, at boot. On failure *why is a sentence. */
RT_NODISCARD enum err http_open(const struct config *config, const char **why);

/* Begins and ends to serve, on shard 0. */
void http_start(void);
void http_stop(void);

/* Frees what is left; after boot_run, or when the start failed. */
void http_close(void);

/* For --version. */
const char *http_library_version(void);

extern struct metric *const http_metrics[];

#endif
