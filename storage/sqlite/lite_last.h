/* The last activity of users in SQLite. On the helper that has the connection. */
#ifndef RT_LITE_LAST_H
#define RT_LITE_LAST_H

#include "lite_account.h"

lite_op_fn lite_last_get, lite_last_set;

#endif
