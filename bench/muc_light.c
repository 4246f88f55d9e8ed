/* Rooms (MUC Light) of --room-size users: the first of each group makes its room. */
#include "muc.h"

#include "fleet.h"
#include "names.h"

#include <stdio.h>

enum { LONGEST_MS = 20000, LOOK_MS = 20 };

static _Thread_local unsigned created, refused;

static void on_answer(struct client *client, const struct element *element, uint64_t now_us)
{
    (void)client;
    (void)now_us;
    if (!element_is(element, NS_CLIENT, "iq"))
        return;
    const struct element *error = element_child(element, NS_CLIENT, "error");
    bool result = !error || element_child(error, NS_STANZAS, "conflict"); /* of an earlier run */
    created += result;
    refused += !result;
}

/* With all others as members. */
static void create(const struct scenario *scenario, struct client *owner)
{
    const struct options *options = fleet.setup.options;
    struct buf *out = conn_out(&owner->conn);
    buf_push_str(out, STR("<iq type='set' id='create' to='"));
    names_room(out, options, owner->number, scenario->room_service);
    buf_push_str(out, STR("'><query xmlns='urn:xmpp:muclight:0#create'><occupants>"));
    for (unsigned i = 1; i < options->room_size; i++) {
        buf_push_str(out, STR("<user affiliation='member'>"));
        names_user(out, options, owner[i].number);
        buf_push_str(out, STR("</user>"));
    }
    buf_push_str(out, STR("</occupants></query></iq>"));
    conn_flush(&owner->conn);
}

static void create_all(const struct scenario *scenario, unsigned rooms, unsigned size)
{
    for (unsigned room = 0; room < rooms; room++) {
        create(scenario, &fleet.clients[room * size]);
        if (room % fleet.setup.options->in_flight == 0)
            fleet_rest(LOOK_MS);
    }
    for (unsigned ms = 0; ms < LONGEST_MS && created + refused < rooms; ms += LOOK_MS)
        fleet_rest(LOOK_MS);
}

bool muc_light_prepare(const struct scenario *scenario)
{
    unsigned size = (unsigned)fleet.setup.options->room_size, rooms = fleet.count / size;
    if (fleet.setup.options->rooms_made)
        return true;
    created = refused = 0;
    fleet.on_stanza = on_answer;
    create_all(scenario, rooms, size);
    fleet.on_stanza = NULL;
    if (created == rooms)
        return true;
    fprintf(stderr, "ringtail-bench: %u of %u rooms were created\n", created, rooms);
    return false;
}
