/*
 * A client that sends anything, to the whole server in the simulator. The first byte says how far
 * it has logged in properly before; 0xff cuts what it sends into pieces. In the end nothing is
 * left.
 */
#include "sim_server.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const users[] = {"alice", "bob", NULL};

#define HEADER                                                                                     \
    "<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "                           \
    "xmlns:stream='http://etherx.jabber.org/streams'>"

static const char *const logins[] = {
    "",
    HEADER,
    HEADER "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
           "mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>" HEADER,
    HEADER "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
           "mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>" HEADER
           "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq><presence/>",
};

static void open_once(void)
{
    static bool open;
    if (open)
        return;
    open = true;
    sim_server_open(2, 1, (struct sim_faults){0}, users, NULL);
}

static void send_pieces(struct sim_peer *peer, struct str rest)
{
    while (rest.at) {
        sim_send(peer, str_cut(rest, (char)0xff, &rest));
        sim_settle(40);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    open_once();
    if (len == 0)
        return 0;
    struct sim_peer *peer = sim_connect(SIM_PORT_C2S);
    sim_send(peer, str_of(logins[data[0] % COUNT_OF(logins)]));
    sim_settle(60);
    send_pieces(peer, (struct str){(const char *)data + 1, len - 1});
    buf_fini(sim_received(peer));
    sim_finish(peer);
    sim_settle(60);
    for (int i = 0; sim_server_sessions() && i < 8; i++)
        sim_pass(1000);
    if (sim_server_sessions() || sim_ring_sockets()) {
        fprintf(stderr, "left behind: %zu sessions, %zu sockets\n", sim_server_sessions(),
                sim_ring_sockets());
        abort();
    }
    return 0;
}
