#include "login.h"

#include "c2s.h"
#include "core.h"
#include "limits.h"
#include "log.h"
#include "mem.h"
#include "store.h"

/* One authentication. It outlives its session while a helper works on it. */
struct login {
    struct session *session; /* NULL: the session has ended meanwhile */
    struct arena arena;
    struct sasl sasl;
    struct store_op *op; /* under way, or NULL */
    struct job job;
    bool working;       /* on a helper */
    struct str pending; /* a sealed password whose keys are still to be derived */
    struct credentials derived;
    bool derived_well;
};

static struct metric successes = {"auth_successes_total", "Successful authentications.",
                                  METRIC_COUNTER, 0};
static struct metric failures = {"auth_failures_total", "Failed authentications.", METRIC_COUNTER,
                                 0};

struct metric *const login_metrics[] = {&successes, &failures, NULL};

static void go_on(struct login *login, enum sasl_want want);

/* --- What is offered --- */

static struct sasl_binding binding_of(const struct session *session)
{
    struct sasl_binding binding = {0};
    if (session_is_secure(session)) {
        binding.tls_exporter = tls_exporter(session->conn->tls);
        binding.tls_server_end_point = tls_server_end_point(session->conn->tls);
    }
    return binding;
}

bool login_offers(const struct session *session, enum sasl_mechanism mechanism)
{
    if (!session_is_secure(session) && !session->listener->plaintext_auth)
        return false;
    if (!core_config.mechanisms[mechanism])
        return false;
    struct sasl_binding binding = binding_of(session);
    return !sasl_mechanism_is_plus(mechanism) || binding.tls_exporter.len ||
           binding.tls_server_end_point.len;
}

static void add_binding_types(struct arena *arena, struct element *features,
                              const struct sasl_binding *binding)
{
    const struct {
        const char *name;
        struct str data;
    } types[] = {{"tls-exporter", binding->tls_exporter},
                 {"tls-server-end-point", binding->tls_server_end_point}};
    struct element *list = element_add(arena, features, NS_SASL_CB, "sasl-channel-binding");
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].data.len) {
            struct element *one = element_add(arena, list, NS_SASL_CB, "channel-binding");
            element_set(arena, one, "type", str_of(types[i].name));
        }
}

void login_features(struct session *session, struct arena *arena, struct element *features)
{
    struct element *list = element_add(arena, features, NS_SASL, "mechanisms");
    session->plus_offered = false;
    for (int i = 0; i < SASL_MECHANISM_COUNT; i++) {
        enum sasl_mechanism mechanism = (enum sasl_mechanism)i;
        if (!login_offers(session, mechanism))
            continue;
        struct element *one = element_add(arena, list, NS_SASL, "mechanism");
        element_add_text(arena, one, str_of(sasl_mechanism_name(mechanism)));
        session->plus_offered |= sasl_mechanism_is_plus(mechanism);
    }
    if (session->plus_offered) {
        struct sasl_binding binding = binding_of(session);
        add_binding_types(arena, features, &binding);
    }
}

/* --- Elements of the conversation --- */

/* base64 inside an element; "=" is the empty text (RFC 6120 6.4.2). ERR_TOO_BIG, ERR_INVALID. */
static enum err read_message(struct arena *arena, const struct element *element, struct str *out)
{
    struct str text = str_trim(element_text(arena, element));
    *out = STR("");
    if (str_is(text, "="))
        return ERR_OK;
    if (text.len > BASE64_LEN(LIMIT_SASL_MESSAGE))
        return ERR_TOO_BIG;
    uint8_t *bytes = arena_take(arena, BASE64_MAX(text.len));
    size_t len;
    enum err err = base64_decode(text, bytes, &len);
    *out = (struct str){(char *)bytes, len};
    return err;
}

static void write_message(struct session *session, const char *name, struct str bytes, bool always)
{
    struct arena arena;
    arena_init(&arena);
    struct element *element = element_new(&arena, NS_SASL, name);
    char *text = arena_take(&arena, BASE64_LEN(bytes.len) + 1);
    size_t len = base64_encode(bytes.at, bytes.len, text);
    if (len)
        element_add_text(&arena, element, (struct str){text, len});
    else if (always)
        element_add_text(&arena, element, STR("="));
    session_write(session, element);
    arena_fini(&arena);
}

static void write_failure(struct session *session, enum sasl_error error, const char *text)
{
    struct arena arena;
    arena_init(&arena);
    struct element *failure = element_new(&arena, NS_SASL, "failure");
    element_add(&arena, failure, NS_SASL, sasl_error_name(error));
    if (text) {
        struct element *why = element_add(&arena, failure, NS_SASL, "text");
        element_add_text(&arena, why, str_of(text));
    }
    session_write(session, failure);
    arena_fini(&arena);
}

/* --- Life --- */

static void login_free(struct login *login)
{
    arena_fini(&login->arena);
    mem_wipe(login, sizeof *login);
    mem_free(login);
}

void login_end(struct session *session)
{
    struct login *login = session->login;
    if (!login)
        return;
    session->login = NULL;
    login->session = NULL;
    if (login->op)
        store_revoke(login->op);
    if (!login->working)
        login_free(login);
}

static void fail(struct session *session, enum sasl_error error, const char *text)
{
    metric_count(&failures);
    LOG(LOG_INFO, "auth_failed", LF_INT("session", session->number), LF("peer", session->peer),
        LF("condition", sasl_error_name(error)), LF("text", text ? text : ""));
    write_failure(session, error, text);
    login_end(session);
    if (c2s_retry(session, "too many failed authentications"))
        state_enter(session, &state_wait_for_feature_before_auth);
}

/* --- The home shard: DESIGN, a user lives on one shard --- */

static void move_home(struct session *session)
{
    unsigned home = shard_of(session->jid.bare_hash);
    if (home != shard_self->id)
        conn_move(session->conn, home, session_arrived);
}

static void succeed(struct session *session, struct login *login)
{
    struct jid jid;
    metric_count(&successes);
    write_message(session, "success", login->sasl.out, false);
    jid_make(&login->arena, login->sasl.username, session->host->jid.domain, STR(""), &jid);
    jid_keep(&session->jid, &jid);
    LOG(LOG_DEBUG, "authenticated", LF_INT("session", session->number),
        LF_STR("jid", session->jid.bare), LF("peer", session->peer),
        LF("mechanism", sasl_mechanism_name(login->sasl.mechanism)));
    login_end(session);
    session->authenticated = true;
    session->header_sent = false;
    if (session->conn->tls)
        tls_settle(session->conn->tls);
    stream_in_restart(&session->in);
    session->in.limit_len = session->listener->max_stanza_size > UINT32_MAX
                                ? UINT32_MAX
                                : (uint32_t)session->listener->max_stanza_size;
    state_enter(session, &state_wait_for_stream_authenticated);
    move_home(session);
}

/* --- What the conversation wants --- */

static void resume(struct login *login, enum sasl_want want)
{
    conn_resume(login->session->conn, CONN_PAUSE_OWNER);
    go_on(login, want);
}

static struct login *login_of(struct job *job)
{
    return LIST_OWNER(job, struct login, job);
}

/* A helper is done; the session may have ended meanwhile. */
static bool came_back(struct login *login)
{
    login->working = false;
    if (login->session)
        return true;
    login_free(login);
    return false;
}

static void on_checked(struct job *job)
{
    struct login *login = login_of(job);
    if (came_back(login))
        resume(login, sasl_checked(&login->sasl));
}

static void work_check(struct job *job)
{
    sasl_check(&login_of(job)->sasl);
}

static void on_helper(struct login *login, void (*work)(struct job *), void (*done)(struct job *))
{
    login->working = true;
    login->job.work = work;
    login->job.done = done;
    conn_pause(login->session->conn, CONN_PAUSE_OWNER);
    helper_anyone(&login->job);
}

/* Bulk-imported accounts hold their password sealed until the first login. */
static void work_derive(struct job *job)
{
    struct login *login = login_of(job);
    uint8_t password[LIMIT_PASSWORD];
    size_t len = login->pending.len - DIGEST_SEAL_EXTRA;
    if (login->pending.len <= DIGEST_SEAL_EXTRA || len > sizeof password ||
        digest_unseal(core_config.secret, login->pending, password))
        return;
    login->derived_well =
        credentials_derive((struct str){(char *)password, len}, core_config.scram_iterations,
                           &login->derived) == ERR_OK;
    mem_wipe(password, sizeof password);
}

static void on_kept(struct store_op *op)
{
    if (op->outcome != ERR_OK)
        LOG(LOG_WARNING, "credentials_not_kept", LF("why", err_name(op->outcome)));
}

static void keep_derived(const struct login *login)
{
    struct store_op *op = store_op_new(STORE_ACCOUNT_SET, on_kept, NULL);
    op->account.user = arena_str(&op->arena, login->sasl.username);
    op->account.domain = arena_str(&op->arena, login->sasl.domain);
    op->account.credentials = credentials_write(&op->arena, &login->derived);
    store_ask(op, 0);
}

static void give_account(struct login *login, const struct credentials *known)
{
    struct credentials fake;
    if (!known) {
        struct str bare = arena_format(&login->arena, "%.*s@%.*s", STR_ARG(login->sasl.username),
                                       STR_ARG(login->sasl.domain));
        credentials_fake(core_config.secret, bare, core_config.scram_iterations, &fake);
    }
    resume(login, sasl_account(&login->sasl, known ? known : &fake, known != NULL));
}

static void on_derived(struct job *job)
{
    struct login *login = login_of(job);
    if (!came_back(login))
        return;
    if (login->derived_well)
        keep_derived(login);
    give_account(login, login->derived_well ? &login->derived : NULL);
}

static void on_account(struct store_op *op)
{
    struct login *login = op->owner;
    struct credentials credentials;
    login->op = NULL;
    if (op->outcome != ERR_OK && op->outcome != ERR_NOT_FOUND) {
        resume(login, sasl_fail(&login->sasl, SASL_TEMPORARY_AUTH_FAILURE,
                                "the account storage does not answer"));
        return;
    }
    if (op->outcome == ERR_OK && op->account.pending.len) {
        login->pending = arena_str(&login->arena, op->account.pending);
        on_helper(login, work_derive, on_derived);
        return;
    }
    bool known =
        op->outcome == ERR_OK && credentials_parse(op->account.credentials, &credentials) == ERR_OK;
    give_account(login, known ? &credentials : NULL);
}

static void look_up(struct login *login)
{
    struct store_op *op = store_op_new(STORE_ACCOUNT_GET, on_account, login);
    op->account.user = arena_str(&op->arena, login->sasl.username);
    op->account.domain = arena_str(&op->arena, login->sasl.domain);
    login->op = op;
    conn_pause(login->session->conn, CONN_PAUSE_OWNER);
    store_ask(op, 0);
}

static void go_on(struct login *login, enum sasl_want want)
{
    struct session *session = login->session;
    switch (want) {
    case SASL_WANT_RESPONSE:
        write_message(session, "challenge", login->sasl.out, true);
        state_enter(session, &state_wait_for_sasl_response);
        break;
    case SASL_WANT_ACCOUNT:
        look_up(login);
        break;
    case SASL_WANT_CHECK:
        on_helper(login, work_check, on_checked);
        break;
    case SASL_SUCCESS:
        succeed(session, login);
        break;
    case SASL_FAILURE:
        fail(session, login->sasl.error, login->sasl.text);
        break;
    }
}

static void begin(struct session *session, enum sasl_mechanism mechanism,
                  const struct element *auth)
{
    struct login *login = mem_zalloc(sizeof *login);
    struct str initial;
    login->session = session;
    session->login = login;
    login->sasl.arena = &login->arena;
    login->sasl.domain = session->host->jid.domain;
    login->sasl.binding = binding_of(session);
    login->sasl.plus_offered = session->plus_offered;
    if (!element_text(&login->arena, auth).len) {
        go_on(login, sasl_start(&login->sasl, mechanism, (struct str){NULL, 0}));
        return;
    }
    enum err err = read_message(&login->arena, auth, &initial);
    if (err)
        fail(session, err == ERR_TOO_BIG ? SASL_MALFORMED_REQUEST : SASL_INCORRECT_ENCODING, NULL);
    else
        go_on(login, sasl_start(&login->sasl, mechanism, initial));
}

void login_auth(struct session *session, const struct element *auth)
{
    enum sasl_mechanism mechanism;
    bool secure = session_is_secure(session);
    if (session->login) /* a new <auth/> in place of a response gives the old one up */
        login_end(session);
    if (!secure && session->listener->tls.mode == TLS_STARTTLS_REQUIRED)
        session_end(session, STREAM_POLICY_VIOLATION, "Use of STARTTLS required");
    else if (!secure && !session->listener->plaintext_auth)
        fail(session, SASL_ENCRYPTION_REQUIRED, NULL);
    else if (!sasl_mechanism_find(element_attr(auth, "mechanism"), &mechanism) ||
             !login_offers(session, mechanism))
        fail(session, SASL_INVALID_MECHANISM, NULL);
    else
        begin(session, mechanism, auth);
}

void login_response(struct session *session, const struct element *response)
{
    struct login *login = session->login;
    struct str message;
    if (!login) {
        fail(session, SASL_MALFORMED_REQUEST, "no authentication is under way");
        return;
    }
    enum err err = read_message(&login->arena, response, &message);
    if (err)
        fail(session, err == ERR_TOO_BIG ? SASL_MALFORMED_REQUEST : SASL_INCORRECT_ENCODING, NULL);
    else
        go_on(login, sasl_step(&login->sasl, message));
}

void login_abort(struct session *session)
{
    fail(session, SASL_ABORTED, NULL);
}
