/* Documents that accounts keep, in SQLite. On the helper that has the connection. */
#ifndef RT_LITE_DOCUMENT_H
#define RT_LITE_DOCUMENT_H

#include "lite_account.h"

lite_op_fn lite_document_get, lite_document_set;

#endif
