/*
 * Rooms as all servers have them (XEP-0045). The first of a group enters, which makes the room, and
 * opens it with the presets (10.1.2: a new room may be locked until then); then the others enter.
 */
#include "fleet.h"
#include "mem.h"
#include "room.h"
#include "scenario.h"
#include "talk.h"

#include <stdio.h>

#define SERVICE "conference"

enum { LONGEST_MS = 60000, LOOK_MS = 20 };

static unsigned begun, full, refused; /* rooms, rooms, users */
static unsigned *inside;              /* users, a room */

static unsigned size_of(const struct client *client)
{
    return (unsigned)client->setup->options->room_size;
}

static unsigned room_of(const struct client *client)
{
    return fleet_index(client) / size_of(client);
}

/* The nickname is the user's name. No history: what was said before is not of this run. */
static void enter(struct client *client)
{
    const struct options *options = client->setup->options;
    struct buf *out = conn_out(&client->conn);
    buf_push_str(out, STR("<presence to='"));
    room_write(out, options, room_of(client), SERVICE);
    buf_format(out,
               "/%s%u'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
               "</presence>",
               options->prefix, client->number);
    conn_flush(&client->conn);
}

static void open_room(struct client *owner)
{
    struct buf *out = conn_out(&owner->conn);
    buf_push_str(out, STR("<iq type='set' id='open' to='"));
    room_write(out, owner->setup->options, room_of(owner), SERVICE);
    buf_push_str(out, STR("'><query xmlns='http://jabber.org/protocol/muc#owner'>"
                          "<x xmlns='jabber:x:data' type='submit'/></query></iq>"));
    conn_flush(&owner->conn);
}

/* Own presence, which comes back when one is inside, has one's own nickname (7.2.2). */
static bool is_own(const struct client *client, const struct element *presence)
{
    char nick[64];
    struct str name;
    str_cut(element_attr(presence, "from"), '/', &name);
    snprintf(nick, sizeof nick, "%s%u", client->setup->options->prefix, client->number);
    return str_is(name, nick);
}

static void begin_room(void)
{
    unsigned size = (unsigned)fleet.setup.options->room_size;
    enter(&fleet.clients[begun++ * size]);
}

static void count_entry(struct client *client)
{
    unsigned room = room_of(client), size = size_of(client);
    bool first = fleet_index(client) % size == 0;
    inside[room]++;
    if (first)
        open_room(client);
    if (inside[room] < size)
        return;
    full++;
    if (begun < fleet.count / size)
        begin_room();
}

/* To open the room was done, or was not needed. */
static void let_others_in(struct client *owner)
{
    for (unsigned i = 1; i < size_of(owner); i++)
        enter(owner + i);
}

static void on_stanza(struct client *client, const struct element *element, uint64_t now_us)
{
    (void)now_us;
    if (element_is(element, NS_CLIENT, "iq")) {
        if (str_is(element_attr(element, "id"), "open"))
            let_others_in(client);
    } else if (element_is(element, NS_CLIENT, "presence")) {
        if (str_is(element_attr(element, "type"), "error"))
            refused++;
        else if (is_own(client, element))
            count_entry(client);
    }
}

static bool enter_all(const struct options *options)
{
    unsigned rooms = fleet.count / (unsigned)options->room_size;
    inside = mem_zalloc(rooms * sizeof *inside);
    fleet.on_stanza = on_stanza;
    while (begun < rooms && begun < options->in_flight)
        begin_room();
    for (unsigned ms = 0; ms < LONGEST_MS && full < rooms && !refused; ms += LOOK_MS)
        fleet_rest(LOOK_MS);
    mem_free(inside);
    if (full == rooms)
        return true;
    fprintf(stderr, "ringtail-bench: %u of %u rooms are full, %u users were refused\n", full, rooms,
            refused);
    return false;
}

int scenario_muc(const struct options *options)
{
    return talk_in_rooms(
        options, &(struct talk){.name = "muc", .room_service = SERVICE, .prepare = enter_all});
}
