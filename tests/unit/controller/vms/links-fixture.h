/* A supervisor with agents that dial in: the peers are made up, the connections are socket pairs.
 */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_VMS_LINKS_FIXTURE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_VMS_LINKS_FIXTURE_H

#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/config/problems.h"
#include "controller/policies/push.h"
#include "controller/vms/links.h"
#include "controller/vms/supervisor.h"
#include "tests/component/controller/fake-agent.h"

#define WAIT_MAX (30 * NSEC_PER_SEC)

struct fixture {
    uv_loop_t loop;
    uv_timer_t ticker;
    struct supervisor supervisor;
    struct policy_push policies;
    struct fake_agent agents[3];
    int root;
};

int links_set_up(void **state);
int links_tear_down(void **state);
#define with_supervisor(test) cmocka_unit_test_setup_teardown(test, links_set_up, links_tear_down)

/* Turns the loop until `condition` holds, and fails when that takes too long. */
#define wait_for(f, condition)                                                                     \
    do {                                                                                           \
        nsec_t end_ = time_monotonic() + WAIT_MAX;                                                 \
        while (!(condition) && time_monotonic() < end_)                                            \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
        assert_true(condition);                                                                    \
    } while (0)

/* The agent "dials" from this CID and port. */
void dial_in(struct fixture *f, struct fake_agent *agent, uint32_t cid, uint32_t port);

/* NULL: there is none. */
struct vm *vm_named(const struct fixture *f, const char *name);

/* What the directory of VM files says: "PATH" and its text, in pairs, up to NULL. What is not in
 * force of it is returned, valid until the next call. */
const struct problems *define_all(struct fixture *f, const char *const *files);

/* web-1's file is the only one. */
void define(struct fixture *f, const char *text);

/* A VM whose file names CID 7, with its agent, for which a hypervisor vouches. */
struct vm *start_vouched(struct fixture *f);

#endif
