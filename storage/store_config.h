/* What the operator says of storage; part of store.h. */
#ifndef RT_STORE_CONFIG_H
#define RT_STORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

enum store_backend_id { STORE_SQLITE, STORE_POSTGRESQL, STORE_MEMORY };
enum store_compression { STORE_COMPRESSION_AUTO, STORE_COMPRESSION_NONE, STORE_COMPRESSION_ZSTD };

/* What holds of batches when nothing is said: of 100 messages or what 5 ms bring, whichever comes
 * first, one commit costs little a message (measured). */
enum {
    STORE_BATCH_FLUSH = 100,
    STORE_BATCH_DELAY_MS = 5,
    STORE_BATCH_GROUP = 500,
    STORE_BATCH_PARTIES = 500,  /* inboxes that an operation of a room is for */
    STORE_BATCH_INBOXES = 2000, /* of a group that has more than one operation */
    STORE_BATCH_ROWS = 16384,
    STORE_BATCH_BYTES = 33554432,
};

struct store_config {
    int backend;          /* enum store_backend_id */
    const char *data_dir; /* sqlite: the file is data_dir/ringtail.sqlite */
    const char *conninfo; /* postgresql */
    uint64_t connections_per_shard;
    uint64_t deadline_ms;
    uint64_t partition_ms, retention_ms; /* retention 0: for ever */
    int compression;                     /* enum store_compression */
    bool full_text;                      /* messages can be searched */
    bool by_hand;                        /* the schema is brought up to date by hand only */
    /* Batches of messages (batch.h); 0: as below. */
    uint64_t batch_flush, batch_delay_ms, batch_group, batch_rows, batch_bytes;
};

#endif
