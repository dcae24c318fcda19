/* What a coordinator takes of what the bus says of hosts. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/message/copy.h"
#include "controller/fleet/coordinator/fleet-hosts.h"

#define STATUS_BYTES ((size_t)64 << 10) /* the stream takes no more */
#define VMS          150
#define FIGURES      8

typedef Vmreclaim__Fleet__V1__Figure Figure;

static struct fleet_hosts hosts;

static int set_up(void **state)
{
    fleet_hosts_init(&hosts);
    return 0;
}

static int tear_down(void **state)
{
    fleet_hosts_finish(&hosts);
    return 0;
}

/* Two bytes are a VM without anything, which takes a hundred times as many here. */
static void test_a_status_unfolds_into_no_more_than_it_may(void **state)
{
    static uint8_t many[STATUS_BYTES];

    for (size_t i = 0; i < sizeof(many); i += 2)
        many[i] = 14 << 3 | 2;
    fleet_hosts_take_status(&hosts, "h1", many, sizeof(many), 1, 1);
    assert_null(fleet_hosts_find(&hosts, "h1"));
    fleet_hosts_take_status(&hosts, "h1", many, 200, 2, 1);
    assert_int_equal(fleet_hosts_find(&hosts, "h1")->status->n_vms, 100);
}

static void fill_vm(VmStatus *vm, Figure figures[FIGURES], Figure *list[FIGURES])
{
    static char text[] = "text";

    vmreclaim__fleet__v1__vm_status__init(vm);
    vm->name = vm->uuid = vm->state = vm->boot_id = vm->policy = vm->alarm = text;
    vm->has_agent = vm->footprint_is_known = true;
    vm->vm_ram = vm->footprint = vm->could_return = 1;
    vm->explanation = (ProtobufCBinaryData){.len = sizeof(text), .data = (uint8_t *)text};
    for (size_t i = 0; i < FIGURES; i++) {
        vmreclaim__fleet__v1__figure__init(&figures[i]);
        figures[i].kind = VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_RETURNED;
        figures[i].value = 1;
        list[i] = &figures[i];
    }
    vm->figures = list;
    vm->n_figures = FIGURES;
}

/* As many VMs as a host names, each with all that there is. */
static void test_the_largest_is_taken(void **state)
{
    static VmStatus vms[VMS];
    static VmStatus *list[VMS];
    static Figure figures[VMS][FIGURES];
    static Figure *figure_lists[VMS][FIGURES];
    HostStatus status = VMRECLAIM__FLEET__V1__HOST_STATUS__INIT;
    uint8_t *packed;
    size_t length;

    for (size_t i = 0; i < VMS; i++) {
        fill_vm(&vms[i], figures[i], figure_lists[i]);
        list[i] = &vms[i];
    }
    status.vms = list;
    status.n_vms = VMS;
    packed = message_pack(&status.base, &length);
    assert_non_null(packed);
    fleet_hosts_take_status(&hosts, "h1", packed, length, 1, 1);
    free(packed);
    assert_non_null(fleet_hosts_find(&hosts, "h1"));
}

/* The others are heard all the same, and it is again when it stops. */
static void test_one_that_says_too_much_is_left_out(void **state)
{
    const uint8_t *empty = (const uint8_t *)"";
    uint64_t sequence = 0;
    struct host_entry *entry;

    for (unsigned i = 0; i < 1000; i++)
        fleet_hosts_take_status(&hosts, "h1", empty, 0, ++sequence, NSEC_PER_SEC);
    entry = fleet_hosts_find(&hosts, "h1");
    assert_in_range(entry->status_sequence, STATUS_BURST, STATUS_BURST + 1);
    fleet_hosts_take_status(&hosts, "h2", empty, 0, ++sequence, NSEC_PER_SEC);
    assert_int_equal(fleet_hosts_find(&hosts, "h2")->heard, NSEC_PER_SEC);
    fleet_hosts_take_status(&hosts, "h1", empty, 0, ++sequence, NSEC_PER_SEC + STATUS_GAP);
    assert_int_equal(entry->status_sequence, sequence);
    fleet_hosts_take_status(&hosts, "h1", empty, 0, ++sequence, NSEC_PER_SEC + STATUS_GAP);
    assert_int_equal(entry->status_sequence, sequence - 1);
    fleet_hosts_take_status(&hosts, "h1", empty, 0, ++sequence, 0); /* the stream had it */
    assert_int_equal(entry->status_sequence, sequence);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_status_unfolds_into_no_more_than_it_may),
        TEST(the_largest_is_taken),
        TEST(one_that_says_too_much_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
