/* Seeded days of a host: what its guests are, what their programs do, what goes wrong. The same for
 * all who are compared. */
#ifndef VMRECLAIM_TESTS_SIM_HOST_LOAD_H
#define VMRECLAIM_TESTS_SIM_HOST_LOAD_H

#include "tests/sim/host-model.h"
#include "tests/sim/random.h"

enum host_load_kind { LOAD_WEB, LOAD_DATABASE, LOAD_BATCH, LOAD_DESKTOP, LOAD_IDLE, LOAD_KINDS };

struct host_load_guest {
    struct random random;
    enum host_load_kind kind;
    unsigned phase;
    uint64_t next;    /* second in which its phase changes */
    uint64_t trouble; /* second in which something goes wrong with it */
};

/* What goes wrong in a day; all of it by default. */
struct host_load_shape {
    bool agents_are_lost;
    bool balloons_stall;
    bool guests_restart;
    bool guests_lie;
    bool has_agentless;
    bool others_grow;
};
extern const struct host_load_shape host_load_whole;

struct host_load {
    struct host_load_shape shape;
    struct random random;
    struct host_load_guest *guests;
    double others_wanted; /* what the host's other programs are about to use */
    uint64_t others_next;
    uint64_t rush; /* second in which many batches begin at once */
};

/* Allocates both sides' guests; host_load_finish frees them. */
void host_load_init(struct host_load *load, struct host_model *host, uint64_t seed, unsigned count,
                    const struct host_load_shape *shape);
void host_load_finish(struct host_load *load, struct host_model *host);

/* Before each host_model_step(). Returns the guest that has just restarted, or -1: one a second at
 * most. */
int host_load_step(struct host_load *load, struct host_model *host);

#endif
