#include "cost.h"

#include "bind.h"
#include "results.h"

#include <stdio.h>
#include <stdlib.h>

/* What MongooseIM's release published: c6id, c6gd and c7g.xlarge, servers alone. */
static const struct {
    const char *what, *usd;
} published[] = {{"one-to-one", "14.00 10.67 8.03"}, {"MUC Light", "5.60 4.27 3.21"}};

double cost_of_billion(double usd_per_hour, double count, double rate)
{
    return usd_per_hour * count / (rate * 3600) * 1e9;
}

/* --- What is asked --- */

struct cost {
    const char *prices, *server, *database;
    uint64_t servers, databases, rate;
};

#define AT(field) offsetof(struct cost, field)

static const struct key keys[] = {
    {.name = "prices", .type = KEY_TEXT, .offset = AT(prices), .preset = "bench/ec2/prices.yaml"},
    {.name = "server", .type = KEY_TEXT, .offset = AT(server), .preset = "c7g.xlarge"},
    {.name = "servers",
     .type = KEY_NUMBER,
     .offset = AT(servers),
     .preset = "2",
     .min = 1,
     .max = 1000},
    {.name = "database", .type = KEY_TEXT, .offset = AT(database), .preset = "db.m6g.xlarge"},
    {.name = "databases",
     .type = KEY_NUMBER,
     .offset = AT(databases),
     .preset = "1",
     .min = 0,
     .max = 1000},
    {.name = "rate",
     .type = KEY_NUMBER,
     .offset = AT(rate),
     .preset = "0",
     .min = 0,
     .max = 1000000000},
    {0},
};

static int help(void)
{
    fputs("ringtail-bench cost [--prices FILE] [--server TYPE] [--servers N] [--database TYPE]\n"
          "                    [--databases N] [--rate DELIVERED-A-SECOND] [RESULTS…]\n",
          stderr);
    return 2;
}

/* --- Prices: `prices`, a map of instance types, each with usd_per_hour --- */

/* The table says which of its prices nobody has looked at. */
static void tell_unchecked(const struct conf_node *row, const char *type)
{
    const struct conf_node *checked = row ? conf_find(row, STR("checked")) : NULL;
    if (checked && str_is(checked->text, "false"))
        fprintf(stderr, "ringtail-bench: the price of %s has not been checked\n", type);
}

static bool find_price(const struct conf_node *prices, const char *type, double *usd)
{
    const struct conf_node *row = conf_find(prices, str_of(type));
    const struct conf_node *value = row ? conf_find(row, STR("usd_per_hour")) : NULL;
    char *end = NULL;
    tell_unchecked(row, type);
    if (value && value->type == NODE_SCALAR)
        *usd = strtod(value->text.at, &end);
    if (end && *end == 0 && *usd >= 0)
        return true;
    fprintf(stderr, "ringtail-bench: no usd_per_hour for %s in the table of prices\n", type);
    return false;
}

static struct conf_node *load_prices(struct arena *arena, const char *file)
{
    struct problems problems = {.file = file};
    struct conf_node *root = yaml_load(arena, &problems);
    struct conf_node *prices = root ? conf_find(root, STR("prices")) : NULL;
    if (root && !prices)
        problem(&problems, root->line, "prices", "is missing");
    fprintf(stderr, "%.*s", STR_ARG(buf_str(&problems.text)));
    buf_fini(&problems.text);
    return prices;
}

/* --- The answer --- */

struct bill {
    const struct cost *cost;
    double server_usd, database_usd; /* an hour */
};

static void tell(const struct bill *bill, const char *what, double rate)
{
    double server = cost_of_billion(bill->server_usd, (double)bill->cost->servers, rate);
    double database = cost_of_billion(bill->database_usd, (double)bill->cost->databases, rate);
    printf("%-34s %12.0f %10.2f %10.2f %10.2f\n", what, rate, server, database, server + database);
}

/* The highest rate of each run that was delivered without loss. */
static void tell_results(const struct bill *bill, const struct result *results)
{
    for (const struct result *one = results, *best; one; one = one->next) {
        char what[128];
        if (!result_is(one, "run"))
            continue;
        best = NULL;
        for (const struct result *in = one->next; in && !result_is(in, "run"); in = in->next)
            if (result_number(in, "lost") == 0 && result_number(in, "delivered_per_s") > 0 &&
                (!best ||
                 result_number(in, "delivered_per_s") > result_number(best, "delivered_per_s")))
                best = in;
        snprintf(what, sizeof what, "%s %s", result_text(one, "label").at,
                 result_text(one, "scenario").at);
        if (best)
            tell(bill, what, result_number(best, "delivered_per_s"));
    }
}

static void tell_published(void)
{
    for (size_t i = 0; i < COUNT_OF(published); i++)
        printf("%-34s %s (servers: c6id, c6gd, c7g.xlarge)\n", published[i].what, published[i].usd);
}

static int reckon(struct arena *arena, const struct cost *cost, const struct result *results)
{
    struct bill bill = {.cost = cost};
    const struct conf_node *prices = load_prices(arena, cost->prices);
    if (!prices || !find_price(prices, cost->server, &bill.server_usd) ||
        (cost->databases && !find_price(prices, cost->database, &bill.database_usd)))
        return 2;
    printf("USD for a billion delivered: %u %s, %u %s\n%-34s %12s %10s %10s %10s\n",
           (unsigned)cost->servers, cost->server, (unsigned)cost->databases, cost->database, "",
           "delivered/s", "servers", "database", "both");
    if (cost->rate)
        tell(&bill, "rate that was given", (double)cost->rate);
    tell_results(&bill, results);
    puts("published for MongooseIM:");
    tell_published();
    return 0;
}

/* "--servers 2" becomes a member; other words are files of results. */
static bool read_words(struct arena *arena, int argc, char **argv, struct conf_node *map,
                       struct result **results)
{
    struct conf_node **tail = &map->first;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            if (results_load(arena, argv[i], results))
                return false;
            continue;
        }
        if (i + 1 == argc)
            return false;
        struct conf_node *node = arena_zero(arena, sizeof *node);
        node->name = str_of(argv[i] + 2);
        node->text = str_of(argv[++i]);
        *tail = node;
        tail = &node->next;
    }
    return true;
}

int cost_run(int argc, char **argv)
{
    struct arena arena;
    struct problems problems = {.file = "ringtail-bench cost"};
    struct result *results = NULL;
    struct cost cost = {0};
    arena_init(&arena);
    struct conf_node *map = arena_zero(&arena, sizeof *map);
    map->type = NODE_MAP;
    bool well = read_words(&arena, argc, argv, map, &results);
    bind_map(&arena, &problems, keys, map, "", &cost);
    fprintf(stderr, "%.*s", STR_ARG(buf_str(&problems.text)));
    buf_fini(&problems.text);
    well &= !problems.count && (results || cost.rate);
    int code = well ? reckon(&arena, &cost, results) : help();
    arena_fini(&arena);
    return code;
}
