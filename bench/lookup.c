#include "lookup.h"

#include "fleet.h"
#include "mem.h"
#include "names.h"
#include "order.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>

/* As amoc's scenarios ask. */
enum { MAM_PAGE = 5, INBOX_PAGE = 10, LINE_LEN = 100 };

enum { LONGEST_MS = 30000, LOOK_MS = 10 };

static _Thread_local unsigned *order;
static _Thread_local uint64_t heard; /* messages of the history that came */

/* --- Something to find --- */

static void on_stanza(struct client *client, const struct element *element, uint64_t now_us)
{
    (void)client;
    (void)now_us;
    heard += element_is(element, NS_CLIENT, "message") &&
             element_child(element, NS_CLIENT, "body") != NULL;
}

static void write_line(unsigned index, uint64_t round)
{
    struct client *client = &fleet.clients[index];
    struct buf *out = conn_out(&client->conn);
    buf_push_str(out, STR("<message type='chat' to='"));
    names_user(out, fleet.setup.options, fleet.clients[index ^ 1].number);
    buf_push_str(out, STR("'><body>"));
    words_write(out, LINE_LEN, round * fleet.count + index);
    buf_push_str(out, STR("</body></message>"));
    client_count_written(client);
    conn_flush(&client->conn);
}

static bool wait_until_heard(uint64_t count)
{
    for (unsigned ms = 0; ms < LONGEST_MS && heard < count; ms += LOOK_MS)
        fleet_rest(LOOK_MS);
    if (heard >= count)
        return true;
    fprintf(stderr, "ringtail-bench: only %" PRIu64 " of %" PRIu64 " messages came\n", heard,
            count);
    return false;
}

/* One message of each user, when those before have come. */
bool lookup_prepare(const struct scenario *scenario)
{
    (void)scenario;
    bool well = true;
    heard = 0;
    fleet.on_stanza = on_stanza;
    for (uint64_t round = 0; round < fleet.setup.options->history && well; round++) {
        for (unsigned i = 0; i < fleet.count; i++)
            write_line(i, round);
        well = wait_until_heard((round + 1) * fleet.count);
    }
    fleet.on_stanza = NULL;
    return well;
}

/* --- Questions --- */

void lookup_begin(struct phase *phase)
{
    (void)phase;
    order = order_new(fleet.count);
}

void lookup_end(struct phase *phase)
{
    (void)phase;
    mem_free(order);
}

/* The id says when the question was due. */
static bool ask(struct phase *phase, uint64_t due_us, const char *open, uint64_t page,
                const char *close)
{
    struct client *client = &fleet.clients[order[phase->next % fleet.count]];
    if (client->stage != CLIENT_READY)
        return true;
    if (phase->options->page)
        page = phase->options->page;
    buf_format(conn_out(&client->conn),
               "<iq type='set' id='l%" PRIu64 "'>%s<set xmlns='http://jabber.org/protocol/rsm'>"
               "<max>%" PRIu64 "</max>%s",
               due_us, open, page, close);
    client_count_written(client);
    conn_flush(&client->conn);
    phase->tally->sent++;
    phase->tally->expected++;
    return true;
}

bool lookup_mam(struct phase *phase, uint64_t due_us)
{
    return ask(phase, due_us, "<query xmlns='urn:xmpp:mam:2'>", MAM_PAGE,
               "<before/></set></query></iq>");
}

bool lookup_inbox(struct phase *phase, uint64_t due_us)
{
    return ask(phase, due_us, "<inbox xmlns='erlang-solutions.com:xmpp:inbox:0'>", INBOX_PAGE,
               "</set></inbox></iq>");
}

void lookup_take(struct phase *phase, struct client *client, const struct element *element,
                 uint64_t now_us)
{
    struct str id = element_attr(element, "id");
    uint64_t due_us;
    (void)client;
    if (element_is(element, NS_CLIENT, "message")) {
        phase->tally->others++; /* a row of a page */
        return;
    }
    if (!element_is(element, NS_CLIENT, "iq") || id.len < 2 || id.at[0] != 'l' ||
        !text_u64((struct str){id.at + 1, id.len - 1}, phase->pace.start_us, UINT64_MAX, &due_us))
        return;
    if (str_is(element_attr(element, "type"), "result"))
        phase_count(phase, due_us, now_us);
    else
        phase->tally->errors++;
}
