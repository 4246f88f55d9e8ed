/*
 * A libstrophe client that logs in, sends a message to itself, waits for it and leaves:
 *   strophe_client ADDRESS PORT starttls|tls CAFILE JID PASSWORD TEXT
 * Exit code 0: all of that happened.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>

enum { TIMEOUT_MS = 20000, ARGUMENTS = 8 };

struct client {
    xmpp_ctx_t *ctx;
    xmpp_conn_t *conn;
    const char *text;
    bool connected, received;
};

static int on_timeout(xmpp_conn_t *conn, void *own)
{
    (void)own;
    fputs("no answer in time\n", stderr);
    xmpp_disconnect(conn);
    return 0;
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *own)
{
    struct client *client = own;
    char *body = xmpp_message_get_body(stanza);
    client->received = body && strcmp(body, client->text) == 0;
    if (!client->received)
        fprintf(stderr, "another text came back: %s\n", body ? body : "(none)");
    xmpp_free(client->ctx, body);
    xmpp_disconnect(conn);
    return 0;
}

static void say(struct client *client)
{
    const char *to = xmpp_conn_get_bound_jid(client->conn);
    xmpp_stanza_t *presence = xmpp_presence_new(client->ctx);
    xmpp_stanza_t *message = xmpp_message_new(client->ctx, "chat", to, "m1");
    xmpp_message_set_body(message, client->text);
    xmpp_send(client->conn, presence);
    xmpp_send(client->conn, message);
    xmpp_stanza_release(presence);
    xmpp_stanza_release(message);
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
                          xmpp_stream_error_t *stream_error, void *own)
{
    struct client *client = own;
    if (event != XMPP_CONN_CONNECT) {
        if (!client->received)
            fprintf(stderr, "disconnected: error %d, stream error %d\n", error,
                    stream_error ? (int)stream_error->type : -1);
        xmpp_stop(client->ctx);
        return;
    }
    client->connected = true;
    if (!xmpp_conn_is_secured(conn)) {
        fputs("the connection is not secure\n", stderr);
        xmpp_disconnect(conn);
        return;
    }
    xmpp_handler_add(conn, on_message, NULL, "message", NULL, client);
    say(client);
}

static bool run(struct client *client, char **words)
{
    bool direct = strcmp(words[3], "tls") == 0;
    unsigned short port = (unsigned short)strtoul(words[2], NULL, 10);
    client->conn = xmpp_conn_new(client->ctx);
    client->text = words[7];
    xmpp_conn_set_flags(client->conn,
                        direct ? XMPP_CONN_FLAG_LEGACY_SSL : XMPP_CONN_FLAG_MANDATORY_TLS);
    xmpp_conn_set_cafile(client->conn, words[4]);
    xmpp_conn_set_jid(client->conn, words[5]);
    xmpp_conn_set_pass(client->conn, words[6]);
    xmpp_timed_handler_add(client->conn, on_timeout, TIMEOUT_MS, client);
    bool begun =
        xmpp_connect_client(client->conn, words[1], port, on_connection, client) == XMPP_EOK;
    if (begun)
        xmpp_run(client->ctx);
    else
        fputs("cannot connect\n", stderr);
    xmpp_conn_release(client->conn);
    return begun && client->connected && client->received;
}

int main(int argc, char **argv)
{
    struct client client = {0};
    if (argc != ARGUMENTS) {
        fputs("usage: strophe_client ADDRESS PORT starttls|tls CAFILE JID PASSWORD TEXT\n", stderr);
        return 2;
    }
    bool loud = getenv("STROPHE_DEBUG") != NULL;
    xmpp_initialize();
    client.ctx = xmpp_ctx_new(NULL, loud ? xmpp_get_default_logger(XMPP_LEVEL_DEBUG)
                                         : xmpp_get_default_logger(XMPP_LEVEL_WARN));
    bool good = run(&client, argv);
    xmpp_ctx_free(client.ctx);
    xmpp_shutdown();
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
