#include "data_dir.h"

#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdarg.h>
#include <stdio.h>

enum { HEX_LEN = 2 * DIGEST_SEAL_KEY };

/* Kept where leak checkers find them. */
static struct kept {
    struct kept *next;
    char text[];
} * kept;

const char *sentence(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    size_t room = len < 0 ? 1 : (size_t)len + 1;
    struct kept *one = mem_zalloc(sizeof *one + room);
    vsnprintf(one->text, room, format, again);
    va_end(again);
    va_end(args);
    one->next = kept;
    kept = one;
    return one->text;
}

const char *data_dir_path(const char *data_dir, const char *name)
{
    return sentence("%s/%s", data_dir, name);
}

/* --- The folder --- */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int make_parents(const char *path)
{
    char part[4096];
    size_t len = text_copy(part, sizeof part, str_of(path));
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0755) && errno != EEXIST)
            return -1;
        part[i] = '/';
    }
    return 0;
}

enum err data_dir_make(const char *data_dir, const char **why)
{
    if (is_folder(data_dir))
        return ERR_OK;
    if (make_parents(data_dir) == 0 && mkdir(data_dir, 0700) == 0)
        return ERR_OK;
    *why = sentence("data_dir %s cannot be made: %s", data_dir, strerror(errno));
    return ERR_SYSTEM;
}

/* --- The lock --- */

static void read_owner(int fd, char *pid, size_t room)
{
    ssize_t len = pread(fd, pid, room - 1, 0);
    pid[len > 0 ? len : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
}

static enum err say_locked(const char *data_dir, int fd, const char **why)
{
    char pid[32];
    bool taken = errno == EWOULDBLOCK;
    if (taken) {
        read_owner(fd, pid, sizeof pid);
        *why = sentence("data_dir %s is in use by another process (pid %s)", data_dir,
                        *pid ? pid : "unknown");
    } else {
        *why = sentence("data_dir %s cannot be locked: %s", data_dir, strerror(errno));
    }
    close(fd);
    return taken ? ERR_CONFLICT : ERR_SYSTEM;
}

enum err data_dir_lock(const char *data_dir, int *fd, const char **why)
{
    const char *path = data_dir_path(data_dir, "ringtail.lock");
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) {
        *why = sentence("%s cannot be opened: %s", path, strerror(errno));
        return ERR_SYSTEM;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB))
        return say_locked(data_dir, *fd, why);
    char pid[32];
    int len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    if (ftruncate(*fd, 0) || pwrite(*fd, pid, (size_t)len, 0) != len) {
        *why = sentence("%s cannot be written: %s", path, strerror(errno));
        close(*fd);
        return ERR_SYSTEM;
    }
    return ERR_OK;
}

/* --- The secret --- */

static enum err read_secret(int fd, const char *path, uint8_t *secret, const char **why)
{
    char text[HEX_LEN + 1];
    struct stat st;
    ssize_t len = read(fd, text, sizeof text);
    if (fstat(fd, &st) == 0 && (st.st_mode & 077)) {
        *why = sentence("%s can be read by others: chmod 600 it, and change it if it leaked", path);
        return ERR_DENIED;
    }
    if (len < HEX_LEN || hex_decode((struct str){text, HEX_LEN}, secret)) {
        *why = sentence("%s is damaged: it must hold %d hex digits", path, HEX_LEN);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static bool write_all(int fd, const char *text, size_t len)
{
    bool good = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    return close(fd) == 0 && good;
}

/* Written aside and renamed, so that a crash leaves a whole one or none. */
static enum err make_secret(const char *path, uint8_t *secret, const char **why)
{
    char text[HEX_LEN + 1];
    const char *aside = sentence("%s.new", path);
    digest_random(secret, DIGEST_SEAL_KEY);
    hex_encode(secret, DIGEST_SEAL_KEY, text);
    text[HEX_LEN] = '\n';
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && write_all(fd, text, sizeof text) && rename(aside, path) == 0)
        return ERR_OK;
    *why = sentence("%s cannot be written: %s", path, strerror(errno));
    return ERR_SYSTEM;
}

enum err data_dir_secret(const char *data_dir, uint8_t secret[DIGEST_SEAL_KEY], const char **why)
{
    const char *path = data_dir_path(data_dir, "secret.key");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return make_secret(path, secret, why);
    if (fd < 0) {
        *why = sentence("%s cannot be read: %s", path, strerror(errno));
        return ERR_SYSTEM;
    }
    enum err err = read_secret(fd, path, secret, why);
    close(fd);
    return err;
}
