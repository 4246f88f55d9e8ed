/*
 * A query that modules add to, at a hook whose handlers may wait (disco_info, roster_get).
 */
#ifndef RT_QUESTION_H
#define RT_QUESTION_H

#include "element.h"
#include "hook.h"

/* Runs the hook with an accumulator of its own, addressed as `acc` is, whose element is a copy of
 * the query. Then, now or later (HOOK_PARK), `then` runs with the whole at acc->event_data. */
enum verdict question_ask(enum hook_point at, struct acc *acc, struct session *session,
                          const struct element *query, hook_fn *then);

#endif
