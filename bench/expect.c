#include "expect.h"

#include "fleet.h"
#include "names.h"

#include <stdio.h>

enum { GROUPS_MAX = 20, LONGEST_MS = 5000, LOOK_MS = 10 };

/* Of this thread. */
static _Thread_local struct {
    struct phase *phase;
    expect_fn *is_last;
    unsigned group;
    unsigned answered;
    unsigned archived, listed; /* groups whose last message was there */
} expect;

static const struct element *result_in(const struct element *message, enum ns ns)
{
    const struct element *result = element_child(message, ns, "result");
    const struct element *forwarded =
        result ? element_child(result, NS_FORWARD, "forwarded") : NULL;
    return forwarded ? element_child(forwarded, NS_CLIENT, "message") : NULL;
}

static bool holds_last(struct client *client, const struct element *message, enum ns ns)
{
    const struct element *inner = result_in(message, ns);
    unsigned index = fleet_index(client);
    struct note note;
    return inner && note_read(inner, &note) && expect.is_last(&note, index - index % expect.group);
}

static void on_stanza(struct client *client, const struct element *element, uint64_t now_us)
{
    (void)now_us;
    if (element_is(element, NS_CLIENT, "iq")) {
        expect.answered++;
    } else if (element_is(element, NS_CLIENT, "message")) {
        expect.archived += holds_last(client, element, NS_MAM);
        expect.listed += holds_last(client, element, NS_INBOX);
    }
}

/* A room's archive is the room's (XEP-0313 section 3). */
static void ask_archive(struct client *client)
{
    struct buf *out = conn_out(&client->conn);
    const char *service = expect.phase->scenario->room_service;
    buf_push_str(out, STR("<iq type='set' id='archive'"));
    if (service) {
        buf_push_str(out, STR(" to='"));
        names_room(out, expect.phase->options, client->number, service);
        buf_push_str(out, STR("'"));
    }
    buf_push_str(out, STR("><query xmlns='urn:xmpp:mam:2'>"
                          "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><before/></set>"
                          "</query></iq>"));
    conn_flush(&client->conn);
}

static void ask_inbox(struct client *client)
{
    client_write(
        client, STR("<iq type='set' id='inbox'><inbox xmlns='erlang-solutions.com:xmpp:inbox:0'>"
                    "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max></set></inbox></iq>"));
}

static void ask_all(unsigned groups, bool archive, bool inbox)
{
    for (unsigned i = 0; i < groups; i++) {
        struct client *client = &fleet.clients[i * expect.group];
        if (client->stage != CLIENT_READY)
            continue;
        if (archive)
            ask_archive(client);
        if (inbox)
            ask_inbox(client);
    }
}

static void wait_for_answers(unsigned count)
{
    for (unsigned ms = 0; ms < LONGEST_MS && expect.answered < count; ms += LOOK_MS)
        fleet_rest(LOOK_MS);
}

void expect_check(struct phase *phase, expect_fn *is_last)
{
    bool archive = phase->options->expect_archive, inbox = phase->options->expect_inbox;
    unsigned group = scenario_group(phase->scenario, phase->options);
    unsigned groups = fleet.count / group < GROUPS_MAX ? fleet.count / group : GROUPS_MAX;
    if ((!archive && !inbox) || phase->tally->sent == 0)
        return;
    expect.phase = phase;
    expect.is_last = is_last;
    expect.group = group;
    expect.answered = expect.archived = expect.listed = 0;
    fleet.on_stanza = on_stanza;
    ask_all(groups, archive, inbox);
    wait_for_answers(groups * (archive + inbox));
    fleet.on_stanza = NULL;
    phase->tally->not_archived = archive && expect.archived < groups ? groups - expect.archived : 0;
    phase->tally->not_listed = inbox && expect.listed < groups ? groups - expect.listed : 0;
}
