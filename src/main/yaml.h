/*
 * A YAML file as a neutral tree. The only door to libyaml. The tree lives in an arena; aliases are
 * resolved (a node that is aliased is there twice). At boot and in tools.
 */
#ifndef RT_YAML_H
#define RT_YAML_H

#include "arena.h"
#include "problems.h"

#include <stdbool.h>

/* More is a mistake or an attack by aliases. */
enum { YAML_NODES_MAX = 100000, YAML_DEPTH_MAX = 32, YAML_FILE_MAX = 4 << 20 };

enum node_type { NODE_SCALAR, NODE_MAP, NODE_LIST };

struct conf_node {
    enum node_type type;
    unsigned line, column; /* from 1 */
    struct str name;       /* of a member of a map: its key; NUL-terminated */
    unsigned name_line;
    struct str text; /* of a scalar; NUL-terminated */
    bool plain;      /* of a scalar: without quotes */
    size_t count;    /* of a map or list */
    struct conf_node *first, *next;
};

/* Parses one document; `name` is for problems. An empty document is an empty map. NULL: it is not
 * YAML, has keys twice, or is too big; problems say where. */
struct conf_node *yaml_parse(struct arena *arena, struct str text, struct problems *problems);

/* The same of a file; its path stands in problems->file. */
struct conf_node *yaml_load(struct arena *arena, struct problems *problems);

/* The member of a map, or NULL. */
struct conf_node *conf_find(const struct conf_node *map, struct str name);

/* The node at a path like "listen.c2s[0].tls", or the deepest one on the way that is there. */
const struct conf_node *conf_at(const struct conf_node *root, const char *path);

/* True for a plain `null`, `~` or nothing: as if the key were not there. */
bool conf_is_null(const struct conf_node *node);

/* For --version. */
const char *yaml_library_version(void);

#endif
