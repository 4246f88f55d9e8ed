#include "options_keys.h"

#include "options.h"

#define AT(field) offsetof(struct options, field)

/* `what` is a text, a bool, a number within a range, or a duration. */
#define TEXT(key, field, value, words)                                                             \
    {                                                                                              \
        .name = key, .type = KEY_TEXT, .offset = AT(field), .preset = value, .help = words         \
    }
#define FLAG(key, field, words)                                                                    \
    {                                                                                              \
        .name = key, .type = KEY_BOOL, .offset = AT(field), .preset = "false", .help = words       \
    }
#define NUMBER(key, field, value, least, most, words)                                              \
    {                                                                                              \
        .name = key, .type = KEY_NUMBER, .offset = AT(field), .preset = value, .min = least,       \
        .max = most, .help = words                                                                 \
    }
#define TIME(key, field, value, words)                                                             \
    {                                                                                              \
        .name = key, .type = KEY_DURATION, .offset = AT(field), .preset = value, .help = words     \
    }
#define TEXTS(key, field, words)                                                                   \
    {                                                                                              \
        .name = key, .type = KEY_TEXTS, .offset = AT(field), .help = words                         \
    }

const struct key options_keys[] = {
    TEXT("scenario", scenario, NULL, "what is done (in a file)"),
    TEXT("label", label, "", "what the server is called in reports"),
    TEXT("host", host, "127.0.0.1", "address of the server, or its name"),
    NUMBER("port", port, "5222", 1, 65535, "its port"),
    TEXT("domain", domain, "localhost", "XMPP domain"),
    NUMBER("domain_count", domain_count, "0", 0, 1000000,
           "users are spread over so many domains d0.DOMAIN, d1.DOMAIN …; 0: all in DOMAIN"),
    NUMBER("domain_bucket", domain_bucket, "10", 1, 1000000, "neighbours in the same domain"),
    FLAG("tls", tls, "STARTTLS before authentication"),
    FLAG("direct_tls", direct_tls, "TLS from the first byte (XEP-0368)"),
    TEXT("prefix", prefix, "u", "users are called PREFIX0, PREFIX1 …"),
    TEXT("password", password, "secret", "the password of all users"),
    TEXT("mechanism", mechanism, "SCRAM-SHA-1", "SCRAM-SHA-1, -256, -512 or PLAIN"),
    FLAG("in_band", in_band, "users register themselves before they log in (XEP-0077)"),
    NUMBER("users", users, "500", 1, 1000000, "connections"),
    NUMBER("first", first, "0", 0, 100000000, "number of the first user"),
    NUMBER("in_flight", in_flight, "16", 1, 10000, "logins under way at a time, a thread"),
    NUMBER("arrival_rate", arrival_rate, "0", 0, 1000000, "users a second who come; 0: any"),
    NUMBER("peers", peers, "2", 2, 1000, "users who write to each other in turn (one_to_one)"),
    NUMBER("room_size", room_size, "5", 1, 100000, "users in a room"),
    TEXT("room_service", room_service, NULL,
         "where rooms are, before the domain or whole (muclight, conference)"),
    FLAG("rooms_made", rooms_made, "the rooms are there: PREFIXroom0, PREFIXroom1 … (muc_light)"),
    FLAG("resume", resume, "streams are resumed (XEP-0198) by who comes back"),
    FLAG("sm", sm, "stream management: stanzas are acknowledged both ways (XEP-0198)"),
    FLAG("carbons", carbons, "carbons are switched on (XEP-0280)"),
    FLAG("receipts", receipts, "messages ask for receipts and get them (XEP-0184)"),
    FLAG("origin_ids", origin_ids, "an origin-id (XEP-0359) beside the body of each message"),
    FLAG("expect_archive", expect_archive, "the archive must hold what was said last (XEP-0313)"),
    FLAG("expect_inbox", expect_inbox, "the inbox (MongooseIM's) must list what was said last"),
    NUMBER("page", page, "0", 0, 1000, "results of a lookup; 0: 5 of an archive, 10 of an inbox"),
    NUMBER("history", history, "10", 0, 10000, "messages a user writes before the lookups"),
    NUMBER("rate", rate, "1000", 1, 10000000, "messages (lookups, logins) a second, all together"),
    TEXTS("rates", rates, "several of them, one after the other: a ladder"),
    TIME("interval", interval_ms, "0ms", "instead: each user does something so often; 0: no"),
    NUMBER("burst", burst, "1", 1, 1000, "messages to the same peer in one write"),
    NUMBER("stanza", stanza_len, "300", 1, 60000, "bytes of a whole message stanza"),
    NUMBER("body", body_len, "0", 0, 50000, "bytes of the body instead; 0: as stanza says"),
    NUMBER("tick_us", tick_us, "0", 0, 1000000,
           "do what is due only every so many µs; 0: each at its own time"),
    TIME("seconds", seconds_ms, "5s", "measured time of a rate (idle: how long to hold)"),
    TIME("warmup", warmup_ms, "1s", "time with traffic before it"),
    TIME("settle", settle_ms, "500ms", "quiet time after the logins"),
    TIME("drain", drain_ms, "3s", "longest wait for what is under way at the end"),
    NUMBER("repeat", repeat, "1", 1, 100, "so often for each rate; medians are told"),
    TIME("stop_p99", stop_p99_ms, "0ms", "end the ladder once p99 is above, or losses; 0: no"),
    NUMBER("threads", threads, "1", 0, 64, "threads with a ring each; 0: one a CPU"),
    NUMBER("cpu", cpu, "4096", 0, OPTIONS_NO_CPU, "pin to this CPU; 4096: not pinned"),
    TEXT("server_pid", server.pids, NULL,
         "processes of the server, by id or name, with their descendants: CPU time, memory"),
    TEXT("server_cgroup", server.cgroup, NULL, "the same by control group: its folder"),
    TEXT("database_pid", database.pids, NULL, "processes of the database"),
    TEXT("database_cgroup", database.cgroup, NULL, "the same by control group"),
    TEXT("database_threads", database.threads, NULL,
         "of a database inside of the server: what its threads' names begin with; their CPU time "
         "is the database's"),
    TEXT("counters", counters, NULL,
         "a command that prints lines NAME NUMBER before and after: how much each has grown is "
         "told"),
    TEXTS("workers", workers, "load machines that share the work: HOST:PORT of each"),
    TEXTS("watch", watch, "workers on the servers' machines: the processes there are read, too"),
    TEXT("json", json, NULL, "write JSON lines to this file; -: to standard output"),
    TEXT("html", html, NULL, "write a page with plots to this file"),
    {0},
};
