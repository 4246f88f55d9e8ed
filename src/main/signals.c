#include "signals.h"

#include "core.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Of shard 0. */
static struct {
    struct op poll;
    int fd;
    uint64_t grace_ms;
} watch = {.fd = -1};

static sigset_t watched(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

void signals_block(void)
{
    sigset_t set = watched();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void on_signal(unsigned signal_number)
{
    LOG(LOG_INFO, "signal", LF("name", sigabbrev_np((int)signal_number)));
    if (signal_number == SIGHUP)
        LOG(LOG_WARNING, "reload_not_supported",
            LF("why", "the configuration is read at start only; restart to apply changes"));
    else
        core_drain(watch.grace_ms);
}

static void on_readable(struct op *op, int result, const uint8_t *data, bool more)
{
    struct signalfd_siginfo info;
    (void)data;
    if (result == -ECANCELED)
        return;
    while (read(watch.fd, &info, sizeof info) == sizeof info)
        on_signal(info.ssi_signo);
    if (!more)
        ring_poll(shard_self->ring, op, watch.fd, POLLIN);
}

void signals_start(uint64_t grace_ms)
{
    sigset_t set = watched();
    watch.grace_ms = grace_ms;
    watch.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (watch.fd < 0) {
        LOG(LOG_ERROR, "signals_not_watched", LF("why", strerror(errno)));
        return;
    }
    watch.poll.done = on_readable;
    ring_poll(shard_self->ring, &watch.poll, watch.fd, POLLIN);
}

void signals_stop(void)
{
    if (watch.fd >= 0)
        close(watch.fd);
    watch.fd = -1;
}
