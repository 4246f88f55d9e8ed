/*
 * Sessions that outlive their socket (XEP-0198 section 5). A session without one is in the state
 * sm:resume; everything that it would get is kept, until a fresh connection takes it over or it
 * ends.
 */
#include "sm.h"

struct metric sm_waiting = {"sm_waiting", "Sessions without a socket now.", METRIC_GAUGE, 0};
struct metric sm_resumed = {"sm_resumed_total", "Sessions that were resumed.", METRIC_COUNTER, 0};
struct metric sm_unknown = {"sm_resume_failed_total", "Resumptions of a session not there.",
                            METRIC_COUNTER, 0};
struct metric sm_expired = {"sm_expired_total", "Sessions that nobody resumed in time.",
                            METRIC_COUNTER, 0};
struct metric sm_resent = {"sm_resent_total", "Stanzas sent again after a resumption.",
                           METRIC_COUNTER, 0};
struct metric sm_rerouted = {
    "sm_rerouted_total", "Unacknowledged stanzas that a session left behind.", METRIC_COUNTER, 0};

const struct state sm_state_resume = {.name = "sm:resume", .parent = &state_session_established};

/* --- Without a socket: section 5 --- */

enum verdict sm_on_socket_gone(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    if (!sm->resume_ms)
        return HOOK_OK;
    sm->asked = false;
    sm->waits = true;
    sm->sent = sm->unacked.count;
    effect_c2s_state(acc, &sm_state_resume);
    effect_timer(acc, &sm_alarms[ALARM_EXPIRE], sm->resume_ms);
    metric_count(&sm_waiting);
    LOG(LOG_DEBUG, "session_waits", LF_STR("jid", session->jid.full),
        LF_INT("unacked", sm->unacked.count));
    return HOOK_STOP;
}

static void wait_no_more(struct sm *sm)
{
    if (sm->waits)
        metric_add(&sm_waiting, -1);
    sm->waits = false;
}

void sm_on_expire(struct acc *acc, struct session *session)
{
    (void)session;
    metric_count(&sm_expired);
    effect_hard_stop(acc, STREAM_NO_ERROR, NULL);
}

/* A client that is silent may come back: the socket goes, the session stays. */
enum verdict sm_on_stop_request(struct acc *acc, struct session *session)
{
    const struct effect *why = acc->event_data;
    if (!sm_of(session)->resume_ms || why->stop.error != STREAM_CONNECTION_TIMEOUT)
        return HOOK_OK;
    if (session_has_socket(session))
        effect_socket_end(acc);
    return HOOK_STOP;
}

/* --- <resume/> --- */

static struct session *find_session(const struct session *fresh, const char *id)
{
    struct user *user = users_find(&fresh->jid);
    if (!user)
        return NULL;
    LIST_EACH (&user->sessions, link) {
        struct session *session = LIST_OWNER(link, struct session, user_link);
        const struct sm *sm = sm_of(session);
        if (sm->resume_ms && digest_equal(sm->id, id, ID_LEN))
            return session;
    }
    return NULL;
}

/* XEP-0198 section 5: with what that session had handled, if we know. */
static void say_not_found(struct acc *acc, const struct session *fresh, const char *id)
{
    struct element *failed = sm_failed(acc, STANZA_ITEM_NOT_FOUND);
    struct user *user = users_find(&fresh->jid);
    const struct sm_user *mine = user ? user_slot(user, &module_sm) : NULL;
    for (unsigned i = 0; mine && i < ENDED_MAX && i < mine->ended_count; i++)
        if (digest_equal(mine->ended[i].id, id, ID_LEN))
            sm_set_number(acc, failed, "h", mine->ended[i].h);
}

/* Both sessions are of this shard and this turn: nobody else can resume the old one in between. Of
 * two sockets that want it, the later one has it, and the other hears <conflict/>. */
static void resume(struct acc *acc, struct session *session)
{
    struct sm *fresh = sm_of(session), *old;
    struct session *found = find_session(session, fresh->wanted);
    if (!found) {
        metric_count(&sm_unknown);
        effect_input(acc, true);
        say_not_found(acc, session, fresh->wanted);
        return;
    }
    if (sm_is_busy(found)) { /* our h is not known yet */
        effect_input(acc, false);
        effect_timer(acc, &sm_alarms[ALARM_RETRY], RETRY_MS);
        return;
    }
    old = sm_of(found);
    if (!sm_acknowledge(old, fresh->claimed_h)) {
        sm_stop_too_high(acc, old, fresh->claimed_h);
        return;
    }
    effect_input(acc, true);
    effect_resume(acc, found);
}

void sm_on_retry(struct acc *acc, struct session *session)
{
    resume(acc, session);
}

enum verdict sm_on_resume(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    struct str previd = element_attr(acc->element, "previd");
    if (!session->authenticated || session->jid.resource.len)
        return sm_refuse(acc, STANZA_UNEXPECTED_REQUEST);
    if (!previd.at || !sm_read_h(acc->element, &sm->claimed_h))
        return sm_refuse(acc, STANZA_BAD_REQUEST);
    memset(sm->wanted, 0, ID_LEN);
    if (previd.len == ID_LEN)
        memcpy(sm->wanted, previd.at, ID_LEN);
    resume(acc, session);
    return HOOK_STOP;
}

/* Modules may not want to have a message written that comes so late. One that another session has
 * was given in time. */
static bool is_too_late(const struct kept *kept, void *own)
{
    const struct session *session = own;
    if (!delivery_is_only(kept->delivery))
        return false;
    struct acc *acc = kept_look(kept, session->host);
    bool dropped = hook_run(HOOK_xmpp_resend_element, acc, NULL) == HOOK_STOP;
    acc_free(acc);
    return dropped;
}

static void drop_late(struct session *session, struct sm *sm)
{
    if (sm->waits && session->host->type->hooks[HOOK_xmpp_resend_element].count)
        kept_sift(&sm->unacked, sm->sent, is_too_late, session);
}

/* Everything again that the client has not handled, in its order, then what comes anew. */
static void send_again(struct acc *acc, const struct session *session, const struct sm *sm)
{
    for (const struct kept *kept = sm->unacked.first; kept; kept = kept->next) {
        struct element *stanza = kept_element(&acc->arena, kept);
        if (stanza_kind(stanza) == STANZA_MESSAGE)
            kept_delay(&acc->arena, stanza, session->host->jid.domain, kept->stamp_us);
        effect_socket_send(acc, stanza);
        metric_count(&sm_resent);
    }
}

enum verdict sm_on_resumed(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    struct element *answer = sm_say(acc, "resumed");
    element_set(&acc->arena, answer, "previd",
                arena_str(&acc->arena, (struct str){sm->id, ID_LEN}));
    sm_set_number(acc, answer, "h", sm_handled(session));
    drop_late(session, sm);
    send_again(acc, session, sm);
    sm->asked = false;
    if (sm->unacked.count)
        sm_ask(acc, sm);
    wait_no_more(sm);
    effect_timer_drop(acc, &sm_alarms[ALARM_EXPIRE]);
    metric_count(&sm_resumed);
    LOG(LOG_DEBUG, "session_resumed", LF_STR("jid", session->jid.full),
        LF_INT("resent", sm->unacked.count));
    return HOOK_OK;
}

/* --- The end --- */

/* A request is for this client and no later one that binds its resource: its sender hears so. */
static void answer_request(struct acc *acc, struct acc *iq)
{
    if (iq->type == TYPE_GET || iq->type == TYPE_SET)
        effect_route(acc, stanza_error(&acc->arena, iq->element, STANZA_SERVICE_UNAVAILABLE, NULL));
    acc_free(iq);
}

/* Messages go to other resources, or offline, or back. */
static void give_up(struct acc *acc, struct session *session, struct kept *kept)
{
    struct acc *fresh = kept_acc(&kept, session->host);
    if (fresh->kind == STANZA_PRESENCE || !fresh->to.full.len || !fresh->from.full.len) {
        acc_free(fresh);
        return;
    }
    metric_count(&sm_rerouted);
    if (fresh->kind == STANZA_IQ) {
        answer_request(acc, fresh);
        return;
    }
    kept_delay(&fresh->arena, fresh->element, session->host->jid.domain, fresh->stamp_us);
    effect_reroute(acc, fresh);
}

enum verdict sm_on_terminate(struct acc *acc, struct session *session)
{
    const struct sm *sm = sm_of(session);
    (void)acc;
    if (!sm->resume_ms)
        return HOOK_OK;
    struct sm_user *mine = user_slot(session->user, &module_sm);
    struct ended *ended = &mine->ended[mine->ended_count++ % ENDED_MAX];
    memcpy(ended->id, sm->id, ID_LEN);
    ended->h = sm_handled(session);
    return HOOK_OK;
}

enum verdict sm_on_reroute(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    while (sm->unacked.first)
        give_up(acc, session, kept_pop(&sm->unacked));
    return HOOK_OK;
}

void sm_session_end(struct session *session, void *own)
{
    struct sm *sm = own;
    (void)session;
    wait_no_more(sm);
    kept_clear(&sm->unacked);
}
