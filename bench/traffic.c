#include "traffic.h"

#include "expect.h"
#include "fleet.h"
#include "mem.h"
#include "names.h"
#include "note.h"
#include "order.h"
#include "words.h"

#include <inttypes.h>

/* What one client says. */
struct lane {
    uint64_t sent;
    uint64_t *newest; /* of each reader: one more than the highest number that came */
    uint64_t *came;   /* a bit a number and reader */
};

/* Of this thread. */
static _Thread_local struct {
    unsigned group;   /* clients in a room, or peers of each other */
    unsigned readers; /* of each message */
    struct lane *lanes;
    unsigned *order; /* who writes when */
} traffic;

/* --- Life --- */

void traffic_begin(struct phase *phase)
{
    uint64_t writes = phase->pace.writes / fleet.count + 1;
    traffic.group = scenario_group(phase->scenario, phase->options);
    traffic.readers = phase->scenario->room_service ? traffic.group : 1;
    uint64_t bits = writes * phase->pace.burst * traffic.readers;
    traffic.order = order_new(fleet.count);
    traffic.lanes = mem_zalloc(fleet.count * sizeof *traffic.lanes);
    for (unsigned i = 0; i < fleet.count; i++) {
        traffic.lanes[i].came = mem_zalloc((bits + 63) / 64 * sizeof(uint64_t));
        traffic.lanes[i].newest = mem_zalloc(traffic.group * sizeof(uint64_t));
    }
}

static bool is_last(const struct note *note, unsigned leader)
{
    return note->sender >= leader && note->sender < leader + traffic.group &&
           note->number + 1 == traffic.lanes[note->sender].sent;
}

void traffic_end(struct phase *phase)
{
    expect_check(phase, is_last);
    for (unsigned i = 0; i < fleet.count; i++) {
        mem_free(traffic.lanes[i].came);
        mem_free(traffic.lanes[i].newest);
    }
    mem_free(traffic.lanes);
    mem_free(traffic.order);
}

/* --- Sending --- */

static unsigned place_of(unsigned index)
{
    return index % traffic.group;
}

/* The place of the peer who gets a message: each of the others in turn. */
static unsigned target_of(unsigned sender, uint64_t number)
{
    return (unsigned)((place_of(sender) + 1 + number % (traffic.group - 1)) % traffic.group);
}

static void write_address(struct buf *out, const struct phase *phase, unsigned index,
                          uint64_t number)
{
    unsigned leader = index - place_of(index);
    if (phase->scenario->room_service) {
        buf_push_str(out, STR("type='groupchat' to='"));
        names_room(out, phase->options, fleet.first + leader, phase->scenario->room_service);
    } else {
        buf_push_str(out, STR("type='chat' to='"));
        names_user(out, phase->options, fleet.first + leader + target_of(index, number));
    }
    buf_push_str(out, STR("'"));
}

/* What stands behind the body. An origin-id is of this run: another one's would be resent messages.
 */
static void write_tail(struct buf *out, const struct options *options, const struct note *note)
{
    buf_push_str(out, STR("</body>"));
    if (options->origin_ids)
        buf_format(out,
                   "<origin-id xmlns='urn:xmpp:sid:0' id='%" PRIu64 "-%" PRIu64 "-%" PRIu64 "'/>",
                   note->sender, note->number, note->due_us);
    if (options->receipts)
        buf_push_str(out, STR("<request xmlns='urn:xmpp:receipts'/>"));
    buf_push_str(out, STR("</message>"));
}

/* Filled with text up to the wanted length of body or stanza. */
static void write_message(const struct phase *phase, struct client *client, const struct note *note)
{
    static const size_t tail_len = sizeof "</body></message>" - 1;
    const struct options *options = phase->options;
    struct buf *out = conn_out(&client->conn);
    size_t before = buf_len(out);
    buf_format(out, "<message id='m%" PRIu64 "' ", note->number);
    write_address(out, phase, (unsigned)note->sender, note->number);
    buf_push_str(out, STR("><body>"));
    size_t body = buf_len(out);
    note_write(out, note);
    size_t have = buf_len(out) - (options->body_len ? body : before - tail_len);
    size_t want = options->body_len ? options->body_len : options->stanza_len;
    if (have < want)
        words_write(out, want - have, note->number * fleet.count + note->sender);
    write_tail(out, options, note);
    client_count_written(client);
}

bool traffic_act(struct phase *phase, uint64_t due_us)
{
    unsigned index = traffic.order[phase->next % fleet.count];
    struct client *client = &fleet.clients[index];
    struct lane *lane = &traffic.lanes[index];
    if (client->stage != CLIENT_READY)
        return true;
    for (uint64_t i = 0; i < phase->pace.burst; i++)
        write_message(phase, client, &(struct note){index, lane->sent++, due_us});
    conn_flush(&client->conn);
    phase->tally->sent += phase->pace.burst;
    phase->tally->expected += phase->pace.burst * traffic.readers;
    return true;
}

/* --- Receiving --- */

/* Which of a sender's readers a client is; false: none. */
static bool find_reader(const struct phase *phase, const struct note *note, unsigned index,
                        unsigned *reader)
{
    unsigned sender = (unsigned)note->sender;
    bool rooms = phase->scenario->room_service;
    *reader = rooms ? place_of(index) : 0;
    return sender < fleet.count && sender / traffic.group == index / traffic.group &&
           note->number < traffic.lanes[sender].sent &&
           (rooms || target_of(sender, note->number) == place_of(index));
}

/* False when it has come before. */
static bool mark(struct lane *lane, uint64_t place)
{
    uint64_t bit = UINT64_C(1) << (place % 64), *word = &lane->came[place / 64];
    bool fresh = !(*word & bit);
    *word |= bit;
    return fresh;
}

/* To one reader in order. Between peers each reader has a count of its own, too. */
static void check_order(struct phase *phase, struct lane *lane, uint64_t number, unsigned place)
{
    if (number < lane->newest[place])
        phase->tally->disordered++;
    else
        lane->newest[place] = number + 1;
}

static void answer_receipt(const struct phase *phase, struct client *client,
                           const struct element *message, const struct note *note)
{
    struct buf *out = conn_out(&client->conn);
    if (!element_child(message, NS_RECEIPTS, "request") || phase->scenario->room_service)
        return;
    buf_push_str(out, STR("<message type='chat' to='"));
    names_user(out, phase->options, fleet.first + (unsigned)note->sender);
    buf_format(out, "'><received xmlns='urn:xmpp:receipts' id='m%" PRIu64 "'/></message>",
               note->number);
    client_count_written(client);
    conn_flush(&client->conn);
}

/* A room's subject, a greeting; what an archive or a room had kept of an earlier run. */
static void take_other(struct phase *phase, const struct element *element)
{
    if (element_child(element, NS_RECEIPTS, "received"))
        phase->tally->receipts++;
    else
        phase->tally->others++;
}

void traffic_take(struct phase *phase, struct client *client, const struct element *element,
                  uint64_t now_us)
{
    struct note note;
    unsigned reader, index = fleet_index(client);
    if (!element_is(element, NS_CLIENT, "message"))
        return;
    bool error = str_is(element_attr(element, "type"), "error");
    if (!error && (!note_read(element, &note) || note.due_us < phase->pace.start_us)) {
        take_other(phase, element);
        return;
    }
    if (error || !find_reader(phase, &note, index, &reader)) {
        phase->tally->errors++;
        return;
    }
    struct lane *lane = &traffic.lanes[note.sender];
    if (!mark(lane, note.number * traffic.readers + reader)) {
        phase->tally->doubled++;
        return;
    }
    check_order(phase, lane, note.number, place_of(index));
    phase_count(phase, note.due_us, now_us);
    answer_receipt(phase, client, element, &note);
}
