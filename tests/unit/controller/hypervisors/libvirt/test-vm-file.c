/* VM files whose hypervisor is a domain of libvirt.
 * usage: test-vm-file DRIVERS */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "controller/config/vm-file.h"
#include "controller/hypervisors/table.h"

#define DOMAIN "hypervisor: libvirt:qemu:///system#20B51CFA-0000-4000-8000-000000000001\n"
#define UUID   "20b51cfa-0000-4000-8000-000000000001"

static int parse(const char *text, struct vm_definition **ret_definition, struct error *error)
{
    return vm_definition_parse(text, strlen(text), "web-1.yaml", ret_definition, error);
}

/* Else a domain whose process is found as well would be there twice. */
static void test_the_address_has_the_uuid(void **state)
{
    static const char *const files[] = {DOMAIN, DOMAIN "uuid: " UUID "\n"};

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        struct vm_definition *definition;
        struct error error;

        if (parse(files[i], &definition, &error) < 0)
            fail_msg("%s", error.text);
        assert_string_equal(definition->uuid, UUID);
        vm_definition_destroy(definition);
    }
}

static void test_another_uuid(void **state)
{
    struct vm_definition *definition;
    struct error error;

    assert_int_equal(
        parse(DOMAIN "uuid: 00000000-0000-4000-8000-000000000001\n", &definition, &error), -EINVAL);
    assert_non_null(strstr(error.text, "that of its hypervisor is " UUID));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_address_has_the_uuid),
        cmocka_unit_test(test_another_uuid),
    };

    if (argc != 2)
        return 2;
    driver_set_directory(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
