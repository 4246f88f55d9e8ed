/* What the tests of rooms share: alice, bob and carol, and what they ask. */
#ifndef RT_ROOM_STAGE_H
#define RT_ROOM_STAGE_H

#include "stage.h"

#define LIGHT   "urn:xmpp:muclight:0"
#define ROOM    "tea@muclight.localhost"
#define SERVICE "muclight.localhost"

static struct actor alice, bob, carol;

/* As stage_ask, with time for storage. */
static inline const char *ask(const struct actor *actor, const char *xml)
{
    stage_feed(actor, xml);
    stage_pass(20);
    return stage_written(actor);
}

static inline int sprintf_to(char *at, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline int sprintf_to(char *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(at, 512, format, args);
    va_end(args);
    return len;
}

static inline struct actor come(const char *user)
{
    stage_account(user);
    struct actor actor = stage_login(user, "r");
    ask(&actor, "<presence/>");
    return actor;
}

static inline void open_with(const char *conf)
{
    char modules[300];
    snprintf(modules, sizeof modules,
             "{mam: {}, inbox: {}, disco: {}, presence: {}, roster: {}, muc_light: {%s}}", conf);
    stage_open(modules, "");
    alice = come("alice");
    bob = come("bob");
    carol = come("carol");
}

static inline void open_with_archives_of_users(void)
{
    stage_open("{mam: {archive_groupchats: true}, presence: {}, muc_light: {}}", "");
    alice = come("alice");
    bob = come("bob");
    carol = come("carol");
}

static inline int up(void **state)
{
    (void)state;
    open_with("");
    return 0;
}

static inline int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static inline const char *iq(const struct actor *actor, const char *to, const char *type,
                             const char *what, const char *children)
{
    char xml[1200];
    snprintf(xml, sizeof xml,
             "<iq type='%s' id='i' to='%s'><query xmlns='" LIGHT "#%s'>%s</query></iq>", type, to,
             what, children);
    return ask(actor, xml);
}

static inline const char *create(const struct actor *actor, const char *room, const char *occupants)
{
    char children[800];
    snprintf(children, sizeof children, "<occupants>%s</occupants>", occupants);
    return iq(actor, room, "set", "create", children);
}

#define USER(name, affiliation) "<user affiliation='" affiliation "'>" name "@localhost</user>"

static inline const char *change(const struct actor *actor, const char *users)
{
    return iq(actor, ROOM, "set", "affiliations", users);
}

static inline const char *list(const struct actor *actor)
{
    return iq(actor, ROOM, "get", "affiliations", "");
}

static inline void forget_all(void)
{
    stage_pass(20);
    stage_written(&alice);
    stage_written(&bob);
    stage_written(&carol);
}

static inline void make_room(void)
{
    assert_has(create(&alice, ROOM, USER("bob", "member")), "type='result'");
    forget_all();
}

#endif
