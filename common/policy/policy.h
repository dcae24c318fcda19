/* A policy: one plain struct and one field table. YAML, agent.conf, command line, printing,
 * checking and the manual page all come from the table; nothing else knows the keys. */
#ifndef VMRECLAIM_COMMON_POLICY_POLICY_H
#define VMRECLAIM_COMMON_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/policy/schedule.h"

enum policy_profile {
    POLICY_OBSERVE,
    POLICY_GENTLE,
    POLICY_BALANCED,
    POLICY_AGGRESSIVE,
    POLICY_WSL,
    POLICY_PROFILE_COUNT,
};

enum policy_cache_method {
    POLICY_CACHE_NONE,    /* leave the cache alone */
    POLICY_CACHE_GRADUAL, /* memory.reclaim in steps, file pages only */
    POLICY_CACHE_DROP,    /* drop_caches once per idle period */
    POLICY_CACHE_METHOD_COUNT,
};

#define POLICY_SCHEDULES_MAX 16

/* Keys of the table: policy_key(i) names bit i. */
typedef uint64_t policy_key_set;

/* A guest with more CPUs is calm by the standard of so many. What runs in an idle guest
 * (monitoring, time, logs) hardly grows with its CPUs, and one task at work is work however many
 * stand idle. */
#define POLICY_CALM_CPUS 16

struct policy {
    char name[64];
    enum policy_profile profile;
    uint64_t revision; /* 0: not from a controller's store */
    char hash[65];     /* SHA-256 of the source text; empty: unknown */
    /* sensing and idleness */
    nsec_t sample_interval; /* longest time between samples */
    nsec_t idle_window;     /* the guest is idle when calm for this long */
    uint32_t idle_cpu;      /* permyriad of all CPUs, of at most POLICY_CALM_CPUS, over the window
                               and the latest interval */
    uint32_t psi_memory;    /* permyriad of time; above it nothing is done */
    uint32_t psi_io;
    uint32_t refault_rate; /* pages per second; above it the cache floor rises */
    /* cache */
    enum policy_cache_method cache_method;
    uint64_t cache_floor; /* bytes kept */
    uint64_t cache_step;  /* largest bytes per step */
    uint64_t trickle;     /* bytes per minute taken from a guest that is never idle; 0: none */
    bool drop_slab;       /* drop_caches 3 instead of 1 */
    /* compaction */
    bool compact;
    uint64_t compact_min_gain; /* trapped bytes that make a compaction worth it */
    nsec_t compact_time_limit;
    nsec_t compact_interval; /* shortest time between two */
    /* reporting */
    uint32_t reporting_order; /* lowest order idle work may set, where the host's backing allows */
    /* cost */
    nsec_t cpu_budget; /* CPU time of actions per hour */
    /* pulses of the balloon, which the host does */
    bool pulse;
    uint64_t pulse_headroom; /* bytes that stay free in the guest */
    uint64_t pulse_min_gain;
    nsec_t pulse_interval; /* shortest time between two */
    bool pulse_only_idle;
    /* its part of a host that is short, which the host's arbiter goes by */
    uint32_t shares;
    uint32_t priority; /* higher gives later */
    uint64_t floor;    /* bytes that the guest keeps, whatever happens */
    uint64_t ceiling;  /* bytes that it may hold while the host is short; 0: no limit */
    /* what a host may order, for the guest's own configuration */
    bool allow_commands; /* false: only the policy acts, no host may order an action */
    /* when; none: always allowed */
    struct schedule schedules[POLICY_SCHEDULES_MAX];
    size_t schedule_count;
    /* of one that was read from a file */
    policy_key_set given; /* keys that its text gives */
    bool gives_profile;
};

/* The profile's values; no name, no schedule. */
void policy_init(struct policy *policy, enum policy_profile profile);

/* One "key", "value" pair into the struct. -ENOENT: no such key (the error names the nearest),
 * -EINVAL/-ERANGE: the value, with the accepted range. Untouched on failure. */
int policy_set(struct policy *policy, const char *key, const char *value, struct error *error);

/* The same for what another version sent or kept: there a size without a unit is bytes. */
int policy_set_kept(struct policy *policy, const char *key, const char *value, struct error *error);

/* The value of the key as text that policy_set takes back. -ENOENT. `size` >= 64 always fits. */
int policy_get(const struct policy *policy, const char *key, char *buffer, size_t size);

/* The keys in table order; NULL past the end. */
const char *policy_key(size_t index);

/* One line of help for the key, and what it accepts ("1s..1h"). NULL past the end; `size` >= 64
 * always fits. */
const char *policy_help(size_t index);
const char *policy_range(size_t index, char *buffer, size_t size);

/* The host acts by the key, and the guest need not know it. */
bool policy_key_is_of_host(const char *key);

/* By the key guests compete for the host's memory, so none of them has a word in it. */
bool policy_key_is_of_arbiter(const char *key);

/* The key's bit in a set of keys; 0: there is no such key. */
policy_key_set policy_key_bit(const char *key);

/* Brings each of `keys` to its value in `limit` where that bothers the guest less. Returns the keys
 * that were changed. */
policy_key_set policy_limit(struct policy *policy, const struct policy *limit, policy_key_set keys);

/* Relations between keys. -EINVAL with the field in `error`. */
int policy_check(const struct policy *policy, struct error *error);

/* A name fits the struct and is safe in a file name, a table and a log line: letters, digits, '.',
 * '_', '-'. -EINVAL. */
int policy_set_name(struct policy *policy, const char *name, struct error *error);

/* "balanced" and back; -EINVAL with the accepted names and the nearest. */
const char *policy_profile_name(enum policy_profile profile);
int policy_profile_parse(const char *text, enum policy_profile *ret_profile, struct error *error);

/* Why the profile has the values it has: one sentence. */
const char *policy_profile_reason(enum policy_profile profile);

#endif
