/* A guest on virtual time: memory in use, hot and cold page cache, free memory in three sizes, free
 * page reporting as the kernel does it, and what the host still holds. One step is one second.
 *
 * Hot sets belong to activities (compiling, browsing, ...). While an activity runs it wants its set
 * resident: what is missing is read from disk. What was evicted by the LRU leaves a trace and
 * counts as a refault in /proc/vmstat; what drop_caches took does not, but is read back all the
 * same: `read_back` counts both, since that is what the guest pays. */
#ifndef VMRECLAIM_TESTS_SIM_MODEL_H
#define VMRECLAIM_TESTS_SIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/engine/sample.h"

#define MODEL_ACTIVITIES  4
#define MODEL_COLD_BINS   256 /* cold cache by age, one bin per MODEL_BIN_SECONDS */
#define MODEL_BIN_SECONDS 120

enum model_size { MODEL_LOW, MODEL_MID, MODEL_BLOCKS, MODEL_SIZES }; /* orders 0-4, 5-8, 9+ */

struct hot_set {
    double wanted;   /* bytes, while the activity runs */
    double resident; /* bytes in cache */
    double evicted;  /* by the LRU: reading it is a refault */
    double dropped;  /* by drop_caches */
    uint64_t used_at;
    bool is_running;
};

struct model_action {
    bool is_running;
    int kind; /* enum action_kind */
    double bytes;
    double gained;
    double cpu;
    double seconds;
    double limit; /* seconds */
    bool drop_slab;
};

struct model {
    uint64_t now; /* seconds since boot */
    double total;
    double in_use;
    unsigned cpus;
    double load;   /* of others, in CPUs, this second */
    double stream; /* bytes per second of file data read once */
    struct hot_set sets[MODEL_ACTIVITIES];
    double cold[MODEL_COLD_BINS];
    double free[MODEL_SIZES];
    double reported[MODEL_SIZES]; /* of free: not held by the host */
    unsigned order;               /* of reporting; 9, 5 or 0 */
    double balloon;               /* bytes that it holds: neither the guest's nor the host's */
    double use_wanted;            /* bytes that `in_use` is to reach ... */
    double use_speed;             /* ... growing by so much per second; 0: at once */
    bool pass_is_on;
    double freed; /* since the last pass began */
    struct model_action action;
    /* counters since boot */
    double cpu_user, cpu_busy, cpu_total; /* seconds */
    double psi_memory, psi_io;            /* seconds */
    double stall_memory;                  /* added to psi_memory each second by a scenario */
    double refaults, read_back;           /* bytes */
    double host_filled;                   /* bytes the host had to give back */
    double own_cpu;                       /* seconds that actions cost */
    double above_need;                    /* byte seconds */
    double stalled;                       /* seconds in which a program got less than it took */
};

void model_init(struct model *model, double total, double in_use, unsigned cpus, unsigned order);

/* One second passes. */
void model_step(struct model *model);

/* The guest's memory in use grows or shrinks to `bytes`. */
void model_use(struct model *model, double bytes);

/* Up to so many bytes of free memory go into the balloon; what is missing for them the cache gives
 * up, where `takes_cache` says so. Returns the bytes. */
double model_inflate(struct model *model, double bytes, bool takes_cache);

/* So much of it comes back: free, and not on the host. */
void model_deflate(struct model *model, double bytes);

/* An activity begins or ends. */
void model_run(struct model *model, unsigned activity, bool runs);

/* Fills the cache with data that nobody reads again. */
void model_read_once(struct model *model, double bytes);

double model_cache(const struct model *model);
double model_cold(const struct model *model);
double model_free(const struct model *model);
double model_footprint(const struct model *model);
/* In use and the hot sets of what runs now. */
double model_need(const struct model *model);

/* Takes cache, the longest unused first; `age` in seconds is the youngest that may go. Returns the
 * bytes. */
double model_evict(struct model *model, double bytes, uint64_t age, bool leaves_trace);

/* Starts an action of the engine; model_step() works on it. */
void model_start(struct model *model, int kind, double bytes, unsigned order, bool drop_slab,
                 double limit);

/* As the agent's sensors would read it. */
void model_sample(const struct model *model, struct memory_sample *ret_sample);

#endif
