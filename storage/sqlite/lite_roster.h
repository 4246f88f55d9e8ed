/* Rosters in SQLite: one function a kind of operation. On the helper that has the connection. */
#ifndef RT_LITE_ROSTER_H
#define RT_LITE_ROSTER_H

#include "lite_account.h"

lite_op_fn lite_roster_get, lite_roster_set, lite_roster_remove, lite_roster_import;

#endif
