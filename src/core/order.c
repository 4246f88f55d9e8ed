#include "order.h"

#include "core.h"
#include "mem.h"

struct order *order_new(void *owner, void (*done)(struct order *order))
{
    struct order *order = mem_zalloc(sizeof *order);
    order->home = shard_self->id;
    order->owner = owner;
    order->done = done;
    return order;
}

void order_refuse(struct order *order, enum stanza_error error, const char *text)
{
    order->error = error;
    text_copy(order->text, sizeof order->text, str_of(text ? text : ""));
}

static void at_home(struct mail *mail)
{
    struct order *order = LIST_OWNER(mail, struct order, mail);
    if (core_self()) /* else the shard has stopped, and who asked is gone */
        order->done(order);
    mem_free(order);
}

void order_end(struct order **order)
{
    struct order *mine = *order;
    *order = NULL;
    if (!mine)
        return;
    mine->mail.run = at_home;
    mail_send(mine->home, &mine->mail);
}
