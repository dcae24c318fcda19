/* What two VM files may not both claim. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "controller/vms/claims.h"

static struct vm_definition *define(const char *text, const char *source)
{
    struct vm_definition *definition;

    assert_int_equal(vm_definition_parse(text, strlen(text), source, &definition, NULL), 0);
    return definition;
}

static int check(const char *a, const char *b, struct error *error)
{
    struct vm_definition *definitions[] = {define(a, "a.yaml"), define(b, "b.yaml")};
    struct claimant claimants[] = {{.next = definitions[0]}, {.next = definitions[1]}};

    assert_int_equal(claims_settle(claimants, ARRAY_SIZE(claimants), error), 0);
    assert_false(claimants[0].refused);
    *error = claimants[1].error;
    vm_definition_destroy(definitions[0]);
    vm_definition_destroy(definitions[1]);
    return claimants[1].refused ? -EEXIST : 0;
}

static void test_claims(void **state)
{
    static const struct {
        const char *a, *b;
        const char *message; /* NULL: both may be */
    } pairs[] = {
        {"cid: 5\n", "cid: 6\n", NULL},
        {"cid: 5\n", "cid: 5\n", "b.yaml: cid 5 is already given in a.yaml"},
        {"name: x\ncid: 5\n", "name: x\ncid: 6\n", "name x is already given in a.yaml"},
        {"hypervisor: qemu:/a\n", "hypervisor: qemu:/b\n", NULL},
        {"hypervisor: qemu:/a\n", "qmp: /a\n", "hypervisor qemu:/a is already given"},
        {"agent: unix:/a\n", "agent: unix:/a\n", "agent unix:/a is already given"},
        {"cid: 5\nuuid: 8f0c1d2e-0000-1111-2222-333344445555\n",
         "cid: 6\nuuid: 8F0C1D2E-0000-1111-2222-333344445555\n", "is already given in a.yaml"},
        /* the same text, but not the same thing */
        {"name: unix\ncid: 5\n", "agent: unix:/5\n", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct error error = {""};
        int r = check(pairs[i].a, pairs[i].b, &error);

        assert_int_equal(r, pairs[i].message == NULL ? 0 : -EEXIST);
        if (pairs[i].message != NULL && strstr(error.text, pairs[i].message) == NULL)
            fail_msg("%zu: '%s'", i, error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_claims)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
