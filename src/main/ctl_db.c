#include "ctl_db.h"

#include "ctl_link.h"
#include "database.h"

#include <stdio.h>

static const struct {
    const char *name;
    enum err (*run)(const struct store_config *config, struct buf *out);
} commands[] = {
    {"db plan", database_plan},
    {"db migrate", database_migrate},
    {"db check", database_check},
};

int ctl_db(const struct ctl_command *command, const struct config *config)
{
    struct buf out = {0};
    const char *why;
    enum err err = ctl_become_owner(config->data_dir, &why);
    if (err) {
        fprintf(stderr, "ringtailctl: %s\n", why);
        return CTL_FAILED;
    }
    err = ERR_UNSUPPORTED;
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i].name, command->name) == 0)
            err = commands[i].run(&config->storage, &out);
    fwrite(buf_at(&out), 1, buf_len(&out), err ? stderr : stdout);
    buf_fini(&out);
    return err ? CTL_FAILED : CTL_OK;
}
