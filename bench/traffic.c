#include "traffic.h"

#include "mem.h"
#include "prng.h"
#include "room.h"

#include <inttypes.h>
#include <stdio.h>

/* --- Life --- */

static void shuffle(unsigned *order, unsigned count)
{
    struct prng prng;
    prng_init(&prng, 1); /* the same order in each run */
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    for (unsigned i = count; i > 1; i--) {
        unsigned other = (unsigned)prng_below(&prng, i), last = order[i - 1];
        order[i - 1] = order[other];
        order[other] = last;
    }
}

void traffic_init(struct traffic *traffic)
{
    uint64_t writes = traffic->pace.writes / fleet.count + 1;
    traffic->readers = traffic->room_size ? traffic->room_size : 1;
    traffic->lane_room = writes * traffic->pace.burst * traffic->readers;
    traffic->order = mem_zalloc(fleet.count * sizeof *traffic->order);
    shuffle(traffic->order, fleet.count);
    traffic->lanes = mem_zalloc(fleet.count * sizeof *traffic->lanes);
    for (unsigned i = 0; i < fleet.count; i++) {
        traffic->lanes[i].came = mem_zalloc((traffic->lane_room + 63) / 64 * sizeof(uint64_t));
        traffic->lanes[i].newest = mem_zalloc(traffic->readers * sizeof(uint64_t));
    }
    traffic->latency_us = mem_zalloc(sizeof *traffic->latency_us);
    traffic->late_us = mem_zalloc(sizeof *traffic->late_us);
}

void traffic_fini(struct traffic *traffic)
{
    for (unsigned i = 0; i < fleet.count; i++) {
        mem_free(traffic->lanes[i].came);
        mem_free(traffic->lanes[i].newest);
    }
    mem_free(traffic->lanes);
    mem_free(traffic->order);
    mem_free(traffic->latency_us);
    mem_free(traffic->late_us);
}

/* --- Sending --- */

/* Words at random, since an archive that compresses finds out whether a text is one. */
static void fill(struct buf *out, size_t len, uint64_t seed)
{
    static const char *const words[] = {
        "the",   "of",   "and",   "to",      "in",    "is",       "you",     "that",
        "it",    "he",   "was",   "for",     "on",    "are",      "as",      "with",
        "his",   "they", "at",    "be",      "this",  "have",     "from",    "or",
        "one",   "had",  "by",    "word",    "but",   "not",      "what",    "all",
        "were",  "we",   "when",  "your",    "can",   "said",     "there",   "use",
        "an",    "each", "which", "she",     "do",    "how",      "their",   "if",
        "will",  "up",   "other", "about",   "out",   "many",     "then",    "them",
        "these", "so",   "some",  "tonight", "would", "tomorrow", "meeting", "station",
    };
    char *at = (char *)buf_reserve(out, len), *end = at + len;
    while (at < end) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        const char *word = words[(seed >> 33) % COUNT_OF(words)];
        while (*word && at < end)
            *at++ = *word++;
        if (at < end)
            *at++ = ' ';
    }
    buf_grow(out, len);
}

/* To the peer, or to the room of the group. */
static void write_address(struct buf *out, const struct client *client,
                          const struct traffic *traffic)
{
    const struct options *options = client->setup->options;
    unsigned index = fleet_index(client);
    if (traffic->room_size) {
        buf_push_str(out, STR("type='groupchat' to='"));
        room_write(out, options, index / traffic->room_size, traffic->rooms_at);
        buf_push_str(out, STR("'"));
    } else
        buf_format(out, "type='chat' to='%s%u@%s'", options->prefix,
                   fleet.clients[index ^ 1].number, options->domain);
}

/* Filled with text up to the wanted length of body or stanza. */
static void write_message(const struct traffic *traffic, struct client *client, uint64_t number,
                          uint64_t due_us)
{
    static const char tail[] = "</body></message>";
    const struct options *options = client->setup->options;
    struct buf *out = conn_out(&client->conn);
    size_t before = buf_len(out);
    buf_format(out, "<message id='m%" PRIu64 "' ", number);
    write_address(out, client, traffic);
    buf_push_str(out, STR("><body>"));
    size_t body = buf_len(out);
    buf_format(out, "%u %" PRIu64 " %" PRIu64 " ", fleet_index(client), number, due_us);
    size_t have = buf_len(out) - (options->body_len ? body : before - (sizeof tail - 1));
    size_t want = options->body_len ? options->body_len : options->stanza_len;
    if (have < want)
        fill(out, want - have, number * fleet.count + fleet_index(client));
    if (options->origin_ids) /* of this run: another one's would be resent messages */
        buf_format(out,
                   "</body><origin-id xmlns='urn:xmpp:sid:0' id='%u-%" PRIu64 "-%" PRIu64
                   "'/></message>",
                   fleet_index(client), number, due_us);
    else
        buf_push(out, tail, sizeof tail - 1);
}

static void write_burst(struct traffic *traffic, unsigned index, uint64_t due_us)
{
    struct client *client = &fleet.clients[index];
    struct lane *lane = &traffic->lanes[index];
    if (client->stage != CLIENT_READY)
        return;
    for (uint64_t i = 0; i < traffic->pace.burst; i++)
        write_message(traffic, client, lane->sent++, due_us);
    conn_flush(&client->conn);
    traffic->sent += traffic->pace.burst;
}

uint64_t traffic_send(struct traffic *traffic, uint64_t now_us)
{
    uint64_t due_us;
    while ((due_us = pace_due_us(&traffic->pace, traffic->next)) <= now_us) {
        write_burst(traffic, traffic->order[traffic->next % fleet.count], due_us);
        if (due_us >= traffic->pace.measure_us)
            hist_add(traffic->late_us, now_us - due_us);
        traffic->next++;
    }
    return due_us;
}

/* --- Receiving --- */

struct note {
    uint64_t sender, number, due_us;
};

static bool read_note(const struct element *element, struct note *out)
{
    const struct element *body = element_child(element, NS_CLIENT, "body");
    const struct node *node = body ? body->first : NULL;
    if (!element_is(element, NS_CLIENT, "message") || !node || node->kind != NODE_TEXT)
        return false;
    struct str rest = ((const struct text_node *)node)->text;
    return text_u64(str_cut(rest, ' ', &rest), 0, fleet.count - 1, &out->sender) &&
           text_u64(str_cut(rest, ' ', &rest), 0, UINT64_MAX, &out->number) &&
           text_u64(str_cut(rest, ' ', &rest), 0, UINT64_MAX, &out->due_us);
}

/* Which of a sender's readers a client is; false: none. */
static bool find_reader(const struct traffic *traffic, uint64_t sender, unsigned index,
                        unsigned *reader)
{
    unsigned size = traffic->room_size;
    *reader = size ? index % size : 0;
    return size ? sender / size == index / size : sender == (index ^ 1);
}

/* False when it has come before. */
static bool mark(struct lane *lane, uint64_t place)
{
    uint64_t bit = UINT64_C(1) << (place % 64), *word = &lane->came[place / 64];
    bool fresh = !(*word & bit);
    *word |= bit;
    return fresh;
}

static void count(struct traffic *traffic, const struct note *note, uint64_t now_us)
{
    traffic->delivered++;
    if (now_us >= traffic->pace.measure_us && now_us < traffic->pace.end_us)
        traffic->in_window++;
    if (note->due_us >= traffic->pace.measure_us)
        hist_add(traffic->latency_us, now_us > note->due_us ? now_us - note->due_us : 0);
}

void traffic_take(struct traffic *traffic, const struct client *client,
                  const struct element *element, uint64_t now_us)
{
    struct note note;
    unsigned reader;
    if (element_is(element, NS_CLIENT, "presence") || element_is(element, NS_CLIENT, "iq"))
        return;
    bool error = str_is(element_attr(element, "type"), "error");
    if (!error && (!read_note(element, &note) || note.due_us < traffic->pace.start_us)) {
        traffic->others++; /* a room's subject, a greeting; what an archive or a room had kept */
        return;
    }
    if (error || !find_reader(traffic, note.sender, fleet_index(client), &reader) ||
        note.number >= traffic->lanes[note.sender].sent) {
        traffic->foreign++;
        return;
    }
    struct lane *lane = &traffic->lanes[note.sender];
    if (!mark(lane, note.number * traffic->readers + reader)) {
        traffic->doubled++;
        return;
    }
    if (note.number < lane->newest[reader])
        traffic->disordered++;
    else
        lane->newest[reader] = note.number + 1;
    count(traffic, &note, now_us);
}
