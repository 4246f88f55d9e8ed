#include "tls.h"

#include "check.h"
#include "limits.h"
#include "log.h"
#include "mem.h"

#ifdef RINGTAIL_WOLFSSL_SYSTEM
#include <wolfssl/options.h>
#endif
#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hash.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { END_POINT_MAX = WC_MAX_DIGEST_SIZE, EXPORTER_LEN = 32, RECORD_MAX = 16384 };

/* A certificate, ready to serve. */
struct identity {
    struct identity *next;
    char *domain; /* NULL: the default */
    WOLFSSL_CTX *ctx;
    uint8_t end_point[END_POINT_MAX];
    size_t end_point_len;
};

struct tls_context {
    struct identity *identities; /* the default is the last */
    char *alpn;
};

struct tls {
    struct tls_context *context;
    struct identity *identity;
    WOLFSSL *ssl;     /* NULL until the ClientHello is whole */
    struct buf hello; /* until then */
    struct str in;    /* ciphertext not yet read by wolfSSL */
    struct buf *out;  /* where ciphertext goes during a call */
    bool secured;
    uint8_t *exporter; /* EXPORTER_LEN bytes, until tls_settle */
};

/* --- Certificates --- */

static const char *sentence(const char *what, const char *file, const char *why)
{
    size_t room = strlen(what) + strlen(file) + strlen(why) + 8;
    char *text = mem_alloc(room); /* for a process that is about to end */
    snprintf(text, room, "%s %s: %s", what, file, why);
    return text;
}

static const char *wolf_reason(int code)
{
    static _Thread_local char text[WOLFSSL_MAX_ERROR_SZ];
    wolfSSL_ERR_error_string((unsigned long)-code, text);
    return text;
}

/* The whole file on the heap; NULL with *why set. */
static uint8_t *read_file(const char *path, size_t *len, const char **why)
{
    struct stat st;
    errno = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) || st.st_size > 1 << 20) {
        *why = sentence("cannot read", path, errno ? strerror(errno) : "larger than 1 MiB");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    uint8_t *bytes = mem_alloc((size_t)st.st_size + 1);
    ssize_t got = read(fd, bytes, (size_t)st.st_size);
    close(fd);
    *len = got < 0 ? 0 : (size_t)got;
    return bytes;
}

/* RFC 5929 4.1: the hash of the certificate's signature, SHA-256 in place of MD5 and SHA-1. */
static enum wc_HashType end_point_hash(unsigned signature)
{
    switch (signature) {
    case CTC_SHA384wRSA:
    case CTC_SHA384wECDSA:
        return WC_HASH_TYPE_SHA384;
    case CTC_SHA512wRSA:
    case CTC_SHA512wECDSA:
        return WC_HASH_TYPE_SHA512;
    default:
        return WC_HASH_TYPE_SHA256;
    }
}

static enum err hash_leaf(struct identity *identity, const uint8_t *pem, size_t len)
{
    DerBuffer *der = NULL;
    if (wc_PemToDer(pem, (long)len, CERT_TYPE, &der, NULL, NULL, NULL))
        return ERR_INVALID;
    DecodedCert cert;
    wc_InitDecodedCert(&cert, der->buffer, der->length, NULL);
    enum err err = wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL) ? ERR_INVALID : ERR_OK;
    if (!err) {
        enum wc_HashType type = end_point_hash(cert.signatureOID);
        identity->end_point_len = (size_t)wc_HashGetDigestSize(type);
        if (wc_Hash(type, der->buffer, der->length, identity->end_point,
                    (word32)identity->end_point_len))
            err = ERR_INVALID;
    }
    wc_FreeDecodedCert(&cert);
    wc_FreeDer(&der);
    return err;
}

static int on_read(WOLFSSL *ssl, char *bytes, int room, void *argument)
{
    struct tls *tls = argument;
    (void)ssl;
    if (tls->in.len == 0)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    size_t len = tls->in.len < (size_t)room ? tls->in.len : (size_t)room;
    memcpy(bytes, tls->in.at, len);
    tls->in.at += len;
    tls->in.len -= len;
    return (int)len;
}

static int on_write(WOLFSSL *ssl, char *bytes, int len, void *argument)
{
    struct tls *tls = argument;
    (void)ssl;
    buf_push(tls->out, bytes, (size_t)len);
    return len;
}

/* wolfSSL picks its assembly on first use, without locks: all of it is used once at boot, because
 * contexts are made there. */
static void init_library(void)
{
    static bool done;
    if (done)
        return;
    done = true;
    wolfSSL_Init();
    wolfSSL_SetAllocators(mem_alloc, mem_free, mem_realloc);
}

static WOLFSSL_CTX *new_ctx(WOLFSSL_METHOD *method)
{
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(method);
    if (!ctx)
        PANIC("wolfSSL gives no context");
    wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2);
    wolfSSL_CTX_SetIORecv(ctx, on_read);
    wolfSSL_CTX_SetIOSend(ctx, on_write);
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
    return ctx;
}

static void identity_free(struct identity *identity)
{
    wolfSSL_CTX_free(identity->ctx);
    mem_free(identity->domain);
    mem_free(identity);
}

static const char *load_pair(struct identity *identity, const char *certificate, const char *key)
{
    const char *why = NULL;
    size_t chain_len = 0, key_len = 0;
    uint8_t *chain = read_file(certificate, &chain_len, &why);
    uint8_t *private = chain ? read_file(key, &key_len, &why) : NULL;
    if (private) {
        int ok = wolfSSL_CTX_use_certificate_chain_buffer(identity->ctx, chain, (long)chain_len);
        if (ok != WOLFSSL_SUCCESS || hash_leaf(identity, chain, chain_len))
            why = sentence("no certificate chain in PEM in", certificate, wolf_reason(ok));
        else if ((ok = wolfSSL_CTX_use_PrivateKey_buffer(identity->ctx, private, (long)key_len,
                                                         WOLFSSL_FILETYPE_PEM)) != WOLFSSL_SUCCESS)
            why = sentence("no private key in PEM in", key, wolf_reason(ok));
        else if (wolfSSL_CTX_check_private_key(identity->ctx) != WOLFSSL_SUCCESS)
            why = sentence("the private key in", key, "is not that of the certificate");
        mem_wipe(private, key_len);
    }
    mem_free(private);
    mem_free(chain);
    return why;
}

static enum err add_identity(struct tls_context *context, const char *domain,
                             const char *certificate, const char *key, const char **why)
{
    struct identity *identity = mem_zalloc(sizeof *identity);
    identity->ctx = new_ctx(wolfTLS_server_method());
    *why = load_pair(identity, certificate, key);
    if (*why) {
        identity_free(identity);
        return ERR_INVALID;
    }
    identity->domain = domain ? mem_strdup(domain) : NULL;
    identity->next = context->identities;
    context->identities = identity;
    return ERR_OK;
}

enum err tls_context_new(const char *certificate, const char *key, const char *alpn,
                         struct tls_context **out, const char **why)
{
    init_library();
    struct tls_context *context = mem_zalloc(sizeof *context);
    enum err err = add_identity(context, NULL, certificate, key, why);
    if (err) {
        mem_free(context);
        return err;
    }
    context->alpn = alpn ? mem_strdup(alpn) : NULL;
    *out = context;
    return ERR_OK;
}

enum err tls_context_add(struct tls_context *context, const char *domain, const char *certificate,
                         const char *key, const char **why)
{
    return add_identity(context, domain, certificate, key, why);
}

struct tls_context *tls_context_client(const char *alpn)
{
    init_library();
    struct tls_context *context = mem_zalloc(sizeof *context);
    struct identity *identity = mem_zalloc(sizeof *identity);
    identity->ctx = new_ctx(wolfTLS_client_method());
    context->identities = identity;
    context->alpn = alpn ? mem_strdup(alpn) : NULL;
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    while (context->identities) {
        struct identity *identity = context->identities;
        context->identities = identity->next;
        identity_free(identity);
    }
    mem_free(context->alpn);
    mem_free(context);
}

/* --- Connections --- */

static void use_identity(struct tls *tls, struct identity *identity)
{
    tls->identity = identity;
    tls->ssl = wolfSSL_new(identity->ctx);
    if (!tls->ssl)
        PANIC("wolfSSL gives no session");
    wolfSSL_SetIOReadCtx(tls->ssl, tls);
    wolfSSL_SetIOWriteCtx(tls->ssl, tls);
    wolfSSL_KeepArrays(tls->ssl); /* the exporter needs them after the handshake */
    if (tls->context->alpn)
        wolfSSL_UseALPN(tls->ssl, tls->context->alpn, (unsigned)strlen(tls->context->alpn),
                        WOLFSSL_ALPN_FAILED_ON_MISMATCH);
}

struct tls *tls_new(struct tls_context *context)
{
    struct tls *tls = mem_zalloc(sizeof *tls);
    tls->context = context;
    return tls;
}

struct tls *tls_new_client(struct tls_context *context, const char *domain, struct buf *out)
{
    struct tls *tls = tls_new(context);
    use_identity(tls, context->identities);
    wolfSSL_UseSNI(tls->ssl, WOLFSSL_SNI_HOST_NAME, domain, (unsigned short)strlen(domain));
    tls->out = out;
    wolfSSL_connect(tls->ssl);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    wolfSSL_free(tls->ssl);
    buf_fini(&tls->hello);
    tls_settle(tls);
    mem_free(tls);
}

static struct identity *identity_for(struct tls_context *context, struct str name)
{
    struct identity *identity = context->identities;
    while (identity->next && !str_eq_nocase(str_of(identity->domain), name))
        identity = identity->next;
    return identity;
}

/* Chooses the certificate by the name in the ClientHello. ERR_AGAIN: the hello is not whole. */
static enum err choose_identity(struct tls *tls, struct str cipher)
{
    uint8_t name[256];
    word32 len = sizeof name;
    buf_push_str(&tls->hello, cipher);
    size_t have = buf_len(&tls->hello);
    if (have == 0)
        return ERR_AGAIN;
    int found = wolfSSL_SNI_GetFromBuffer(buf_at(&tls->hello), (word32)have, WOLFSSL_SNI_HOST_NAME,
                                          name, &len);
    bool handshake = buf_at(&tls->hello)[0] == 0x16;
    if (found == INCOMPLETE_DATA || (found == BUFFER_ERROR && have < 5)) {
        if (handshake && have < RECORD_MAX)
            return ERR_AGAIN;
    }
    struct str asked = found == WOLFSSL_SUCCESS ? (struct str){(char *)name, len} : STR("");
    use_identity(tls, identity_for(tls->context, asked));
    tls->in = buf_str(&tls->hello);
    return ERR_OK;
}

/* RFC 9266: only where the exporter is bound to the whole handshake, which is TLS 1.3. */
static void keep_exporter(struct tls *tls)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    if (wolfSSL_version(tls->ssl) == TLS1_3_VERSION) {
        tls->exporter = mem_alloc(EXPORTER_LEN);
        if (wolfSSL_export_keying_material(tls->ssl, tls->exporter, EXPORTER_LEN, label,
                                           sizeof label - 1, NULL, 0, 0) != WOLFSSL_SUCCESS) {
            mem_free(tls->exporter);
            tls->exporter = NULL;
        }
    }
    wolfSSL_FreeArrays(tls->ssl);
}

static enum err outcome(struct tls *tls, int result)
{
    switch (wolfSSL_get_error(tls->ssl, result)) {
    case WOLFSSL_ERROR_WANT_READ:
        return ERR_AGAIN;
    case WOLFSSL_ERROR_ZERO_RETURN:
        return ERR_CLOSED;
    default:
        LOG(LOG_DEBUG, "tls_failed", LF("why", wolf_reason(wolfSSL_get_error(tls->ssl, result))));
        return ERR_INVALID;
    }
}

static enum err shake_hands(struct tls *tls)
{
    int result = wolfSSL_is_server(tls->ssl) ? wolfSSL_accept(tls->ssl) : wolfSSL_connect(tls->ssl);
    if (result != WOLFSSL_SUCCESS)
        return outcome(tls, result);
    tls->secured = true;
    keep_exporter(tls);
    return ERR_OK;
}

static enum err read_plain(struct tls *tls, struct buf *plain)
{
    static _Thread_local uint8_t record[RECORD_MAX];
    int got;
    while ((got = wolfSSL_read(tls->ssl, record, sizeof record)) > 0)
        buf_push(plain, record, (size_t)got);
    enum err err = outcome(tls, got);
    return err == ERR_AGAIN ? ERR_OK : err;
}

enum err tls_input(struct tls *tls, struct str cipher, struct buf *plain, struct buf *out,
                   bool *secured)
{
    enum err err = ERR_OK;
    tls->in = cipher;
    tls->out = out;
    if (!tls->ssl)
        err = choose_identity(tls, cipher);
    if (!err && !tls->secured)
        err = shake_hands(tls);
    if (!err && tls->secured)
        err = read_plain(tls, plain);
    if (tls->ssl)
        buf_fini(&tls->hello);
    tls->in = STR("");
    *secured = tls->secured;
    return err == ERR_AGAIN ? ERR_OK : err;
}

enum err tls_output(struct tls *tls, struct str plain, struct buf *out)
{
    tls->out = out;
    while (plain.len) {
        int want = plain.len < RECORD_MAX ? (int)plain.len : RECORD_MAX;
        int went = wolfSSL_write(tls->ssl, plain.at, want);
        if (went <= 0)
            return outcome(tls, went) == ERR_CLOSED ? ERR_CLOSED : ERR_INVALID;
        plain.at += went;
        plain.len -= (size_t)went;
    }
    return ERR_OK;
}

void tls_close(struct tls *tls, struct buf *out)
{
    tls->out = out;
    if (tls->ssl && tls->secured)
        wolfSSL_shutdown(tls->ssl);
}

struct str tls_exporter(const struct tls *tls)
{
    return (struct str){(const char *)tls->exporter, tls->exporter ? EXPORTER_LEN : 0};
}

struct str tls_server_end_point(const struct tls *tls)
{
    const struct identity *identity = tls->identity;
    return (struct str){identity ? (const char *)identity->end_point : NULL,
                        identity ? identity->end_point_len : 0};
}

void tls_settle(struct tls *tls)
{
    if (tls->exporter)
        mem_wipe(tls->exporter, EXPORTER_LEN);
    mem_free(tls->exporter);
    tls->exporter = NULL;
}

const char *tls_describe(const struct tls *tls)
{
    static _Thread_local char text[80];
    if (!tls->ssl || !tls->secured)
        return "handshake";
    snprintf(text, sizeof text, "%s %s", wolfSSL_get_version(tls->ssl),
             wolfSSL_get_cipher(tls->ssl));
    return text;
}

const char *tls_version(void)
{
    return "wolfSSL " LIBWOLFSSL_VERSION_STRING;
}
