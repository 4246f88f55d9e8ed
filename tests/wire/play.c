#include "play.h"

#include "element.h"
#include "match.h"
#include "mem.h"
#include "parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ACTORS = 16, EXPECT_MS = 4000, NOTHING_MS = 150 };

/* A client of the play. */
struct actor {
    char name[16];
    void *connection;
    struct buf input;
    struct stream_in in;
    struct arena arena; /* of the last thing received */
    struct stream_item last;
    bool closed;
};

static const struct wire *wire;
static struct parser *parser;
static struct actor actors[ACTORS];
static const char *file;
static unsigned line_number;
static bool failed;
static char kept[256]; /* by `keep` */

static void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%u (%s): ", file, line_number, wire->mode);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    failed = true;
}

static struct actor *find_actor(struct str name)
{
    for (int i = 0; i < ACTORS; i++)
        if (actors[i].name[0] && str_is(name, actors[i].name))
            return &actors[i];
    for (int i = 0; i < ACTORS; i++)
        if (!actors[i].name[0]) {
            text_copy(actors[i].name, sizeof actors[i].name, name);
            return &actors[i];
        }
    return NULL;
}

static void leave(struct actor *actor, bool reset)
{
    if (actor->connection)
        wire->drop(actor->connection, reset);
    actor->connection = NULL;
    buf_fini(&actor->input);
    stream_in_fini(&actor->in);
    arena_fini(&actor->arena);
    actor->last = (struct stream_item){0};
}

/* --- Receiving --- */

static enum stream_event take(struct actor *actor)
{
    struct str rest = buf_str(&actor->input);
    size_t before = rest.len;
    arena_fini(&actor->arena);
    arena_init(&actor->arena);
    enum stream_event event =
        stream_in_next(&actor->in, parser, &actor->arena, &rest, &actor->last);
    buf_pop(&actor->input, before - rest.len);
    return event;
}

/* The next thing from the server; STREAM_MORE: nothing came in `ms`, or it is closed. */
static enum stream_event next(struct actor *actor, unsigned ms)
{
    for (;;) {
        enum stream_event event = buf_len(&actor->input) ? take(actor) : STREAM_MORE;
        if (event != STREAM_MORE)
            return event;
        size_t had = buf_len(&actor->input);
        actor->closed = !wire->receive(actor->connection, &actor->input, ms);
        if (buf_len(&actor->input) == had)
            return STREAM_MORE;
    }
}

static const char *shown(struct actor *actor)
{
    static char text[2048];
    struct buf out = {0};
    if (!actor->last.element)
        return "(nothing)";
    element_write(&out, actor->last.element, NS_CLIENT);
    text_copy(text, sizeof text, buf_str(&out));
    buf_fini(&out);
    return text;
}

static bool parse_pattern(struct arena *arena, struct str text, struct element **out)
{
    struct str open = STR("<stream:stream");
    if (text.len > open.len && memcmp(text.at, open.at, open.len) == 0 &&
        text.at[text.len - 2] != '/')
        text = arena_format(arena, "%.*s/>", (int)text.len - 1, text.at);
    return parser_element(parser, arena, text, out) == ERR_OK;
}

static void expect_element(struct actor *actor, struct str text)
{
    struct arena arena;
    struct element *pattern;
    char why[256];
    arena_init(&arena);
    if (!parse_pattern(&arena, text, &pattern)) {
        fail("the pattern is not XML: %.*s", STR_ARG(text));
    } else {
        enum stream_event event = next(actor, EXPECT_MS);
        bool element = event == STREAM_ELEMENT || event == STREAM_OPEN;
        if (!element)
            fail("expected %.*s, got %s", STR_ARG(text),
                 event == STREAM_MORE    ? (actor->closed ? "the end" : "nothing")
                 : event == STREAM_CLOSE ? "</stream:stream>"
                                         : "bad XML");
        else if (!match(pattern, actor->last.element, why, sizeof why))
            fail("%s\n  expected %.*s\n  got      %s", why, STR_ARG(text), shown(actor));
    }
    arena_fini(&arena);
}

static void expect_close(struct actor *actor)
{
    enum stream_event event = next(actor, EXPECT_MS);
    if (event != STREAM_CLOSE)
        fail("expected </stream:stream>, got %s", shown(actor));
}

static void expect_gone(struct actor *actor)
{
    enum stream_event event;
    while ((event = next(actor, EXPECT_MS)) == STREAM_CLOSE)
        ;
    if (event != STREAM_MORE || !actor->closed)
        fail("expected the end of the connection, got %s", shown(actor));
}

static void expect_nothing(struct actor *actor)
{
    if (next(actor, NOTHING_MS) != STREAM_MORE)
        fail("expected nothing, got %s", shown(actor));
}

static bool has_child(const struct element *element, const struct element *wanted)
{
    const struct element *child = element_first(element);
    while (child && !(str_eq(child->name, wanted->name) && str_eq(child->ns_uri, wanted->ns_uri)))
        child = element_next(child);
    return child != NULL;
}

static void expect_without(struct actor *actor, struct str text)
{
    struct arena arena;
    struct element *pattern;
    arena_init(&arena);
    if (!parse_pattern(&arena, text, &pattern))
        fail("the pattern is not XML: %.*s", STR_ARG(text));
    else if (!actor->last.element)
        fail("nothing was received yet");
    else if (has_child(actor->last.element, pattern))
        fail("there must be no %.*s in %s", STR_ARG(text), shown(actor));
    arena_fini(&arena);
}

/* --- Acting --- */

static void say(struct actor *actor, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct actor *actor, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    wire->send(actor->connection, (struct str){text, (size_t)len});
}

static void open_stream(struct actor *actor)
{
    say(actor, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='localhost' "
               "version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>");
    stream_in_restart(&actor->in);
    actor->in.limit_len = 1 << 20;
    expect_element(actor, STR("<stream:stream version='1.0'>"));
    expect_element(actor, STR("<stream:features/>"));
}

static void do_connect(struct actor *actor, struct str listener)
{
    char name[16];
    leave(actor, false);
    text_copy(name, sizeof name, listener.len ? listener : STR("c2s"));
    actor->closed = false;
    actor->connection = wire->connect(name);
    actor->in.limit_len = 1 << 20;
    if (!actor->connection)
        fail("cannot connect to listener %s", name);
}

static void do_auth(struct actor *actor, struct str user)
{
    char plain[128], coded[BASE64_LEN(sizeof plain)];
    int len = snprintf(plain, sizeof plain, "%c%.*s%csecret", 0, STR_ARG(user), 0);
    size_t coded_len = base64_encode(plain, (size_t)len, coded);
    say(actor, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%.*s</auth>",
        (int)coded_len, coded);
    expect_element(actor, STR("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
}

/* `login user/resource [listener]`: everything up to the established session, no presence. */
static void do_login(struct actor *actor, struct str rest)
{
    struct str listener, resource, who = str_cut(rest, ' ', &listener);
    struct str user = str_cut(who, '/', &resource);
    do_connect(actor, str_trim(listener));
    if (failed)
        return;
    open_stream(actor);
    do_auth(actor, user);
    open_stream(actor);
    say(actor,
        "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        "<resource>%.*s</resource></bind></iq>",
        STR_ARG(resource));
    expect_element(actor, STR("<iq type='result' id='bind'/>"));
    if (!str_is(str_trim(listener), "legacy"))
        return;
    say(actor, "<iq type='set' id='session'>"
               "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
    expect_element(actor, STR("<iq type='result' id='session'/>"));
}

/* `$KEPT` in the text stands for what was kept. */
static void do_send(struct actor *actor, struct str rest)
{
    static const char mark[] = "$KEPT";
    const char *at = rest.len ? memmem(rest.at, rest.len, mark, sizeof mark - 1) : NULL;
    if (at) {
        size_t before = (size_t)(at - rest.at), after = before + sizeof mark - 1;
        wire->send(actor->connection, (struct str){rest.at, before});
        wire->send(actor->connection, str_of(kept));
        rest = (struct str){rest.at + after, rest.len - after};
    }
    wire->send(actor->connection, rest);
}

/* `keep NAME`: the attribute of what was received last. */
static void do_keep(struct actor *actor, struct str rest)
{
    char name[32];
    text_copy(name, sizeof name, rest);
    struct str value =
        actor->last.element ? element_attr(actor->last.element, name) : (struct str){0};
    if (!value.at)
        fail("no attribute %s in %s", name, shown(actor));
    text_copy(kept, sizeof kept, value);
}

/* `base64 <auth …>%</auth> text with \0`: sends with % replaced by the coded text. */
static void do_base64(struct actor *actor, struct str rest)
{
    struct str text, frame = str_cut(rest, '|', &text);
    uint8_t raw[4096];
    char coded[BASE64_LEN(sizeof raw)];
    size_t len = 0;
    text = str_trim(text);
    for (size_t i = 0; i < text.len && len < sizeof raw; i++) {
        bool nul = text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == '0';
        raw[len++] = nul ? 0 : (uint8_t)text.at[i];
        i += nul;
    }
    size_t coded_len = base64_encode(raw, len, coded);
    struct str tail, head = str_cut(str_trim(frame), '%', &tail);
    wire->send(actor->connection, head);
    wire->send(actor->connection, (struct str){coded, coded_len});
    wire->send(actor->connection, tail);
}

/* `flood COUNT text`: the text so many times. */
static void do_flood(struct actor *actor, struct str rest)
{
    struct str text;
    uint64_t count = 0;
    if (!text_u64(str_cut(rest, ' ', &text), 1, 1 << 20, &count))
        fail("flood wants a count");
    struct buf all = {0};
    for (uint64_t i = 0; i < count; i++)
        buf_push_str(&all, text);
    wire->send(actor->connection, buf_str(&all));
    buf_fini(&all);
}

static void do_restart(struct actor *actor, struct str rest)
{
    (void)rest;
    stream_in_restart(&actor->in);
    actor->in.limit_len = 1 << 20;
}

static void do_expect(struct actor *actor, struct str rest)
{
    if (str_is(rest, "close"))
        expect_close(actor);
    else if (str_is(rest, "gone"))
        expect_gone(actor);
    else
        expect_element(actor, rest);
}

static void do_nothing_comes(struct actor *actor, struct str rest)
{
    (void)rest;
    expect_nothing(actor);
}

static void do_drop(struct actor *actor, struct str rest)
{
    leave(actor, str_is(rest, "reset"));
}

static void do_open(struct actor *actor, struct str rest)
{
    (void)rest;
    open_stream(actor);
}

static const struct {
    const char *verb;
    void (*run)(struct actor *, struct str);
} verbs[] = {
    {"connect", do_connect}, {"login", do_login},     {"auth", do_auth},
    {"open", do_open},       {">", do_send},          {"base64", do_base64},
    {"flood", do_flood},     {"restart", do_restart}, {"<", do_expect},
    {"!<", expect_without},  {"~", do_nothing_comes}, {"drop", do_drop},
    {"keep", do_keep},
};

/* --- Lines --- */

static bool for_this_mode(struct str modes)
{
    while (modes.len)
        if (str_is(str_trim(str_cut(modes, ' ', &modes)), wire->mode))
            return true;
    return false;
}

static void run_line(struct str line)
{
    struct str rest, name = str_cut(line, ' ', &rest), tail;
    if (str_is(name, "wait")) {
        uint64_t ms = 0;
        if (!text_duration(rest, &ms))
            fail("wait wants a duration");
        wire->wait((unsigned)ms);
        return;
    }
    struct str verb = str_cut(rest, ' ', &tail);
    struct actor *actor = find_actor(name);
    for (size_t i = 0; actor && i < COUNT_OF(verbs); i++)
        if (str_is(verb, verbs[i].verb)) {
            verbs[i].run(actor, str_trim(tail));
            return;
        }
    fail("no such verb: %.*s", STR_ARG(verb));
}

static char *read_all(const char *path, size_t *len)
{
    FILE *in = fopen(path, "re");
    if (!in) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return NULL;
    }
    char *text = mem_zalloc(1 << 18);
    *len = fread(text, 1, (1 << 18) - 1, in);
    fclose(in);
    return text;
}

/* A line may go on in the next ones, which begin with white space and '|'. */
static struct str whole_line(struct arena *arena, struct str *rest)
{
    struct str line = str_trim(str_cut(*rest, '\n', rest));
    line_number++;
    for (;;) {
        struct str after, more = str_trim(str_cut(*rest, '\n', &after));
        if (!more.len || more.at[0] != '|')
            return line;
        line = arena_format(arena, "%.*s%.*s", STR_ARG(line), (int)more.len - 1, more.at + 1);
        *rest = after;
        line_number++;
    }
}

static int run_lines(struct str rest)
{
    struct arena arena;
    int result = 0;
    arena_init(&arena);
    while (rest.len && !failed && result == 0) {
        struct str line = whole_line(&arena, &rest);
        struct str only = STR("only ");
        if (line.len == 0 || line.at[0] == '#')
            continue;
        if (line.len > only.len && memcmp(line.at, only.at, only.len) == 0)
            result = for_this_mode((struct str){line.at + only.len, line.len - only.len}) ? 0 : 2;
        else
            run_line(line);
    }
    arena_fini(&arena);
    return failed ? 1 : result;
}

int play_run(const struct wire *with, const char *path)
{
    size_t len;
    char *text = read_all(path, &len);
    if (!text)
        return 1;
    wire = with;
    file = path;
    line_number = 0;
    failed = false;
    parser = parser_new();
    wire->begin();
    int result = run_lines((struct str){text, len});
    for (int i = 0; i < ACTORS; i++) {
        leave(&actors[i], false);
        actors[i].name[0] = '\0';
    }
    wire->end();
    parser_free(parser);
    mem_free(text);
    return result;
}

int play_all(const struct wire *with, char **paths, int count)
{
    int counts[3] = {0};
    for (int i = 0; i < count; i++)
        counts[play_run(with, paths[i])]++;
    printf("%d passed, %d failed, %d skipped\n", counts[0], counts[1], counts[2]);
    return counts[1] || counts[0] == 0;
}
