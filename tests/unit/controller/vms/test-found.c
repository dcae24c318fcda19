/* Hypervisors that were found, by one and by several. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controller/vms/found.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/sources.h"
#include "controller/vms/tick.h"
#include "tests/lib/fixture.h"

#define UUID  "11111111-2222-3333-4444-555555555555"
#define OTHER "99999999-2222-3333-4444-555555555555"

static uv_loop_t loop;
static struct supervisor supervisor;
static struct fixture files;

static int set_up(void **state)
{
    fixture_init(&files);
    if (uv_loop_init(&loop) < 0 ||
        supervisor_init(&supervisor, &loop, files.root, NSEC_PER_SEC) < 0)
        return -1;
    return 0;
}

static int tear_down(void **state)
{
    supervisor_stop(&supervisor);
    uv_run(&loop, UV_RUN_DEFAULT);
    supervisor_finish(&supervisor);
    assert_int_equal(uv_loop_close(&loop), 0);
    fixture_finish(&files);
    return 0;
}

static size_t count(void)
{
    return supervisor.registry.count;
}

static struct vm *named(const char *name)
{
    struct vm *vm = registry_find_name(&supervisor.registry, name);

    if (vm == NULL)
        fail_msg("there is no VM %s", name);
    return vm;
}

static void find(enum finder finder, const char *address, const char *name, const char *uuid,
                 pid_t pid)
{
    struct finding finding = {.start_time = (uint64_t)pid * 10, .problem = "nobody can ask it"};
    struct error error = {""};

    if (address != NULL && hypervisor_address_parse(address, &finding.address, &error) < 0)
        fail_msg("%s", error.text);
    snprintf(finding.vm.name, sizeof(finding.vm.name), "%s", name);
    snprintf(finding.vm.uuid, sizeof(finding.vm.uuid), "%s", uuid);
    finding.vm.pid = pid;
    assert_int_equal(vms_found(&supervisor, finder, &finding, &error), 0);
}

static void test_one_by_its_address(void **state)
{
    find(FINDER_DIRECTORY, "qemu:/run/web.qmp", "", "", 0);
    find(FINDER_PROCESSES, "qemu:/run/web.qmp", "other", UUID, 7);
    assert_int_equal(count(), 1);
    assert_string_equal(named("web")->uuid, UUID);
    assert_int_equal(named("web")->found.by, FINDER_DIRECTORY | FINDER_PROCESSES);
}

/* Nobody but who reads the processes' files knows whose the balloon is. */
static void test_who_moves_its_balloon(void **state)
{
    struct finding finding = {.vm = {.name = "web", .pid = 7, .balloon_owner = "a manager"}};
    struct error error;

    assert_int_equal(vms_found(&supervisor, FINDER_PROCESSES, &finding, &error), 0);
    find(FINDER_PLACE, "null:web", "web", UUID, 7);
    assert_string_equal(vm_balloon_owner(named("web")), "a manager");
    finding.vm.balloon_owner[0] = '\0';
    assert_int_equal(vms_found(&supervisor, FINDER_PROCESSES, &finding, &error), 0);
    assert_string_equal(vm_balloon_owner(named("web")), "");
}

static void test_one_by_its_uuid(void **state)
{
    find(FINDER_PROCESSES, NULL, "web", UUID, 7);
    assert_string_equal(vm_hypervisor_condition(named("web")), "nobody can ask it");
    find(FINDER_PLACE, "null:web", "web", UUID, 7);
    assert_int_equal(count(), 1);
    assert_string_equal(named("web")->address.text, "null:web");
    assert_int_equal(named("web")->found.by, FINDER_PLACE | FINDER_PROCESSES);
}

static void test_one_by_its_process(void **state)
{
    find(FINDER_PROCESSES, NULL, "web", "", 7);
    find(FINDER_PLACE, "null:web", "web", UUID, 7);
    assert_int_equal(count(), 1);
    assert_string_equal(named("web")->address.text, "null:web");
}

static void test_one_by_its_socket(void **state)
{
    char address[160];

    fixture_write(&files, "run/web.qmp", "");
    fixture_link(&files, "var", "run");
    snprintf(address, sizeof(address), "qemu:%s/run/web.qmp", files.path);
    find(FINDER_DIRECTORY, address, "web", "", 0);
    snprintf(address, sizeof(address), "qemu:%s/var/web.qmp", files.path);
    find(FINDER_PROCESSES, address, "web", "", 7);
    assert_int_equal(count(), 1);
    assert_int_equal(named("web")->found.by, FINDER_DIRECTORY | FINDER_PROCESSES);
}

/* Somebody copied a VM with its UUID. */
static void test_two_processes_are_two(void **state)
{
    find(FINDER_PROCESSES, "qemu:/run/a.qmp", "a", UUID, 7);
    find(FINDER_PROCESSES, "qemu:/run/b.qmp", "b", UUID, 8);
    assert_int_equal(count(), 2);
    assert_string_equal(named("a")->uuid, UUID);
    assert_string_equal(named("b")->uuid, "");
}

/* What others are known to hold is the last that is tried. */
static void test_the_best_way_to_reach_it(void **state)
{
    find(FINDER_PROCESSES, "qemu:/var/lib/libvirt/qemu/domain-1-web/monitor.sock", "web", UUID, 7);
    find(FINDER_DIRECTORY, "qemu:/run/web.qmp", "web", UUID, 0);
    assert_int_equal(count(), 1);
    assert_string_equal(named("web")->address.text, "qemu:/run/web.qmp");
    find(FINDER_PROCESSES, "qemu:/var/lib/libvirt/qemu/domain-1-web/monitor.sock", "web", UUID, 7);
    assert_string_equal(named("web")->address.text, "qemu:/run/web.qmp");
}

static void test_what_a_file_says_stays(void **state)
{
    static const char text[] = "uuid: " UUID "\nhypervisor: qemu:/run/mine.qmp\n";
    struct vm_definition *definition;
    struct vm_files read = {.definitions = &definition, .count = 1};
    struct problems problems = {.count = 0};

    assert_int_equal(vm_definition_parse(text, sizeof(text) - 1, "vms/web.yaml", &definition, NULL),
                     0);
    supervisor_define(&supervisor, &read, &problems);
    find(FINDER_PROCESSES, "qemu:/run/other.qmp", "x", UUID, 7);
    assert_int_equal(count(), 1);
    assert_string_equal(named("web")->address.text, "qemu:/run/mine.qmp");
}

static void test_it_goes_with_its_last_finder(void **state)
{
    find(FINDER_PROCESSES, "qemu:/run/a.qmp", "a", "", 7);
    find(FINDER_DIRECTORY, "qemu:/run/a.qmp", "a", "", 0);
    find(FINDER_PROCESSES, "qemu:/run/b.qmp", "b", "", 8);
    vms_found_all(&supervisor, FINDER_PROCESSES);
    vms_found_all(&supervisor, FINDER_DIRECTORY);
    assert_int_equal(count(), 2);
    /* The process of `a` is not told again. */
    find(FINDER_PROCESSES, "qemu:/run/b.qmp", "b", "", 8);
    vms_found_all(&supervisor, FINDER_PROCESSES);
    assert_int_equal(count(), 2);
    assert_int_equal(named("a")->found.by, FINDER_DIRECTORY);
    vm_found_gone(named("a"), FINDER_DIRECTORY);
    assert_int_equal(count(), 1);
    vms_found_all(&supervisor, FINDER_PROCESSES);
    assert_int_equal(count(), 0);
}

/* A finder that was interrupted: what it reported before says nothing of what is there now. */
static void test_what_went_while_nobody_looked(void **state)
{
    find(FINDER_PLACE, "null:a", "a", "", 0);
    find(FINDER_PLACE, "null:b", "b", "", 0);
    vms_found_all(&supervisor, FINDER_PLACE);
    find(FINDER_PLACE, "null:a", "a", UUID, 0); /* more is known of it */
    vms_found_anew(&supervisor, FINDER_PLACE);
    assert_int_equal(count(), 2);
    find(FINDER_PLACE, "null:b", "b", "", 0);
    vms_found_all(&supervisor, FINDER_PLACE);
    assert_int_equal(count(), 1);
    assert_non_null(named("b"));
}

static void test_names_that_are_none(void **state)
{
    find(FINDER_PROCESSES, NULL, "Windows 11 (old)", "", 7);
    find(FINDER_PROCESSES, NULL, "", "", 8);
    assert_int_equal(count(), 2);
    assert_non_null(named("Windows-11--old-"));
    assert_non_null(named("pid-8"));
}

static void test_labels(void **state)
{
    struct finding finding = {.vm = {.name = "web", .pid = 7, .labels = "tier=web,,production"}};
    size_t label_count;
    char *const *labels;

    assert_int_equal(vms_found(&supervisor, FINDER_PLACE, &finding, NULL), 0);
    labels = vm_labels(named("web"), &label_count);
    assert_int_equal(label_count, 2);
    assert_string_equal(labels[0], "tier=web");
    assert_string_equal(labels[1], "production");
    /* Told again, they are replaced. */
    snprintf(finding.vm.labels, sizeof(finding.vm.labels), "tier=db");
    assert_int_equal(vms_found(&supervisor, FINDER_PLACE, &finding, NULL), 0);
    labels = vm_labels(named("web"), &label_count);
    assert_int_equal(label_count, 1);
    assert_string_equal(labels[0], "tier=db");
}

/* Others know nothing of them. Neither does who told them, before the hypervisor is asked. */
static void test_labels_and_title_go(void **state)
{
    struct finding finding = {
        .vm = {.name = "web", .pid = 7, .title = "The web", .labels = "tier=web"}};
    size_t label_count;

    assert_int_equal(vms_found(&supervisor, FINDER_PLACE, &finding, NULL), 0);
    finding.vm.title[0] = finding.vm.labels[0] = '\0';
    assert_int_equal(vms_found(&supervisor, FINDER_PLACE, &finding, NULL), 0);
    named("web")->hypervisor.ready = true;
    assert_int_equal(vms_found(&supervisor, FINDER_PROCESSES, &finding, NULL), 0);
    (void)vm_labels(named("web"), &label_count);
    assert_int_equal(label_count, 1);
    assert_string_equal(named("web")->found.title, "The web");
    assert_int_equal(vms_found(&supervisor, FINDER_PLACE, &finding, NULL), 0);
    (void)vm_labels(named("web"), &label_count);
    assert_int_equal(label_count, 0);
    assert_string_equal(named("web")->found.title, "");
    named("web")->hypervisor.ready = false;
}

/* Only its hypervisor says who it is, and it is there already. */
static void test_two_records_become_one(void **state)
{
    struct vm *twin;

    find(FINDER_PLACE, "null:web", "web", UUID, 0);
    find(FINDER_DIRECTORY, "qemu:/run/x.qmp", "", "", 0);
    assert_int_equal(count(), 2);
    twin = named("x");
    twin->hypervisor.known = true;
    snprintf(twin->hypervisor.facts.uuid, sizeof(twin->hypervisor.facts.uuid), "%s", UUID);
    assert_false(vm_found_join(named("web")));
    assert_true(vm_found_join(twin));
    assert_int_equal(count(), 1);
    assert_int_equal(named("web")->found.by, FINDER_PLACE | FINDER_DIRECTORY);
    assert_string_equal(named("web")->address.text, "null:web");
}

static void test_two_records_of_two_stay(void **state)
{
    struct vm *other;

    find(FINDER_PROCESSES, "qemu:/run/web.qmp", "web", UUID, 7);
    find(FINDER_PROCESSES, "qemu:/run/x.qmp", "x", OTHER, 8);
    other = named("x");
    other->hypervisor.known = true;
    snprintf(other->hypervisor.facts.uuid, sizeof(other->hypervisor.facts.uuid), "%s", UUID);
    assert_false(vm_found_join(other));
    assert_int_equal(count(), 2);
}

#define found_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        found_test(test_one_by_its_address),      found_test(test_who_moves_its_balloon),
        found_test(test_one_by_its_address),      found_test(test_one_by_its_uuid),
        found_test(test_one_by_its_process),      found_test(test_one_by_its_socket),
        found_test(test_two_processes_are_two),   found_test(test_the_best_way_to_reach_it),
        found_test(test_what_a_file_says_stays),  found_test(test_it_goes_with_its_last_finder),
        found_test(test_names_that_are_none),     found_test(test_labels),
        found_test(test_labels_and_title_go),     found_test(test_two_records_become_one),
        found_test(test_two_records_of_two_stay), found_test(test_what_went_while_nobody_looked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
