#include "sasl.h"

#include "check.h"
#include "jid.h"
#include "limits.h"
#include "mem.h"
#include "scram.h"

enum stage { STAGE_DONE, STAGE_INITIAL, STAGE_ACCOUNT, STAGE_FINAL, STAGE_CHECK };

static const char *const names[SASL_MECHANISM_COUNT] = {
    [SASL_SCRAM_SHA_512_PLUS] = "SCRAM-SHA-512-PLUS",
    [SASL_SCRAM_SHA_256_PLUS] = "SCRAM-SHA-256-PLUS",
    [SASL_SCRAM_SHA_1_PLUS] = "SCRAM-SHA-1-PLUS",
    [SASL_SCRAM_SHA_512] = "SCRAM-SHA-512",
    [SASL_SCRAM_SHA_256] = "SCRAM-SHA-256",
    [SASL_SCRAM_SHA_1] = "SCRAM-SHA-1",
    [SASL_PLAIN] = "PLAIN",
};

const char *sasl_mechanism_name(enum sasl_mechanism mechanism)
{
    return (unsigned)mechanism < SASL_MECHANISM_COUNT ? names[mechanism] : "";
}

bool sasl_mechanism_find(struct str name, enum sasl_mechanism *out)
{
    for (int i = 0; i < SASL_MECHANISM_COUNT; i++)
        if (str_is(name, names[i])) {
            *out = (enum sasl_mechanism)i;
            return true;
        }
    return false;
}

bool sasl_mechanism_is_plus(enum sasl_mechanism mechanism)
{
    return mechanism <= SASL_SCRAM_SHA_1_PLUS;
}

enum sasl_want sasl_fail(struct sasl *sasl, enum sasl_error error, const char *text)
{
    sasl->stage = STAGE_DONE;
    sasl->out = (struct str){NULL, 0};
    sasl->error = error;
    sasl->text = text;
    return SASL_FAILURE;
}

static bool is_own(const struct sasl *sasl, struct str authzid)
{
    struct jid jid;
    return !jid_parse(sasl->arena, authzid, &jid) && jid.resource.len == 0 &&
           str_eq(jid.user, sasl->username) && str_eq(jid.domain, sasl->domain);
}

bool sasl_identity(struct sasl *sasl, struct str authcid, struct str authzid)
{
    if (jid_prep_user(sasl->arena, authcid, &sasl->username))
        sasl_fail(sasl, SASL_NOT_AUTHORIZED, "no user has such a name");
    else if (authzid.len && !is_own(sasl, authzid))
        sasl_fail(sasl, SASL_INVALID_AUTHZID, "authorization as somebody else");
    else
        return true;
    return false;
}

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static enum sasl_want plain(struct sasl *sasl, struct str message)
{
    struct str rest, password;
    struct str authzid = str_cut(message, '\0', &rest);
    struct str authcid = str_cut(rest, '\0', &password);
    if (!rest.at || !password.at || (password.len && memchr(password.at, 0, password.len)))
        return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "two NULs are needed");
    if (authcid.len == 0)
        return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "empty user name");
    if (password.len == 0 || password.len > LIMIT_PASSWORD)
        return sasl_fail(sasl, SASL_NOT_AUTHORIZED, NULL);
    if (!text_is_xml(authzid) || !text_is_xml(authcid) || !text_is_xml(password))
        return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "not UTF-8");
    if (!sasl_identity(sasl, authcid, authzid))
        return SASL_FAILURE;
    sasl->password = arena_str(sasl->arena, password);
    return SASL_WANT_ACCOUNT;
}

/* A message of the client is looked at only while one is awaited, and is bounded. */
static enum sasl_want take(struct sasl *sasl, struct str message)
{
    int stage = sasl->stage;
    if (message.len > LIMIT_SASL_MESSAGE)
        return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "message too long");
    if (sasl->mechanism != SASL_PLAIN && !text_is_xml(message))
        return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "not UTF-8");
    if (stage == STAGE_FINAL) {
        sasl->stage = STAGE_DONE;
        return scram_final(sasl, message);
    }
    if (stage != STAGE_INITIAL)
        return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "out of turn");
    sasl->stage = STAGE_ACCOUNT;
    return sasl->mechanism == SASL_PLAIN ? plain(sasl, message) : scram_first(sasl, message);
}

enum sasl_want sasl_start(struct sasl *sasl, enum sasl_mechanism mechanism, struct str initial)
{
    struct sasl fresh = {
        .mechanism = mechanism,
        .arena = sasl->arena,
        .domain = sasl->domain,
        .binding = sasl->binding,
        .plus_offered = sasl->plus_offered,
        .server_nonce = sasl->server_nonce,
        .stage = STAGE_INITIAL,
    };
    *sasl = fresh;
    return initial.at ? take(sasl, initial) : SASL_WANT_RESPONSE;
}

enum sasl_want sasl_step(struct sasl *sasl, struct str response)
{
    return take(sasl, response);
}

enum sasl_want sasl_account(struct sasl *sasl, const struct credentials *credentials, bool known)
{
    CHECK(sasl->stage == STAGE_ACCOUNT);
    sasl->credentials = *credentials;
    sasl->account_known = known;
    if (sasl->mechanism == SASL_PLAIN) {
        sasl->stage = STAGE_CHECK;
        return SASL_WANT_CHECK;
    }
    sasl->stage = STAGE_FINAL;
    return scram_challenge(sasl);
}

/* The password is of no use any more. */
static void forget_password(struct sasl *sasl)
{
    if (sasl->password.len)
        mem_wipe((void *)sasl->password.at, sasl->password.len);
    sasl->password = (struct str){NULL, 0};
}

/* Made-up credentials cost what real ones do, and never let anybody in. */
void sasl_check(struct sasl *sasl)
{
    bool right = credentials_check(&sasl->credentials, sasl->password);
    sasl->password_right = right && sasl->account_known;
    forget_password(sasl);
}

enum sasl_want sasl_checked(struct sasl *sasl)
{
    CHECK(sasl->stage == STAGE_CHECK);
    if (!sasl->password_right)
        return sasl_fail(sasl, SASL_NOT_AUTHORIZED, NULL);
    sasl->stage = STAGE_DONE;
    sasl->out = (struct str){NULL, 0};
    return SASL_SUCCESS;
}
