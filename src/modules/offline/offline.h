/* The parts of module offline: what is kept (offline.c), and giving it (offline_give.c). */
#ifndef RT_OFFLINE_H
#define RT_OFFLINE_H

#include "module.h"
#include "store.h"

extern const struct module module_offline;

struct offline_conf {
    uint64_t max_user_messages;
    bool store_groupchat_messages;
};

/* Of a user who is online: one session at a time is given what waits. Zeroed: none is. */
struct offline_user {
    struct session *reader;
    struct store_op *op; /* a page or a drop, under way */
    uint64_t after;      /* the number of the last that was given */
    bool again;          /* there may be more than was read */
};

/* Of the reader: what came for it meanwhile, and must not overtake what waited. */
struct offline_session {
    struct kept_queue held;
};

enum { OFFLINE_NEXT, OFFLINE_RETRY };
extern const struct alarm offline_alarms[];

extern struct metric offline_given, offline_gone, offline_held;

/* Whether it is something that a room says, and that is kept. */
bool offline_is_of_room(const struct acc *acc);

/* An operation on what waits for this user. */
struct store_op *offline_op(enum store_kind kind, const struct jid *user, store_fn *done,
                            void *owner);

/* A session begins to get what is sent to the bare JID, and does not get it any more; a message
 * comes to it; it ends; it has ended. */
hook_fn offline_on_available, offline_on_opened, offline_on_unavailable, offline_on_receive,
    offline_on_terminate, offline_on_reroute;

/* The memory of both goes. */
void offline_session_end(struct session *session, void *own);
void offline_user_end(void *own);

#endif
