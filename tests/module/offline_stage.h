/* What the tests of module offline share: me, who says things to you. */
#ifndef RT_OFFLINE_STAGE_H
#define RT_OFFLINE_STAGE_H

#include "stage.h"

#include "store_backend.h"

static struct actor me;

#define BODY(text)  "<body>" text "</body>"
#define HINT(name)  "<" name " xmlns='urn:xmpp:hints'/>"
#define STATE       "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
#define UNAVAILABLE "<service-unavailable " STANZAS "/>"
#define AWAY        "<presence><priority>-1</priority></presence>"

static const char *const names[] = {"offline_given_total", "offline_expired_total",
                                    "offline_held_total"};
static uint64_t before[COUNT_OF(names)];

/* Since the test began. */
static inline uint64_t counted(const char *name)
{
    size_t i = 0;
    while (strcmp(names[i], name) != 0)
        i++;
    return stage_counted(name) - before[i];
}

static inline void open_with(const char *modules)
{
    stage_open(modules, "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    stage_ask(&me, "<presence/>");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        before[i] = stage_counted(names[i]);
}

static inline int down(void **state)
{
    (void)state;
    store_mem_hook = NULL;
    stage_close();
    return 0;
}

/* What it told the sender. */
static inline const char *say_xml(const char *attributes, const char *children)
{
    char xml[640];
    snprintf(xml, sizeof xml, "<message to='you@localhost' %s>%s</message>", attributes, children);
    stage_feed(&me, xml);
    stage_pass(20);
    return stage_written(&me);
}

static inline void say(const char *text)
{
    char body[64];
    snprintf(body, sizeof body, "<body>%s</body>", text);
    assert_string_equal(say_xml("type='chat'", body), "");
}

/* With a presence of its own, and all that came of it. */
static struct actor come_as(const char *resource, const char *presence)
{
    struct actor you = stage_login("you", resource);
    stage_feed(&you, presence);
    stage_pass(50);
    return you;
}

static struct actor come(void)
{
    return come_as("r", "<presence/>");
}

/* The bodies, joined. */
static inline const char *bodies(const struct actor *actor)
{
    static char text[2048];
    const char *at = stage_written(actor), *end;
    text[0] = '\0';
    while ((at = strstr(at, "<body>")) && (end = strstr(at, "</body>"))) {
        size_t len = strlen(text);
        at += strlen("<body>");
        snprintf(text + len, sizeof text - len, "%s%.*s", len ? " " : "", (int)(end - at), at);
    }
    return text;
}

#endif
