/* Publish-subscribe nodes of accounts, in SQLite. On the helper that has the connection. */
#ifndef RT_LITE_PEP_H
#define RT_LITE_PEP_H

#include "lite_account.h"

lite_op_fn lite_pep_nodes, lite_pep_set, lite_pep_publish, lite_pep_retract, lite_pep_purge,
    lite_pep_delete, lite_pep_pick, lite_pep_page;

#endif
