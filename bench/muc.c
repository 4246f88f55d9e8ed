/*
 * Rooms as all servers have them (XEP-0045). The first of a group enters, which makes the room, and
 * opens it with the presets (10.1.2: a new room may be locked until then); then the others enter.
 */
#include "muc.h"

#include "fleet.h"
#include "mem.h"
#include "names.h"

#include <stdio.h>

enum { LONGEST_MS = 60000, LOOK_MS = 20 };

/* Of this thread. */
static _Thread_local struct {
    const char *service;
    unsigned size, rooms;
    unsigned begun, full; /* rooms */
    unsigned refused;     /* users */
    unsigned *inside;     /* users, a room */
} muc;

static unsigned room_of(const struct client *client)
{
    return fleet_index(client) / muc.size;
}

static void write_room(struct buf *out, const struct client *client)
{
    names_room(out, client->setup->options, fleet.clients[room_of(client) * muc.size].number,
               muc.service);
}

/* The nickname is the user's name. No history: what was said before is not of this run. */
static void enter(struct client *client)
{
    struct buf *out = conn_out(&client->conn);
    buf_push_str(out, STR("<presence to='"));
    write_room(out, client);
    buf_format(out,
               "/%s%u'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
               "</presence>",
               client->setup->options->prefix, client->number);
    conn_flush(&client->conn);
}

static void open_room(struct client *owner)
{
    struct buf *out = conn_out(&owner->conn);
    buf_push_str(out, STR("<iq type='set' id='open' to='"));
    write_room(out, owner);
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
    enter(&fleet.clients[muc.begun * muc.size]);
    muc.begun++;
}

static void count_entry(struct client *client)
{
    unsigned room = room_of(client);
    muc.inside[room]++;
    if (fleet_index(client) % muc.size == 0)
        open_room(client);
    if (muc.inside[room] < muc.size)
        return;
    muc.full++;
    if (muc.begun < muc.rooms)
        begin_room();
}

/* To open the room was done, or was not needed. */
static void let_others_in(struct client *owner)
{
    for (unsigned i = 1; i < muc.size; i++)
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
            muc.refused++;
        else if (is_own(client, element))
            count_entry(client);
    }
}

static bool enter_all(void)
{
    fleet.on_stanza = on_stanza;
    while (muc.begun < muc.rooms && muc.begun < fleet.setup.options->in_flight)
        begin_room();
    for (unsigned ms = 0; ms < LONGEST_MS && muc.full < muc.rooms && !muc.refused; ms += LOOK_MS)
        fleet_rest(LOOK_MS);
    fleet.on_stanza = NULL;
    if (muc.full == muc.rooms)
        return true;
    fprintf(stderr, "ringtail-bench: %u of %u rooms are full, %u users were refused\n", muc.full,
            muc.rooms, muc.refused);
    return false;
}

bool muc_prepare(const struct scenario *scenario)
{
    memset(&muc, 0, sizeof muc);
    muc.service = scenario->room_service;
    muc.size = (unsigned)fleet.setup.options->room_size;
    muc.rooms = fleet.count / muc.size;
    muc.inside = mem_zalloc((muc.rooms + 1) * sizeof *muc.inside);
    bool well = enter_all();
    mem_free(muc.inside);
    return well;
}
