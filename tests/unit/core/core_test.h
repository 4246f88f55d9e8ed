/*
 * What the tests of this floor share: a shard with the memory store, a host type of made-up modules
 * for the domain "here", and sessions over socket pairs that skip the login.
 */
#ifndef RT_CORE_TEST_H
#define RT_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "boot.h"
#include "c2s.h"
#include "check.h"
#include "core.h"
#include "effect.h"
#include "log.h"
#include "mem.h"
#include "module.h"
#include "router.h"
#include "store.h"
#include "users.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shard *shard;
static struct host_type *type;
static struct host *here;
static struct c2s_listener listener = {.state_timeout_ms = UINT64_MAX, .plaintext_auth = true};
static struct arena arena; /* of the test */

/* A session and its client's end of the pair. */
struct place {
    struct session *session;
    int peer;
};

/* A host type of modules without configuration. */
static inline enum err make_type(const struct module *const *modules, size_t count,
                                 struct host_type **out, const char **why)
{
    struct module_setup setups[16] = {{0}};
    for (size_t i = 0; i < count; i++)
        setups[i].module = modules[i];
    return host_type_new("test", setups, count, out, why);
}

static inline void stage_open(const struct module *const *modules, size_t count)
{
    static const struct store_config store = {.backend = STORE_MEMORY, .deadline_ms = 5000};
    const char *why = "";
    struct jid domain;
    log_threshold = LOG_NONE;
    arena_init(&arena);
    if (make_type(modules, count, &type, &why) || store_setup(&store, &why))
        fail_msg("%s", why);
    jid_make(&arena, STR(""), STR("here"), STR(""), &domain);
    host_add(type, &domain);
    here = host_find(STR("here"));
    assert_int_equal(boot_single(&shard), ERR_OK);
    store_shard_start(shard);
    core_start(shard);
}

static inline void stage_close(void)
{
    core_stop(shard);
    store_shard_stop(shard);
    boot_single_end(shard);
    store_teardown();
    hosts_free();
    arena_fini(&arena);
    arena_pool_drop();
}

#define STAGE_OPEN(...)                                                                            \
    stage_open((const struct module *const[]){__VA_ARGS__},                                        \
               COUNT_OF(((const struct module *const[]){__VA_ARGS__})))

/* Turns until nothing is under way any more. */
static inline void turns(void)
{
    for (int i = 0; i < 12; i++)
        shard_turn(shard, i < 8 ? 0 : 500);
}

/* A session in state_connect. */
static inline struct place place_new(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    listener.listener.count++;
    session_new(&listener, fds[0]);
    return (struct place){LIST_OWNER(session_list()->prev, struct session, shard_link), fds[1]};
}

/* An established session of user@here/resource that is available with priority 0. */
static inline struct place log_in(const char *user, const char *resource)
{
    struct place place = place_new();
    struct jid jid;
    jid_make(&arena, str_of(user), STR("here"), str_of(resource), &jid);
    jid_keep(&place.session->jid, &jid);
    place.session->host = here;
    place.session->authenticated = place.session->header_sent = true;
    place.session->available = true;
    session_opened(place.session);
    state_enter(place.session, &state_session_established);
    return place;
}

/* What came to the client since the last time; in the test's arena. */
static inline const char *heard(const struct place *place)
{
    char bytes[16384];
    turns();
    ssize_t got = recv(place->peer, bytes, sizeof bytes, 0);
    return arena_str(&arena, (struct str){bytes, got > 0 ? (size_t)got : 0}).at;
}

/* An accumulator with a stanza in it, as a session of `from` would have it (NULL: none). */
static inline struct acc *acc_of(const char *xml, const char *from)
{
    struct acc *acc = acc_new();
    struct element *element;
    assert_int_equal(parser_element(core_self()->parser, &acc->arena, str_of(xml), &element),
                     ERR_OK);
    acc_set(acc, element);
    acc->host = here;
    if (from)
        assert_int_equal(jid_parse(&acc->arena, str_of(from), &acc->from), ERR_OK);
    if (element_attr(element, "to").len)
        assert_int_equal(jid_parse(&acc->arena, element_attr(element, "to"), &acc->to), ERR_OK);
    return acc;
}

#endif
