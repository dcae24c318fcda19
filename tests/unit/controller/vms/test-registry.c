/* What VMs are found by. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/vms/registry.h"

#define UUID  "8f0c1d2e-0000-1111-2222-333344445555"
#define OTHER "8f0c1d2e-0000-1111-2222-333344446666"

static struct registry registry;

static struct vm *add(const char *name)
{
    struct vm *vm;

    assert_int_equal(vm_create(name, VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(registry_add(&registry, vm, NULL), 0);
    return vm;
}

static struct hypervisor_address address_of(const char *text)
{
    struct hypervisor_address address;

    assert_int_equal(hypervisor_address_parse(text, &address, NULL), 0);
    return address;
}

static int set_up(void **state)
{
    registry_init(&registry);
    return 0;
}

static int tear_down(void **state)
{
    list_for_each_safe (link, following, &registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        registry_remove(&registry, vm);
        vm_destroy(vm);
    }
    registry_finish(&registry);
    return 0;
}

static void test_found_by_everything(void **state)
{
    const struct hypervisor_address address = address_of("qemu:/run/a.qmp");
    struct vm *vm = add("a");
    struct vm *found = NULL;

    assert_int_equal(registry_set_uuid(&registry, vm, UUID, NULL), 0);
    assert_int_equal(registry_set_cid(&registry, vm, 7, NULL), 0);
    assert_int_equal(registry_set_address(&registry, vm, &address, NULL), 0);
    assert_ptr_equal(registry_find_name(&registry, "a"), vm);
    assert_ptr_equal(registry_find_uuid(&registry, UUID), vm);
    assert_ptr_equal(registry_find_cid(&registry, 7), vm);
    assert_ptr_equal(registry_find_address(&registry, &address), vm);
    assert_int_equal(registry_find(&registry, "cid:7", &found, NULL), 0);
    assert_ptr_equal(found, vm);
    assert_int_equal(registry_find(&registry, UUID, &found, NULL), 0);
}

/* The names in order, with one blank behind each. */
static const char *names_after(const char *name)
{
    static char text[256];
    const struct vm_order *order = &registry.in_order;
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = vm_order_after(order, name); i < order->count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ", order->vms[i]->name);
    return text;
}

static void test_in_the_order_of_names(void **state)
{
    struct vm *vm = add("b");

    add("d");
    add("a");
    assert_string_equal(names_after(""), "a b d ");
    assert_string_equal(names_after("b"), "d ");
    assert_string_equal(names_after("c"), "d "); /* which is gone */
    assert_string_equal(names_after("d"), "");
    assert_int_equal(registry_set_name(&registry, vm, "e", NULL), 0);
    assert_string_equal(names_after(""), "a d e ");
    registry_remove(&registry, vm);
    vm_destroy(vm);
    assert_string_equal(names_after(""), "a d ");
}

/* By what it was called before it is found no more. */
static void test_changed_identities(void **state)
{
    const struct hypervisor_address none = {0};
    const struct hypervisor_address address = address_of("qemu:/run/a.qmp");
    struct vm *vm = add("a");

    assert_int_equal(registry_set_uuid(&registry, vm, UUID, NULL), 0);
    assert_int_equal(registry_set_uuid(&registry, vm, OTHER, NULL), 0);
    assert_null(registry_find_uuid(&registry, UUID));
    assert_ptr_equal(registry_find_uuid(&registry, OTHER), vm);
    assert_int_equal(registry_set_uuid(&registry, vm, "", NULL), 0);
    assert_null(registry_find_uuid(&registry, OTHER));
    assert_int_equal(registry_set_cid(&registry, vm, 7, NULL), 0);
    assert_int_equal(registry_set_cid(&registry, vm, 0, NULL), 0);
    assert_null(registry_find_cid(&registry, 7));
    assert_int_equal(registry_set_address(&registry, vm, &address, NULL), 0);
    assert_int_equal(registry_set_address(&registry, vm, &none, NULL), 0);
    assert_null(registry_find_address(&registry, &address));
    assert_int_equal(registry_set_name(&registry, vm, "b", NULL), 0);
    assert_null(registry_find_name(&registry, "a"));
    assert_ptr_equal(registry_find_name(&registry, "b"), vm);
}

static void test_what_another_vm_has(void **state)
{
    const struct hypervisor_address address = address_of("qemu:/run/a.qmp");
    struct vm *vm = add("a");
    struct vm *other = add("b");
    struct vm *twin;
    struct error error;

    assert_int_equal(registry_set_uuid(&registry, vm, UUID, NULL), 0);
    assert_int_equal(registry_set_cid(&registry, vm, 7, NULL), 0);
    assert_int_equal(registry_set_address(&registry, vm, &address, NULL), 0);
    assert_int_equal(registry_set_uuid(&registry, other, UUID, &error), -EEXIST);
    assert_non_null(strstr(error.text, "already that of VM 'a'"));
    assert_int_equal(registry_set_cid(&registry, other, 7, &error), -EEXIST);
    assert_int_equal(registry_set_address(&registry, other, &address, &error), -EEXIST);
    assert_string_equal(error.text, "hypervisor qemu:/run/a.qmp is already that of VM 'a'");
    assert_int_equal(registry_set_name(&registry, other, "a", &error), -EEXIST);
    assert_int_equal(vm_create("a", VM_SOURCE_FILE, &twin), 0);
    assert_int_equal(registry_add(&registry, twin, &error), -EEXIST);
    vm_destroy(twin);
    /* Its own it may take again. */
    assert_int_equal(registry_set_cid(&registry, vm, 7, NULL), 0);
    assert_int_equal(registry_set_address(&registry, vm, &address, NULL), 0);
}

static void test_the_nearest_name_is_offered(void **state)
{
    struct vm *found;
    struct error error;

    (void)add("web-1");
    assert_int_equal(registry_find(&registry, "wbe-1", &found, &error), -ENOENT);
    assert_non_null(strstr(error.text, "did you mean 'web-1'?"));
    assert_int_equal(registry_find(&registry, "cid:99999999999", &found, &error), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found_by_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_the_order_of_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changed_identities, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_another_vm_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_nearest_name_is_offered, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
