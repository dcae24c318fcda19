/* What the arbiter is shown of a VM. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "controller/arbiter/facts.h"
#include "controller/arbiter/gather.h"
#include "controller/leases/balloon.h"
#include "controller/leases/table.h"

#define NOW (1000 * NSEC_PER_SEC)

static struct supervisor supervisor;
static struct vm *vm;
static struct vm_arbiter kept;
static struct arbiter_memory memory;
static struct policy policy;
static struct agent_link *const link_of_agent = (struct agent_link *)&supervisor;

/* 4 GiB, of which the guest uses 1, with 1 of cache; the host holds 3. */
static int set_up(void **state)
{
    struct driver_facts *facts;

    supervisor = (struct supervisor){.root = -1};
    kept = (struct vm_arbiter){.pressed = 0};
    if (vm_create("web", VM_SOURCE_FILE, &vm) < 0)
        return -1;
    vm->supervisor = &supervisor;
    vm->serial = 7;
    facts = &vm->hypervisor.facts;
    facts->ram = facts->balloon_actual = facts->balloon_maximum = 4 * GIB;
    facts->balloon = facts->free_page_reporting = ANSWER_YES;
    facts->deflate_on_oom = ANSWER_YES;
    facts->capabilities = DRIVER_CAN_SET_BALLOON;
    facts->run_state = RUN_STATE_RUNNING;
    vm->hypervisor.ready = vm->hypervisor.known = true;
    vm->measured.process.directory = 0; /* of its process */
    vm->measured.host = (struct host_memory){.time = NOW, .footprint = 3 * GIB};
    vm->measured.waterfall.guest_is_known = true;
    vm->measured.guest = (struct guest_memory){.received = NOW,
                                               .total = 4 * GIB,
                                               .free = 2 * GIB,
                                               .available = 3 * GIB,
                                               .cache = GIB,
                                               .inactive_file = 600 * MIB,
                                               .trapped = 256 * MIB};
    vm->links.agent = link_of_agent;
    vm->announced = true;
    vm->life.state = VM_MANAGED;
    policy_init(&policy, POLICY_BALANCED);
    vm->assigned.policy = &policy;
    return 0;
}

static int tear_down(void **state)
{
    vm->links.agent = NULL;
    vm->assigned.policy = NULL;
    vm->measured.process.directory = -1;
    leases_remove(vm);
    vm_destroy(vm);
    return 0;
}

static struct arbiter_vm gather(void)
{
    return gather_vm(vm, &kept, &memory, NOW);
}

static void test_sizes(void **state)
{
    struct arbiter_vm facts = gather();

    assert_int_equal(facts.serial, 7);
    assert_ptr_equal(facts.memory, &memory);
    assert_int_equal(facts.ram, 4 * GIB);
    assert_int_equal(facts.size, 4 * GIB);
    assert_int_equal(facts.footprint, 3 * GIB);
    assert_int_equal(facts.source, ARBITER_AGENT);
    assert_int_equal(facts.free, 2 * GIB);
    assert_int_equal(facts.in_use, GIB);
    assert_int_equal(facts.cold, 600 * MIB); /* the floor of balanced is 128 MiB */
    assert_int_equal(facts.hot, GIB - 600 * MIB);
    assert_int_equal(facts.trapped, 256 * MIB);
    assert_int_equal(facts.headroom, 4 * GIB / 20);
    assert_int_equal(facts.lease + facts.others, 0);
}

/* What a lease could not take is in use, whatever the parts say. */
static void test_what_is_not_available_is_in_use(void **state)
{
    struct arbiter_vm facts;

    vm->measured.guest.available = GIB;
    facts = gather();
    assert_int_equal(facts.in_use, 3 * GIB);
    assert_int_equal(facts.free + facts.cold + facts.hot, GIB);
    vm->measured.guest.available = 100 * GIB;
    assert_int_equal(gather().in_use, 0);
}

/* What it needs is what a lease must leave it: the leases refuse a byte more. */
static void test_its_need_is_what_leases_leave(void **state)
{
    for (int i = 0; i < 2; i++) {
        bool deflates = i == 1;
        const struct balloon_input input = {
            .ram = 4 * GIB, .available = vm->measured.guest.available, .deflate_on_oom = deflates};
        struct arbiter_vm facts;

        vm->hypervisor.facts.deflate_on_oom = deflates ? ANSWER_YES : ANSWER_NO;
        facts = gather();
        assert_int_equal(facts_need(&facts) + facts_spare(&facts),
                         facts.size - balloon_takeable(&input));
        assert_int_equal(facts.cannot_be_tried, !deflates);
    }
}

static void test_cold_cache(void **state)
{
    struct guest_memory *guest = &vm->measured.guest;

    guest->inactive_file = 0;
    guest->active_file = GIB;
    assert_int_equal(gather().cold, 0); /* nobody knows whether it is read back */
    guest->refault_rate_is_known = true;
    assert_int_equal(gather().cold, GIB / 4);
    assert_int_equal(gather().hot, GIB - GIB / 4);
    guest->refault_rate = 251;
    assert_int_equal(gather().cold, 0);
    guest->refault_rate = 0;
    policy.cache_floor = GIB - MIB;
    assert_int_equal(gather().cold, MIB);
}

static void test_what_the_operator_says(void **state)
{
    policy.shares = 3000;
    policy.priority = 8;
    policy.floor = GIB;
    policy.ceiling = 2 * GIB;
    assert_int_equal(gather().shares, 3000);
    assert_int_equal(gather().priority, 8);
    assert_int_equal(gather().floor, GIB);
    assert_int_equal(gather().ceiling, 2 * GIB);
    vm->hypervisor.facts.balloon_minimum = 3 * GIB;
    assert_int_equal(gather().floor, 3 * GIB);
    vm->assigned.policy = NULL;
    assert_int_equal(gather().shares, 1000);
    assert_int_equal(gather().ceiling, 0);
}

static void test_who_may_be_changed(void **state)
{
    assert_true(gather().may_be_changed);
    policy.profile = POLICY_OBSERVE;
    assert_false(gather().may_be_changed);
    vm->assigned.policy = NULL; /* its file names it */
    assert_true(gather().may_be_changed);
    vm->sources.set = VM_SOURCE_FOUND;
    assert_false(gather().may_be_changed);
    vm->assigned.policy = &policy;
    policy.profile = POLICY_BALANCED;
    vm->halted = true;
    assert_true(gather().is_halted);
    vm->halted = false;
}

static void test_means(void **state)
{
    const unsigned in_guest = ARBITER_CAN_RECLAIM | ARBITER_CAN_COMPACT;
    struct driver_facts *facts = &vm->hypervisor.facts;

    assert_int_equal(gather().means, in_guest | ARBITER_CAN_LEASE);
    facts->free_page_reporting = ANSWER_NO;
    assert_int_equal(gather().means, ARBITER_CAN_FREE | ARBITER_CAN_PULSE | ARBITER_CAN_LEASE);
    policy.allow_commands = false;
    assert_int_equal(gather().means, ARBITER_CAN_PULSE | ARBITER_CAN_LEASE);
    policy.allow_commands = true;
    policy.pulse = false;
    assert_int_equal(gather().means, ARBITER_CAN_LEASE);
    facts->free_page_reporting = ANSWER_YES;
    policy.allow_commands = false;
    assert_int_equal(gather().means, ARBITER_CAN_LEASE);
    policy.allow_commands = true;
    vm->announced = false;
    assert_int_equal(gather().means, ARBITER_CAN_LEASE);
    vm->announced = true;
    facts->run_state = RUN_STATE_PAUSED;
    assert_int_equal(gather().means, in_guest);
    facts->run_state = RUN_STATE_RUNNING;
    facts->vfio_devices = 1;
    assert_int_equal(gather().means, 0);
    facts->vfio_devices = 0;
    vm->links.agent = NULL;
    assert_int_equal(gather().means, 0);
    vm->links.agent = link_of_agent;
}

static void test_in_need(void **state)
{
    Vmreclaim__Agent__V1__PressureEvent pressure = VMRECLAIM__AGENT__V1__PRESSURE_EVENT__INIT;
    struct vm_event event = {.vm = vm, .kind = VM_EVENT_PRESSURE, .pressure = &pressure};

    pressure.available = GIB; /* it stalls, and is not short */
    gather_take_event(&kept, &event, NOW);
    assert_false(gather().is_starved);
    pressure.available = 100 * MIB;
    gather_take_event(&kept, &event, NOW);
    assert_true(gather().is_starved);
    kept.pressed = 0;
    pressure.available = GIB;
    pressure.oom_kill = true;
    gather_take_event(&kept, &event, NOW);
    assert_true(gather().is_starved);
    event.kind = VM_EVENT_RESET;
    gather_take_event(&kept, &event, NOW);
    assert_false(gather().is_starved);
    vm->starvation.since = NOW;
    assert_true(gather().is_starved);
}

/* What is in a balloon and is nobody's lease is another's. */
static void test_a_balloon_that_was_found(void **state)
{
    vm->hypervisor.facts.balloon_actual = 3 * GIB;
    assert_int_equal(gather().ram, 4 * GIB);
    assert_int_equal(gather().size, 3 * GIB);
    assert_int_equal(gather().others, GIB);
    assert_int_equal(gather().lease, 0);
}

static void test_an_unknown_host_side(void **state)
{
    vm->measured.host.time = 0;
    assert_int_equal(gather().footprint, 0);
    vm->measured.waterfall.guest_is_known = false;
    assert_int_equal(gather().source, ARBITER_UNHEARD);
    assert_int_equal(gather().in_use + gather().free, 0);
}

static void test_the_host(void **state)
{
    const struct host_facts facts = {.total = 100 * GIB, .available = 9 * GIB, .pressure_some = 77};
    struct arbiter_settings settings;
    struct arbiter_host host;

    arbiter_settings_init(&settings);
    host = gather_host(&facts, &settings, GIB, NOW);
    assert_int_equal(host.low, 8 * GIB);
    assert_int_equal(host.reserved, GIB);
    assert_int_equal(host.psi_some, 0); /* it is not known */
    settings.low = settings.high = settings.critical;
    host = gather_host(&facts, &settings, 0, NOW);
    assert_true(host.critical < host.low && host.low < host.high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_available_is_in_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_its_need_is_what_leases_leave, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cold_cache, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_operator_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_may_be_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_means, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_need, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_balloon_that_was_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unknown_host_side, set_up, tear_down),
        cmocka_unit_test(test_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
