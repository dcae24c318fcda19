/* Whom an agent that dials in is taken for, and who vouches for it. */
#include "tests/unit/controller/vms/links-fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/vms/announce.h"

static void test_an_unannounced_agent_is_only_observed(void **state)
{
    struct fixture *f = *state;
    struct policy policy;
    struct error error;
    struct vm *vm;

    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "cid-7");
    assert_non_null(vm);
    wait_for(f, vm->measured.guest.received != 0);
    assert_false(vm->announced);
    assert_int_equal(vm->life.state, VM_CONNECTED);
    assert_int_equal(vm_may_command(vm, &error), -EPERM);
    assert_non_null(strstr(error.text, "no hypervisor vouches for CID 7"));
    policy_init(&policy, POLICY_BALANCED);
    assert_int_equal(policy_assign(vm, &policy), 0);
    wait_for(f, f->agents[0].sequence > 3);
    assert_int_equal(f->agents[0].policies, 0);
    assert_int_equal(f->agents[0].lowest_order, -1);
    /* It goes with its connection. */
    fake_agent_drop(&f->agents[0]);
    wait_for(f, vm_named(f, "cid-7") == NULL);
    assert_int_equal(f->supervisor.unannounced_count, 0);
}

static void test_a_file_alone_does_not_vouch(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    define(f, "cid: 7\n");
    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "web-1");
    wait_for(f, vm->measured.guest.received != 0);
    assert_int_equal(f->supervisor.registry.count, 1);
    assert_false(vm->announced);
}

/* Whoever has the CID of the file is not who is behind the path of the file. */
static void test_a_link_is_trusted_by_how_it_came(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct vm *vm;

    define(f, "cid: 7\nagent: unix:/nowhere/agent\n");
    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "web-1");
    wait_for(f, vm->measured.guest.received != 0);
    assert_false(vm->announced);
    assert_int_equal(vm_may_command(vm, &error), -EPERM);
    assert_int_equal(f->agents[0].lowest_order, -1);
}

static void test_the_path_vouches_for_who_is_behind_it(void **state)
{
    struct fixture *f = *state;
    char directory[] = "/dev/shm/vmreclaim-test-XXXXXX";
    char address[128];
    char text[192];
    struct vm *vm;

    assert_non_null(mkdtemp(directory));
    snprintf(address, sizeof(address), "unix:%s/agent", directory);
    assert_int_equal(fake_agent_listen(&f->agents[0], address), 0);
    snprintf(text, sizeof(text), "cid: 7\nagent: %s\n", address);
    define(f, text);
    vm = vm_named(f, "web-1");
    vm_links_visit(vm, time_boottime());
    wait_for(f, vm->measured.guest.received != 0);
    assert_true(vm->announced);
    /* It went; another comes by the CID. */
    listener_destroy(f->agents[0].listener);
    f->agents[0].listener = NULL;
    assert_int_equal(rmdir(directory), 0);
    fake_agent_drop(&f->agents[0]);
    wait_for(f, vm->links.agent == NULL);
    assert_false(vm->announced);
    vm->links.standing.not_before = 0;
    dial_in(f, &f->agents[1], 7, 600);
    wait_for(f, f->agents[1].watch != NULL && vm->agent.info.boot_id[0] != '\0');
    assert_false(vm->announced);
    assert_int_equal(f->agents[1].lowest_order, -1);
}

static void test_a_file_takes_over_an_unannounced_agent(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    dial_in(f, &f->agents[0], 7, 600);
    wait_for(f, vm_named(f, "cid-7")->measured.guest.received != 0);
    define(f, "cid: 7\n");
    assert_null(vm_named(f, "cid-7"));
    vm = vm_named(f, "web-1");
    assert_non_null(vm->links.agent);
    assert_int_equal(f->agents[0].connections, 1);
    wait_for(f, vm->measured.guest.sequence > 2);
}

static void test_vms_may_exchange_all_they_are_known_by(void **state)
{
    static const char *const texts[] = {
        "cid: 7\nuuid: 11111111-1111-1111-1111-111111111111\nhypervisor: qemu:/nowhere/a\n",
        "cid: 8\nuuid: 22222222-2222-2222-2222-222222222222\nhypervisor: qemu:/nowhere/b\n",
    };
    const char *const before[] = {"vms/a.yaml", texts[0], "vms/b.yaml", texts[1], NULL};
    const char *const after[] = {"vms/a.yaml", texts[1], "vms/b.yaml", texts[0], NULL};
    const char *const none[] = {NULL};
    struct fixture *f = *state;
    const struct registry *registry = &f->supervisor.registry;

    assert_int_equal(define_all(f, before)->count, 0);
    assert_int_equal(define_all(f, after)->count, 0);
    assert_string_equal(registry_find_cid(registry, 8)->name, "a");
    assert_string_equal(registry_find_cid(registry, 7)->name, "b");
    assert_string_equal(vm_named(f, "a")->address.text, "qemu:/nowhere/b");
    assert_string_equal(vm_named(f, "b")->uuid, "11111111-1111-1111-1111-111111111111");
    assert_int_equal(registry->count, 2);
    assert_int_equal(define_all(f, none)->count, 0);
    assert_int_equal(registry->count, 0);
}

/* The guest behind another CID is another one, and whoever vouched did so for the first. */
static void test_who_gets_another_address_must_be_vouched_for_again(void **state)
{
    static const char *const changed[] = {
        "cid: 8\nhypervisor: qemu:/nowhere/web-1.qmp\n",
        "cid: 7\nhypervisor: qemu:/nowhere/web-2.qmp\n",
        "cid: 8\n",
        "hypervisor: qemu:/nowhere/web-2.qmp\n",
    };
    struct fixture *f = *state;
    struct error error;

    for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
        struct vm *vm = start_vouched(f);

        define(f, changed[i]);
        assert_ptr_equal(vm_named(f, "web-1"), vm);
        assert_null(vm->links.agent);
        assert_false(vm->announced);
        assert_int_equal(vm->hypervisor.facts_next, 0);
        wait_for(f, f->agents[0].connection == NULL);
        if (vm->cid == 0)
            continue;
        dial_in(f, &f->agents[1], vm->cid, 601);
        wait_for(f, f->agents[1].watch != NULL && vm->agent.info.boot_id[0] != '\0');
        assert_int_equal(vm_may_command(vm, &error), -EPERM);
        assert_int_equal(f->agents[1].lowest_order, -1);
        vm_links_drop(vm, "the test says so");
        wait_for(f, f->agents[1].connection == NULL);
    }
}

static void test_another_label_does_not_disturb(void **state)
{
    struct fixture *f = *state;
    struct vm *vm = start_vouched(f);
    struct error error;

    define(f, "cid: 7\nhypervisor: qemu:/nowhere/web-1.qmp\nlabels: [rack=7]\n");
    assert_non_null(vm->links.agent);
    assert_int_equal(vm_may_command(vm, &error), 0);
    assert_int_equal(vm->hypervisor.facts_next, 0);
}

/* Who dialled in by the CID is not who is behind the path that was vouched for. */
static void test_a_path_that_goes_takes_its_word_along(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    define(f, "cid: 7\nagent: unix:/nowhere/agent\n");
    vm = vm_named(f, "web-1");
    vm->announced = true;
    define(f, "cid: 7\n");
    assert_false(vm->announced);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_supervisor(test_an_unannounced_agent_is_only_observed),
        with_supervisor(test_a_file_alone_does_not_vouch),
        with_supervisor(test_a_link_is_trusted_by_how_it_came),
        with_supervisor(test_the_path_vouches_for_who_is_behind_it),
        with_supervisor(test_a_file_takes_over_an_unannounced_agent),
        with_supervisor(test_vms_may_exchange_all_they_are_known_by),
        with_supervisor(test_who_gets_another_address_must_be_vouched_for_again),
        with_supervisor(test_another_label_does_not_disturb),
        with_supervisor(test_a_path_that_goes_takes_its_word_along),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
