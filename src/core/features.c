/* Stream features: what is offered when. RFC 6120 4.3.2; the order is MongooseIM's. */
#include "c2s.h"
#include "core.h"
#include "effect.h"
#include "login.h"

/* TLS must come first: nothing else is offered in the clear (RFC 6120 5.3.1). */
static bool tls_is_due(const struct session *session)
{
    int mode = session->listener->tls.mode;
    return !session->conn->tls && (mode == TLS_STARTTLS_REQUIRED ||
                                   (mode == TLS_STARTTLS && !session->listener->plaintext_auth));
}

static void add_starttls(const struct session *session, struct acc *acc)
{
    if (session->conn->tls || session->listener->tls.mode == TLS_NONE)
        return;
    struct element *starttls = element_add(&acc->arena, acc->element, NS_TLS, "starttls");
    if (tls_is_due(session))
        element_add(&acc->arena, starttls, NS_TLS, "required");
}

static void add_bind(const struct session *session, struct acc *acc)
{
    if (session->listener->backwards_compatible_session) {
        struct element *legacy = element_add(&acc->arena, acc->element, NS_SESSION, "session");
        element_add(&acc->arena, legacy, NS_SESSION, "optional");
    }
    element_add(&acc->arena, acc->element, NS_BIND, "bind");
}

void features_write(struct session *session)
{
    struct acc *acc = acc_new();
    acc->host = session->host;
    acc_set(acc, element_new(&acc->arena, NS_STREAM, "features"));
    if (session->authenticated)
        add_bind(session, acc);
    else
        add_starttls(session, acc);
    if (session->authenticated || !tls_is_due(session))
        hook_run(HOOK_stream_features, acc, session);
    if (!session->authenticated && !tls_is_due(session))
        login_features(session, &acc->arena, acc->element);
    if (!session->ended)
        session_write(session, acc->element);
    acc_free(acc);
}
