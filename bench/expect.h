/* Whether the archive and the inbox hold what was said last: asked of some users at the end of a
 * phase. */
#ifndef RT_EXPECT_H
#define RT_EXPECT_H

#include "note.h"
#include "scenario.h"

/* Says whether a message is the last one of its sender, who is in the group that begins with
 * client `leader`. */
typedef bool expect_fn(const struct note *note, unsigned leader);

/* Asks --expect-archive's and --expect-inbox's questions: the first of a group, up to 20 groups of
 * this thread, for the newest page. What is not there is counted in the tally. */
void expect_check(struct phase *phase, expect_fn *is_last);

#endif
