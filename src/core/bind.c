/* Resource binding (RFC 6120 section 7) and the legacy session request (RFC 3921 section 3). */
#include "c2s.h"
#include "core.h"
#include "digest.h"
#include "effect.h"
#include "limits.h"
#include "log.h"
#include "users.h"

bool bind_is_request(const struct acc *acc, enum ns ns, const char *name)
{
    return acc->kind == STANZA_IQ && acc->type == TYPE_SET &&
           element_child(acc->element, ns, name) != NULL;
}

static void refuse(struct session *session, struct acc *acc, enum stanza_error error,
                   const char *text)
{
    session_write(session, stanza_error(&acc->arena, acc->element, error, text));
    acc_free(acc);
    c2s_retry(session, "too many attempts to bind a resource");
}

static struct str made_up_resource(struct arena *arena)
{
    uint8_t random[12];
    char hex[24];
    digest_random(random, sizeof random);
    hex_encode(random, sizeof random, hex);
    return arena_str(arena, (struct str){hex, sizeof hex});
}

static enum err wanted_resource(struct acc *acc, struct str *out)
{
    const struct element *bind = element_child(acc->element, NS_BIND, "bind");
    const struct element *resource = element_child(bind, NS_BIND, "resource");
    if (resource) /* an empty wish is a mistake, no wish is fine (RFC 6120 7.6, 7.7.2.1) */
        return jid_prep_resource(&acc->arena, element_text(&acc->arena, resource), out);
    *out = made_up_resource(&acc->arena);
    return ERR_OK;
}

/* An older session with this full JID makes room (RFC 6120 7.7.2.2, the second way). */
static void replace_older(const struct jid *full)
{
    struct session *older = users_session(full);
    if (older)
        session_end(older, STREAM_CONFLICT, "Replaced by new connection");
}

/* One that waits for a resumption makes room: a client that never resumes would else lock itself
 * out.
 */
static void make_room(struct user *user)
{
    LIST_EACH (&user->sessions, link) {
        struct session *session = LIST_OWNER(link, struct session, user_link);
        if (session_has_socket(session))
            continue;
        session_end(session, STREAM_NO_ERROR, NULL);
        return;
    }
}

static bool has_room(const struct jid *full)
{
    struct user *user = users_find(full);
    if (user && user->session_count >= LIMIT_SESSIONS_PER_USER)
        make_room(user);
    return !user || user->session_count < LIMIT_SESSIONS_PER_USER;
}

static void take_jid(struct session *session, const struct jid *full)
{
    jid_drop(&session->jid);
    jid_keep(&session->jid, full);
}

bool bind_open(struct session *session, struct acc *acc)
{
    session->available = true; /* unless a module knows better: presence */
    struct acc *opening = acc_new();
    opening->host = session->host;
    opening->from = session->jid;
    enum verdict verdict = hook_run(HOOK_user_open_session, opening, session);
    acc_free(opening);
    if (session->ended) {
        acc_free(acc);
        return false;
    }
    if (verdict == HOOK_STOP) {
        refuse(session, acc, STANZA_NOT_ALLOWED, NULL);
        return false;
    }
    replace_older(&session->jid);
    session_opened(session);
    struct acc *opened = acc_new();
    opened->host = session->host;
    opened->from = session->jid;
    hook_run(HOOK_session_opened, opened, session);
    acc_free(opened);
    LOG(LOG_DEBUG, "session_opened", LF_INT("session", session->number),
        LF_STR("jid", session->jid.full));
    return !session->ended;
}

static void write_result(struct session *session, struct acc *acc)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *bind = element_add(&acc->arena, result, NS_BIND, "bind");
    struct element *jid = element_add(&acc->arena, bind, NS_BIND, "jid");
    element_add_text(&acc->arena, jid, session->jid.full);
    session_write(session, result);
}

const struct state *bind_resource(struct session *session, struct acc *acc)
{
    struct str resource;
    struct jid full;
    if (wanted_resource(acc, &resource)) {
        refuse(session, acc, STANZA_BAD_REQUEST, "the resource cannot be prepared");
        return NULL;
    }
    jid_make(&acc->arena, session->jid.user, session->jid.domain, resource, &full);
    if (!users_session(&full) && !has_room(&full)) {
        refuse(session, acc, STANZA_RESOURCE_CONSTRAINT, "too many sessions of this account");
        return NULL;
    }
    take_jid(session, &full);
    if (session->listener->backwards_compatible_session) {
        write_result(session, acc);
        acc_free(acc);
        return &state_wait_for_session_establishment;
    }
    if (!bind_open(session, acc))
        return NULL;
    write_result(session, acc);
    acc_free(acc);
    return &state_session_established;
}

const struct state *bind_session(struct session *session, struct acc *acc)
{
    if (!bind_open(session, acc))
        return NULL;
    session_handled(session);
    session_write(session, stanza_result(&acc->arena, acc->element));
    acc_free(acc);
    return &state_session_established;
}
