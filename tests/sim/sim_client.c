#include "sim_client.h"

#include "check.h"
#include "text.h"

#include <stdio.h>

const char *sim_client_rest(struct sim_peer *peer, struct buf *in)
{
    for (int quiet = 0; quiet < 2; quiet++) {
        sim_settle(4000);
        sim_pass(250);
        struct buf *got = sim_received(peer);
        if (buf_len(got))
            quiet = -1;
        buf_push_str(in, buf_str(got));
        buf_fini(got);
    }
    buf_push(in, "", 1);
    return (const char *)buf_at(in);
}

const char *sim_client_ask(struct sim_peer *peer, struct buf *in, const char *text)
{
    buf_fini(in);
    sim_send(peer, str_of(text));
    return sim_client_rest(peer, in);
}

struct sim_peer *sim_client_log_in(unsigned number, struct buf *in)
{
    static const char open[] = "<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
                               "xmlns:stream='http://etherx.jabber.org/streams'>";
    char plain[16], coded[32], text[200];
    struct sim_peer *peer = sim_connect(SIM_PORT_C2S);
    int len = snprintf(plain, sizeof plain, "%cu%u%csecret", 0, number, 0);
    size_t coded_len = base64_encode(plain, (size_t)len, coded);
    snprintf(text, sizeof text,
             "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%.*s</auth>",
             (int)coded_len, coded);
    sim_client_ask(peer, in, open);
    sim_client_ask(peer, in, text);
    sim_client_ask(peer, in, open);
    CHECK(strstr(sim_client_ask(peer, in,
                                "<iq type='set' id='b'>"
                                "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"),
                 "<jid>"));
    buf_fini(in);
    return peer;
}
