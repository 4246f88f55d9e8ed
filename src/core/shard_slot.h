/*
 * What a module has in each shard: shard_size bytes (or none), zeroed when the shard begins.
 * module.h: when the shard ends, shard_end gets them, after all sessions have ended.
 */
#ifndef RT_SHARD_SLOT_H
#define RT_SHARD_SLOT_H

struct module;
struct shard_slots;

/* On the shard's thread, at its begin and end. */
struct shard_slots *shard_slots_new(void);
void shard_slots_free(struct shard_slots *slots);

/* The module's bytes in the running shard; the module must be on somewhere. */
void *shard_slot(const struct module *module);

#endif
