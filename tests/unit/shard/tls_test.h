/* Certificates made by openssl(1) in a folder of their own, and a TLS pair over memory. */
#ifndef RT_TLS_TEST_H
#define RT_TLS_TEST_H

#include "buf.h"
#include "shard_test.h"
#include "tls.h"

#include <fcntl.h>
#include <ftw.h>

static char tls_folder[] = "/tmp/ringtail-tls-XXXXXX";

/* A file in that folder, for the moment. */
static inline const char *in_folder(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", tls_folder, name);
    return path;
}

/* Runs a program without a shell; what it prints goes nowhere. */
static inline void run_program(const char *const *words)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(nowhere, fd);
        execvp(words[0], (char *const *)words);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        fail_msg("%s %s failed", words[0], words[1]);
}

#define RUN(...) run_program((const char *const[]){__VA_ARGS__, NULL})

/* <name>.pem and <name>.key: a certificate for that name, signed by itself with that digest. */
static inline void make_certificate(const char *name, const char *digest)
{
    char pem[64], key[64], subject[64];
    snprintf(pem, sizeof pem, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(subject, sizeof subject, "/CN=%s", name);
    RUN("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "30", digest, "-subj", subject, "-keyout", in_folder(key), "-out",
        in_folder(pem));
}

static inline void make_folder(void)
{
    assert_non_null(mkdtemp(tls_folder));
}

static inline int drop_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void drop_folder(void)
{
    nftw(tls_folder, drop_file, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct tls_context *server_context(const char *name, const char *alpn)
{
    char pem[64], key[64];
    const char *why = "";
    struct tls_context *context;
    snprintf(pem, sizeof pem, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    if (tls_context_new(in_folder(pem), in_folder(key), alpn, &context, &why))
        fail_msg("%s", why);
    return context;
}

/* One side; `out` is what it has to say. */
struct side {
    struct tls *tls;
    struct buf out, plain;
    bool secured;
    enum err err;
};

static struct side server, client;

static inline void side_fini(struct side *side)
{
    tls_free(side->tls);
    buf_fini(&side->out);
    buf_fini(&side->plain);
    *side = (struct side){0};
}

/* Gives one side what the other has said, in pieces. */
static inline void pump(struct side *from, struct side *to, size_t piece)
{
    while (buf_len(&from->out)) {
        size_t len = buf_len(&from->out) < piece ? buf_len(&from->out) : piece;
        uint8_t *copy = mem_alloc(len); /* exactly those bytes */
        memcpy(copy, buf_at(&from->out), len);
        if (!to->err)
            to->err = tls_input(to->tls, (struct str){(char *)copy, len}, &to->plain, &to->out,
                                &to->secured);
        mem_free(copy);
        buf_pop(&from->out, len);
    }
}

/* Until nobody has anything to say. */
static inline void talk(size_t piece)
{
    while (buf_len(&client.out) || buf_len(&server.out)) {
        pump(&client, &server, piece);
        pump(&server, &client, piece);
    }
}

#endif
