/*
 * A connection: bytes in, bytes out, an optional TLS filter, high and low water marks. While idle
 * it holds no buffer at all. It belongs to one shard, and can move once it is quiet. Output gathers
 * during a turn and goes out as one send at its end.
 */
#ifndef RT_CONN_H
#define RT_CONN_H

#include "buf.h"
#include "shard.h"
#include "tls.h"

struct conn;

struct conn_events {
    /* Plaintext has come (with what was left before). Returns how much was taken; what is left is
     * given again in the next turn, or with more bytes if nothing was taken. */
    size_t (*on_bytes)(struct conn *conn, struct str bytes);
    /* The TLS handshake is complete. */
    void (*on_secured)(struct conn *conn);
    /* Output fell under the low water mark after conn_crowded was true. May be NULL. */
    void (*on_drained)(struct conn *conn);
    /* The peer will send no more, and all that it sent was taken; it may still read. The owner ends
     * the connection now or later: conn_close lets out what is unsent. NULL: it ends at once. */
    void (*on_end)(struct conn *conn);
    /* The connection is over, whoever ended it: no other event comes. ERR_OK: we closed;
     * ERR_CLOSED: the peer did; others: an error. */
    void (*on_closed)(struct conn *conn, enum err why);
    /* It is about to leave this shard (conn_move). May be NULL. */
    void (*on_leave)(struct conn *conn);
    /* All requests have come back: the owner may free the memory that holds the conn. */
    void (*on_gone)(struct conn *conn);
};

/* Why reading is paused; each reason is set and cleared on its own. */
enum conn_pause {
    CONN_PAUSE_LANE = 1 << 0,   /* mail to a target is crowded, or a stanza is parked */
    CONN_PAUSE_SHAPER = 1 << 1, /* too many bytes a second */
    CONN_PAUSE_OUTPUT = 1 << 2, /* the peer does not read its answers */
    CONN_PAUSE_MOVE = 1 << 3,   /* it is about to move */
    CONN_PAUSE_OWNER = 1 << 4,  /* the owner's own reason */
};

struct conn {
    int fd;
    const struct conn_events *events;
    void *owner; /* the owner's own; may change while the connection lives */
    struct tls *tls;
    struct op recv, send;
    struct buf in;      /* plaintext that the owner has not taken */
    struct buf out;     /* plaintext of this turn */
    struct buf wire;    /* what goes to the socket behind `sending` (ciphertext with TLS) */
    struct buf sending; /* what the kernel reads from now */
    struct task flush, again;
    struct timer linger;                /* bounds a graceful close */
    void (*arrived)(struct conn *conn); /* while moving */
    struct mail mail;
    uint64_t received_len; /* all bytes from the socket so far */
    uint8_t paused;        /* enum conn_pause */
    bool crowded, closing, dead, moving, secured, started, peer_closed, end_told, keep_early;
    unsigned target;
};

/* Takes a connected descriptor; reads nothing before conn_start. The struct must be zeroed. */
void conn_init(struct conn *conn, int fd, const struct conn_events *events);
void conn_start(struct conn *conn);

/* Puts a TLS filter in: before conn_start, or inside on_bytes. What on_bytes does not take is then
 * dropped when `discard` (STARTTLS: no plaintext injection, RFC 6120 5.4.3.3), else it is taken as
 * ciphertext. What is in `out` goes first, in the clear. */
void conn_start_tls(struct conn *conn, struct tls *tls, bool discard);

/* The buffer for output; write there and call conn_flush, which sends at the end of the turn. */
static inline struct buf *conn_out(struct conn *conn)
{
    return &conn->out;
}
void conn_flush(struct conn *conn);
void conn_write(struct conn *conn, struct str bytes);

/* Bytes that wait for the peer to read. */
size_t conn_unsent(const struct conn *conn);

/* Sets and clears one reason to read no more; what the socket still brings is held, bounded. */
void conn_pause(struct conn *conn, enum conn_pause why);
void conn_resume(struct conn *conn, enum conn_pause why);

/* Sends what is there, then close_notify and FIN, and waits a little for the peer's. */
void conn_close(struct conn *conn);

/* Ends it now; what is unsent is lost. on_closed is called later, in a turn. */
void conn_abort(struct conn *conn, enum err why);

/* At the end of a shard: closes the descriptor and gives the buffers back, with no event. */
void conn_discard(struct conn *conn);

/* Moves it to another shard once it is quiet: no request in flight, output sent. `arrived` runs
 * there. Bytes that came meanwhile come with it and are given to on_bytes after `arrived` has
 * returned. If it dies on the way, on_closed runs where it is. */
void conn_move(struct conn *conn, unsigned target, void (*arrived)(struct conn *conn));

extern struct metric *const conn_metrics[];

#endif
