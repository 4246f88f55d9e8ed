#include "c2s.h"

#include "core.h"
#include "digest.h"
#include "effect.h"
#include "log.h"
#include "login.h"
#include "mem.h"

/* --- Answers that many states share (the parent of all) --- */

static const struct state *on_close(struct session *session, struct acc *acc)
{
    acc_free(acc);
    session->said_bye = true;
    session_finish(session);
    return NULL;
}

static const struct state *on_second_header(struct session *session, struct acc *acc)
{
    acc_free(acc);
    session_end(session, STREAM_POLICY_VIOLATION, "a stream header was not expected here");
    return NULL;
}

static const struct state *on_timeout(struct session *session, struct acc *acc)
{
    acc_free(acc);
    session_end(session, STREAM_CONNECTION_TIMEOUT, NULL);
    return NULL;
}

/* A module may keep the session without its socket: then it has asked for a state of its own. */
static void after_socket_hook(struct acc *acc, struct session *session, enum verdict verdict)
{
    acc_free(acc);
    if (verdict != HOOK_STOP)
        session_end(session, STREAM_NO_ERROR, NULL);
}

static const struct state *on_socket_closed(struct session *session, struct acc *acc)
{
    if (session->open)
        hook_chain(HOOK_user_socket_closed, acc, session, after_socket_hook);
    else
        after_socket_hook(acc, session, HOOK_OK);
    return NULL;
}

static const struct state *on_socket_error(struct session *session, struct acc *acc)
{
    if (session->open)
        hook_chain(HOOK_user_socket_error, acc, session, after_socket_hook);
    else
        after_socket_hook(acc, session, HOOK_OK);
    return NULL;
}

static void after_stop_request(struct acc *acc, struct session *session, enum verdict verdict)
{
    const struct effect *why = acc->event_data;
    enum stream_error error = why->stop.error;
    const char *text = why->stop.text;
    acc_free(acc);
    if (verdict != HOOK_STOP)
        session_end(session, error, text);
}

static const struct state *on_stop(struct session *session, struct acc *acc)
{
    if (session->open)
        hook_chain(HOOK_user_stop_request, acc, session, after_stop_request);
    else
        after_stop_request(acc, session, HOOK_OK);
    return NULL;
}

/* A stanza that came for a session that is not (any more) established goes on without it. */
static const struct state *on_stray_route(struct session *session, struct acc *acc)
{
    (void)session;
    acc_free(acc);
    return NULL;
}

static const struct state base = {
    .name = "any",
    .on = {[EV_OPEN] = on_second_header,
           [EV_CLOSE] = on_close,
           [EV_STATE_TIMEOUT] = on_timeout,
           [EV_SOCKET_CLOSED] = on_socket_closed,
           [EV_SOCKET_ERROR] = on_socket_error,
           [EV_STOP] = on_stop,
           [EV_ROUTE] = on_stray_route},
};

/* --- Stream header (RFC 6120 4.7) --- */

void c2s_write_header(struct session *session, struct str lang)
{
    uint8_t random[STREAM_ID_LEN / 2];
    char id[STREAM_ID_LEN];
    const struct host *host = session->host ? session->host : host_default();
    digest_random(random, sizeof random);
    hex_encode(random, sizeof random, id);
    struct buf *out = conn_out(session->conn);
    buf_format(out,
               "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
               "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' from='%.*s' "
               "id='%.*s' xml:lang='%.*s'>",
               STR_ARG(host->jid.domain), STREAM_ID_LEN, id, STR_ARG(lang.len ? lang : STR("en")));
    session->header_sent = true;
    conn_flush(session->conn);
}

/* "1.0" and everything later counts as 1.0 (RFC 6120 4.7.5). */
static bool version_is_known(struct str version)
{
    struct str minor, major = str_cut(version, '.', &minor);
    uint64_t number;
    return text_u64(major, 1, 99, &number) && text_u64(minor, 0, 999, &number);
}

/* A language tag goes into our header as it is, so only what a tag is made of. */
static struct str language_of(const struct element *header)
{
    struct str lang = element_attr_ns(header, ns_uri(NS_XML), "lang");
    bool good = lang.len > 0 && lang.len <= 35;
    for (size_t i = 0; good && i < lang.len; i++)
        good = lang.at[i] == '-' || (lang.at[i] >= '0' && lang.at[i] <= '9') ||
               ((lang.at[i] | 32) >= 'a' && (lang.at[i] | 32) <= 'z');
    return good ? lang : STR("");
}

/* `to` names a domain of ours, and not another one than before. */
static enum stream_error check_to(struct session *session, struct acc *acc)
{
    struct str to = element_attr(acc->element, "to"), domain;
    if (to.len == 0)
        return STREAM_IMPROPER_ADDRESSING;
    struct host *host =
        jid_prep_domain(&acc->arena, to, &domain) == ERR_OK ? host_find(domain) : NULL;
    if (!host || (session->authenticated && host != session->host))
        return STREAM_HOST_UNKNOWN;
    session->host = host;
    return STREAM_NO_ERROR;
}

/* `from`, once we know who it is, is that one (RFC 6120 4.7.1). */
static enum stream_error check_from(struct session *session, struct acc *acc)
{
    struct str from = element_attr(acc->element, "from");
    struct jid jid;
    if (!session->authenticated || from.len == 0)
        return STREAM_NO_ERROR;
    if (jid_parse(&acc->arena, from, &jid) || !str_eq(jid.bare, session->jid.bare))
        return STREAM_INVALID_FROM;
    return STREAM_NO_ERROR;
}

static enum stream_error check_header(struct session *session, struct acc *acc)
{
    struct str version = element_attr(acc->element, "version");
    if (!version_is_known(version))
        return STREAM_UNSUPPORTED_VERSION;
    enum stream_error error = check_to(session, acc);
    return error ? error : check_from(session, acc);
}

static const struct state *on_header(struct session *session, struct acc *acc)
{
    enum stream_error error = check_header(session, acc);
    if (error) {
        acc_free(acc);
        session_end(session, error, NULL);
        return NULL;
    }
    c2s_write_header(session, language_of(acc->element));
    acc_free(acc);
    features_write(session);
    if (!session->authenticated)
        return &state_wait_for_feature_before_auth;
    session->retries = BIND_RETRIES;
    return &state_wait_for_feature_after_auth;
}

/* Bytes came on a fresh connection (or TLS is up on a direct one): the header is first. */
static const struct state *on_first(struct session *session, struct acc *acc)
{
    return on_header(session, acc);
}

/* --- Before authentication --- */

bool c2s_retry(struct session *session, const char *what)
{
    if (session->retries-- > 0)
        return true;
    session_end(session, STREAM_POLICY_VIOLATION, what);
    return false;
}

static void after_foreign(struct acc *acc, struct session *session, enum verdict verdict)
{
    enum stream_error error =
        acc->kind == STANZA_NONE ? STREAM_UNSUPPORTED_STANZA_TYPE : STREAM_NOT_AUTHORIZED;
    acc_free(acc);
    if (verdict == HOOK_OK)
        session_end(session, error, NULL);
}

void c2s_foreign_element(struct session *session, struct acc *acc)
{
    hook_chain(HOOK_user_send_xmlel, acc, session, after_foreign);
}

/* STARTTLS (RFC 6120 5.4.2): what the client sent behind it in the clear is dropped by conn. */
static const struct state *start_tls(struct session *session)
{
    int mode = session->listener->tls.mode;
    struct str proceed = STR("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    struct str failure = STR("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    if (session->conn->tls || (mode != TLS_STARTTLS && mode != TLS_STARTTLS_REQUIRED)) {
        conn_write(session->conn, failure);
        session_end(session, STREAM_NO_ERROR, NULL);
        return NULL;
    }
    conn_write(session->conn, proceed);
    conn_start_tls(session->conn, tls_new(session->listener->tls_context), true);
    stream_in_restart(&session->in);
    session->header_sent = false;
    return &state_wait_for_stream;
}

enum before_auth { DO_STARTTLS, DO_AUTH, DO_RESPONSE, DO_ABORT };

static const struct {
    const char *name;
    enum ns ns;
    enum before_auth what;
} before_auth_elements[] = {
    {"starttls", NS_TLS, DO_STARTTLS},
    {"auth", NS_SASL, DO_AUTH},
    {"response", NS_SASL, DO_RESPONSE},
    {"abort", NS_SASL, DO_ABORT},
};

/* The row of an element by its name alone; a known name in another namespace is a mistake. */
static int find_before_auth(const struct element *element)
{
    for (size_t i = 0; i < COUNT_OF(before_auth_elements); i++)
        if (str_is(element->name, before_auth_elements[i].name))
            return (int)i;
    return -1;
}

static const struct state *before_auth_element(struct session *session, struct acc *acc)
{
    const struct state *next = NULL;
    int row = find_before_auth(acc->element);
    if (row < 0) {
        c2s_foreign_element(session, acc);
        return NULL;
    }
    if (acc->element->ns != before_auth_elements[row].ns) {
        acc_free(acc);
        session_end(session, STREAM_INVALID_NAMESPACE, NULL);
        return NULL;
    }
    switch (before_auth_elements[row].what) {
    case DO_STARTTLS:
        next = start_tls(session);
        break;
    case DO_AUTH:
        login_auth(session, acc->element);
        break;
    case DO_RESPONSE:
        login_response(session, acc->element);
        break;
    case DO_ABORT:
        login_abort(session);
        break;
    }
    acc_free(acc);
    return next;
}

/* --- After authentication --- */

static const struct state *after_auth_element(struct session *session, struct acc *acc)
{
    if (bind_is_request(acc, NS_BIND, "bind"))
        return bind_resource(session, acc);
    c2s_foreign_element(session, acc);
    return NULL;
}

/* The legacy <session/> opens the session; so does anything else that a client which knows that
 * <session/> is optional sends instead. */
static const struct state *establish(struct session *session, struct acc *acc)
{
    if (bind_is_request(acc, NS_SESSION, "session"))
        return bind_session(session, acc);
    if (acc->kind == STANZA_NONE) {
        c2s_foreign_element(session, acc);
        return NULL;
    }
    if (!bind_open(session, acc))
        return NULL;
    state_enter(session, &state_session_established);
    return established_element(session, acc);
}

/* --- The states --- */

const struct state state_connect = {
    .name = "connect", .timed = true, .parent = &base, .on = {[EV_OPEN] = on_first}};

static const struct state *const before_stream[] = {&state_connect,
                                                    &state_wait_for_feature_before_auth, NULL};
const struct state state_wait_for_stream = {.name = "wait_for_stream",
                                            .timed = true,
                                            .parent = &base,
                                            .from = before_stream,
                                            .on = {[EV_OPEN] = on_header}};

static const struct state *const before_features[] = {&state_connect, &state_wait_for_stream,
                                                      &state_wait_for_sasl_response, NULL};
const struct state state_wait_for_feature_before_auth = {
    .name = "wait_for_feature_before_auth",
    .timed = true,
    .parent = &base,
    .from = before_features,
    .on = {[EV_ELEMENT] = before_auth_element}};

static const struct state *const before_response[] = {&state_wait_for_feature_before_auth, NULL};
const struct state state_wait_for_sasl_response = {.name = "wait_for_sasl_response",
                                                   .timed = true,
                                                   .parent = &base,
                                                   .from = before_response,
                                                   .on = {[EV_ELEMENT] = before_auth_element}};

static const struct state *const before_second_stream[] = {&state_wait_for_feature_before_auth,
                                                           &state_wait_for_sasl_response, NULL};
const struct state state_wait_for_stream_authenticated = {.name = "wait_for_stream(authenticated)",
                                                          .timed = true,
                                                          .parent = &base,
                                                          .from = before_second_stream,
                                                          .on = {[EV_OPEN] = on_header}};

static const struct state *const before_bind[] = {&state_wait_for_stream_authenticated, NULL};
const struct state state_wait_for_feature_after_auth = {.name = "wait_for_feature_after_auth",
                                                        .timed = true,
                                                        .parent = &base,
                                                        .from = before_bind,
                                                        .on = {[EV_ELEMENT] = after_auth_element}};

static const struct state *const before_session[] = {&state_wait_for_feature_after_auth, NULL};
const struct state state_wait_for_session_establishment = {.name = "wait_for_session_establishment",
                                                           .timed = true,
                                                           .parent = &base,
                                                           .from = before_session,
                                                           .on = {[EV_ELEMENT] = establish}};

const struct state state_session_established = {
    .name = "session_established",
    .parent = &base,
    .on = {[EV_ELEMENT] = established_element, [EV_ROUTE] = established_route}};

const struct state *const c2s_states[] = {&base,
                                          &state_connect,
                                          &state_wait_for_stream,
                                          &state_wait_for_feature_before_auth,
                                          &state_wait_for_sasl_response,
                                          &state_wait_for_stream_authenticated,
                                          &state_wait_for_feature_after_auth,
                                          &state_wait_for_session_establishment,
                                          &state_session_established,
                                          NULL};
