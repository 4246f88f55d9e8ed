#include "ctl_mongooseim.h"

#include "mim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* In this order: who is looked up by others comes first, and preferences last, because they would
 * keep old messages out. */
static const struct {
    const char *name; /* of the source table */
    mim_fn *run;
} parts[MIM_TABLES] = {
    [MIM_USERS] = {"users", mim_users},
    [MIM_ROSTERS] = {"rosterusers", mim_rosters},
    [MIM_MESSAGES] = {"mam_message", mim_messages},
    [MIM_ROOMS] = {"muc_light_rooms", mim_rooms},
    [MIM_ROOM_BLOCKS] = {"muc_light_blocking", mim_room_blocks},
    [MIM_ROOM_MESSAGES] = {"mam_muc_message", mim_room_messages},
    [MIM_INBOX] = {"inbox", mim_inbox},
    [MIM_PREFS] = {"mam_config", mim_prefs},
    [MIM_PRIVACY] = {"privacy_list", mim_privacy},
    [MIM_LAST] = {"last", mim_last},
    [MIM_OFFLINE] = {"offline_message", mim_offline},
    [MIM_VCARDS] = {"vcard", mim_vcards},
    [MIM_PRIVATE] = {"private_storage", mim_private},
    [MIM_PEP] = {"pubsub_items", mim_pep},
};

static const char usage[] = "usage: ringtailctl -c FILE import mongooseim --conninfo CONNINFO"
                            " [--dry-run] [--domain DOMAIN]...\n";

/* --- Words --- */

static void add_domain(struct buf *list, struct str domain)
{
    if (buf_len(list))
        buf_push(list, ",", 1);
    buf_push_str(list, domain);
}

static bool choose_domain(struct mim *mim, struct str text)
{
    struct arena arena;
    struct str domain;
    arena_init(&arena);
    bool known = !jid_prep_domain(&arena, text, &domain) && config_has_domain(mim->config, domain);
    if (known)
        add_domain(&mim->domains, domain);
    else
        fprintf(stderr, "ringtailctl: %.*s is not a domain of this server\n", STR_ARG(text));
    arena_fini(&arena);
    return known;
}

static int fail_usage(void)
{
    fputs(usage, stderr);
    return CTL_USAGE;
}

/* One option; what it takes is cut off *rest. CTL_OK, or the exit code of what is wrong. */
static int read_option(struct mim *mim, struct str option, struct str *rest, const char **conninfo)
{
    if (str_is(option, "--dry-run")) {
        mim->dry_run = true;
        return CTL_OK;
    }
    if (rest->len == 0 || !(str_is(option, "--conninfo") || str_is(option, "--domain")))
        return fail_usage();
    struct str value = str_cut(*rest, '\0', rest);
    if (str_is(option, "--domain"))
        return choose_domain(mim, value) ? CTL_OK : CTL_FAILED;
    *conninfo = value.at;
    return CTL_OK;
}

static int read_words(struct mim *mim, struct str words, const char **conninfo)
{
    int code = CTL_OK;
    while (!code && words.len) {
        struct str option = str_cut(words, '\0', &words);
        code = read_option(mim, option, &words, conninfo);
    }
    return code || *conninfo ? code : fail_usage();
}

/* --- Begin and end --- */

/* All is read in one snapshot, so that counts fit. */
static const char begin_sql[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

static enum err open_source(struct mim *mim, const char *conninfo)
{
    char why[256];
    struct pq_target *target;
    enum err err = pq_target_new(conninfo, &target, why, sizeof why);
    if (!err) {
        err = pq_open(target, &mim->source, why, sizeof why);
        pq_target_free(target);
    }
    if (!err && pq_exec(mim->source, begin_sql, NULL)) {
        text_copy(why, sizeof why, str_of(pq_error(mim->source)));
        err = ERR_DOWN;
    }
    if (err)
        mim_fail(mim, "MongooseIM's database: %s", why);
    return err;
}

static enum err open_store(struct mim *mim)
{
    static const char *why; /* here leak checkers find it */
    enum ctl_needs needs = mim->dry_run ? CTL_NEEDS_NOTHING : CTL_NEEDS_STORE;
    enum err err = ctl_link_alone(&mim->link, mim->config, needs, &why);
    if (err == ERR_CONFLICT)
        mim_fail(mim, "%s; the import needs that no server runs", why);
    else if (err)
        mim_fail(mim, "%s", why);
    return err;
}

static void close_all(struct mim *mim)
{
    pq_close(mim->source);
    parser_free(mim->parser);
    ctl_link_close(&mim->link);
    for (size_t i = 0; i < MIM_TABLES; i++)
        buf_fini(&mim->tables[i].reasons);
    buf_fini(&mim->domains);
    buf_fini(&mim->served);
    buf_fini(&mim->notes);
    buf_fini(&mim->failure);
}

/* --- The report --- */

static void print_table(const struct mim_table *table, bool dry_run)
{
    printf("%-18s %12" PRIu64, table->name, table->read);
    if (!dry_run)
        printf(" %12" PRIu64 " %12" PRIu64, table->imported, table->present);
    printf(" %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", table->joined, table->left,
           table->refused);
}

static bool report(const struct mim *mim)
{
    bool refused = false;
    printf("%-18s %12s", "table", "read");
    if (!mim->dry_run)
        printf(" %12s %12s", "imported", "present");
    printf(" %12s %12s %12s\n", "joined", "left out", "refused");
    for (size_t i = 0; i < MIM_TABLES; i++)
        print_table(&mim->tables[i], mim->dry_run);
    for (size_t i = 0; i < MIM_TABLES; i++) {
        const struct mim_table *table = &mim->tables[i];
        refused |= table->refused > 0;
        printf("%.*s", STR_ARG(buf_str(&table->reasons)));
        if (table->refused > MIM_REASONS)
            printf("  %s: and %" PRIu64 " more\n", table->name, table->refused - MIM_REASONS);
    }
    printf("%.*s", STR_ARG(buf_str(&mim->notes)));
    if (mim->dry_run)
        printf("this was a dry run: nothing was written\n");
    return !refused;
}

/* --- All of it --- */

static void run_parts(struct mim *mim)
{
    for (size_t i = 0; i < MIM_TABLES && mim_goes_on(mim); i++)
        if (mim_has_table(mim, parts[i].name))
            parts[i].run(mim);
    if (mim_goes_on(mim) && mim_has_table(mim, "users"))
        mim_left(mim);
}

static bool import(struct mim *mim, const char *conninfo)
{
    if (open_source(mim, conninfo) || open_store(mim))
        return false;
    mim->parser = parser_new();
    run_parts(mim);
    bool good = report(mim);
    if (mim_goes_on(mim) && !mim->dry_run)
        mim_verify(mim);
    fflush(stdout);
    return good && mim_goes_on(mim);
}

static void set_up(struct mim *mim, struct config *config)
{
    mim->config = config;
    mim->terminal = isatty(STDERR_FILENO);
    mim->link = (struct ctl_link){.fd = -1, .lock = -1};
    for (size_t i = 0; i < config->domains.count; i++)
        add_domain(&mim->served, str_of(config->domains.items[i]));
    for (size_t i = 0; i < MIM_TABLES; i++)
        mim->tables[i].name = parts[i].name;
}

int ctl_mongooseim(struct config *config, struct str words)
{
    static struct mim mim;
    const char *conninfo = NULL;
    set_up(&mim, config);
    int code = read_words(&mim, words, &conninfo);
    if (!code) {
        if (!buf_len(&mim.domains))
            buf_push_str(&mim.domains, buf_str(&mim.served));
        code = import(&mim, conninfo) ? CTL_OK : CTL_FAILED;
        if (!mim_goes_on(&mim))
            fprintf(stderr, "ringtailctl: %.*s\n", STR_ARG(buf_str(&mim.failure)));
    }
    close_all(&mim);
    return code;
}
