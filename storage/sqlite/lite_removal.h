/* What goes little by little (removal.h) in SQLite. On the helper that has the connection. */
#ifndef RT_LITE_REMOVAL_H
#define RT_LITE_REMOVAL_H

#include "lite_account.h"

lite_op_fn lite_mam_remove, lite_account_remove, lite_domain_remove, lite_domain_retain,
    lite_removal_step;

#endif
