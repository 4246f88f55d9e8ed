#include "blob.h"

#include "mem.h"

#include <string.h>

struct blob *blob_new(struct str bytes)
{
    struct blob *blob = mem_alloc(sizeof *blob + bytes.len + 1);
    atomic_init(&blob->refs, 1);
    blob->len = bytes.len;
    if (bytes.len)
        memcpy(blob->bytes, bytes.at, bytes.len);
    blob->bytes[bytes.len] = '\0';
    return blob;
}

struct blob *blob_ref(struct blob *blob)
{
    atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    return blob;
}

void blob_unref(struct blob **blob)
{
    struct blob *mine = *blob;
    *blob = NULL;
    if (mine && atomic_fetch_sub_explicit(&mine->refs, 1, memory_order_acq_rel) == 1)
        mem_free(mine);
}
