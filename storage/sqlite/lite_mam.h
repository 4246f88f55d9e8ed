/* The message archive in SQLite: one function a kind of operation, as in lite_account.h. */
#ifndef RT_LITE_MAM_H
#define RT_LITE_MAM_H

#include "lite_account.h"

lite_op_fn lite_mam_batch, lite_mam_page, lite_mam_metadata, lite_mam_upkeep;
lite_op_fn lite_mam_find, lite_mam_replace;
lite_op_fn lite_mam_prefs_get, lite_mam_prefs_set;

#endif
