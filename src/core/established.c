/* An established session: stanzas from the client, stanzas to it. RFC 6120 section 8. */
#include "c2s.h"
#include "core.h"
#include "effect.h"
#include "limits.h"
#include "promise.h"
#include "router.h"

/* --- From the client --- */

static bool is_own(const struct session *session, struct acc *acc, struct str from)
{
    struct jid jid;
    if (str_eq(from, session->jid.full) || str_eq(from, session->jid.bare))
        return true;
    if (jid_parse(&acc->arena, from, &jid))
        return false;
    return str_eq(jid.full, session->jid.full) || str_eq(jid.full, session->jid.bare);
}

/* RFC 6120 8.1.2.1: `from` is the client's own or none; we stamp the full JID. */
static bool check_from(struct session *session, struct acc *acc)
{
    struct str from = element_attr(acc->element, "from");
    if (from.at && !is_own(session, acc, from))
        return false;
    jid_make(&acc->arena, session->jid.user, session->jid.domain, session->jid.resource,
             &acc->from);
    element_set(&acc->arena, acc->element, "from", acc->from.full);
    return true;
}

/* RFC 6120 10.3: without `to`, a message or iq is for the account, a presence for the broadcast. */
static enum err check_to(struct acc *acc)
{
    struct str to = element_attr(acc->element, "to");
    if (to.at)
        return jid_parse(&acc->arena, to, &acc->to);
    if (acc->kind != STANZA_PRESENCE)
        acc->to = jid_bare(&acc->from);
    return ERR_OK;
}

/* RFC 6120 8.2.3: id and a known type; get and set have exactly one child (iq_answer looks too,
 * but what goes to others must be right as well). */
static bool iq_is_right(const struct acc *acc)
{
    if (element_attr(acc->element, "id").len == 0 || acc->type == TYPE_UNKNOWN)
        return false;
    if (acc->type != TYPE_GET && acc->type != TYPE_SET)
        return true;
    const struct element *payload = element_first(acc->element);
    return payload && !element_next(payload);
}

static void after_kind(struct acc *acc, struct session *session, enum verdict verdict)
{
    if ((acc->undecided || acc->promised) && verdict == HOOK_OK)
        acc->promise = promise_new(session, acc->undecided);
    if (acc->kind != STANZA_NONE)
        session_handled(session);
    if (verdict != HOOK_OK) {
        acc_free(acc);
        return;
    }
    if (acc->kind == STANZA_PRESENCE) /* the core routes no presence by itself */
        acc_free(acc);
    else
        router_route(acc, session);
}

static void after_send_packet(struct acc *acc, struct session *session, enum verdict verdict)
{
    static const enum hook_point points[] = {[STANZA_MESSAGE] = HOOK_user_send_message,
                                             [STANZA_PRESENCE] = HOOK_user_send_presence,
                                             [STANZA_IQ] = HOOK_user_send_iq};
    if (verdict == HOOK_OK && !session->ended && acc->kind == STANZA_NONE)
        c2s_foreign_element(session, acc);
    else if (verdict == HOOK_OK && !session->ended)
        hook_chain(points[acc->kind], acc, session, after_kind);
    else
        after_kind(acc, session, HOOK_STOP);
}

/* A stanza that cannot go on is answered at once; its lane is not held up. */
static void answer_error(struct session *session, struct acc *acc, enum stanza_error error,
                         const char *text)
{
    session_handled(session);
    if (acc->type != TYPE_ERROR && acc->type != TYPE_RESULT) {
        struct element *answer = stanza_error(&acc->arena, acc->element, error, text);
        struct acc *flush = acc_new();
        acc_set(flush, element_copy(&flush->arena, answer));
        flush->host = acc->host;
        session_flush(session, flush);
    }
    acc_free(acc);
}

const struct state *established_element(struct session *session, struct acc *acc)
{
    acc->host = session->host;
    if (acc->kind != STANZA_NONE) {
        if (!check_from(session, acc)) {
            acc_free(acc);
            session_end(session, STREAM_INVALID_FROM, NULL);
            return NULL;
        }
        if (check_to(acc)) {
            answer_error(session, acc, STANZA_JID_MALFORMED, "the `to` address is malformed");
            return NULL;
        }
        if (acc->kind == STANZA_IQ && !iq_is_right(acc)) {
            answer_error(session, acc, STANZA_BAD_REQUEST,
                         "an iq has an id, a type, and one child if it is a request");
            return NULL;
        }
        if (bind_is_request(acc, NS_BIND, "bind")) {
            answer_error(session, acc, STANZA_NOT_ALLOWED, "this session is bound already");
            return NULL;
        }
    }
    hook_chain(HOOK_user_send_packet, acc, session, after_send_packet);
    return NULL;
}

/* --- To the client --- */

static void after_receive(struct acc *acc, struct session *session, enum verdict verdict)
{
    if (verdict != HOOK_OK || session->ended)
        acc_free(acc);
    else
        session_flush(session, acc);
}

static void after_receive_packet(struct acc *acc, struct session *session, enum verdict verdict)
{
    static const enum hook_point points[] = {[STANZA_NONE] = HOOK_user_receive_xmlel,
                                             [STANZA_MESSAGE] = HOOK_user_receive_message,
                                             [STANZA_PRESENCE] = HOOK_user_receive_presence,
                                             [STANZA_IQ] = HOOK_user_receive_iq};
    if (verdict != HOOK_OK || session->ended)
        acc_free(acc);
    else
        hook_chain(points[acc->kind], acc, session, after_receive);
}

const struct state *established_route(struct session *session, struct acc *acc)
{
    if (!session_must_wait(session)) {
        acc->host = session->host;
        hook_chain(HOOK_user_receive_packet, acc, session, after_receive_packet);
        return NULL;
    }
    if (session->waiting_count == LIMIT_LANE_WAITING) {
        router_bounce(acc, STANZA_RESOURCE_CONSTRAINT, "too many stanzas wait for this client");
        return NULL;
    }
    session->waiting_count++;
    list_push(&session->waiting, &acc->link);
    return NULL;
}
