#include "delivery.h"

#include "acc.h"
#include "mem.h"

struct delivery {
    unsigned holders;
    bool taken;
};

void delivery_share(struct acc *acc, struct acc *copy)
{
    if (!acc->delivery) {
        acc->delivery = mem_zalloc(sizeof *acc->delivery);
        acc->delivery->holders = 1;
    }
    copy->delivery = acc->delivery;
    copy->delivery->holders++;
}

void delivery_take(struct delivery **delivery)
{
    if (*delivery)
        (*delivery)->taken = true;
    delivery_leave(delivery);
}

bool delivery_is_only(const struct delivery *delivery)
{
    return !delivery || (delivery->holders == 1 && !delivery->taken);
}

bool delivery_leave(struct delivery **delivery)
{
    struct delivery *held = *delivery;
    *delivery = NULL;
    if (!held)
        return true;
    bool last = --held->holders == 0 && !held->taken;
    if (held->holders == 0)
        mem_free(held);
    return last;
}
