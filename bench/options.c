#include "options.h"

#include "text.h"

#include <stddef.h>
#include <stdio.h>

enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_TIME, OPTION_FLAG };

/* `preset` is written as on the command line. */
struct option {
    const char *name;
    enum option_kind kind;
    size_t offset;
    const char *preset;
    uint64_t min, max;
    const char *help;
};

#define TEXT(name, field, preset, help)                                                            \
    {                                                                                              \
        "--" name, OPTION_TEXT, offsetof(struct options, field), preset, 0, 0, help                \
    }
#define NUMBER(name, field, preset, min, max, help)                                                \
    {                                                                                              \
        "--" name, OPTION_NUMBER, offsetof(struct options, field), preset, min, max, help          \
    }
#define TIME(name, field, preset, help)                                                            \
    {                                                                                              \
        "--" name, OPTION_TIME, offsetof(struct options, field), preset, 0, 0, help                \
    }
#define FLAG(name, field, help)                                                                    \
    {                                                                                              \
        "--" name, OPTION_FLAG, offsetof(struct options, field), NULL, 0, 0, help                  \
    }

static const struct option table[] = {
    TEXT("host", host, "127.0.0.1", "numeric address of the server"),
    NUMBER("port", port, "5222", 1, 65535, "its port"),
    TEXT("domain", domain, "localhost", "XMPP domain"),
    FLAG("tls", tls, "STARTTLS before authentication"),
    FLAG("direct-tls", direct_tls, "TLS from the first byte (XEP-0368)"),
    TEXT("prefix", prefix, "u", "users are called PREFIX0, PREFIX1 …"),
    TEXT("password", password, "secret", "the password of all users"),
    TEXT("mechanism", mechanism, "SCRAM-SHA-1", "SCRAM-SHA-1, -256, -512 or PLAIN"),
    NUMBER("users", users, "500", 1, 1000000, "connections"),
    NUMBER("first", first, "0", 0, 100000000, "number of the first user"),
    NUMBER("in-flight", in_flight, "16", 1, 10000, "logins under way at a time"),
    NUMBER("room-size", room_size, "5", 1, 10000, "users in a room"),
    TEXT("room-service", room_service, NULL,
         "where rooms are, before the domain or whole (muclight, conference)"),
    FLAG("rooms-made", rooms_made, "the rooms are there: PREFIXroom0, PREFIXroom1 …"),
    NUMBER("rate", rate, "1000", 1, 10000000, "messages a second, all senders together"),
    NUMBER("burst", burst, "1", 1, 1000, "messages to the same peer in one write"),
    NUMBER("stanza", stanza_len, "300", 1, 60000, "bytes of a whole message stanza"),
    FLAG("resume", resume, "streams are resumed (XEP-0198) by who comes back"),
    FLAG("origin-ids", origin_ids, "an origin-id (XEP-0359) beside the body of each message"),
    NUMBER("body", body_len, "0", 0, 50000, "bytes of the body instead; 0: as --stanza says"),
    NUMBER("tick-us", tick_us, "0", 0, 1000000,
           "send what is due only every so many µs; 0: each message at its own time"),
    TIME("seconds", seconds_ms, "5s", "measured time (idle: how long to hold)"),
    TIME("warmup", warmup_ms, "1s", "time with traffic before it"),
    TIME("settle", settle_ms, "500ms", "quiet time after the logins"),
    TIME("drain", drain_ms, "3s", "longest wait for what is under way at the end"),
    TEXT("server-pid", server.pids, NULL,
         "processes (comma-separated, with their descendants) of the server: CPU time, memory"),
    TEXT("server-cgroup", server.cgroup, NULL, "the same by control group: its folder"),
    TEXT("database-pid", database.pids, NULL, "processes of the database"),
    TEXT("database-cgroup", database.cgroup, NULL, "the same by control group"),
    NUMBER("cpu", cpu, "4096", 0, OPTIONS_NO_CPU, "pin to this CPU; 4096: not pinned"),
    FLAG("json", json, "one JSON object on one line"),
};

static bool set_value(const struct option *option, const char *text, void *field)
{
    switch (option->kind) {
    case OPTION_TEXT:
        *(const char **)field = text;
        return true;
    case OPTION_NUMBER:
        return text_u64(str_of(text), option->min, option->max, field);
    case OPTION_TIME:
        return text_duration(str_of(text), field);
    case OPTION_FLAG:
        *(bool *)field = true;
        return true;
    }
    return false;
}

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static enum err complain(const char *what, const char *word)
{
    fprintf(stderr, "ringtail-bench: %s: %s (--help lists the options)\n", word, what);
    return ERR_INVALID;
}

/* Where the option's value is in the struct. */
static void *field_of(struct options *options, const struct option *option)
{
    return (char *)options + option->offset;
}

static void set_presets(struct options *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].preset)
            set_value(&table[i], table[i].preset, field_of(out, &table[i]));
}

enum err options_parse(int argc, char **argv, struct options *out)
{
    set_presets(out);
    for (int i = 0; i < argc; i++) {
        const struct option *option = find(argv[i]);
        if (!option)
            return complain("there is no such option", argv[i]);
        bool flag = option->kind == OPTION_FLAG;
        if (!flag && i + 1 == argc)
            return complain("expects a value", argv[i]);
        if (!set_value(option, flag ? "" : argv[++i], field_of(out, option)))
            return complain("that value is not possible", option->name);
    }
    return out->tls && out->direct_tls ? complain("excludes --tls", "--direct-tls") : ERR_OK;
}

void options_help(void)
{
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const struct option *option = &table[i];
        if (option->preset)
            printf("  %-14s %s (%s)\n", option->name, option->help, option->preset);
        else
            printf("  %-14s %s\n", option->name, option->help);
    }
}
