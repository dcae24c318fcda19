/* A hypervisor, a guest and a journal on virtual time, for tests of the balloon's decisions. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_LEASES_BALLOON_WORLD_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_LEASES_BALLOON_WORLD_H

#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/leases/balloon.h"

/* A hypervisor and a guest that follow at once, and a journal. */
struct world {
    struct balloon_control control;
    struct balloon_input input;
    int put_status;
    int tell_status;  /* of the next command only; the guest does not follow when it is no 0 */
    bool stuck;       /* the guest does not follow */
    bool hangs;       /* it is not read any more */
    bool never_frees; /* the host gets nothing */
    unsigned puts;
    unsigned forgets;
    unsigned tells;
    uint64_t told; /* last */
    struct lease journal[BALLOON_LEASES_MAX];
    uint64_t next_id;
};

void world_init(struct world *w);

/* What a lease's release needs to be found again after a crash. */
struct lease *journaled(struct world *w, uint64_t id);

/* One action, done. */
enum balloon_action_kind act(struct world *w);

void pass(struct world *w, nsec_t time);

/* Until nothing changes, a second at a time. */
void run(struct world *w, unsigned seconds);

int request(struct world *w, uint64_t bytes, struct error *error);

/* world_init, and a lease of a GiB that the guest has given. */
void world_with_lease(struct world *w);

/* Takes all news. */
bool has_news(struct world *w, enum balloon_news wanted);

#endif
