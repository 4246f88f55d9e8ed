/*
 * One-to-one messages through the whole server on the simulated ring, in one thread without time or
 * chance: as many instructions in each run, so that what a module costs can be counted.
 *
 *   ringtail-messages MODULES COUNT [STANZA]...
 *
 * MODULES is the modules section of the configuration in YAML; each of the two clients says the
 * stanzas when it has come, and answers requests for acknowledgements.
 */
#include "check.h"
#include "sim_client.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 4000 };

static const char *const users[] = {"u0", "u1", NULL};

struct client {
    struct sim_peer *peer;
    unsigned messages; /* that came */
};

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

static void come(struct client *client, unsigned number, char *const *stanzas)
{
    struct buf in = {0};
    client->peer = sim_client_log_in(number, &in);
    for (; *stanzas; stanzas++)
        sim_client_ask(client->peer, &in, *stanzas);
    buf_fini(&in);
}

/* Takes what came, and acknowledges it when asked to. */
static void take(struct client *client)
{
    char answer[64];
    struct buf *in = sim_received(client->peer);
    buf_push(in, "", 1);
    const char *text = (const char *)buf_at(in);
    client->messages += (unsigned)count_of(text, "<message");
    bool asked = strstr(text, "<r xmlns='urn:xmpp:sm:3'/>");
    buf_fini(in);
    if (!asked)
        return;
    snprintf(answer, sizeof answer, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", client->messages);
    sim_send(client->peer, str_of(answer));
}

static void say(struct client *client, unsigned number)
{
    char text[512];
    snprintf(text, sizeof text,
             "<message to='u1@localhost' type='chat' id='m%u'><body>%08u lorem ipsum dolor sit amet"
             " consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore"
             " magna aliqua ut enim ad minim veniam quis nostrud</body>"
             "<active xmlns='http://jabber.org/protocol/chatstates'/></message>",
             number, number);
    sim_send(client->peer, str_of(text));
}

int main(int argc, char **argv)
{
    struct client clients[2] = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: ringtail-messages MODULES COUNT [STANZA]...\n");
        return 2;
    }
    unsigned count = (unsigned)strtoul(argv[2], NULL, 10);
    sim_server_open(1, 1, (struct sim_faults){0}, users, argv[1]);
    for (unsigned i = 0; i < COUNT_OF(clients); i++)
        come(&clients[i], i, argv + 3);
    for (unsigned i = 0; i < count; i++) {
        say(&clients[0], i);
        sim_settle(STEPS);
        take(&clients[0]);
        take(&clients[1]);
        sim_settle(STEPS);
    }
    for (unsigned i = 0; i < COUNT_OF(clients); i++)
        sim_finish(clients[i].peer);
    sim_server_close();
    printf("delivered %u\n", clients[1].messages);
    return clients[1].messages == count ? 0 : 1;
}
