/* How many VMs are looked at in a turn of the loop: wraps returns_of_vm(). */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_API_LOOKS_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_API_LOOKS_H

#include "tests/lib/test.h"

#include <uv.h>

#include "common/ttrpc/slices.h"
#include "controller/api/returning.h"

static unsigned looks; /* in this turn */

void __real_returns_of_vm(const struct vm *vm, const struct vm_message *shown,
                          struct returns_message *ret_returns);
void __wrap_returns_of_vm(const struct vm *vm, const struct vm_message *shown,
                          struct returns_message *ret_returns);

void __wrap_returns_of_vm(const struct vm *vm, const struct vm_message *shown,
                          struct returns_message *ret_returns)
{
    looks++;
    __real_returns_of_vm(vm, shown, ret_returns);
}

/* However many VMs there are, in no turn more than a slice of them is looked at. */
static void turn(uv_loop_t *loop)
{
    looks = 0;
    uv_run(loop, UV_RUN_NOWAIT);
    assert_in_range(looks, 0, LOOKS_PER_SLICE);
}

#endif
