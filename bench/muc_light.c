/* Rooms (MUC Light) of --room-size users, each of whom talks. */
#include "fleet.h"
#include "room.h"
#include "scenario.h"
#include "talk.h"

#include <stdio.h>

#define SERVICE "muclight"

enum { LONGEST_MS = 20000, LOOK_MS = 20 };

static unsigned created, refused;

static void on_answer(struct client *client, const struct element *element, uint64_t now_us)
{
    (void)client;
    (void)now_us;
    if (!element_is(element, NS_CLIENT, "iq"))
        return;
    bool result = str_is(element_attr(element, "type"), "result");
    created += result;
    refused += !result;
}

/* The first of the group creates its room, with all others. */
static void create(const struct options *options, unsigned room)
{
    unsigned size = (unsigned)options->room_size;
    struct client *owner = &fleet.clients[room * size];
    struct buf *out = conn_out(&owner->conn);
    buf_push_str(out, STR("<iq type='set' id='create' to='"));
    room_write(out, options, room, SERVICE);
    buf_push_str(out, STR("'><query xmlns='urn:xmpp:muclight:0#create'><occupants>"));
    for (unsigned i = 1; i < size; i++)
        buf_format(out, "<user affiliation='member'>%s%u@%s</user>", options->prefix,
                   owner[i].number, options->domain);
    buf_push_str(out, STR("</occupants></query></iq>"));
    conn_flush(&owner->conn);
}

static bool create_all(const struct options *options)
{
    unsigned rooms = (unsigned)(options->users / options->room_size);
    fleet.on_stanza = on_answer;
    for (unsigned room = 0; room < rooms; room++) {
        create(options, room);
        if (room % options->in_flight == 0)
            fleet_rest(LOOK_MS);
    }
    for (unsigned ms = 0; ms < LONGEST_MS && created + refused < rooms; ms += LOOK_MS)
        fleet_rest(LOOK_MS);
    if (created == rooms)
        return true;
    fprintf(stderr, "ringtail-bench: %u of %u rooms were created\n", created, rooms);
    return false;
}

int scenario_muc_light(const struct options *options)
{
    return talk_in_rooms(options,
                         &(struct talk){.name = "muc_light",
                                        .room_service = SERVICE,
                                        .prepare = options->rooms_made ? NULL : create_all});
}
