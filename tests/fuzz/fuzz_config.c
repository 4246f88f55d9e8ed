/* Whatever a configuration file holds: it is refused with sentences, or what is printed of it is
 * taken again and says the same. */
#include "config.h"
#include "problems.h"

#include <stdio.h>
#include <stdlib.h>

static bool read_text(struct str text, struct config *config)
{
    struct problems problems = {0};
    bool good = config_read(text, "fuzz.yaml", config, &problems);
    if (good != (problems.count == 0))
        abort();
    buf_fini(&problems.text);
    return good;
}

static void check_printed(const struct config *config)
{
    struct config again = {0};
    struct buf first = {0}, second = {0};
    config_print(&first, config);
    if (!read_text(buf_str(&first), &again)) {
        fprintf(stderr, "refused: %.*s\n", STR_ARG(buf_str(&first)));
        abort();
    }
    config_print(&second, &again);
    if (!str_eq(buf_str(&first), buf_str(&second)))
        abort();
    buf_fini(&first);
    buf_fini(&second);
    config_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct config config = {0};
    if (read_text((struct str){(const char *)data, len}, &config))
        check_printed(&config);
    config_free(&config);
    return 0;
}
