/* Addresses of hypervisors and the table of drivers. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/hypervisors/hypervisors.h"
#include "controller/hypervisors/table.h"

static const struct driver *find(const char *name)
{
    const struct driver *driver = NULL;

    assert_int_equal(driver_find(name, &driver, NULL), 0);
    return driver;
}

static void test_an_address_and_its_parts(void **state)
{
    struct hypervisor_address address = {0};
    struct error error;

    assert_string_equal(hypervisor_address_where(&address), "");
    assert_int_equal(hypervisor_address_parse("qemu:/run/a.qmp", &address, &error), 0);
    assert_ptr_equal(address.driver, find("qemu"));
    assert_string_equal(address.text, "qemu:/run/a.qmp");
    assert_string_equal(hypervisor_address_where(&address), "/run/a.qmp");
}

/* One hypervisor is one VM, whatever the driver was called when somebody wrote its address down. */
static void test_an_older_name_is_todays(void **state)
{
    struct hypervisor_address address;
    struct error error;

    assert_int_equal(hypervisor_address_parse("qmp:/run/a.qmp", &address, &error), 0);
    assert_string_equal(address.text, "qemu:/run/a.qmp");
    assert_int_equal(hypervisor_address_join("qmp", "/run/b.qmp", &address, &error), 0);
    assert_string_equal(address.text, "qemu:/run/b.qmp");
}

static void test_wrong_addresses(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } addresses[] = {
        {"", "not of the form DRIVER:WHERE"},
        {":/run/a", "not of the form DRIVER:WHERE"},
        {"/run/a.qmp", "not of the form DRIVER:WHERE"},
        {"xen:3", "there is no driver 'xen'; built in are qemu"},
        {"qemu:run/a.qmp", "'run/a.qmp' is not the absolute path of a QMP socket"},
    };
    struct hypervisor_address address = {.text = "untouched"};
    char text[256] = "qemu:/";

    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        struct error error = {""};

        assert_int_equal(hypervisor_address_parse(addresses[i].text, &address, &error), -EINVAL);
        if (strstr(error.text, addresses[i].message) == NULL)
            fail_msg("'%s' gave '%s'", addresses[i].text, error.text);
    }
    memset(text + 6, 'x', sizeof(text) - 7);
    assert_int_equal(hypervisor_address_parse(text, &address, NULL), -EINVAL);
    assert_string_equal(address.text, "untouched");
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(close(descriptor), 0);
}

static void make_file(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

/* What is no socket, hidden or called otherwise is no VM. */
static void test_a_place(void **state)
{
    static const char *const sockets[] = {"web-2.sock", "web-1.qmp", "agent", ".x.qmp"};
    char directory[] = "/tmp/vmreclaim-test-place-XXXXXX";
    struct hypervisor_address *found;
    struct hypervisor_address place;
    struct error error;
    char text[64];
    char name[16];
    size_t count;

    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
        make_socket(sockets[i]);
    make_file("file.qmp");
    snprintf(text, sizeof(text), "qmp:%s", directory);
    assert_int_equal(hypervisor_place_parse(text, &place, &error), 0);
    assert_int_equal(hypervisor_place_find(&place, &found, &count, &error), 0);
    assert_int_equal(count, 2);
    assert_string_equal(hypervisor_address_where(&found[1]) + strlen(directory), "/web-2.sock");
    found[0].driver->suggest_name(hypervisor_address_where(&found[0]), name, sizeof(name));
    assert_string_equal(name, "web-1");
    free(found);
    for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
        assert_int_equal(unlink(sockets[i]), 0);
    assert_int_equal(unlink("file.qmp"), 0);
    assert_int_equal(rmdir(directory), 0);
    /* A directory that is not there says nothing about the VMs in it. */
    assert_int_equal(hypervisor_place_find(&place, &found, &count, &error), -ENOENT);
    assert_int_equal(hypervisor_place_parse("qemu:run", &place, &error), -EINVAL);
    assert_int_equal(hypervisor_place_parse("/run", &place, &error), -EINVAL);
}

/* Where a socket is may tell that other tools need it. */
static void test_sockets_of_others(void **state)
{
    static const struct {
        const char *path;
        const char *owner;
    } sockets[] = {
        {"/var/run/qemu-server/100.qmp", NULL},
        {"/run/qemu-server/100.qmp", NULL}, /* shared, see below */
        {"/var/lib/libvirt/qemu/domain-1-web/monitor.sock", "libvirt"},
        {"/run/incus/web/qemu.monitor", "Incus or LXD"},
        {"/var/lib/libvirt/qemu/web.qmp", NULL}, /* the only place where AppArmor lets one be */
        {"/run/qemu-server/100.vnc", NULL},
        {"/run/vmreclaim/100.qmp", NULL},
    };
    const struct driver *driver = find("qemu");

    for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
        const char *owner = driver->owner(sockets[i].path);

        if (sockets[i].owner == NULL)
            assert_null(owner);
        else
            assert_string_equal(owner, sockets[i].owner);
    }
}

/* A file's name is any bytes; what is said of it is text. */
static void test_names_of_sockets(void **state)
{
    static const struct {
        const char *where;
        const char *name;
    } cases[] = {
        {"/run/web 1.qmp", "web 1"},
        {"/run/Stra\xc3\x9f"
         "e.qmp",
         "Stra\xc3\x9f"
         "e"},
        {"/run/Stra\xdf"
         "e.qmp",
         "Stra?e"},
        {"/run/aaaaaaaaaa\xc3\xa4.qmp", "aaaaaaaaaa"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char name[12];

        find("qemu")->suggest_name(cases[i].where, name, sizeof(name));
        assert_string_equal(name, cases[i].name);
    }
}

/* Who wraps another names it behind what it does to it. */
static void test_addresses_of_wrapped_drivers(void **state)
{
    static const struct {
        const char *address;
        const char *words; /* of the refusal; NULL: it is taken */
    } cases[] = {
        {"null:web-1", NULL},
        {"slow:200ms:null:web-1", NULL},
        {"slow:200ms:failing:hang:qemu:/run/web.qmp", NULL},
        {"null:", "not the name of a VM"},
        {"slow:null:web-1", "not of the form"},
        {"slow:2h:null:web-1", "at most 60s"},
        {"failing:sometimes:null:web-1", "refuse, hang, close, taken"},
        {"failing:hang", "HOW:ADDRESS"},
        {"failing:hang:qemu:web", "absolute path"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct hypervisor_address address;
        struct error error = {""};
        int r = hypervisor_address_parse(cases[i].address, &address, &error);

        assert_int_equal(r, cases[i].words == NULL ? 0 : -EINVAL);
        if (cases[i].words != NULL && strstr(error.text, cases[i].words) == NULL)
            fail_msg("%s: %s", cases[i].address, error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_and_its_parts),
        cmocka_unit_test(test_an_older_name_is_todays),
        cmocka_unit_test(test_wrong_addresses),
        cmocka_unit_test(test_addresses_of_wrapped_drivers),
        cmocka_unit_test(test_sockets_of_others),
        cmocka_unit_test(test_names_of_sockets),
        cmocka_unit_test(test_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
