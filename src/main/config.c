#include "config.h"

#include "config_check.h"

#include <stdlib.h>

/* --- Modules --- */

static const char *const *module_names(struct arena *arena)
{
    size_t count = 0;
    while (modules_all[count])
        count++;
    const char **names = arena_zero(arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = modules_all[i]->name;
    return names;
}

static const struct module *find_module(struct str name)
{
    for (size_t i = 0; modules_all[i]; i++)
        if (str_is(name, modules_all[i]->name))
            return modules_all[i];
    return NULL;
}

static void add_module(struct config *config, struct problems *problems,
                       const struct module *module, const struct conf_node *options,
                       const char *path)
{
    struct config_module *on = &config->modules[config->module_count++];
    on->module = module;
    on->conf = mem_zalloc(module->conf_size);
    if (options->type != NODE_MAP && !conf_is_null(options))
        problem(problems, options->line, path, "expects the module's keys and values, or {}");
    else
        bind_map(&config->arena, problems, module->keys, options->type == NODE_MAP ? options : NULL,
                 path, on->conf);
}

static void bind_modules(struct config *config, struct problems *problems,
                         const struct conf_node *map)
{
    if (!map || conf_is_null(map))
        return;
    if (map->type != NODE_MAP) {
        problem(problems, map->line, "modules", "expects modules by their names");
        return;
    }
    config->modules = arena_zero(&config->arena, map->count * sizeof *config->modules);
    for (const struct conf_node *member = map->first; member; member = member->next) {
        const char *path = bind_path(&config->arena, "modules", member->name.at);
        const struct module *module = find_module(member->name);
        if (module)
            add_module(config, problems, module, member, path);
        else
            bind_unknown(problems, member, path, module_names(&config->arena));
    }
}

/* --- The whole --- */

/* The absolute folder of the file; "." when it cannot be found (the file then cannot either). */
static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    const char *folder = !slash ? "." : len ? arena_str(arena, (struct str){path, len}).at : "/";
    char *absolute = realpath(folder, NULL); /* on the C library's heap */
    folder = arena_str(arena, str_of(absolute ? absolute : folder)).at;
    free(absolute);
    return folder;
}

static void config_init(struct config *config, const char *path)
{
    *config = (struct config){0};
    arena_init(&config->arena);
    config->file = arena_str(&config->arena, str_of(path)).at;
    config->folder = folder_of(&config->arena, path);
}

static bool bind_root(struct config *config, struct problems *problems,
                      const struct conf_node *root)
{
    if (root && root->type != NODE_MAP)
        problem(problems, root->line, NULL, "expects keys and values");
    if (problems->count)
        return false;
    bind_map(&config->arena, problems, config_keys, root, "", config);
    bind_modules(config, problems, conf_find(root, STR("modules")));
    if (!problems->count)
        config_check(config, problems, root);
    config->storage.data_dir = config->data_dir;
    return problems->count == 0;
}

bool config_load(const char *path, struct config *config, struct problems *problems)
{
    config_init(config, path);
    problems->file = config->file;
    return bind_root(config, problems, yaml_load(&config->arena, problems));
}

bool config_read(struct str text, const char *path, struct config *config,
                 struct problems *problems)
{
    config_init(config, path);
    problems->file = config->file;
    return bind_root(config, problems, yaml_parse(&config->arena, text, problems));
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < config->module_count; i++)
        mem_free(config->modules[i].conf);
    arena_fini(&config->arena);
    *config = (struct config){0};
}

bool config_has_domain(const struct config *config, struct str domain)
{
    for (size_t i = 0; i < config->domains.count; i++)
        if (str_is(domain, config->domains.items[i]))
            return true;
    return false;
}

uint64_t config_connections(const struct config *config)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < config->listen.c2s.count; i++)
        if (__builtin_add_overflow(sum, config_c2s(config, i)->core.max_connections, &sum))
            return UINT64_MAX;
    return sum;
}
