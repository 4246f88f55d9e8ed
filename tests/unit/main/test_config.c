#include "config.h"
#include "config_print.h"
#include "main_test.h"

/* Two modules of the test's own take the place of the real list. */
struct bell_conf {
    uint64_t volume, every_ms;
    const char *password;
    struct key_list rates;
};

struct bell_rate {
    const char *name;
    uint64_t bytes;
};

static const struct key rate_keys[] = {
    {.name = "name",
     .type = KEY_TEXT,
     .offset = offsetof(struct bell_rate, name),
     .required = true,
     .help = "Its name."},
    {.name = "bytes",
     .type = KEY_SIZE,
     .offset = offsetof(struct bell_rate, bytes),
     .preset = "1k",
     .help = "How many."},
    {0},
};

static const struct key bell_keys[] = {
    {.name = "volume",
     .type = KEY_NUMBER,
     .offset = offsetof(struct bell_conf, volume),
     .preset = "3",
     .min = 1,
     .max = 11,
     .help = "How loud."},
    {.name = "every",
     .type = KEY_DURATION,
     .offset = offsetof(struct bell_conf, every_ms),
     .preset = "1m",
     .help = "How often."},
    {.name = "bell_password",
     .type = KEY_TEXT,
     .offset = offsetof(struct bell_conf, password),
     .help = "Who may ring it."},
    {.name = "rates",
     .type = KEY_LIST,
     .offset = offsetof(struct bell_conf, rates),
     .keys = rate_keys,
     .group_size = sizeof(struct bell_rate),
     .help = "Rates."},
    {0},
};

static const char *const bell_needs[] = {"shaper", NULL};
static const struct module module_bell = {.name = "bell",
                                          .xep = "XEP-0999",
                                          .needs = bell_needs,
                                          .keys = bell_keys,
                                          .conf_size = sizeof(struct bell_conf)};
static const struct module module_shaper = {.name = "shaper"};
const struct module *const modules_all[] = {&module_bell, &module_shaper, NULL};

static struct config config;

static bool read_config(const char *text)
{
    config_free(&config);
    return config_read(str_of(text), "/etc/ringtail/t.yaml", &config, &problems);
}

static void says(const char *text, const char *expected)
{
    bool good = read_config(text);
    assert_string_equal(said(), expected);
    assert_int_equal(good, *expected == '\0');
}

#define PLAIN_LISTEN "listen: {c2s: [{tls: {mode: none}, plaintext_auth: true}]}\n"
#define MINIMAL      "domains: [localhost]\n" PLAIN_LISTEN

static void presets(void **state)
{
    (void)state;
    says(MINIMAL, "");
    assert_string_equal(config.data_dir, "/var/lib/ringtail");
    assert_string_equal(config.storage.data_dir, "/var/lib/ringtail");
    assert_int_equal(config.storage.backend, STORE_SQLITE);
    assert_int_equal(config.storage.connections_per_shard, 2);
    assert_int_equal(config.storage.deadline_ms, 5000);
    assert_int_equal(config.shards, 0);
    assert_int_equal(config.auth.mechanisms.count, 4);
    assert_int_equal(config.auth.scram_iterations, 10000);
    assert_int_equal(config.log.level, LOG_INFO);
    assert_int_equal(config.log.format, LOG_LOGFMT);
    assert_int_equal(config.module_count, 0);
    assert_int_equal(config.listen.http.count, 0);
    const struct c2s_listener *core = &config_c2s(&config, 0)->core;
    assert_string_equal(core->ip, "0.0.0.0");
    assert_int_equal(core->port, 5222);
    assert_int_equal(core->max_connections, 100000);
    assert_true(core->reuse_port);
    assert_int_equal(core->backlog, 1024);
    assert_int_equal(core->state_timeout_ms, 5000);
    assert_true(core->backwards_compatible_session);
    assert_int_equal(core->max_stanza_size, 65536);
    assert_string_equal(core->shaper, "none");
    assert_false(core->proxy_protocol);
}

static const char full[] =
    "data_dir: data\n"
    "domains: [Example.ORG, b\xc3\xbc"
    "cher.example]\n"
    "shards: 3\n"
    "storage: {backend: postgresql, conninfo: 'host=db password=''geheim 1'' dbname=x'}\n"
    "auth: {mechanisms: [PLAIN], scram_iterations: 4096}\n"
    "listen:\n"
    "  c2s:\n"
    "    - tls: {mode: tls, certificate: a.pem, key: /abs/a.key, sni: [{domain: B.example, "
    "certificate: b.pem, key: b.key}]}\n"
    "      ip: '::'\n"
    "      port: 5223\n"
    "      shaper: slow\n"
    "      state_timeout: infinity\n"
    "  http: [{}, {port: 80}]\n"
    "modules:\n"
    "  shaper:\n"
    "  bell: {volume: 11, every: 1500ms, bell_password: x, rates: [{name: \"a: b\"}]}\n"
    "log: {level: none, format: json}\n";

static void everything(void **state)
{
    (void)state;
    says(full, "");
    assert_string_equal(config.data_dir, "/etc/ringtail/data");
    assert_string_equal(config.domains.items[0], "example.org");
    assert_true(config_has_domain(&config, STR("b\xc3\xbc"
                                               "cher.example")));
    assert_false(config_has_domain(&config, STR("localhost")));
    const struct listen_c2s *listen = config_c2s(&config, 0);
    assert_int_equal(listen->core.tls.mode, TLS_DIRECT);
    assert_string_equal(listen->core.tls.certificate, "/etc/ringtail/a.pem");
    assert_string_equal(listen->core.tls.key, "/abs/a.key");
    const struct listen_sni *sni = listen->sni.items;
    assert_int_equal(listen->sni.count, 1);
    assert_string_equal(sni->domain, "b.example");
    assert_string_equal(sni->key, "/etc/ringtail/b.key");
    assert_true(listen->core.state_timeout_ms == KEY_INFINITY);
    assert_int_equal(config_http(&config, 0)->port, 5280);
    assert_int_equal(config_http(&config, 1)->port, 80);
    assert_int_equal(config_connections(&config), 100000);
    assert_int_equal(config.module_count, 2);
    const struct bell_conf *bell = config.modules[1].conf;
    assert_int_equal(bell->volume, 11);
    assert_int_equal(bell->every_ms, 1500);
}

static const char *printed(void)
{
    struct buf out = {0};
    config_print(&out, &config);
    return text_of(&out);
}

static void what_is_printed_gives_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {MINIMAL, full};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        says(texts[i], "");
        const char *first = printed();
        says(first, "");
        assert_string_equal(printed(), first);
    }
    assert_non_null(strstr(printed(), "password=*** dbname=x"));
    assert_null(strstr(printed(), "geheim"));
    assert_non_null(strstr(printed(), "bell_password: \"***\""));
    assert_non_null(strstr(printed(), "- name: \"a: b\""));
}

static void texts_survive_yaml(void **state)
{
    (void)state;
    static const char *const texts[] = {"a",
                                        "null",
                                        "~",
                                        "",
                                        "- x",
                                        "a: b",
                                        "x#y",
                                        "\"q\"",
                                        "back\\x",
                                        "tab\there",
                                        "n\nl",
                                        "\xc2\x85",
                                        "\xc3\xbc",
                                        "[x]",
                                        "\x01",
                                        "{a}",
                                        "*a",
                                        "&a",
                                        "!x",
                                        "%x",
                                        "@x",
                                        "`x`",
                                        " lead",
                                        "trail ",
                                        "\xe2\x80\xa8",
                                        "'",
                                        "\xef\xbb\xbf"
                                        "b",
                                        "\xf0\x9f\x98\x80",
                                        "true",
                                        "\x7f"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf out = {0};
        buf_push_str(&out, STR("a: ["));
        yaml_put_text(&out, texts[i]);
        buf_push_str(&out, STR("]\nb: "));
        yaml_put_text(&out, texts[i]);
        const struct conf_node *root = yaml_parse(&arena, str_of(text_of(&out)), &problems);
        assert_string_equal(said(), "");
        assert_string_equal(conf_at(root, "a[0]")->text.at, texts[i]);
        assert_string_equal(conf_at(root, "b")->text.at, texts[i]);
        assert_false(conf_is_null(conf_at(root, "b")));
    }
}

static void passwords_are_masked(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"host=a password=b dbname=c", "host=a password=*** dbname=c"},
        {"password = 'it''s \\' x' host=a", "password=***'s \\' x' host=a"},
        {"password='a \\' b' host=a", "password=*** host=a"},
        {"PASSWORD=x", "PASSWORD=***"},
        {"password=", "password=***"},
        {"sslpassword=a\\ b c=d", "sslpassword=*** c=d"},
        {"passwords are secret", "passwords are secret"},
        {"postgresql://u:p@h:5/db", "postgresql://u:***@h:5/db"},
        {"postgresql://u:p@w@h/db?password=x&a=b", "postgresql://u:***@h/db?password=***&a=b"},
        {"postgresql://h:5432/db", "postgresql://h:5432/db"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        assert_string_equal(mask_passwords(&arena, pairs[i][0]), pairs[i][1]);
}

static void what_is_missing(void **state)
{
    (void)state;
    says("", "/etc/ringtail/t.yaml:1: domains: is missing\n"
             "/etc/ringtail/t.yaml: listen.c2s: is missing\n");
    says("[a]", "/etc/ringtail/t.yaml:1: expects keys and values\n");
    says("domains: []\nlisten: {c2s: []}\nauth: {mechanisms: []}\n",
         "/etc/ringtail/t.yaml:1: domains: at least one domain is needed\n"
         "/etc/ringtail/t.yaml:2: listen.c2s: at least one listener is needed\n"
         "/etc/ringtail/t.yaml:3: auth.mechanisms: at least one mechanism is needed\n");
    says(MINIMAL "storage: {backend: postgresql}\n",
         "/etc/ringtail/t.yaml:3: storage.conninfo: is missing, the backend postgresql needs it\n");
}

static void bad_domains(void **state)
{
    (void)state;
    says("domains: [a@b, ok.example, 'x y', OK.example]\n" PLAIN_LISTEN,
         "/etc/ringtail/t.yaml:1: domains[0]: `a@b` is not a valid domain\n"
         "/etc/ringtail/t.yaml:1: domains[2]: `x y` is not a valid domain\n"
         "/etc/ringtail/t.yaml:1: domains[3]: `ok.example` is there twice\n");
}

#define LISTEN(text) "domains: [localhost]\nlisten:\n  c2s:\n" text

static void tls_and_its_files(void **state)
{
    (void)state;
    says(LISTEN("  - port: 1\n"),
         "/etc/ringtail/t.yaml:4: listen.c2s[0].tls.certificate: is missing (or set tls.mode to "
         "none)\n"
         "/etc/ringtail/t.yaml:4: listen.c2s[0].tls.key: is missing (or set tls.mode to none)\n");
    says(LISTEN("  - tls: {mode: none}\n"),
         "/etc/ringtail/t.yaml:4: listen.c2s[0].tls.mode: without TLS nobody can log in: set "
         "plaintext_auth to true as well, on the loopback interface\n");
    says(
        LISTEN("  - plaintext_auth: true\n    tls: {mode: none, sni: [{domain: 'a b', certificate: "
               "c, key: k}]}\n"),
        "/etc/ringtail/t.yaml:5: listen.c2s[0].tls.sni[0].domain: `a b` is not a valid domain\n"
        "/etc/ringtail/t.yaml:5: listen.c2s[0].tls.sni: has no use while tls.mode is none\n");
}

#define OPEN ", plaintext_auth: true, tls: {mode: none}}\n"

static void addresses(void **state)
{
    (void)state;
    says(LISTEN("  - {ip: localhost" OPEN),
         "/etc/ringtail/t.yaml:4: listen.c2s[0].ip: expects a numeric IPv4 or IPv6 address, got "
         "`localhost`\n");
    says(LISTEN("  - {port: 7" OPEN "  - {port: 8" OPEN "  - {port: 7" OPEN),
         "/etc/ringtail/t.yaml:6: listen.c2s[2]: listen.c2s[0] listens at 0.0.0.0 port 7 "
         "already\n");
    says(LISTEN("  - {ip: 127.0.0.1, port: 7" OPEN "  http:\n  - {port: 7}\n"),
         "/etc/ringtail/t.yaml:6: listen.http[0]: listen.c2s[0] listens at 127.0.0.1 port 7 "
         "already\n");
    says(LISTEN("  - {ip: '::1', port: 7" OPEN "  - {ip: 127.0.0.1, port: 7" OPEN), "");
}

static void modules_by_name(void **state)
{
    (void)state;
    says(MINIMAL "modules: {bel: {}, shaper: {}}\n",
         "/etc/ringtail/t.yaml:3: modules.bel: unknown key (did you mean `bell`?)\n");
    says(MINIMAL "modules: {bell: {volum: 1}, shaper: {}}\n",
         "/etc/ringtail/t.yaml:3: modules.bell.volum: unknown key (did you mean `volume`?)\n");
    says(MINIMAL "modules: {shaper: {a: 1}}\n",
         "/etc/ringtail/t.yaml:3: modules.shaper.a: unknown key\n");
    says(MINIMAL "modules: {shaper: [1]}\n",
         "/etc/ringtail/t.yaml:3: modules.shaper: expects the module's keys and values, or {}\n");
    says(MINIMAL "modules: [bell]\n",
         "/etc/ringtail/t.yaml:3: modules: expects modules by their names\n");
    says(MINIMAL "modules: {bell: {}}\n",
         "/etc/ringtail/t.yaml:3: modules.bell: needs the module shaper, which is off\n");
    says(LISTEN("  - {shaper: fast" OPEN),
         "/etc/ringtail/t.yaml:4: listen.c2s[0].shaper: needs the module shaper, which is off\n");
    says(MINIMAL "modules: {bell: ~, shaper: {}}\n", "");
    assert_int_equal(((const struct bell_conf *)config.modules[0].conf)->volume, 3);
    says(MINIMAL "modules:\n", "");
}

static void the_example_is_good(void **state)
{
    (void)state;
    struct buf out = {0};
    config_example(&out);
    says(text_of(&out), "");
    assert_int_equal(config.module_count, 2);
    assert_string_equal(config.domains.items[0], "localhost");
}

static void documents_tell_of_each_key(void **state)
{
    (void)state;
    struct buf out = {0};
    config_reference(&out);
    const char *reference = text_of(&out);
    config_man(&out);
    const char *man = text_of(&out);
    assert_non_null(strstr(reference, "\n## `listen.c2s[].tls.sni[]`\n"));
    assert_non_null(strstr(reference, "\n| `port` | a number from 1 to 65535 | `5222` | "));
    assert_non_null(strstr(reference, "\n## `modules.bell`\n\nImplements XEP-0999.\n"));
    assert_non_null(strstr(reference, "\n## `modules.shaper`\n\nA module of Ringtail's own; it has "
                                      "no options.\n"));
    assert_non_null(strstr(man, "\n.SH listen.c2s[].tls.sni[]\n"));
    assert_non_null(strstr(man, "\n.B volume\nHow loud.\n.br\nTakes a number from 1 to 11; preset "
                                "3.\n"));
}

static int down(void **state)
{
    config_free(&config);
    return main_down(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, main_up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(presets),
        TEST(everything),
        TEST(what_is_printed_gives_the_same),
        TEST(texts_survive_yaml),
        TEST(passwords_are_masked),
        TEST(what_is_missing),
        TEST(bad_domains),
        TEST(tls_and_its_files),
        TEST(addresses),
        TEST(modules_by_name),
        TEST(the_example_is_good),
        TEST(documents_tell_of_each_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
