#include "digest.h"

#include "check.h"
#include "limits.h"
#include "mem.h"

#include <errno.h>
#include <sys/random.h>

#ifdef RINGTAIL_WOLFSSL_SYSTEM
#include <wolfssl/options.h>
#endif
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/pwdbased.h>

static const struct {
    size_t len;
    enum wc_HashType hash; /* equal to what wc_HmacSetKey calls the type */
} digests[DIGEST_COUNT] = {
    [DIGEST_SHA1] = {20, WC_HASH_TYPE_SHA},
    [DIGEST_SHA256] = {32, WC_HASH_TYPE_SHA256},
    [DIGEST_SHA512] = {64, WC_HASH_TYPE_SHA512},
};

size_t digest_len(enum digest digest)
{
    return digests[digest].len;
}

/* wolfCrypt wants pointers that are not NULL, and lengths of 32 bits. */
static const byte *bytes(struct str s)
{
    CHECK(s.len <= INT32_MAX);
    return (const byte *)(s.at ? s.at : "");
}

void digest_hash(enum digest digest, struct str in, uint8_t *out)
{
    CHECK(wc_Hash(digests[digest].hash, bytes(in), (word32)in.len, out,
                  (word32)digests[digest].len) == 0);
}

void digest_hmac(enum digest digest, struct str key, struct str in, uint8_t *out)
{
    Hmac hmac;
    CHECK(wc_HmacInit(&hmac, NULL, INVALID_DEVID) == 0);
    CHECK(wc_HmacSetKey(&hmac, digests[digest].hash, bytes(key), (word32)key.len) == 0);
    CHECK(wc_HmacUpdate(&hmac, bytes(in), (word32)in.len) == 0);
    CHECK(wc_HmacFinal(&hmac, out) == 0);
    wc_HmacFree(&hmac);
    mem_wipe(&hmac, sizeof hmac);
}

void digest_pbkdf2(enum digest digest, struct str password, struct str salt, uint32_t iterations,
                   uint8_t *out)
{
    CHECK(iterations > 0 && iterations <= INT32_MAX);
    CHECK(wc_PBKDF2(out, bytes(password), (int)password.len, bytes(salt), (int)salt.len,
                    (int)iterations, (int)digests[digest].len, digests[digest].hash) == 0);
}

static void from_kernel(uint8_t *out, size_t len)
{
    while (len) {
        ssize_t got = getrandom(out, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            PANIC("no random bytes: errno %d", errno);
        out += got;
        len -= (size_t)got;
    }
}

/* A system call gives many ids: bytes wait here until they are taken, and are wiped then. */
void digest_random(void *out, size_t len)
{
    static _Thread_local uint8_t pool[256];
    static _Thread_local size_t left;
    if (len > sizeof pool) {
        from_kernel(out, len);
        return;
    }
    if (len > left) {
        from_kernel(pool, sizeof pool);
        left = sizeof pool;
    }
    left -= len;
    memcpy(out, pool + left, len);
    mem_wipe(pool + left, len);
}

bool digest_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < len; i++)
        difference |= x[i] ^ y[i];
    return difference == 0;
}

enum { NONCE_LEN = 12, TAG_LEN = 16 };

void digest_seal(const uint8_t key[DIGEST_SEAL_KEY], struct str in, uint8_t *out)
{
    uint8_t *text = out + NONCE_LEN;
    digest_random(out, NONCE_LEN);
    CHECK(wc_ChaCha20Poly1305_Encrypt(key, out, NULL, 0, bytes(in), (word32)in.len, text,
                                      text + in.len) == 0);
}

enum err digest_unseal(const uint8_t key[DIGEST_SEAL_KEY], struct str in, uint8_t *out)
{
    if (in.len < DIGEST_SEAL_EXTRA || in.len > INT32_MAX)
        return ERR_INVALID;
    const byte *nonce = bytes(in), *text = nonce + NONCE_LEN;
    size_t len = in.len - DIGEST_SEAL_EXTRA;
    int rc = wc_ChaCha20Poly1305_Decrypt(key, nonce, NULL, 0, text, (word32)len, text + len, out);
    return rc == 0 ? ERR_OK : ERR_INVALID;
}

const char *digest_version(void)
{
    return LIBWOLFSSL_VERSION_STRING;
}
