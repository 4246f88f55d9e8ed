#include "derive.h"

#include "core.h"
#include "helper.h"
#include "mem.h"

struct derivation {
    struct job job;
    struct acc *acc; /* NULL: given up */
    struct credentials credentials;
    enum err err;
    size_t password_len;
    char password[];
};

static void revoke(void *waits_for)
{
    ((struct derivation *)waits_for)->acc = NULL;
}

static void work(struct job *job)
{
    struct derivation *mine = LIST_OWNER(job, struct derivation, job);
    mine->err = credentials_derive((struct str){mine->password, mine->password_len},
                                   core_config.scram_iterations, &mine->credentials);
}

static void done(struct job *job)
{
    struct derivation *mine = LIST_OWNER(job, struct derivation, job);
    struct acc *acc = mine->acc;
    if (acc && mine->err == ERR_OK) {
        struct str *text = arena_take(&acc->arena, sizeof *text);
        *text = credentials_write(&acc->arena, &mine->credentials);
        acc->event_data = text;
    }
    mem_wipe(mine, sizeof *mine + mine->password_len);
    mem_free(mine);
    if (acc)
        acc_unpark(acc);
}

enum verdict derive_park(struct acc *acc, struct session *session, struct str password, hook_fn *on)
{
    struct derivation *mine = mem_zalloc(sizeof *mine + password.len);
    mine->acc = acc;
    mine->job.work = work;
    mine->job.done = done;
    mine->password_len = password.len;
    memcpy(mine->password, password.at, password.len);
    acc->event_data = NULL;
    acc_park(acc, session, on, mine, revoke);
    helper_anyone(&mine->job);
    return HOOK_PARK;
}
