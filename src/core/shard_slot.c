#include "shard_slot.h"

#include "check.h"
#include "core.h"
#include "mem.h"
#include "module.h"

struct slot {
    const struct module *module;
    void *bytes;
};

struct shard_slots {
    size_t count;
    struct slot at[];
};

static struct slot *find(struct shard_slots *slots, const struct module *module)
{
    for (size_t i = 0; i < slots->count; i++)
        if (slots->at[i].module == module)
            return &slots->at[i];
    return NULL;
}

static struct shard_slots *add(struct shard_slots *slots, const struct module *module)
{
    if ((!module->shard_size && !module->shard_end) || find(slots, module))
        return slots;
    slots = mem_realloc(slots, sizeof *slots + (slots->count + 1) * sizeof slots->at[0]);
    slots->at[slots->count++] = (struct slot){module, mem_zalloc(module->shard_size)};
    return slots;
}

struct shard_slots *shard_slots_new(void)
{
    struct shard_slots *slots = mem_zalloc(sizeof *slots);
    struct host_type *type;
    for (size_t i = 0; (type = hosts_type(i)); i++)
        for (size_t k = 0; k < type->module_count; k++)
            slots = add(slots, type->modules[k].module);
    return slots;
}

void shard_slots_free(struct shard_slots *slots)
{
    for (size_t i = 0; i < slots->count; i++) {
        if (slots->at[i].module->shard_end)
            slots->at[i].module->shard_end(slots->at[i].bytes);
        mem_free(slots->at[i].bytes);
    }
    mem_free(slots);
}

void *shard_slot(const struct module *module)
{
    struct slot *slot = find(core_self()->slots, module);
    CHECK(slot);
    return slot->bytes;
}
