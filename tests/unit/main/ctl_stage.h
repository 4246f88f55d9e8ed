/* A shard with the memory store and two domains, and commands on it. */
#ifndef RT_CTL_STAGE_H
#define RT_CTL_STAGE_H

#include "boot.h"
#include "ctl.h"
#include "main_test.h"
#include "metric.h"

static struct config config;
static struct shard *shard;
static struct buf answer;
static int exit_code;

static inline void stage_flush(struct ctl_call *call)
{
    buf_push_str(&answer, buf_str(&call->out));
    buf_fini(&call->out);
    call->more(call);
}

static inline void stage_finish(struct ctl_call *call, int code)
{
    buf_push_str(&answer, buf_str(&call->out));
    exit_code = code;
    ctl_free(call);
}

/* Runs a command and gives its text. */
static inline const char *command_of(size_t count, const char *const *words)
{
    static const struct ctl_way way = {stage_flush, stage_finish};
    struct buf request = {0};
    for (size_t i = 0; i < count; i++)
        buf_push(&request, words[i], strlen(words[i]) + 1);
    exit_code = -1;
    ctl_run(ctl_call_new(&way, NULL), buf_str(&request));
    for (int i = 0; i < 20000 && exit_code < 0; i++)
        shard_turn(shard, 1000);
    buf_fini(&request);
    assert_true(exit_code >= 0);
    return text_of(&answer);
}

#define COMMAND(...)                                                                               \
    command_of(COUNT_OF(((const char *const[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})

#define ANSWERS(code, text, ...)                                                                   \
    do {                                                                                           \
        assert_string_equal(COMMAND(__VA_ARGS__), (text));                                         \
        assert_int_equal(exit_code, (code));                                                       \
    } while (0)

static inline int stage_up(void **state)
{
    static const char text[] = "domains: [localhost, example.org]\n"
                               "storage: {backend: memory}\n"
                               "auth: {scram_iterations: 4096}\n"
                               "listen: {c2s: [{tls: {mode: none}, plaintext_auth: true}]}\n";
    const char *why;
    if (main_up(state) || !config_read(STR(text), "t.yaml", &config, &problems))
        return -1;
    ctl_world = (struct ctl_world){.config = &config};
    if (store_setup(&config.storage, &why))
        return -1;
    helper_declare_anyone(1);
    if (boot_single(&shard))
        return -1;
    store_shard_start(shard);
    core_start(shard);
    return 0;
}

static inline int stage_down(void **state)
{
    core_stop(shard);
    store_shard_stop(shard);
    boot_single_end(shard);
    ctl_sweep();
    store_teardown();
    config_free(&config);
    return main_down(state);
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, stage_up, stage_down)

#endif
