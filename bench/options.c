#include "options.h"

#include "bind.h"
#include "json.h"
#include "options_keys.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>

static const struct key *find_key(const char *name)
{
    for (const struct key *key = options_keys; key->name; key++)
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

/* --- The command line as a map, so that one way of binding does for both --- */

struct words {
    struct arena *arena;
    struct problems *problems;
    char **at, **end;
    struct conf_node *map;
};

static void push(struct conf_node *parent, struct conf_node *child)
{
    struct conf_node **tail = &parent->first;
    while (*tail)
        tail = &(*tail)->next;
    child->next = NULL;
    *tail = child;
    parent->count++;
}

static void drop(struct conf_node *map, struct str name)
{
    struct conf_node **at = &map->first;
    while (*at && !str_eq((*at)->name, name))
        at = &(*at)->next;
    if (!*at)
        return;
    *at = (*at)->next;
    map->count--;
}

static struct conf_node *new_scalar(struct arena *arena, struct str text)
{
    struct conf_node *node = arena_zero(arena, sizeof *node);
    node->text = arena_str(arena, text);
    return node;
}

/* "a,b c" as a list. */
static struct conf_node *new_list(struct arena *arena, const char *text)
{
    struct conf_node *list = arena_zero(arena, sizeof *list);
    list->type = NODE_LIST;
    for (size_t len; *text; text += len) {
        text += strspn(text, ", ");
        len = strcspn(text, ", ");
        if (len)
            push(list, new_scalar(arena, (struct str){text, len}));
    }
    return list;
}

/* "--room-size" to "room_size". */
static char *key_name(struct arena *arena, const char *word)
{
    char *name = (char *)arena_str(arena, str_of(word + 2)).at;
    for (char *at = name; *at; at++)
        if (*at == '-')
            *at = '_';
    return name;
}

bool options_takes_value(const char *word)
{
    struct arena arena;
    arena_init(&arena);
    const struct key *key = strncmp(word, "--", 2) == 0 ? find_key(key_name(&arena, word)) : NULL;
    arena_fini(&arena);
    return key && key->type != KEY_BOOL;
}

static struct conf_node *value_of(struct words *words, const struct key *key, const char *word)
{
    if (words->at == words->end) {
        problem(words->problems, 0, word, "expects a value");
        return NULL;
    }
    const char *text = *words->at++;
    return key->type == KEY_TEXTS ? new_list(words->arena, text)
                                  : new_scalar(words->arena, str_of(text));
}

static void take_word(struct words *words)
{
    const char *word = *words->at++;
    if (strncmp(word, "--", 2) != 0) {
        problem(words->problems, 0, NULL, "`%s` is not an option", word);
        return;
    }
    const char *name = key_name(words->arena, word);
    const struct key *key = find_key(name);
    bool no = !key && strncmp(name, "no_", 3) == 0;
    if (no)
        key = find_key(name += 3);
    if (!key) {
        problem(words->problems, 0, word, "there is no such option (--help lists them)");
        words->at += words->at < words->end && strncmp(*words->at, "--", 2) != 0;
        return;
    }
    struct conf_node *node = key->type == KEY_BOOL
                                 ? new_scalar(words->arena, no ? STR("false") : STR("true"))
                                 : value_of(words, key, word);
    if (!node)
        return;
    node->name = str_of(name);
    drop(words->map, node->name);
    push(words->map, node);
}

static struct conf_node *read_words(struct arena *arena, struct problems *problems, int argc,
                                    char **argv)
{
    struct words words = {.arena = arena,
                          .problems = problems,
                          .at = argv,
                          .end = argv + argc,
                          .map = arena_zero(arena, sizeof *words.map)};
    words.map->type = NODE_MAP;
    while (words.at < words.end)
        take_word(&words);
    return words.map;
}

static void override(struct conf_node *map, struct conf_node *with)
{
    for (struct conf_node *node = with->first, *next; node; node = next) {
        next = node->next;
        drop(map, node->name);
        push(map, node);
    }
}

/* --- What must fit together --- */

static void check_rates(const struct options *options, struct problems *problems)
{
    uint64_t rate;
    for (size_t i = 0; i < options->rates.count; i++)
        if (!text_u64(str_of(options->rates.items[i]), 1, 10000000, &rate))
            problem(problems, 0, "rates", "expects numbers from 1 to 10000000, got `%s`",
                    options->rates.items[i]);
}

static void check(const struct options *options, struct problems *problems)
{
    check_rates(options, problems);
    if (options->tls && options->direct_tls)
        problem(problems, 0, "direct_tls", "excludes tls");
    if (options->domain_count && options->first % options->domain_bucket)
        problem(problems, 0, "first", "must be a multiple of domain_bucket");
}

/* IPv4 if there is such an address: of a name that has both, servers listen to that for certain. */
static void find_server(struct options *options, struct problems *problems)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int failed = getaddrinfo(options->host, NULL, &hints, &list);
    const struct addrinfo *best = list;
    while (best && best->ai_family != AF_INET)
        best = best->ai_next;
    best = best ? best : list;
    if (!failed)
        failed = getnameinfo(best->ai_addr, best->ai_addrlen, options->address,
                             sizeof options->address, NULL, 0, NI_NUMERICHOST);
    if (failed)
        problem(problems, 0, "host", "`%s`: %s", options->host, gai_strerror(failed));
    if (list)
        freeaddrinfo(list);
}

/* --- All of it --- */

static enum err finish(struct problems *problems)
{
    fprintf(stderr, "%.*s", STR_ARG(buf_str(&problems->text)));
    buf_fini(&problems->text);
    return problems->count ? ERR_INVALID : ERR_OK;
}

static void bind_all(struct options *out, struct problems *problems, const struct conf_node *map)
{
    *out = (struct options){.arena = out->arena}; /* lists grow by what is bound */
    bind_map(&out->arena, problems, options_keys, map, "", out);
    if (!problems->count)
        check(out, problems);
    if (!problems->count && !out->workers.count)
        find_server(out, problems);
}

enum err options_parse(const char *file, int argc, char **argv, struct options *out)
{
    struct problems problems = {.file = "ringtail-bench"};
    memset(out, 0, sizeof *out);
    arena_init(&out->arena);
    struct conf_node *words = read_words(&out->arena, &problems, argc, argv);
    if (!problems.count) /* the words by themselves first: their problems are of no file */
        bind_all(out, &problems, words);
    if (!file || problems.count)
        return finish(&problems);
    problems.file = file;
    struct conf_node *map = yaml_load(&out->arena, &problems);
    if (map && map->type == NODE_MAP) {
        override(map, words);
        bind_all(out, &problems, map);
    } else if (map) {
        problem(&problems, map->line, NULL, "expects keys and values");
    }
    return finish(&problems);
}

enum err options_read(struct str text, struct options *out)
{
    struct problems problems = {.file = "coordinator"};
    memset(out, 0, sizeof *out);
    arena_init(&out->arena);
    struct conf_node *map = yaml_parse(&out->arena, text, &problems);
    if (map)
        bind_all(out, &problems, map);
    return finish(&problems);
}

void options_fini(struct options *options)
{
    arena_fini(&options->arena);
}

/* --- Writing --- */

static void write_texts(struct buf *out, const struct key_texts *texts)
{
    buf_push_str(out, STR("["));
    for (size_t i = 0; i < texts->count; i++) {
        buf_push_str(out, i ? STR(", ") : STR(""));
        json_text(out, texts->items[i]);
    }
    buf_push_str(out, STR("]"));
}

static void write_value(struct buf *out, const struct key *key, const void *value)
{
    struct buf text = {0};
    if (key->type == KEY_BOOL) {
        buf_push_str(out, str_of(*(const bool *)value ? "true" : "false"));
    } else if (key->type == KEY_TEXTS) {
        write_texts(out, value);
    } else if (key->type == KEY_TEXT) {
        json_text(out, *(const char *const *)value);
    } else if (key->type == KEY_DURATION) {
        key_format_number(&text, key, *(const uint64_t *)value);
        buf_format(out, "\"%.*s\"", STR_ARG(buf_str(&text)));
    } else {
        buf_format(out, "%" PRIu64, *(const uint64_t *)value);
    }
    buf_fini(&text);
}

/* Of interest to the machine that reads it, or only to this one. */
static bool is_told(const struct key *key, const void *value, bool all)
{
    static const char *const own[] = {"json", "html", "workers", "watch", "password", "counters"};
    if (key->type == KEY_TEXT && !*(const char *const *)value)
        return false;
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strcmp(key->name, own[i]) == 0)
            return all && strcmp(own[i], "password") == 0;
    return true;
}

void options_write(struct buf *out, const struct options *options, bool all)
{
    const char *comma = "{";
    for (const struct key *key = options_keys; key->name; key++) {
        const void *value = (const char *)options + key->offset;
        if (!is_told(key, value, all))
            continue;
        buf_format(out, "%s\"%s\": ", comma, key->name);
        write_value(out, key, value);
        comma = ", ";
    }
    buf_push_str(out, STR("}"));
}

unsigned options_rungs(const struct options *options)
{
    return options->rates.count ? (unsigned)options->rates.count : 1;
}

uint64_t options_rate(const struct options *options, unsigned rung)
{
    uint64_t rate = options->rate;
    if (options->rates.count && text_u64(str_of(options->rates.items[rung]), 0, UINT64_MAX, &rate))
        return rate;
    if (options->interval_ms)
        rate = options->users * 1000 / options->interval_ms;
    return rate ? rate : 1;
}

void options_help(void)
{
    for (const struct key *key = options_keys; key->name; key++) {
        char name[32] = "--";
        text_copy(name + 2, sizeof name - 2, str_of(key->name));
        for (char *at = name; *at; at++)
            if (*at == '_')
                *at = '-';
        bool tell = key->preset && *key->preset && key->type != KEY_BOOL;
        printf("  %-18s %s%s%s%s\n", name, key->help, tell ? " (" : "", tell ? key->preset : "",
               tell ? ")" : "");
    }
}
