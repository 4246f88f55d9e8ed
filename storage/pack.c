#include "pack.h"

#include "check.h"
#include "mem.h"

#include <pthread.h>
#include <stdio.h>
#include <zstd.h>

/* Level 1 is the cheapest; with the dictionary higher ones save little. A stanza has a few hundred
 * kilobytes at most: what says that it is larger than this is damaged. */
enum { LEVEL = 1, CURRENT = 1, BODY_MAX = 16777216 };

/* dictionary.S */
extern const char pack_dictionary_1[], pack_dictionary_1_end[];

static struct {
    bool compress;
    ZSTD_CDict *write;
    ZSTD_DDict *read; /* of number CURRENT: the only one so far */
    pthread_key_t contexts;
} pack;

/* Of a thread: they keep their memory from one body to the next. */
struct contexts {
    ZSTD_CCtx *write;
    ZSTD_DCtx *read;
};

static void contexts_free(void *own)
{
    struct contexts *contexts = own;
    ZSTD_freeCCtx(contexts->write);
    ZSTD_freeDCtx(contexts->read);
    mem_free(contexts);
}

static void load(void)
{
    size_t len = (size_t)(pack_dictionary_1_end - pack_dictionary_1);
    pack.write = ZSTD_createCDict(pack_dictionary_1, len, LEVEL);
    pack.read = ZSTD_createDDict(pack_dictionary_1, len);
    CHECK(pack.write && pack.read);
    CHECK(pthread_key_create(&pack.contexts, contexts_free) == 0);
}

void pack_setup(bool compress)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    pack.compress = compress;
}

static struct contexts *contexts_here(void)
{
    struct contexts *contexts = pthread_getspecific(pack.contexts);
    if (contexts)
        return contexts;
    contexts = mem_zalloc(sizeof *contexts);
    contexts->write = ZSTD_createCCtx();
    contexts->read = ZSTD_createDCtx();
    CHECK(contexts->write && contexts->read);
    CHECK(pthread_setspecific(pack.contexts, contexts) == 0);
    return contexts;
}

struct packed pack_body(struct arena *arena, struct str body)
{
    struct packed plain = {0, body};
    if (!pack.compress)
        return plain;
    size_t room = ZSTD_compressBound(body.len);
    char *bytes = arena_take(arena, room);
    size_t len = ZSTD_compress_usingCDict(contexts_here()->write, bytes, room, body.at, body.len,
                                          pack.write);
    bool shorter = !ZSTD_isError(len) && len < body.len;
    return shorter ? (struct packed){CURRENT, {bytes, len}} : plain;
}

enum err unpack_body(struct arena *arena, struct packed packed, struct str *body)
{
    if (packed.dictionary == 0) {
        *body = arena_str(arena, packed.bytes);
        return ERR_OK;
    }
    unsigned long long len = ZSTD_getFrameContentSize(packed.bytes.at, packed.bytes.len);
    if (packed.dictionary != CURRENT || len > BODY_MAX)
        return ERR_INVALID;
    char *text = arena_take(arena, (size_t)len + 1);
    size_t got = ZSTD_decompress_usingDDict(contexts_here()->read, text, (size_t)len,
                                            packed.bytes.at, packed.bytes.len, pack.read);
    *body = (struct str){text, (size_t)len};
    return got == len ? ERR_OK : ERR_INVALID;
}

const char *pack_version(void)
{
    static _Thread_local char text[32];
    snprintf(text, sizeof text, "zstd %s", ZSTD_versionString());
    return text;
}
