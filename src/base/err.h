/*
 * The outcome of anything that the world can spoil: a peer, a network, a store, a full cap.
 * A bug is a CHECK (check.h); an error of the protocol is a stanza or stream error (xmpp floor).
 */
#ifndef RT_ERR_H
#define RT_ERR_H

#define RT_NODISCARD __attribute__((warn_unused_result))

enum err {
    ERR_OK,
    ERR_NOT_FOUND,   /* no such thing */
    ERR_CONFLICT,    /* it exists already, or changed meanwhile */
    ERR_FULL,        /* a named cap is reached */
    ERR_DOWN,        /* the service behind it is not there now */
    ERR_TIMEOUT,     /* the deadline passed first */
    ERR_AGAIN,       /* not yet: more input or another turn is needed */
    ERR_CLOSED,      /* the other side is gone */
    ERR_INVALID,     /* bytes from outside that are not what they must be */
    ERR_TOO_BIG,     /* longer, deeper or more than a limit allows */
    ERR_DENIED,      /* not allowed */
    ERR_UNSUPPORTED, /* this kernel, library or build cannot do it */
    ERR_SYSTEM,      /* a system call failed; errno was logged by whoever saw it */
    ERR_COUNT
};

/* The name of an outcome as it stands in logs ("not_found"). Any thread. */
const char *err_name(enum err err);

#endif
