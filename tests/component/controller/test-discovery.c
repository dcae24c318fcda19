/* VMs that a driver reports by itself, as libvirt's does: the real vmreclaimd, with a driver whose
 * discovery is scripted. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WEB "web-1 11111111-2222-3333-4444-555555555555 tier=web\n"
#define DB  "db-1 11111111-2222-3333-4444-666666666666\n"

static const char *modules; /* where the scripted driver is */

/* What runs from now on; as a whole, since the driver reads it at any time. */
static void run(const struct fixture *f, const char *script)
{
    put(f, "script.new", script);
    assert_int_equal(renameat(f->root, "script.new", f->root, "script"), 0);
}

static void start(struct fixture *f)
{
    char *more[] = {text("--libvirt"), NULL, text("--drivers"), (char *)modules, NULL};
    char place[128];

    snprintf(place, sizeof(place), "%s/script", f->directory);
    more[1] = place;
    start_daemon(f, more);
    connect_api(f);
}

static bool is_ready(struct fixture *f, const char *name)
{
    return get_vm(f, name) != NULL && driver_says(f, name, "is not seen here");
}

static bool is_labelled(struct fixture *f, const char *name, const char *label)
{
    const Vm *vm = get_vm(f, name);

    return vm != NULL && vm->n_labels == 1 && strcmp(vm->labels[0], label) == 0;
}

static void test_what_runs_is_found(void **state)
{
    struct fixture *f = *state;

    run(f, WEB DB);
    start(f);
    wait_for(f, is_ready(f, "web-1") && is_ready(f, "db-1"));
    assert_true(is_labelled(f, "web-1", "tier=web"));
    assert_string_equal(get_vm(f, "web-1")->uuid, "11111111-2222-3333-4444-555555555555");
    assert_string_equal(get_vm(f, "web-1")->driver, "libvirt");
    assert_int_equal(get_vm(f, "db-1")->n_labels, 0);
}

static void test_they_come_and_go(void **state)
{
    struct fixture *f = *state;

    run(f, WEB);
    start(f);
    wait_for(f, is_ready(f, "web-1"));
    run(f, DB);
    wait_for(f, is_ready(f, "db-1"));
    assert_null(get_vm(f, "web-1"));
    run(f, "");
    wait_for(f, get_vm(f, "db-1") == NULL);
}

static void test_labels_change(void **state)
{
    struct fixture *f = *state;

    run(f, WEB);
    start(f);
    wait_for(f, is_ready(f, "web-1") && is_labelled(f, "web-1", "tier=web"));
    run(f, "web-1 11111111-2222-3333-4444-555555555555 tier=db\n");
    wait_for(f, is_labelled(f, "web-1", "tier=db"));
    run(f, "web-1 11111111-2222-3333-4444-555555555555\n");
    wait_for(f, get_vm(f, "web-1")->n_labels == 0);
}

/* Its daemon is away: nobody says that they are gone. When it is back, who is not there is. */
static void test_the_finder_is_away(void **state)
{
    struct fixture *f = *state;

    run(f, WEB DB);
    start(f);
    wait_for(f, is_ready(f, "web-1") && is_ready(f, "db-1"));
    assert_int_equal(unlinkat(f->root, "script", 0), 0);
    wait_for(f, log_has(f, "the script's daemon is away"));
    assert_true(is_ready(f, "web-1") && is_ready(f, "db-1"));
    run(f, DB);
    wait_for(f, get_vm(f, "web-1") == NULL);
    assert_true(is_ready(f, "db-1"));
}

/* It was away from the start, and is found when it comes. */
static void test_the_finder_comes_later(void **state)
{
    struct fixture *f = *state;

    start(f);
    wait_for(f, log_has(f, "the script's daemon is away"));
    run(f, WEB);
    wait_for(f, is_ready(f, "web-1"));
}

/* One VM, by its UUID, called as its file says. */
static void test_a_file_of_one_that_is_found(void **state)
{
    struct fixture *f = *state;

    run(f, WEB);
    put(f, "vms/shop.yaml",
        "uuid: 11111111-2222-3333-4444-555555555555\n"
        "hypervisor: libvirt:web-1\n");
    start(f);
    wait_for(f, is_ready(f, "shop"));
    wait_for(f, is_labelled(f, "shop", "tier=web"));
    assert_null(get_vm(f, "web-1"));
    run(f, ""); /* its file stays, and so does it */
    run(f, WEB);
    wait_for(f, is_ready(f, "shop"));
}

/* libvirt is there and nobody configured it: the daemon does without, and says so. */
static void test_a_driver_that_is_not_installed(void **state)
{
    struct fixture *f = *state;
    char *more[] = {text("--drivers"), f->directory, NULL};

    assert_int_equal(mkdirat(f->root, "run", 0755), 0);
    assert_int_equal(mkdirat(f->root, "run/libvirt", 0755), 0);
    put(f, "run/libvirt/virtqemud-sock", "");
    start_daemon(f, more);
    connect_api(f);
    wait_for(f, log_has(f, "libvirt's domains are not shown"));
}

#define discovery_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        discovery_test(test_what_runs_is_found),
        discovery_test(test_they_come_and_go),
        discovery_test(test_labels_change),
        discovery_test(test_the_finder_is_away),
        discovery_test(test_the_finder_comes_later),
        discovery_test(test_a_file_of_one_that_is_found),
        discovery_test(test_a_driver_that_is_not_installed),
    };

    if (argc != 3)
        return 2;
    program = argv[1];
    modules = argv[2];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
