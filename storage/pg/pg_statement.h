/*
 * How operations become prepared statements: tables that pg.c runs through. A part of the domain
 * (accounts, archives …) brings its statements and its kinds.
 */
#ifndef RT_PG_STATEMENT_H
#define RT_PG_STATEMENT_H

#include "pq.h"
#include "store_backend.h"

enum { PG_STEPS_MAX = 4 };

/* Prepared once a connection. Parameters and results are in binary form. */
struct pg_statement {
    const char *name, *sql;
};

struct pg_step {
    const char *name; /* of the statement */
    void (*bind)(struct store_op *op, struct pq_params *params);
};

/* The steps are sent together; `take` gets the answer to the last one and says the outcome. If they
 * are there, `note` gets the answers to those before it (steps count from 0), and `committed` is
 * called when all that was answered is known to last. */
struct pg_kind {
    bool writes;
    struct pg_step steps[PG_STEPS_MAX];
    void (*note)(struct store_op *op, const struct pq_answer *answer, unsigned step);
    enum err (*take)(struct store_op *op, const struct pq_answer *answer);
    void (*committed)(struct store_op *op);
};

/* An array parameter of `count` texts (or bytes), taken from the arena. `get` gives each; one whose
 * `at` is NULL is SQL's NULL. */
typedef struct str pg_item_fn(const void *items, size_t index);
enum pg_item_type { PG_TEXT = 25, PG_BYTES = 17 };
void pg_bind_array(struct pq_params *params, struct arena *arena, enum pg_item_type type,
                   pg_item_fn *get, const void *items, size_t count);

/* The same of numbers; false is SQL's NULL. */
typedef bool pg_number_fn(const void *items, size_t index, int64_t *number);
void pg_bind_numbers(struct pq_params *params, struct arena *arena, pg_number_fn *get,
                     const void *items, size_t count);

/* SQL's empty text for an empty one, which may have no bytes at all. */
struct str pg_not_null(struct str text);

/* For a `take`: ERR_NOT_FOUND when no row was changed, when the number that was asked for is 0. */
enum err pg_take_found(struct store_op *op, const struct pq_answer *answer);
enum err pg_take_number(struct store_op *op, const struct pq_answer *answer);

/* Accounts (pg_account.c). Statements end with an empty one. */
extern const struct pg_statement pg_account_statements[];
extern const struct pg_kind pg_account_get, pg_account_add, pg_account_set, pg_account_remove,
    pg_account_list, pg_account_import, pg_account_count;

/* What goes little by little (pg_removal.c). */
extern const struct pg_statement pg_removal_statements[];
extern const struct pg_kind pg_mam_remove, pg_domain_remove, pg_domain_retain, pg_removal_step;

/* Rosters (pg_roster.c). */
extern const struct pg_statement pg_roster_statements[];
extern const struct pg_kind pg_roster_get, pg_roster_set, pg_roster_remove, pg_roster_import;

/* The message archive (pg_mam.c, pg_mam_batch.c, pg_mam_prefs.c). What a page is, and whether a
 * batch has strangers, says which statements it takes. */
extern const struct pg_statement pg_mam_statements[], pg_mam_batch_statements[],
    pg_mam_prefs_statements[];
extern const struct pg_kind pg_mam_metadata, pg_mam_find, pg_mam_replace, pg_mam_prefs_get,
    pg_mam_prefs_set, pg_mam_upkeep;
typedef const struct pg_kind *pg_choose_fn(struct store_op *op);
pg_choose_fn pg_mam_page, pg_mam_batch;

/* The inbox (pg_inbox.c). */
extern const struct pg_statement pg_inbox_statements[];
extern const struct pg_kind pg_inbox_get, pg_inbox_set, pg_inbox_read, pg_inbox_empty_bin,
    pg_inbox_drop, pg_inbox_remove, pg_inbox_import, pg_inbox_clean;
pg_choose_fn pg_inbox_page;

/* Last activity (pg_last.c). */
extern const struct pg_statement pg_last_statements[];
extern const struct pg_kind pg_last_get, pg_last_set;

/* Documents that accounts keep (pg_document.c). */
extern const struct pg_statement pg_document_statements[];
extern const struct pg_kind pg_document_get, pg_document_set;

/* Nodes of accounts (pg_pep.c). */
extern const struct pg_statement pg_pep_statements[];
extern const struct pg_kind pg_pep_nodes, pg_pep_set, pg_pep_publish, pg_pep_retract, pg_pep_purge,
    pg_pep_delete, pg_pep_pick, pg_pep_page;

/* What waits for its user (pg_offline.c). */
extern const struct pg_statement pg_offline_statements[];
extern const struct pg_kind pg_offline_add, pg_offline_page, pg_offline_drop, pg_offline_clean;

/* Rooms (pg_room.c). */
extern const struct pg_statement pg_room_statements[];
extern const struct pg_kind pg_room_get, pg_room_destroy, pg_room_guests, pg_room_blocking,
    pg_room_block, pg_room_gone;
pg_choose_fn pg_room_page, pg_room_create, pg_room_set;

/* Privacy lists (pg_privacy.c). */
extern const struct pg_statement pg_privacy_statements[];
extern const struct pg_kind pg_privacy_get, pg_privacy_set, pg_privacy_remove, pg_privacy_default;

#endif
