/*
 * Commands of ringtailctl. A command runs on shard 0 of the server, or on the one shard that
 * ringtailctl makes itself when no server runs; it never blocks, and ends with ctl_done. What
 * carries its words and its answer (the control socket, a terminal) is the `way`.
 */
#ifndef RT_CTL_H
#define RT_CTL_H

#include "config.h"

enum { CTL_OK, CTL_FAILED, CTL_USAGE };

/* What a command needs around it. */
enum ctl_needs {
    CTL_NEEDS_NOTHING, /* answered without a server as well */
    CTL_NEEDS_STORE,   /* without a server ringtailctl opens the storage itself */
    CTL_NEEDS_SERVER,
    CTL_BY_TOOL, /* done by ringtailctl itself (ctl_db.h), whether a server runs or not */
};

struct ctl_call;
typedef void ctl_fn(struct ctl_call *call);

struct ctl_command {
    const char *name; /* one or two words */
    const char *args; /* as help shows them */
    const char *help;
    enum ctl_needs needs;
    size_t min_args, max_args;
    ctl_fn *run;
    bool ends; /* the answer is followed by the end of the server */
};

extern const struct ctl_command ctl_commands[]; /* ended by name == NULL */

struct ctl_way {
    /* Carries away what is in `out`, and calls call->more when there is room for more. */
    ctl_fn *flush;
    /* The end. Frees the call with ctl_free. */
    void (*finish)(struct ctl_call *call, int code);
};

struct ctl_call {
    struct arena arena;
    struct link link; /* of all calls under way */
    const struct ctl_command *command;
    struct str args[64]; /* behind the name; NUL-terminated */
    size_t arg_count;
    struct str rest; /* arguments from the 65th on, each with a NUL behind it */
    struct buf out;
    ctl_fn *more;
    void *own; /* of the command */
    const struct ctl_way *way;
    void *carrier; /* of the way */
};

/* What commands know of the server; before the first call. */
struct ctl_world {
    const struct config *config;
    bool is_server;
};
extern struct ctl_world ctl_world;

/* A call, not yet begun. */
struct ctl_call *ctl_call_new(const struct ctl_way *way, void *carrier);

/* Runs the command of these words, a NUL behind each; a mistake in them is answered as well. The
 * call may be over, and gone, when it returns. */
void ctl_run(struct ctl_call *call, struct str words);

/* The command of these words (a NUL behind each), or NULL; *rest is what follows its name. */
const struct ctl_command *ctl_find(struct str words, struct str *rest);

/* Appends to the answer. */
void ctl_say(struct ctl_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends what was said so far; `more` goes on when there is room. */
void ctl_flush(struct ctl_call *call, ctl_fn *more);

/* Ends a call; what was said goes out. With a sentence: it is said, and the call has failed. */
void ctl_done(struct ctl_call *call, int code);
void ctl_fail(struct ctl_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For a way: frees a finished call, wiping its words (passwords). */
void ctl_free(struct ctl_call *call);

/* Frees calls that the end of the shards overtook; after boot_run. */
void ctl_sweep(void);

/* The commands. */
ctl_fn ctl_user_add, ctl_user_passwd, ctl_user_remove, ctl_user_list, ctl_user_import;
ctl_fn ctl_room_list, ctl_room_show, ctl_room_create, ctl_room_add, ctl_room_remove,
    ctl_room_destroy;
ctl_fn ctl_archive_remove, ctl_domain_remove;
ctl_fn ctl_session_list, ctl_session_kick, ctl_session_presence, ctl_session_subscribed, ctl_status,
    ctl_hooks, ctl_states, ctl_limits;
ctl_fn ctl_drain, ctl_stop, ctl_version, ctl_help;

/* The text of `help`. */
void ctl_print_help(struct buf *out);

#endif
