/* A load machine: waits for coordinators and does their runs, one after the other. */
#ifndef RT_WORKER_H
#define RT_WORKER_H

/*
 * The words between them, a line each. Coordinator: `run OPTIONS` (JSON) · `clock` · `start FIRST
 * PARTS` · `go US` (of the worker's clock; 0: stop). Worker: `threads N` · `clock US` · `waits WELL
 * TALLY` (it is at a point) · `peek SENT DELIVERED` · `ended`. A worker may watch instead
 * (watch.h): `watch OPTIONS`, `read`; `watching`, `usage FIGURES`.
 */

/* Serves at HOST:PORT until it is ended by a signal. The exit code. */
int worker_serve(const char *address);

#endif
