/* In which order users act: shuffled, so that neighbours do not follow each other. */
#ifndef RT_ORDER_H
#define RT_ORDER_H

/* `count` indices, the same in each run; the caller frees them (mem_free). */
unsigned *order_new(unsigned count);

#endif
