#include "ring.h"

#include "check.h"
#include "limits.h"
#include "log.h"
#include "mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { BUFFER_GROUP = 0 };

struct ring {
    struct io_uring uring;
    struct io_uring_buf_ring *buffers;
    uint8_t *buffer_memory;
    int event; /* written by threads without a ring */
    struct op event_op;
};

static void on_nobody(struct op *op, int result, const uint8_t *data, bool more)
{
    (void)op;
    (void)result;
    (void)data;
    (void)more;
}

/* What stands behind a request whose outcome nobody needs. */
static _Thread_local struct op nobody = {.done = on_nobody};

/* The best set-up flags first; a kernel without DEFER_TASKRUN (before 6.1) still has the last. */
static const struct {
    unsigned flags;
    const char *text;
} setups[] = {
    {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
         IORING_SETUP_TASKRUN_FLAG,
     "io_uring with single issuer and deferred task work"},
    {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, "io_uring with cooperative task work"},
};

static int open_uring(struct io_uring *uring, unsigned entries, const char **text)
{
    int failed = -EINVAL;
    for (size_t i = 0; i < COUNT_OF(setups) && failed == -EINVAL; i++) {
        struct io_uring_params params = {
            .flags = setups[i].flags | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE,
            .cq_entries = entries == LIMIT_RING_ENTRIES ? LIMIT_RING_COMPLETIONS : entries * 2,
        };
        failed = io_uring_queue_init_params(entries, uring, &params);
        *text = setups[i].text;
    }
    return failed;
}

static const struct {
    int op;
    const char *what;
} needed[] = {
    {IORING_OP_ACCEPT, "accept"},
    {IORING_OP_RECV, "recv"},
    {IORING_OP_SEND, "send"},
    {IORING_OP_POLL_ADD, "poll"},
    {IORING_OP_MSG_RING, "message ring"},
    {IORING_OP_ASYNC_CANCEL, "cancel"},
    {IORING_OP_CLOSE, "close"},
    {IORING_OP_CONNECT, "connect"},
};

static const char *missing_op(struct io_uring *uring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(uring);
    const char *missing = probe ? NULL : "probe";
    for (size_t i = 0; probe && i < COUNT_OF(needed); i++)
        if (!io_uring_opcode_supported(probe, needed[i].op))
            missing = needed[i].what;
    if (probe)
        io_uring_free_probe(probe);
    return missing;
}

static const char *why_not(int failed)
{
    static char text[256];
    if (failed == -ENOSYS || failed == -EPERM || failed == -EACCES)
        return "io_uring is blocked: allow io_uring_setup, io_uring_enter and io_uring_register in "
               "the container's seccomp profile, and set sysctl kernel.io_uring_disabled=0";
    if (failed == -ENOMEM)
        return "io_uring got no memory: raise the memlock limit (ulimit -l, LimitMEMLOCK)";
    snprintf(text, sizeof text, "io_uring cannot be set up: %s (kernel 6.1 or newer is needed)",
             strerror(-failed));
    return text;
}

enum err ring_probe(const char **text)
{
    struct io_uring uring;
    int failed = open_uring(&uring, 8, text);
    if (failed) {
        *text = why_not(failed);
        return ERR_UNSUPPORTED;
    }
    const char *missing = missing_op(&uring);
    io_uring_queue_exit(&uring);
    if (!missing)
        return ERR_OK;
    static char sentence[128];
    snprintf(sentence, sizeof sentence,
             "this kernel's io_uring lacks \"%s\": kernel 6.1 or newer is needed", missing);
    *text = sentence;
    return ERR_UNSUPPORTED;
}

const char *ring_version(void)
{
    static char text[160];
    struct utsname name;
    uname(&name);
    snprintf(text, sizeof text, "liburing %s, kernel %s", RINGTAIL_URING_VERSION, name.release);
    return text;
}

static void give_buffer(struct ring *ring, unsigned id)
{
    io_uring_buf_ring_add(ring->buffers, ring->buffer_memory + (size_t)id * LIMIT_RECV_BUFFER,
                          LIMIT_RECV_BUFFER, (unsigned short)id,
                          io_uring_buf_ring_mask(LIMIT_RECV_BUFFERS), 0);
    io_uring_buf_ring_advance(ring->buffers, 1);
}

static int make_buffers(struct ring *ring)
{
    void *memory = NULL;
    size_t len = LIMIT_RECV_BUFFERS * sizeof(struct io_uring_buf);
    if (posix_memalign(&memory, 4096, len))
        PANIC("out of memory for receive buffers");
    ring->buffers = memory;
    struct io_uring_buf_reg reg = {.ring_addr = (unsigned long)memory,
                                   .ring_entries = LIMIT_RECV_BUFFERS,
                                   .bgid = BUFFER_GROUP};
    int failed = io_uring_register_buf_ring(&ring->uring, &reg, 0);
    if (failed)
        return failed;
    io_uring_buf_ring_init(ring->buffers);
    ring->buffer_memory = mem_alloc((size_t)LIMIT_RECV_BUFFERS * LIMIT_RECV_BUFFER);
    for (unsigned i = 0; i < LIMIT_RECV_BUFFERS; i++)
        give_buffer(ring, i);
    return 0;
}

static void on_event(struct op *op, int result, const uint8_t *data, bool more)
{
    struct ring *ring = (struct ring *)((char *)op - offsetof(struct ring, event_op));
    (void)data;
    uint64_t ticks;
    if (result > 0 && read(ring->event, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
        PANIC("reading a ring's event failed: %s", strerror(errno));
    if (!more && result != -ECANCELED)
        ring_poll(ring, op, ring->event, POLLIN);
}

enum err ring_new(struct ring **out)
{
    struct ring *ring = mem_zalloc(sizeof *ring);
    const char *text;
    int failed = open_uring(&ring->uring, LIMIT_RING_ENTRIES, &text);
    if (failed) {
        LOG(LOG_ERROR, "ring_failed", LF("why", why_not(failed)));
        mem_free(ring);
        return failed == -ENOSYS || failed == -EPERM ? ERR_UNSUPPORTED : ERR_SYSTEM;
    }
    failed = make_buffers(ring);
    ring->event = failed ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ring->event < 0) {
        LOG(LOG_ERROR, "ring_failed", LF("why", strerror(failed ? -failed : errno)));
        ring_free(ring);
        return ERR_SYSTEM;
    }
    ring->event_op.done = on_event;
    ring_poll(ring, &ring->event_op, ring->event, POLLIN);
    *out = ring;
    return ERR_OK;
}

void ring_free(struct ring *ring)
{
    io_uring_queue_exit(&ring->uring);
    if (ring->event >= 0)
        close(ring->event);
    free(ring->buffers);
    mem_free(ring->buffer_memory);
    mem_free(ring);
}

static enum err parse_address(struct address at, struct sockaddr_storage *out, socklen_t *len)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, at.ip, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(at.port);
        *len = sizeof *v4;
        return ERR_OK;
    }
    if (inet_pton(AF_INET6, at.ip, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(at.port);
        *len = sizeof *v6;
        return ERR_OK;
    }
    return ERR_INVALID;
}

static enum err bind_and_listen(int fd, const struct sockaddr *address, socklen_t len, int backlog)
{
    if (bind(fd, address, len) == 0 && listen(fd, backlog) == 0)
        return ERR_OK;
    int saved = errno;
    close(fd);
    errno = saved;
    return ERR_SYSTEM;
}

enum err ring_listen(struct address at, int backlog, bool reuse_port, int *fd)
{
    struct sockaddr_storage address;
    socklen_t len;
    enum err err = parse_address(at, &address, &len);
    if (err)
        return err;
    int one = 1;
    *fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return ERR_SYSTEM;
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (reuse_port)
        setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (address.ss_family == AF_INET6)
        setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    /* Accepted sockets take these over, which saves two calls a connection. */
    setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(*fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    return bind_and_listen(*fd, (struct sockaddr *)&address, len, backlog);
}

enum err ring_listen_unix(const char *path, int *fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return ERR_TOO_BIG;
    text_copy(address.sun_path, sizeof address.sun_path, str_of(path));
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return ERR_SYSTEM;
    unlink(path);
    fchmod(*fd, 0600); /* the socket file takes the mode of the descriptor */
    return bind_and_listen(*fd, (struct sockaddr *)&address, sizeof address, 16);
}

void ring_unlisten(int fd)
{
    close(fd);
}

/* A full queue is submitted at once: asking never fails. */
static struct io_uring_sqe *take_sqe(struct ring *ring, struct op *op)
{
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&ring->uring))) {
        int submitted = io_uring_submit(&ring->uring);
        if (submitted < 0 && submitted != -EBUSY && submitted != -EAGAIN && submitted != -EINTR)
            PANIC("submitting to io_uring failed: %s", strerror(-submitted));
    }
    io_uring_sqe_set_data(sqe, op);
    op->armed = true;
    return sqe;
}

/* io_uring_sqe_set_data is wiped by the prep functions, so it is set after them. */
#define PREPARE(ring, op, prep, ...)                                                               \
    do {                                                                                           \
        struct io_uring_sqe *sqe_ = take_sqe((ring), (op));                                        \
        prep(sqe_, __VA_ARGS__);                                                                   \
        io_uring_sqe_set_data(sqe_, (op));                                                         \
    } while (0)

void ring_accept(struct ring *ring, struct op *op, int fd)
{
    PREPARE(ring, op, io_uring_prep_accept, fd, NULL, NULL, SOCK_CLOEXEC);
}

enum err ring_connect(struct ring *ring, struct op *op, struct address to, int *fd)
{
    /* The kernel reads the address when the request is issued, at the latest at the next submit. */
    static _Thread_local struct sockaddr_storage address;
    socklen_t len;
    enum err err = parse_address(to, &address, &len);
    if (err)
        return err;
    *fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return ERR_SYSTEM;
    int one = 1;
    setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    PREPARE(ring, op, io_uring_prep_connect, *fd, (struct sockaddr *)&address, len);
    io_uring_submit(&ring->uring);
    return ERR_OK;
}

void ring_recv(struct ring *ring, struct op *op, int fd)
{
    struct io_uring_sqe *sqe = take_sqe(ring, op);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    io_uring_sqe_set_data(sqe, op);
}

void ring_send(struct ring *ring, struct op *op, int fd, const void *bytes, size_t len)
{
    PREPARE(ring, op, io_uring_prep_send, fd, bytes, len, MSG_NOSIGNAL | MSG_WAITALL);
}

void ring_poll(struct ring *ring, struct op *op, int fd, unsigned events)
{
    PREPARE(ring, op, io_uring_prep_poll_multishot, fd, events);
}

void ring_readable(struct ring *ring, struct op *op, int fd)
{
    PREPARE(ring, op, io_uring_prep_poll_add, fd, POLLIN);
}

void ring_cancel(struct ring *ring, struct op *op)
{
    PREPARE(ring, &nobody, io_uring_prep_cancel, op, 0);
}

void ring_shutdown(struct ring *ring, int fd, int how)
{
    (void)ring;
    shutdown(fd, how);
}

void ring_close(struct ring *ring, int fd)
{
    PREPARE(ring, &nobody, io_uring_prep_close, fd);
}

void ring_peer(int fd, char *out, size_t room)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    text_copy(out, room, STR("?"));
    if (getpeername(fd, (struct sockaddr *)&address, &len))
        return;
    if (address.ss_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)&address)->sin_addr, out, (socklen_t)room);
    else if (address.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&address)->sin6_addr, out, (socklen_t)room);
}

void ring_wait(struct ring *ring, uint64_t wait_us)
{
    int result;
    if (wait_us == 0) {
        result = io_uring_submit_and_get_events(&ring->uring);
    } else if (wait_us == UINT64_MAX) {
        result = io_uring_submit_and_wait(&ring->uring, 1);
    } else {
        struct __kernel_timespec ts = {.tv_sec = (long long)(wait_us / 1000000),
                                       .tv_nsec = (long long)(wait_us % 1000000 * 1000)};
        struct io_uring_cqe *cqe;
        result = io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1, &ts, NULL);
    }
    if (result < 0 && result != -ETIME && result != -EINTR && result != -EBUSY && result != -EAGAIN)
        PANIC("waiting for io_uring failed: %s", strerror(-result));
}

bool ring_pending(const struct ring *ring)
{
    return io_uring_cq_ready(&ring->uring) > 0 ||
           IO_URING_READ_ONCE(*ring->uring.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static void complete(struct ring *ring, struct io_uring_cqe *cqe)
{
    struct op *op = io_uring_cqe_get_data(cqe);
    int result = cqe->res;
    unsigned flags = cqe->flags;
    bool more = flags & IORING_CQE_F_MORE;
    io_uring_cqe_seen(&ring->uring, cqe); /* first: the function may wait for more */
    if (!op)                              /* a wake */
        return;
    if (op != &nobody)
        op->armed = more;
    if (!(flags & IORING_CQE_F_BUFFER)) {
        op->done(op, result, NULL, more);
        return;
    }
    unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
    op->done(op, result, ring->buffer_memory + (size_t)id * LIMIT_RECV_BUFFER, more);
    give_buffer(ring, id);
}

size_t ring_reap(struct ring *ring)
{
    size_t count = 0;
    struct io_uring_cqe *cqe;
    /* Bounded, so that a flood of completions cannot keep mail and timers waiting. */
    while (count < LIMIT_RING_ENTRIES && io_uring_peek_cqe(&ring->uring, &cqe) == 0) {
        complete(ring, cqe);
        count++;
    }
    return count;
}

void ring_wake(struct ring *ring, struct ring *target)
{
    struct io_uring_sqe *sqe = take_sqe(ring, &nobody);
    io_uring_prep_msg_ring(sqe, target->uring.ring_fd, 0, 0, 0);
    io_uring_sqe_set_data(sqe, &nobody);
}

void ring_wake_outside(struct ring *target)
{
    uint64_t one = 1;
    if (write(target->event, &one, sizeof one) < 0 && errno != EAGAIN)
        PANIC("waking a ring failed: %s", strerror(errno));
}
