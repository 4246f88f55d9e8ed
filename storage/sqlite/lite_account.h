/* Accounts in SQLite: one function a kind of operation. On the helper that has the connection. */
#ifndef RT_LITE_ACCOUNT_H
#define RT_LITE_ACCOUNT_H

#include "lite.h"
#include "store.h"

typedef enum err lite_op_fn(struct lite *lite, struct store_op *op);

lite_op_fn lite_account_get, lite_account_list, lite_account_count;
lite_op_fn lite_account_add, lite_account_set, lite_account_import;

#endif
