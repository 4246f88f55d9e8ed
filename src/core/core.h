/* The core floor of a process: what the configuration says of it, and what each shard holds. */
#ifndef RT_CORE_H
#define RT_CORE_H

#include "boot.h"
#include "caps.h"
#include "credentials.h"
#include "listen.h"
#include "map.h"
#include "parser.h"
#include "privacy.h"
#include "sasl.h"
#include "shard_slot.h"

enum tls_mode { TLS_NONE, TLS_STARTTLS, TLS_STARTTLS_REQUIRED, TLS_DIRECT };

/* One c2s listener: its configuration, and the listening sockets. */
struct c2s_listener {
    const char *ip;
    uint64_t port, max_connections, backlog, state_timeout_ms, max_stanza_size;
    bool reuse_port, backwards_compatible_session, proxy_protocol, plaintext_auth;
    const char *shaper; /* "none", or a rate of module shaper */
    struct {
        int mode; /* enum tls_mode */
        const char *certificate, *key;
    } tls;
    struct tls_context *tls_context; /* made at boot; NULL without TLS */
    struct listener listener;
};

/* Process-wide, read-only after boot. */
struct core_config {
    bool mechanisms[SASL_MECHANISM_COUNT]; /* that may be offered; -PLUS ones by name as well */
    uint32_t scram_iterations;
    uint8_t secret[DIGEST_SEAL_KEY]; /* of the server: made-up salts, sealed passwords */
    struct c2s_listener *listeners;
    size_t listener_count;
};

extern struct core_config core_config;

/* Per shard, at shard->core. */
struct core {
    struct parser *parser;
    struct map users;
    struct link sessions; /* all sessions of this shard, by shard_link */
    struct privacy_shelf privacy;
    struct caps_cache caps;
    bool draining;
    struct timer drain_timer;
    struct chore_timer *chores; /* of shard 0 */
    struct shard_slots *slots;
};

static inline struct core *core_self(void)
{
    return shard_self->core;
}

/* On each shard's thread. */
void core_start(struct shard *shard);
void core_stop(struct shard *shard);

/* Ends all sessions of all shards with <system-shutdown/>, after listeners have stopped, and stops
 * the shards when the last is gone or after `grace_ms`. From any shard; a second call ends at once.
 */
void core_drain(uint64_t grace_ms);
bool core_is_draining(void);

/* All metrics of this floor are registered here. At boot. */
void core_register_metrics(void);

#endif
