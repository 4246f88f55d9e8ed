/*
 * Mail: the way from thread to thread. Each thread that takes part (shards first, then helper
 * threads) is a post; between any two posts there is one bounded single-producer single-consumer
 * ring each way. A mail carries its own route: the function to run at the target. It is moved,
 * never copied: after mail_send it belongs to the target.
 */
#ifndef RT_MAIL_H
#define RT_MAIL_H

#include <stdbool.h>
#include <stddef.h>

struct mail;
typedef void mail_fn(struct mail *mail);

struct mail {
    mail_fn *run; /* at the target, on its thread; the mail is the function's then */
    struct mail *next;
};

struct post;

/* All posts of the process, at boot: `count` of them. `wake` makes a sleeping post look at its
 * mail; it runs on the sender's thread. */
void mail_setup(unsigned count, void (*wake)(unsigned target));
void mail_teardown(void);

/* The running thread becomes post `id`. In the simulator one thread changes hats. */
void mail_enter(unsigned id);
unsigned mail_self(void);

/* Stages a mail for a target; it goes out at mail_flush. Never fails; a post to itself is run by
 * its own next mail_run. What feeds it must look at mail_crowded and pause. */
void mail_send(unsigned target, struct mail *mail);

/* True when more than LIMIT_MAIL_STAGED wait for this target on this side. */
bool mail_crowded(unsigned target);

/* Publishes what was staged and wakes sleeping targets, once each. Returns what is still staged
 * because rings were full. */
size_t mail_flush(void);

/* Runs the mail that has come, at most what was there at the start. Returns how many. */
size_t mail_run(void);

/* True when mail is there to run. */
bool mail_pending(void);

/* Before sleeping: tells the senders; false when mail is there after all (then do not sleep). */
bool mail_sleep(void);
void mail_awake(void);

#endif
