/*
 * What an administrator asks of a service, as a stanza that has the rights of an owner: its answer
 * comes home by mail, instead of a stanza, when the journey has ended.
 */
#ifndef RT_ORDER_H
#define RT_ORDER_H

#include "error.h"
#include "mail.h"

struct acc;

struct order {
    struct mail mail;
    unsigned home;
    void *owner;
    void (*done)(struct order *order); /* at home; the order is freed behind it */
    enum stanza_error error;           /* STANZA_NO_ERROR: it was done */
    char text[160];                    /* what the error says; may be empty */
};

/* For a stanza that is about to be routed from the running shard: acc->order. */
struct order *order_new(void *owner, void (*done)(struct order *order));

/* The order is refused. */
void order_refuse(struct order *order, enum stanza_error error, const char *text);

/* The journey ends; NULL inside is fine. */
void order_end(struct order **order);

#endif
