#include "client.h"

#include "client_sasl.h"
#include "names.h"
#include "stanza.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define OWNER(pointer, field) ((struct client *)((char *)(pointer)-offsetof(struct client, field)))

static const char *const stage_names[] = {
    [CLIENT_IDLE] = "idle",
    [CLIENT_CONNECT] = "connecting",
    [CLIENT_FEATURES] = "features",
    [CLIENT_PROCEED] = "STARTTLS",
    [CLIENT_SECURE] = "TLS",
    [CLIENT_REGISTER] = "registration",
    [CLIENT_AUTH] = "authentication",
    [CLIENT_FEATURES_AGAIN] = "bind",
    [CLIENT_BIND] = "bind",
    [CLIENT_SESSION] = "session",
    [CLIENT_ENABLE] = "stream management",
    [CLIENT_RESUME] = "resumption",
    [CLIENT_READY] = "session established",
    [CLIENT_CLOSING] = "closing",
};

static void fail(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first reason is the one that counts. */
static void fail(struct client *client, const char *format, ...)
{
    va_list args;
    if (client->stage == CLIENT_CLOSING || client->why[0])
        return;
    va_start(args, format);
    int len = snprintf(client->why, sizeof client->why, "%s: ", stage_names[client->stage]);
    vsnprintf(client->why + len, sizeof client->why - (size_t)len, format, args);
    va_end(args);
    conn_abort(&client->conn, ERR_INVALID);
}

static void say(struct client *client, const char *text)
{
    client_write(client, str_of(text));
}

/* `from` tells the other end of a relay who it is paired with; in a room each hears itself. */
static void open_stream(struct client *client)
{
    struct buf *out = conn_out(&client->conn);
    char domain[DOMAIN_ROOM];
    names_domain(client->setup->options, client->number, domain);
    stream_in_restart(&client->in);
    buf_format(out,
               "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
               "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='%s'",
               domain);
    if (client->setup->relay_group)
        buf_format(out, " from='%u'", client->number);
    buf_push_str(out, STR(">"));
    conn_flush(&client->conn);
}

static void become_ready(struct client *client)
{
    client->stage = CLIENT_READY;
    client->established = true;
    client->setup->on_ready(client);
}

/* --- What comes from the server, stage by stage --- */

static void put_filter(struct client *client, bool discard)
{
    char domain[DOMAIN_ROOM];
    names_domain(client->setup->options, client->number, domain);
    struct tls *tls = tls_new_client(client->setup->tls, domain, conn_out(&client->conn));
    client->stage = CLIENT_SECURE;
    conn_start_tls(&client->conn, tls, discard);
}

static void begin_sasl(struct client *client)
{
    client->stage = CLIENT_AUTH;
    if (client_sasl_begin(client->sasl, conn_out(&client->conn)))
        fail(client, "%s is not a mechanism that is known here", client->setup->options->mechanism);
    else
        conn_flush(&client->conn);
}

/* XEP-0077: what a server does not ask for does no harm, so the form is not asked for. */
static void register_in_band(struct client *client)
{
    const struct options *options = client->setup->options;
    client->stage = CLIENT_REGISTER;
    buf_format(conn_out(&client->conn),
               "<iq type='set' id='register'><query xmlns='jabber:iq:register'>"
               "<username>%s%u</username><password>%s</password></query></iq>",
               options->prefix, client->number, options->password);
    conn_flush(&client->conn);
}

static void authenticate(struct client *client, const struct element *features)
{
    const struct options *options = client->setup->options;
    client->stage = CLIENT_AUTH;
    client->sasl = client_sasl_new(options, client->number, client->keys);
    if (!client_sasl_is_offered(features, options->mechanism))
        fail(client, "%s is not offered%s", options->mechanism,
             element_child(features, NS_TLS, "starttls") ? " before STARTTLS (--tls)" : "");
    else if (options->in_band)
        register_in_band(client);
    else
        begin_sasl(client);
}

/* That the user is there is as good. */
static void on_registered(struct client *client, const struct element *iq)
{
    const struct element *error = element_child(iq, NS_CLIENT, "error");
    const struct element *why = error ? element_child(error, NS_STANZAS, NULL) : NULL;
    if (!error || (why && str_is(why->name, "conflict")))
        begin_sasl(client);
    else
        fail(client, "%.*s", STR_ARG(why ? why->name : STR("the server refuses")));
}

static void on_features(struct client *client, const struct element *features)
{
    if (!client->setup->options->tls || client->conn.tls) {
        authenticate(client, features);
    } else if (element_child(features, NS_TLS, "starttls")) {
        client->stage = CLIENT_PROCEED;
        say(client, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    } else {
        fail(client, "STARTTLS is not offered");
    }
}

static void on_proceed(struct client *client, const struct element *element)
{
    (void)element;
    put_filter(client, true);
}

static void on_challenge(struct client *client, const struct element *element)
{
    if (client_sasl_answer(client->sasl, element, conn_out(&client->conn)))
        fail(client, "the challenge makes no sense");
    else
        conn_flush(&client->conn);
}

static void on_success(struct client *client, const struct element *element)
{
    bool proven = client_sasl_verify(client->sasl, element);
    client_sasl_free(&client->sasl);
    if (!proven) {
        fail(client, "the server did not prove that it knows the password");
        return;
    }
    client->stage = CLIENT_FEATURES_AGAIN;
    open_stream(client);
}

static void on_failure(struct client *client, const struct element *element)
{
    const struct element *condition = element_first(element);
    fail(client, "%.*s", STR_ARG(condition ? condition->name : STR("failure")));
}

static void resume(struct client *client)
{
    client->stage = CLIENT_RESUME;
    buf_format(conn_out(&client->conn), "<resume xmlns='urn:xmpp:sm:3' h='%u' previd='%s'/>",
               client->memory->handled, client->memory->id);
    conn_flush(&client->conn);
}

static void on_features_again(struct client *client, const struct element *features)
{
    (void)features;
    if (client->memory && client->memory->id[0]) {
        resume(client);
        return;
    }
    client->stage = CLIENT_BIND;
    say(client, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                "<resource>bench</resource></bind></iq>");
}

static bool is_result(struct client *client, const struct element *iq)
{
    bool result = str_is(element_attr(iq, "type"), "result");
    if (!result)
        fail(client, "the server refuses");
    return result;
}

static void on_bound(struct client *client, const struct element *iq)
{
    if (!is_result(client, iq))
        return;
    client->stage = CLIENT_SESSION;
    say(client, "<iq type='set' id='session'>"
                "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
}

static void finish(struct client *client)
{
    if (client->setup->options->carbons)
        say(client, "<iq type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
    say(client, "<presence/>");
    become_ready(client);
}

/* A server without RFC 3921's <session/> answers with an error: that is as good. */
static void on_session(struct client *client, const struct element *iq)
{
    (void)iq;
    if (client->memory || client->setup->options->sm) {
        client->stage = CLIENT_ENABLE;
        say(client, client->memory ? "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
                                   : "<enable xmlns='urn:xmpp:sm:3'/>");
        return;
    }
    finish(client);
}

static void on_enabled(struct client *client, const struct element *enabled)
{
    if (client->memory)
        text_copy(client->memory->id, sizeof client->memory->id, element_attr(enabled, "id"));
    client->counting = true;
    finish(client);
}

static void on_resumed(struct client *client, const struct element *element)
{
    (void)element;
    client->counting = true;
    client->handled = client->memory->handled;
    become_ready(client);
}

static void on_ack_request(struct client *client, const struct element *element)
{
    (void)element;
    buf_format(conn_out(&client->conn), "<a xmlns='urn:xmpp:sm:3' h='%u'/>", client->handled);
    conn_flush(&client->conn);
}

static void on_ack(struct client *client, const struct element *element)
{
    (void)client;
    (void)element;
}

/* A server may see whether we are there (XEP-0199): any answer will do. */
static void answer_request(struct client *client, const struct element *iq)
{
    struct str type = element_attr(iq, "type");
    struct arena arena;
    if (!str_is(type, "get") && !str_is(type, "set")) {
        client->setup->on_stanza(client, iq, shard_self->now_us);
        return;
    }
    arena_init(&arena);
    element_write(conn_out(&client->conn), stanza_result(&arena, iq), NS_CLIENT);
    arena_fini(&arena);
    conn_flush(&client->conn);
}

static const struct {
    enum client_stage stage;
    enum ns ns;
    const char *name;
    void (*run)(struct client *client, const struct element *element);
} steps[] = {
    {CLIENT_FEATURES, NS_STREAM, "features", on_features},
    {CLIENT_PROCEED, NS_TLS, "proceed", on_proceed},
    {CLIENT_REGISTER, NS_CLIENT, "iq", on_registered},
    {CLIENT_AUTH, NS_SASL, "challenge", on_challenge},
    {CLIENT_AUTH, NS_SASL, "success", on_success},
    {CLIENT_AUTH, NS_SASL, "failure", on_failure},
    {CLIENT_FEATURES_AGAIN, NS_STREAM, "features", on_features_again},
    {CLIENT_BIND, NS_CLIENT, "iq", on_bound},
    {CLIENT_SESSION, NS_CLIENT, "iq", on_session},
    {CLIENT_ENABLE, NS_SM, "enabled", on_enabled},
    {CLIENT_ENABLE, NS_SM, "failed", on_failure},
    {CLIENT_RESUME, NS_SM, "resumed", on_resumed},
    {CLIENT_RESUME, NS_SM, "failed", on_failure},
    {CLIENT_READY, NS_CLIENT, "iq", answer_request},
    {CLIENT_READY, NS_SM, "r", on_ack_request},
    {CLIENT_READY, NS_SM, "a", on_ack},
};

static void take_element(struct client *client, const struct element *element, uint64_t now_us)
{
    client->handled += client->counting && element->ns == NS_CLIENT;
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (steps[i].stage == client->stage && element_is(element, steps[i].ns, steps[i].name)) {
            steps[i].run(client, element);
            return;
        }
    if (element_is(element, NS_STREAM, "error"))
        on_failure(client, element);
    else if (client->stage == CLIENT_READY)
        client->setup->on_stanza(client, element, now_us);
    else if (element->ns != NS_CLIENT) /* stanzas may come early: presence, offline messages */
        fail(client, "<%.*s/> was not expected", STR_ARG(element->name));
}

static void take_header(struct client *client, const struct element *header)
{
    uint64_t peer;
    unsigned group = client->setup->relay_group;
    if (!group)
        return;
    if (text_u64(element_attr(header, "from"), 0, UINT32_MAX, &peer) &&
        peer == (group > 2 ? client->number : client->number ^ 1))
        become_ready(client);
    else
        fail(client, "the relay has paired the wrong connections");
}

/* --- Events of the connection --- */

static bool take_item(struct client *client, struct str *rest, uint64_t now_us)
{
    struct arena arena;
    struct stream_item item;
    arena_init(&arena);
    enum stream_event event =
        stream_in_next(&client->in, client->setup->parser, &arena, rest, &item);
    if (event == STREAM_ELEMENT)
        take_element(client, item.element, now_us);
    else if (event == STREAM_OPEN)
        take_header(client, item.element);
    else if (event == STREAM_BAD)
        fail(client, "bad XML: %s", item.text ? item.text : stream_error_name(item.error));
    else if (event == STREAM_CLOSE)
        fail(client, "the server has closed the stream");
    arena_fini(&arena);
    return event != STREAM_MORE;
}

static size_t on_bytes(struct conn *conn, struct str bytes)
{
    struct client *client = OWNER(conn, conn);
    const struct tls *filter = conn->tls;
    struct str rest = bytes;
    uint64_t now_us = clock_monotonic_us();
    while (rest.len && !conn->dead && conn->tls == filter)
        if (!take_item(client, &rest, now_us))
            break;
    return bytes.len - rest.len;
}

static void on_secured(struct conn *conn)
{
    struct client *client = OWNER(conn, conn);
    client->stage = CLIENT_FEATURES;
    open_stream(client);
}

static void on_closed(struct conn *conn, enum err why)
{
    fail(OWNER(conn, conn), "the connection has ended (%s)", err_name(why));
}

static void on_gone(struct conn *conn)
{
    struct client *client = OWNER(conn, conn);
    bool wanted = client->stage == CLIENT_CLOSING;
    if (client->memory)
        client->memory->handled = client->handled;
    stream_in_fini(&client->in);
    client_sasl_free(&client->sasl);
    client->stage = CLIENT_IDLE;
    client->setup->on_gone(client, wanted ? NULL : client->why);
}

static const struct conn_events events = {
    .on_bytes = on_bytes, .on_secured = on_secured, .on_closed = on_closed, .on_gone = on_gone};

/* --- Life --- */

static void on_connected(struct op *op, int result, const uint8_t *data, bool more)
{
    struct client *client = OWNER(op, connecting);
    (void)data;
    (void)more;
    if (result < 0) {
        fail(client, "%s", strerror(-result));
    } else if (client->setup->options->direct_tls) {
        put_filter(client, false);
    } else {
        client->stage = CLIENT_FEATURES;
        open_stream(client);
    }
    conn_start(&client->conn);
}

void client_open(struct client *client, const struct client_setup *setup, unsigned number)
{
    const struct options *options = setup->options;
    struct address to = {options->address, (uint16_t)options->port};
    int fd = -1;
    *client = (struct client){.memory = client->memory, .keys = client->keys};
    client->setup = setup;
    client->number = number;
    client->stage = CLIENT_CONNECT;
    client->in.limit_len = 1 << 20;
    client->connecting.done = on_connected;
    enum err err = ring_connect(shard_self->ring, &client->connecting, to, &fd);
    if (err == ERR_OK) {
        conn_init(&client->conn, fd, &events);
        return;
    }
    client->stage = CLIENT_IDLE;
    snprintf(client->why, sizeof client->why, "%s",
             err == ERR_INVALID ? "the address is none" : strerror(errno));
    setup->on_gone(client, client->why);
}

enum { ACK_EVERY = 10 };

void client_count_written(struct client *client)
{
    if (client->counting && ++client->written % ACK_EVERY == 0)
        client_write(client, STR("<r xmlns='urn:xmpp:sm:3'/>"));
}

void client_close(struct client *client)
{
    client->stage = CLIENT_CLOSING;
    conn_write(&client->conn, STR("</stream:stream>"));
    conn_close(&client->conn);
}

void client_cut(struct client *client)
{
    client->stage = CLIENT_CLOSING;
    conn_abort(&client->conn, ERR_CLOSED);
}
