/* Leases that are asked for, with a journal that answers when it is told to. */
#include "tests/lib/test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "common/base/number.h"
#include "controller/leases/keeper.h"
#include "controller/leases/requests.h"
#include "controller/vms/life.h"
#include "controller/vms/reading.h"
#include "controller/vms/tick.h"
#include "tests/lib/loop.h"

static uv_loop_t loop;
static struct supervisor supervisor;
static struct lease_keeper keeper;
static int root;

/* ---- the journal ---- */

static lease_written written; /* NULL: nothing is being written */
static void *asker;

static void put(void *userdata, const struct lease *lease, lease_written done, void *who)
{
    assert_null(written);
    written = done;
    asker = who;
}

static void take_out(void *userdata, uint64_t id, lease_written done, void *who)
{
    done(0, NULL, who);
}

static void load(void *userdata, leases_loaded done, void *who)
{
    done(0, NULL, NULL, 0, who);
}

static void answer(void)
{
    lease_written done = written;

    assert_non_null(done);
    written = NULL;
    done(0, NULL, asker);
}

/* ---- the VM ---- */

void __wrap_vm_read_guest(const struct vm *vm, nsec_t now, struct guest_reading *ret_reading);

void __wrap_vm_read_guest(const struct vm *vm, nsec_t now, struct guest_reading *ret_reading)
{
    *ret_reading = (struct guest_reading){.source = READING_AGENT,
                                          .read = now,
                                          .total = GIB,
                                          .free = 800 * MIB,
                                          .available = 900 * MIB};
}

/* As it is with a hypervisor that takes commands. */
static struct vm *make_vm(void)
{
    struct hypervisor_address address;
    struct vm *vm;

    assert_int_equal(vm_create("web1", VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    assert_int_equal(hypervisor_address_parse("qemu:/nowhere", &address, NULL), 0);
    assert_int_equal(registry_set_address(&supervisor.registry, vm, &address, NULL), 0);
    vm->hypervisor.ready = true;
    vm->hypervisor.known = true;
    vm->hypervisor.facts.balloon = ANSWER_YES;
    vm->hypervisor.facts.balloon_actual = GIB;
    vm->hypervisor.facts.balloon_maximum = GIB;
    vm->hypervisor.facts.ram = GIB;
    vm->hypervisor.facts.run_state = RUN_STATE_RUNNING;
    vm->measured.process.directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    vm->measured.guest.received = time_boottime();
    return vm;
}

static int set_up(void **state)
{
    static const struct lease_journal journal = {.put = put, .remove = take_out, .load = load};
    struct error error;

    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    written = NULL;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(supervisor_init(&supervisor, &loop, root, NSEC_PER_SEC), 0);
    assert_int_equal(lease_keeper_init(&keeper, &supervisor, &journal, &error), 0);
    return 0;
}

static int tear_down(void **state)
{
    supervisor_stop(&supervisor);
    loop_finish(&loop);
    lease_keeper_finish(&keeper);
    supervisor_finish(&supervisor);
    close(root);
    return 0;
}

/* ---- tests ---- */

/* A journal that answers while the daemon stops: nothing counts any more, and the VM goes after it.
 */
static void test_the_daemon_stops_while_one_is_written(void **state)
{
    const struct lease_wish wish = {.size = 900 * MIB, .owner = "arbiter"};
    struct vm *vm = make_vm();
    struct lease_asked *asked;
    struct error error;

    assert_int_equal(lease_keeper_set(&keeper, vm, &wish, &asked, &error), 0);
    assert_non_null(asked);
    assert_true(lease_may_release(vm, "arbiter"));
    lease_keeper_stop(&keeper);
    answer();
    assert_false(lease_may_release(vm, "arbiter"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_daemon_stops_while_one_is_written, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
