/* A host and its VMs for tests of the arbiter. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "tests/unit/controller/arbiter/arbiter-world.h"

struct world world;

void world_begin(size_t count)
{
    assert_in_range(count, 1, WORLD_MAX);
    arbiter_finish(&world.arbiter);
    world = (struct world){
        .host = {.now = 5000 * NSEC_PER_SEC,
                 .total = 16 * GIB,
                 .critical = 1 * GIB,
                 .low = 2 * GIB,
                 .high = 3 * GIB},
        .count = count,
    };
    arbiter_init(&world.arbiter);
    for (size_t i = 0; i < count; i++)
        world.vms[i] = (struct arbiter_vm){
            .serial = i + 1,
            .memory = &world.memories[i],
            .ram = 4 * GIB,
            .size = 4 * GIB,
            .footprint = 4 * GIB,
            .source = ARBITER_AGENT,
            .in_use = 512 * MIB,
            .hot = 512 * MIB,
            .headroom = 256 * MIB,
            .shares = 1000,
            .priority = 5,
            .means = ARBITER_CAN_RECLAIM | ARBITER_CAN_COMPACT | ARBITER_CAN_LEASE,
            .may_be_changed = true,
        };
    world_leave(8 * GIB);
}

int world_set_up(void **state)
{
    world_begin(3);
    return 0;
}

int world_tear_down(void **state)
{
    arbiter_finish(&world.arbiter);
    return 0;
}

static uint64_t held(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < world.count; i++)
        sum += world.vms[i].footprint;
    return sum;
}

/* What the machine has is as large as it takes: only what is left counts. */
void world_leave(uint64_t available)
{
    world.host.available = available;
}

void world_step(void)
{
    assert_int_equal(arbiter_step(&world.arbiter, &world.host, world.vms, world.count,
                                  world.requests, &world.request_count),
                     0);
    assert_true(world.request_count <= world.count);
}

static void carry_out(struct arbiter_vm *vm, const struct arbiter_request *request)
{
    if (world.leases_look && request->step == ARBITER_LEASE &&
        request->size < vm->in_use + vm->headroom) {
        arbiter_note_refused(vm->memory, ARBITER_LEASE, world.host.now);
        return;
    }
    switch (request->step) {
    case ARBITER_RECLAIM:
        vm->cold -= request->bytes;
        vm->footprint -= request->bytes;
        break;
    case ARBITER_COMPACT:
        vm->trapped -= request->bytes;
        vm->footprint -= request->bytes;
        break;
    case ARBITER_PULSE:
        vm->footprint -= request->bytes;
        break;
    default:
        vm->lease = vm->ram - vm->others - request->size;
        vm->lease_end = vm->lease == 0 ? 0 : world.host.now + ARBITER_LEASE_TERM;
        vm->size = request->size;
        vm->footprint = min_of(vm->footprint, vm->size);
        break;
    }
}

void world_follow(void)
{
    uint64_t before = held();

    for (size_t i = 0; i < world.request_count; i++)
        carry_out(&world.vms[world.requests[i].vm], &world.requests[i]);
    world.host.available += before - held();
    world.host.now += NSEC_PER_SEC;
}

void world_run(unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        world_step();
        world_follow();
    }
}

const struct arbiter_request *world_asked(size_t vm)
{
    for (size_t i = 0; i < world.request_count; i++)
        if (world.requests[i].vm == vm)
            return &world.requests[i];
    return NULL;
}

enum arbiter_step world_step_of(size_t vm)
{
    return world_asked(vm) == NULL ? ARBITER_NO_STEP : world_asked(vm)->step;
}
