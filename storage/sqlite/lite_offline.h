/* What waits for its user in SQLite. On the helper that has the connection. */
#ifndef RT_LITE_OFFLINE_H
#define RT_LITE_OFFLINE_H

#include "lite_account.h"

lite_op_fn lite_offline_add, lite_offline_page, lite_offline_drop, lite_offline_clean;

#endif
