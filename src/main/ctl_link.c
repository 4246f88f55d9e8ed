#include "ctl_link.h"

#include "clock.h"
#include "ctl_server.h"
#include "data_dir.h"
#include "process.h"
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CRYPTO_HELPERS = 2, READY_US = 3000000 };

/* --- Over the socket --- */

enum err ctl_link_connect(struct ctl_link *link, const char *data_dir, const char **why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = ctl_socket_path(data_dir);
    signal(SIGPIPE, SIG_IGN);
    *link = (struct ctl_link){.fd = -1, .lock = -1};
    text_copy(address.sun_path, sizeof address.sun_path, str_of(path));
    link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd >= 0 && connect(link->fd, (struct sockaddr *)&address, sizeof address) == 0)
        return ERR_OK;
    int saved = errno;
    close(link->fd);
    link->fd = -1;
    *why = saved == ENOENT || saved == ECONNREFUSED
               ? sentence("the server is not running (nobody listens at %s)", path)
               : sentence("%s: %s", path, strerror(saved));
    return saved == ENOENT || saved == ECONNREFUSED ? ERR_DOWN : ERR_SYSTEM;
}

static bool send_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes.at += sent;
        bytes.len -= (size_t)sent;
    }
    return true;
}

/* Where an answer goes. Text that failed to be an answer is known as such only at the end, so the
 * last piece decides between standard output and standard error. */
struct answer {
    struct buf *text; /* or NULL: printed */
    struct buf held;
    int code; /* -1 until the end */
};

enum { HELD_MAX = 1 << 16 };

static void put_out(FILE *file, struct buf *held)
{
    fwrite(buf_at(held), 1, buf_len(held), file);
    fflush(file);
    buf_fini(held);
}

static void put(struct answer *answer, struct str text)
{
    buf_push_str(answer->text ? answer->text : &answer->held, text);
    if (buf_len(&answer->held) > HELD_MAX)
        put_out(stdout, &answer->held);
}

static void put_end(struct answer *answer, int code)
{
    answer->code = code;
    if (buf_len(&answer->held))
        put_out(code ? stderr : stdout, &answer->held);
}

/* Takes what came; the end is a NUL, a digit and a newline. */
static void take(struct answer *answer, struct buf *in)
{
    struct str rest, text = str_cut(buf_str(in), '\0', &rest);
    if (!rest.at) {
        put(answer, text);
        buf_fini(in);
    } else if (rest.len >= 2) {
        put(answer, text);
        put_end(answer, rest.at[0] - '0');
    }
}

static int run_there(struct ctl_link *link, struct buf *text)
{
    struct answer answer = {.text = text, .code = -1};
    struct buf in = {0}, header = {0};
    buf_format(&header, "%zu\n", buf_len(&link->request));
    bool sent = send_all(link->fd, buf_str(&header)) && send_all(link->fd, buf_str(&link->request));
    ssize_t got = sent ? 1 : 0;
    while (got > 0 && answer.code < 0) {
        got = recv(link->fd, buf_reserve(&in, 65536), 65536, 0);
        if (got > 0) {
            buf_grow(&in, (size_t)got);
            take(&answer, &in);
        }
    }
    if (answer.code < 0) {
        put(&answer, STR("the server closed the connection\n"));
        put_end(&answer, CTL_FAILED);
    }
    buf_fini(&header);
    buf_fini(&in);
    return answer.code;
}

void ctl_link_wait_end(struct ctl_link *link)
{
    char bytes[64];
    while (link->fd >= 0 && recv(link->fd, bytes, sizeof bytes, 0) > 0)
        ;
}

/* --- Without a server --- */

enum err ctl_become_owner(const char *data_dir, const char **why)
{
    struct stat st;
    if (geteuid() != 0 || stat(data_dir, &st) || st.st_uid == 0)
        return ERR_OK;
    if (setresgid(st.st_gid, st.st_gid, st.st_gid) == 0 &&
        setresuid(st.st_uid, st.st_uid, st.st_uid) == 0)
        return ERR_OK;
    *why = sentence("cannot become the owner of %s: %s", data_dir, strerror(errno));
    return ERR_SYSTEM;
}

static enum err set_up_store(struct ctl_link *link, struct config *config, const char **why)
{
    enum err err = data_dir_make(config->data_dir, why);
    if (!err)
        err = ctl_become_owner(config->data_dir, why);
    if (!err)
        err = data_dir_lock(config->data_dir, &link->lock, why);
    if (!err)
        err = server_setup_core(config, why);
    return err ? err : server_setup_store(config, CRYPTO_HELPERS, why);
}

/* The first connection to a database takes a moment. When it fails the command says so. */
static void await_store(struct shard *shard)
{
    const char *why;
    uint64_t begun_us = clock_monotonic_us();
    while (!store_ready(shard, &why) && clock_monotonic_us() - begun_us < READY_US)
        shard_turn(shard, 20000);
}

enum err ctl_link_alone(struct ctl_link *link, struct config *config, enum ctl_needs needs,
                        const char **why)
{
    *link = (struct ctl_link){.fd = -1, .lock = -1};
    ctl_world = (struct ctl_world){.config = config, .is_server = false};
    process_begin();
    if (needs == CTL_NEEDS_NOTHING)
        return ERR_OK;
    enum err err = set_up_store(link, config, why);
    if (!err && (err = boot_single(&link->shard)))
        *why = sentence("io_uring cannot be used: %s", err_name(err));
    if (!err) {
        store_shard_start(link->shard);
        await_store(link->shard);
    }
    return err;
}

struct alone {
    struct answer answer;
    struct task wake;
};

static void on_flush(struct ctl_call *call)
{
    struct alone *alone = call->carrier;
    put(&alone->answer, buf_str(&call->out));
    buf_fini(&call->out);
    call->more(call);
}

/* While a task is there a turn does not wait. */
static void on_wake(struct task *task)
{
    shard_soon(task);
}

static void on_finish(struct ctl_call *call, int code)
{
    struct alone *alone = call->carrier;
    put(&alone->answer, buf_str(&call->out));
    put_end(&alone->answer, code);
    ctl_free(call);
    if (shard_self)
        shard_soon(&alone->wake);
}

static int run_here(struct ctl_link *link, struct buf *text)
{
    static const struct ctl_way way = {on_flush, on_finish};
    struct alone alone = {.answer = {.text = text, .code = -1}, .wake = {.run = on_wake}};
    ctl_run(ctl_call_new(&way, &alone), buf_str(&link->request));
    while (alone.answer.code < 0)
        shard_turn(link->shard, UINT64_MAX);
    if (link->shard)
        task_drop(&alone.wake);
    return alone.answer.code;
}

/* --- Both --- */

void ctl_link_word(struct ctl_link *link, struct str word)
{
    buf_push_str(&link->request, word);
    buf_push(&link->request, "", 1);
}

int ctl_link_run(struct ctl_link *link, struct buf *text)
{
    int code = link->fd >= 0 ? run_there(link, text) : run_here(link, text);
    mem_wipe(link->request.memory, link->request.room);
    buf_fini(&link->request);
    return code;
}

void ctl_link_close(struct ctl_link *link)
{
    if (link->shard) {
        store_shard_stop(link->shard);
        boot_single_end(link->shard);
        store_teardown();
    }
    if (link->fd >= 0)
        close(link->fd);
    if (link->lock >= 0)
        close(link->lock);
    buf_fini(&link->request);
}
