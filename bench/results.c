#include "results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct result **tail_of(struct result **list)
{
    while (*list)
        list = &(*list)->next;
    return list;
}

enum err results_read(struct arena *arena, const char *file, struct str lines, struct result **out)
{
    struct problems problems = {.file = file};
    struct result **tail = tail_of(out);
    unsigned number = 0;
    while (lines.len && !problems.count) {
        struct str line = str_cut(lines, '\n', &lines);
        number++;
        if (str_trim(line).len == 0)
            continue;
        struct conf_node *map = yaml_parse(arena, line, &problems);
        if (!map || map->type != NODE_MAP) {
            problem(&problems, number, NULL, "is not a line of results");
            break;
        }
        *tail = arena_zero(arena, sizeof **tail);
        (*tail)->map = map;
        tail = &(*tail)->next;
    }
    fprintf(stderr, "%.*s", STR_ARG(buf_str(&problems.text)));
    buf_fini(&problems.text);
    return problems.count ? ERR_INVALID : ERR_OK;
}

enum err results_load(struct arena *arena, const char *file, struct result **out)
{
    char *text = NULL;
    size_t room = 0;
    FILE *stream = fopen(file, "re");
    ssize_t len = stream ? getdelim(&text, &room, '\0', stream) : -1;
    enum err err = ERR_INVALID;
    if (len >= 0)
        err = results_read(arena, file, (struct str){text, (size_t)len}, out);
    else
        fprintf(stderr, "%s: %s\n", file, stream ? "is empty" : strerror(errno));
    if (stream)
        fclose(stream);
    free(text);
    return err;
}

struct str result_text(const struct result *result, const char *name)
{
    const struct conf_node *node = conf_find(result->map, str_of(name));
    return node && node->type == NODE_SCALAR ? node->text : STR("");
}

double result_number(const struct result *result, const char *name)
{
    return strtod(result_text(result, name).at, NULL);
}

double result_per_unit(const struct result *result, const char *prefix)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%s", prefix, result_text(result, "unit").at);
    return result_number(result, name);
}

bool result_is(const struct result *result, const char *type)
{
    return str_is(result_text(result, "type"), type);
}
