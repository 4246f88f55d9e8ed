/* Privacy lists in SQLite: one function a kind of operation. On the helper that has the connection.
 */
#ifndef RT_LITE_PRIVACY_H
#define RT_LITE_PRIVACY_H

#include "lite_account.h"

lite_op_fn lite_privacy_get, lite_privacy_set, lite_privacy_remove, lite_privacy_default;

#endif
