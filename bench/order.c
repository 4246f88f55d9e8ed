#include "order.h"

#include "mem.h"
#include "prng.h"

unsigned *order_new(unsigned count)
{
    unsigned *order = mem_zalloc((count + 1) * sizeof *order);
    struct prng prng;
    prng_init(&prng, 1);
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    for (unsigned i = count; i > 1; i--) {
        unsigned other = (unsigned)prng_below(&prng, i), last = order[i - 1];
        order[i - 1] = order[other];
        order[other] = last;
    }
    return order;
}
