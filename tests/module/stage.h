/*
 * A stage for modules: one simulated shard with the domain "localhost", the modules that a test
 * chooses, and clients that need no network. A test feeds an element and looks at the effects that
 * handlers ask for, or at what was written in the end; time passes when it says so.
 */
#ifndef RT_STAGE_H
#define RT_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core.h"
#include "module.h"
#include "sim.h"

#define STANZAS "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"

/* A client: its session on the server, and its end of the line. */
struct actor {
    struct session *session;
    struct sim_peer *peer;
};

/* The listener that clients come through; a test may change it. */
extern struct c2s_listener *stage_listener;

/* Opens it. `modules`: the section of that name in YAML's flow style ("{ping: {}}"); `listener`:
 * more keys of the listener (", shaper: slow"), or "". */
void stage_open(const char *modules, const char *listener);
void stage_close(void);

/* The sentence with which a start with this configuration is refused; "" when it is not. */
const char *stage_refusal(const char *modules, const char *listener);

/* A module of the test's own, beside those of the configuration; before stage_open. */
void stage_add(const struct module *module);

/* A client that has sent its stream header; what it got is still to be read. */
struct actor stage_connect(void);

/* A client that is authenticated and not bound; what it got is still to be read. */
struct actor stage_authenticate(const char *user);

/* A client that is logged in and bound; it has read everything. No account is needed. */
struct actor stage_login(const char *user, const char *resource);

/* An account in storage, for what is kept of one. */
void stage_account(const char *user);

/* The client goes away, without a word. */
void stage_leave(struct actor *actor);

/* The session gets an element as if its client had sent it. */
void stage_feed(const struct actor *actor, const char *xml);

/* A stanza comes from elsewhere, a room or another server: it has `from` and `to`. */
void stage_arrive(const char *xml);

/* What was written to the client since the last time, when nothing moves any more. The text lives
 * until the stage closes. */
const char *stage_written(const struct actor *actor);

/* stage_feed and stage_written. */
const char *stage_ask(const struct actor *actor, const char *xml);

/* The effects that the handlers of a point ask for on a stanza of this client, one a line; they are
 * not applied. */
const char *stage_effects(const struct actor *actor, enum hook_point at, const char *xml);

/* The same of the handlers that answer an iq. */
const char *stage_answers(const struct actor *actor, const char *xml);

/* Time passes; whatever it sets off happens. */
void stage_pass(uint64_t ms);

/* A counter by its name. */
uint64_t stage_counted(const char *name);

/* Fails unless the text has this part (or has it not). */
#define assert_has(text, part)   assert_has_it((text), (part), true, __FILE__, __LINE__)
#define assert_lacks(text, part) assert_has_it((text), (part), false, __FILE__, __LINE__)
void assert_has_it(const char *text, const char *part, bool wanted, const char *file, int line);

#endif
