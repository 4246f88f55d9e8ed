/*
 * Immutable bytes that several owners on several shards share; freed by the last unref.
 */
#ifndef RT_BLOB_H
#define RT_BLOB_H

#include "text.h"

#include <stdatomic.h>
#include <stddef.h>

struct blob {
    atomic_uint refs;
    size_t len;
    char bytes[]; /* with a NUL behind them */
};

/* A blob with one reference, holding a copy of `bytes`. */
struct blob *blob_new(struct str bytes);

/* One more reference. Any thread that holds one. */
struct blob *blob_ref(struct blob *blob);

/* Gives up the reference and sets the pointer to NULL; NULL inside is fine. Any thread. */
void blob_unref(struct blob **blob);

static inline struct str blob_str(const struct blob *blob)
{
    return (struct str){blob->bytes, blob->len};
}

#endif
