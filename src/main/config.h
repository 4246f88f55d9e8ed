/*
 * The configuration of a server: the file bound to structs, checked across keys. Made at boot,
 * read-only afterwards; it lives as long as the process, because others point into it.
 */
#ifndef RT_CONFIG_H
#define RT_CONFIG_H

#include "bind.h"
#include "core.h"
#include "module.h"
#include "store.h"

/* listen.c2s[]: the core's part, and certificates for more domains. */
struct listen_c2s {
    struct c2s_listener core;
    struct key_list sni; /* struct listen_sni */
};

struct listen_sni {
    const char *domain, *certificate, *key;
};

/* listen.http[] */
struct listen_http {
    const char *ip;
    uint64_t port;
};

/* A module that is on. */
struct config_module {
    const struct module *module;
    void *conf; /* on the heap, as a host type wants it */
};

struct config {
    struct arena arena;
    const char *file, *folder; /* relative paths start at the folder, which is absolute */
    const char *data_dir;
    struct key_texts domains; /* prepared */
    uint64_t shards;          /* 0: as many as CPUs */
    bool spin;
    struct store_config storage;
    struct {
        struct key_texts mechanisms;
        uint64_t scram_iterations;
    } auth;
    struct {
        struct key_list c2s, http;
    } listen;
    struct config_module *modules;
    size_t module_count;
    struct {
        int level, format; /* enum log_level, enum log_format */
    } log;
};

/* The table of the top level. `modules` is a group without keys: they come from modules_all. */
extern const struct key config_keys[];

/* Reads a file. False: problems->count > 0, one sentence each in problems->text; `config` is to be
 * freed either way. */
bool config_load(const char *path, struct config *config, struct problems *problems);

/* The same of a text that would stand in a file of that name. */
bool config_read(struct str text, const char *path, struct config *config,
                 struct problems *problems);
void config_free(struct config *config);

static inline struct listen_c2s *config_c2s(const struct config *config, size_t index)
{
    return (struct listen_c2s *)config->listen.c2s.items + index;
}

static inline struct listen_http *config_http(const struct config *config, size_t index)
{
    return (struct listen_http *)config->listen.http.items + index;
}

/* True when the (prepared) domain is one of this server. */
bool config_has_domain(const struct config *config, struct str domain);

/* Sum of max_connections of all listeners; UINT64_MAX when it overflows. */
uint64_t config_connections(const struct config *config);

/* What is in effect, as YAML that config_load takes and gives the same for; passwords are masked.
 */
void config_print(struct buf *out, const struct config *config);

/* The same tables as Markdown, as a man page (section 5), and as an example with all keys. */
void config_reference(struct buf *out);
void config_man(struct buf *out);
void config_example(struct buf *out);

#endif
