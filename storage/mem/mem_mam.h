/* The message archive of the memory back end. Under its lock. */
#ifndef RT_MEM_MAM_H
#define RT_MEM_MAM_H

#include "store_backend.h"

/* Operations of the archive; ERR_UNSUPPORTED for others. */
enum err mem_mam(struct store_op *op);
void mem_mam_drop(void);

#endif
