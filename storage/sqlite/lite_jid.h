/* The numbers that stand for bare JIDs in SQLite. */
#ifndef RT_LITE_JID_H
#define RT_LITE_JID_H

#include "lite.h"

/* ERR_NOT_FOUND: it was never needed. */
enum err lite_find_jid(struct lite *lite, struct str bare, int64_t *id);

/* Makes one if there is none; the writer only. */
enum err lite_need_jid(struct lite *lite, struct str bare, int64_t *id);

#endif
