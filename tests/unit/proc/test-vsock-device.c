/* Who is at the other end of the vsock device, told by its negotiated features. */
#include "tests/lib/test.h"

#include "common/proc/vsock-device.h"
#include "tests/unit/proc/root.h"

#define VHOST       "0000000000000000000000000000110010000000000000000000000000000000\n"
#define FIRECRACKER "0000000000000000000000000000010010010000000000000000000000000000\n"
#define NOT_TAKEN   "0000000000000000000000000000000000000000000000000000000000000000\n"

static void test_features(void **state)
{
    static const struct {
        const char *features;
        enum vsock_device expected;
    } cases[] = {
        {VHOST, VSOCK_DEVICE_KERNEL},
        /* as a legacy device, without VERSION_1 */
        {"0000000000000000000000000000110000000000000000000000000000000000\n", VSOCK_DEVICE_KERNEL},
        {FIRECRACKER, VSOCK_DEVICE_PROCESS},
        /* Cloud Hypervisor, where the guest's kernel does not know IN_ORDER */
        {"0000000000000000000000000000000010000000000000000000000000000000\n",
         VSOCK_DEVICE_PROCESS},
        /* vhost-device-vsock */
        {"0000000000000000000000001000010010000000000000000000000000000000\n",
         VSOCK_DEVICE_PROCESS},
        /* a kernel that shows 128 features */
        {"0000000000000000000000000000000010000000000000000000000000000000"
         "0000000000000000000000000000000000000000000000000000000000000000\n",
         VSOCK_DEVICE_PROCESS},
        {NOT_TAKEN, VSOCK_DEVICE_NONE},
        {"0000000000000000000000000000110\n", VSOCK_DEVICE_NONE},
        {"000000000000000000000000000000001", VSOCK_DEVICE_PROCESS},
        {"00000000000000000000000000000000\n", VSOCK_DEVICE_NONE},
        {"", VSOCK_DEVICE_NONE},
        {"unreadable, and long enough to have every bit\n", VSOCK_DEVICE_NONE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (vsock_device_of_features(cases[i].features) != cases[i].expected)
            fail_msg("%s", cases[i].features);
}

static void test_no_bus(void **state)
{
    assert_int_equal(vsock_device_find(fixture.root), VSOCK_DEVICE_NONE);
    fixture_directory(&fixture, "sys/bus/virtio/devices");
    assert_int_equal(vsock_device_find(fixture.root), VSOCK_DEVICE_NONE);
}

static void test_only_vsock_devices_count(void **state)
{
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio0/device", "0x0005\n");
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio0/features", FIRECRACKER);
    assert_int_equal(vsock_device_find(fixture.root), VSOCK_DEVICE_NONE);
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio120/device", "0x0013\n");
    assert_int_equal(vsock_device_find(fixture.root), VSOCK_DEVICE_NONE);
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio120/features", FIRECRACKER);
    assert_int_equal(vsock_device_find(fixture.root), VSOCK_DEVICE_PROCESS);
}

/* sysfs has links there. */
static void test_links_are_followed(void **state)
{
    fixture_write(&fixture, "sys/devices/pci/virtio1/device", "0x0013\n");
    fixture_write(&fixture, "sys/devices/pci/virtio1/features", VHOST);
    fixture_link(&fixture, "sys/bus/virtio/devices/virtio1", "../../../devices/pci/virtio1");
    assert_int_equal(vsock_device_find(fixture.root), VSOCK_DEVICE_KERNEL);
}

/* Linux drives one; which of two that is does not matter to the stricter rule. */
static void test_the_stricter_of_two_counts(void **state)
{
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio1/device", "0x0013\n");
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio1/features", FIRECRACKER);
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio2/device", "0x0013\n");
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio2/features", VHOST);
    assert_int_equal(vsock_device_find(fixture.root), VSOCK_DEVICE_KERNEL);
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio1/features", VHOST);
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio2/features", FIRECRACKER);
    assert_int_equal(vsock_device_find(fixture.root), VSOCK_DEVICE_KERNEL);
}

int main(void)
{
#define with_root(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features),
        with_root(test_no_bus),
        with_root(test_only_vsock_devices_count),
        with_root(test_links_are_followed),
        with_root(test_the_stricter_of_two_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
