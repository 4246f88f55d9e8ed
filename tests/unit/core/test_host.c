/* Host types: what modules need, where their bytes and alarms are, their start and end; domains. */
#include "core_test.h"
#include "fork_test.h"

/* --- What is needed --- */

static const char *const needs_base[] = {"base", NULL}, *const needs_two[] = {"base", "sm", NULL};
static const struct module base = {.name = "base"}, sm = {.name = "sm"},
                           one = {.name = "one", .needs = needs_base},
                           two = {.name = "two", .needs = needs_two};

static void expect_refusal(const struct module *const *modules, size_t count, const char *sentence)
{
    struct host_type *made = NULL;
    const char *why = NULL;
    assert_int_equal(make_type(modules, count, &made, &why), ERR_INVALID);
    assert_string_equal(why, sentence);
    mem_free((char *)why);
    assert_null(made);
    assert_null(hosts_type(0));
}

static void what_is_needed_must_be_on(void **state)
{
    (void)state;
    const char *why = NULL;
    const struct module *const lonely[] = {&one}, *const half[] = {&base, &two},
                               *const all[] = {&two, &sm, &one, &base};
    expect_refusal(lonely, 1, "module one needs module base, which is off");
    expect_refusal(half, 2, "module two needs module sm, which is off");
    assert_int_equal(make_type(all, 4, &type, &why), ERR_OK);
    hosts_free();
}

/* --- Slots and alarms --- */

struct odd {
    char bytes[3];
};

struct wide {
    long double number; /* wants the widest alignment */
    char more;
};

static void ring(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
}

static const struct alarm two_alarms[] = {{"a", ring}, {"b", ring}, {NULL, NULL}};
static const struct alarm one_alarm[] = {{"c", ring}, {NULL, NULL}};
static const struct alarm no_alarms[] = {{NULL, NULL}};

static unsigned session_ends, user_ends;

static void on_session_end(struct session *session, void *own)
{
    (void)session;
    session_ends++;
    assert_int_equal(((struct odd *)own)->bytes[0], 'x');
}

static void on_user_end(void *own)
{
    user_ends++;
    assert_int_equal(((struct wide *)own)->more, 'y');
}

static const struct module m_odd = {.name = "odd",
                                    .session_size = sizeof(struct odd),
                                    .user_size = sizeof(struct odd),
                                    .alarms = two_alarms,
                                    .session_end = on_session_end},
                           m_none = {.name = "none", .alarms = no_alarms},
                           m_wide = {.name = "wide",
                                     .session_size = sizeof(struct wide),
                                     .user_size = sizeof(struct wide),
                                     .alarms = one_alarm,
                                     .user_end = on_user_end},
                           m_byte = {.name = "byte", .session_size = 1};

static bool is_zeroed_and_aligned(const void *at, size_t len)
{
    static const char zeroes[sizeof(struct wide)];
    return (uintptr_t)at % _Alignof(max_align_t) == 0 && memcmp(at, zeroes, len) == 0;
}

static void slots_are_aligned_and_zeroed(void **state)
{
    (void)state;
    const size_t unit = _Alignof(max_align_t);
    STAGE_OPEN(&m_wide, &m_odd, &m_none, &m_byte); /* in order: byte none odd wide */
    struct place me = log_in("me", "r");
    char *byte = session_slot(me.session, &m_byte);
    struct odd *odd = session_slot(me.session, &m_odd);
    struct wide *wide = session_slot(me.session, &m_wide);
    assert_true(is_zeroed_and_aligned(byte, 1));
    assert_true(is_zeroed_and_aligned(odd, sizeof *odd));
    assert_true(is_zeroed_and_aligned(wide, sizeof *wide));
    assert_ptr_equal(byte, me.session->slots);
    assert_ptr_equal(odd, byte + unit);
    assert_ptr_equal(wide, byte + 2 * unit);
    assert_int_equal(type->session_size, 2 * unit + (sizeof *wide + unit - 1) / unit * unit);
    assert_int_equal(hosts_session_size(), type->session_size);
    assert_true(is_zeroed_and_aligned(user_slot(me.session->user, &m_wide), sizeof *wide));
    assert_int_equal(type->user_size, unit + (sizeof *wide + unit - 1) / unit * unit);
    odd->bytes[0] = 'x';
    ((struct wide *)user_slot(me.session->user, &m_wide))->more = 'y';
    memset(wide, 0xff, sizeof *wide); /* to its last byte, beside the alarms */
    session_alarm(me.session, &one_alarm[0], 1000000);
    session_end(me.session, STREAM_NO_ERROR, NULL);
    assert_int_equal(session_ends, 1);
    assert_int_equal(user_ends, 1);
    close(me.peer);
    turns();
    stage_close();
}

static void alarms_have_numbers(void **state)
{
    (void)state;
    STAGE_OPEN(&m_wide, &m_odd, &m_none, &m_byte);
    assert_int_equal(host_module(type, &m_byte)->first_alarm, 0);
    assert_int_equal(host_module(type, &m_none)->first_alarm, 0);
    assert_int_equal(host_module(type, &m_odd)->first_alarm, 0);
    assert_int_equal(host_module(type, &m_wide)->first_alarm, 2);
    assert_int_equal(type->alarm_count, 3);
    assert_int_equal(hosts_alarm_count(), 3);
    struct place me = log_in("me", "r");
    ((struct odd *)session_slot(me.session, &m_odd))->bytes[0] = 'x';
    ((struct wide *)user_slot(me.session->user, &m_wide))->more = 'y';
    session_alarm(me.session, &one_alarm[0], 1000);
    session_alarm(me.session, &two_alarms[1], 2000);
    assert_true(timer_is_set(&me.session->alarms[2].timer));
    assert_true(timer_is_set(&me.session->alarms[1].timer));
    assert_false(timer_is_set(&me.session->alarms[0].timer));
    session_alarm(me.session, &one_alarm[0], UINT64_MAX);
    assert_false(timer_is_set(&me.session->alarms[2].timer));
    session_end(me.session, STREAM_NO_ERROR, NULL);
    assert_false(timer_is_set(&me.session->alarms[1].timer));
    close(me.peer);
    turns();
    stage_close();
}

static struct place lost;

static void foreign_alarm(void)
{
    static const struct alarm foreign[] = {{"z", ring}, {NULL, NULL}};
    session_alarm(lost.session, foreign, 1);
}

static void foreign_slot(void)
{
    session_slot(lost.session, &m_odd);
}

static void foreign_conf(void)
{
    module_conf(here, &m_odd);
}

static void what_is_off_has_nothing(void **state)
{
    (void)state;
    STAGE_OPEN(&m_byte);
    lost = log_in("me", "r");
    assert_null(host_module(type, &m_odd));
    assert_true(panics(foreign_alarm));
    assert_true(panics(foreign_slot));
    assert_true(panics(foreign_conf));
    close(lost.peer);
    turns();
    stage_close();
}

/* --- Start and end --- */

static char events[64];

static void note(char what)
{
    size_t len = strlen(events);
    events[len] = what;
    events[len + 1] = '\0';
}

static enum err start_a(struct host_type *of, const void *conf, const char **why)
{
    (void)why;
    note('a');
    assert_int_equal(*(const int *)conf, 7);
    assert_true(of->hooks[HOOK_user_send_iq].count == 1); /* the tables are there */
    return ERR_OK;
}

static enum err start_b(struct host_type *of, const void *conf, const char **why)
{
    (void)of;
    note('b');
    *why = "b is not in the mood";
    return conf ? ERR_OK : ERR_DENIED;
}

static void stop_a(struct host_type *of)
{
    (void)of;
    note('A');
}

static enum verdict nothing(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    return HOOK_OK;
}

static const struct hook iq_hook[] = {{.at = HOOK_user_send_iq, .run = nothing}, {0}};
static const struct module m_a = {.name = "a",
                                  .conf_size = sizeof(int),
                                  .start = start_a,
                                  .stop = stop_a,
                                  .hooks = iq_hook},
                           m_b = {.name = "b", .start = start_b};

static void modules_start_in_order_of_name(void **state)
{
    (void)state;
    const char *why = NULL;
    int *conf = mem_zalloc(sizeof *conf);
    *conf = 7;
    struct module_setup setups[] = {{&m_b, mem_zalloc(1)}, {&m_a, conf}};
    struct jid domain;
    arena_init(&arena);
    events[0] = '\0';
    assert_int_equal(host_type_new("t", setups, 2, &type, &why), ERR_OK);
    assert_string_equal(events, "ab");
    assert_string_equal(type->name, "t");
    jid_make(&arena, STR(""), STR("here"), STR(""), &domain);
    host_add(type, &domain);
    assert_ptr_equal(module_conf(host_find(STR("here")), &m_a), conf);
    hosts_free();
    assert_string_equal(events, "abA");
    arena_fini(&arena);
    arena_pool_drop();
}

static void a_start_that_fails_is_told(void **state)
{
    (void)state;
    const char *why = NULL;
    struct host_type *made = NULL;
    int *conf = mem_zalloc(sizeof *conf); /* the host type's, which frees it */
    *conf = 7;
    struct module_setup setups[] = {{&m_b, NULL}, {&m_a, conf}};
    events[0] = '\0';
    assert_int_equal(host_type_new("t", setups, 2, &made, &why), ERR_DENIED);
    assert_string_equal(why, "b is not in the mood");
    assert_string_equal(events, "ab");
    assert_null(hosts_type(0));
}

/* --- Domains --- */

static void domains_are_found(void **state)
{
    (void)state;
    static const char *const names[] = {"first.test", "second.test", "third.test", "fourth.test"};
    const char *why = NULL;
    struct host_type *big, *small;
    const struct module *const few[] = {&base}, *const many[] = {&m_odd, &m_wide};
    arena_init(&arena);
    assert_null(host_default());
    assert_null(host_find(STR("first.test")));
    assert_int_equal(make_type(few, 1, &small, &why), ERR_OK);
    assert_int_equal(make_type(many, 2, &big, &why), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct jid domain;
        jid_make(&arena, STR(""), str_of(names[i]), STR(""), &domain);
        host_add(i % 2 ? big : small, &domain);
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct host *host = host_find(str_of(names[i]));
        assert_non_null(host);
        assert_string_equal(host->jid.full.at, names[i]);
        assert_ptr_equal(host->type, i % 2 ? big : small);
    }
    assert_null(host_find(STR("first.test.")));
    assert_null(host_find(STR("")));
    assert_string_equal(host_default()->jid.full.at, "first.test");
    size_t count = 0;
    for (struct host *host = hosts_next(NULL); host; host = hosts_next(host))
        count++;
    assert_int_equal(count, 4);
    assert_ptr_equal(hosts_type(0), small);
    assert_ptr_equal(hosts_type(1), big);
    assert_null(hosts_type(2));
    assert_int_equal(hosts_session_size(), big->session_size); /* the largest of all */
    assert_int_equal(hosts_alarm_count(), 3);
    hosts_free();
    assert_null(hosts_next(NULL));
    assert_int_equal(hosts_session_size(), 0);
    arena_fini(&arena);
    arena_pool_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_needed_must_be_on),
        cmocka_unit_test(slots_are_aligned_and_zeroed),
        cmocka_unit_test(alarms_have_numbers),
        cmocka_unit_test(what_is_off_has_nothing),
        cmocka_unit_test(modules_start_in_order_of_name),
        cmocka_unit_test(a_start_that_fails_is_told),
        cmocka_unit_test(domains_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
