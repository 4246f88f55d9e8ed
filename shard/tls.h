/*
 * TLS over memory: ciphertext in and out, plaintext in and out; no I/O here. The only door to
 * wolfSSL. Contexts are made at boot and read-only afterwards; a connection's struct tls belongs to
 * the shard of its conn and moves with it. TLS 1.2 and 1.3 only; no compression, no renegotiation.
 */
#ifndef RT_TLS_H
#define RT_TLS_H

#include "buf.h"
#include "err.h"
#include "text.h"

#include <stdbool.h>

/* A server's certificates (one default, more by domain) and what is offered. */
struct tls_context;

/* PEM files: a chain and its key. `alpn`: the one protocol that is spoken ("xmpp-client").
 * On failure *why is a sentence with the file and what is wrong. */
RT_NODISCARD enum err tls_context_new(const char *certificate, const char *key, const char *alpn,
                                      struct tls_context **out, const char **why);

/* One more certificate, for the SNI names `domain`. */
RT_NODISCARD enum err tls_context_add(struct tls_context *context, const char *domain,
                                      const char *certificate, const char *key, const char **why);
void tls_context_free(struct tls_context *context);

/* A client's context (load generator, tests); it trusts anybody. */
struct tls_context *tls_context_client(const char *alpn);

struct tls;

/* A fresh server connection; wolfSSL's session is made when the ClientHello has come, with the
 * certificate of the name it asks for. */
struct tls *tls_new(struct tls_context *context);

/* A fresh client connection to `domain`; writes its hello to `out`. */
struct tls *tls_new_client(struct tls_context *context, const char *domain, struct buf *out);
void tls_free(struct tls *tls);

/* Takes all of `cipher`; appends plaintext to `plain` and what must be sent to `out`. *secured
 * turns true when the handshake is complete. ERR_CLOSED: close_notify came; ERR_INVALID: bad bytes,
 * an alert was appended to `out` if TLS says so. */
RT_NODISCARD enum err tls_input(struct tls *tls, struct str cipher, struct buf *plain,
                                struct buf *out, bool *secured);

/* Encrypts all of `plain` into `out`: as few records as the size allows. */
RT_NODISCARD enum err tls_output(struct tls *tls, struct str plain, struct buf *out);

/* Appends close_notify. */
void tls_close(struct tls *tls, struct buf *out);

/* Channel binding (RFC 9266; RFC 5929 section 4). Empty when it cannot be had: the exporter on TLS
 * 1.2 without extended master secret. The texts live as long as the tls. */
struct str tls_exporter(const struct tls *tls);
struct str tls_server_end_point(const struct tls *tls);

/* Gives the exporter's bytes back: call when authentication is over. */
void tls_settle(struct tls *tls);

/* "TLSv1.3 TLS13-AES128-GCM-SHA256", for logs. */
const char *tls_describe(const struct tls *tls);

/* For --version. */
const char *tls_version(void);

#endif
