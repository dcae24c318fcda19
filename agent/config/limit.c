/* Which side of a key is the gentle one. */
#include "agent/config/limit.h"

#include <string.h>

enum gentle_side {
    LOWER_IS_GENTLER,
    HIGHER_IS_GENTLER,
};

#define FIELD(name, side)                                                                          \
    {                                                                                              \
#name, offsetof(struct policy, name), sizeof(((struct policy *)0)->name), side             \
    }

/* Keys are named after their fields. Enumerations and booleans are ordered from gentle up. */
static const struct field {
    const char *key;
    size_t offset;
    size_t size;
    enum gentle_side side;
} fields[] = {
    FIELD(sample_interval, HIGHER_IS_GENTLER),
    FIELD(idle_window, HIGHER_IS_GENTLER),
    FIELD(idle_cpu, LOWER_IS_GENTLER),
    FIELD(psi_memory, LOWER_IS_GENTLER),
    FIELD(psi_io, LOWER_IS_GENTLER),
    FIELD(refault_rate, LOWER_IS_GENTLER),
    FIELD(cache_method, LOWER_IS_GENTLER),
    FIELD(cache_floor, HIGHER_IS_GENTLER),
    FIELD(cache_step, LOWER_IS_GENTLER),
    FIELD(trickle, LOWER_IS_GENTLER),
    FIELD(drop_slab, LOWER_IS_GENTLER),
    FIELD(compact, LOWER_IS_GENTLER),
    FIELD(compact_min_gain, HIGHER_IS_GENTLER),
    FIELD(compact_time_limit, LOWER_IS_GENTLER),
    FIELD(compact_interval, HIGHER_IS_GENTLER),
    FIELD(reporting_order, HIGHER_IS_GENTLER),
    FIELD(cpu_budget, LOWER_IS_GENTLER),
    FIELD(allow_commands, LOWER_IS_GENTLER),
};

static uint64_t load(const struct policy *policy, const struct field *field)
{
    const char *place = (const char *)policy + field->offset;
    uint64_t wide = 0;
    uint32_t word;

    if (field->size == sizeof(wide)) {
        memcpy(&wide, place, sizeof(wide));
    } else if (field->size == sizeof(word)) {
        memcpy(&word, place, sizeof(word));
        wide = word;
    } else {
        wide = (unsigned char)*place;
    }
    return wide;
}

static bool limit_field(struct policy *policy, const struct policy *limit,
                        const struct field *field)
{
    uint64_t value = load(policy, field);
    uint64_t bound = load(limit, field);

    if (field->side == LOWER_IS_GENTLER ? value <= bound : value >= bound)
        return false;
    memcpy((char *)policy + field->offset, (const char *)limit + field->offset, field->size);
    return true;
}

bool policy_limit_key(struct policy *policy, const struct policy *limit, const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (strcmp(fields[i].key, key) == 0)
            return limit_field(policy, limit, &fields[i]);
    return false;
}
