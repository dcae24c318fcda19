/* Who names VMs: files and hypervisors that were found, in every order, right and wrong. */
#include "tests/lib/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/vms/found.h"
#include "controller/vms/sources.h"
#include "controller/vms/tick.h"

#define UUID "11111111-2222-3333-4444-555555555555"

struct fixture {
    uv_loop_t loop;
    struct supervisor supervisor;
    struct problems problems; /* of the last step */
    int root;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || uv_loop_init(&f->loop) < 0)
        return -1;
    f->root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (supervisor_init(&f->supervisor, &f->loop, f->root, NSEC_PER_SEC) < 0)
        return -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    supervisor_stop(&f->supervisor);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->supervisor.registry.count, 0);
    supervisor_finish(&f->supervisor);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    close(f->root);
    free(f);
    return 0;
}

static struct vm *vm_named(const struct fixture *f, const char *name)
{
    return registry_find_name(&f->supervisor.registry, name);
}

static size_t count(const struct fixture *f)
{
    return f->supervisor.registry.count;
}

/* What the directory of VM files has: path and text in pairs, up to NULL; text NULL: it cannot be
 * read. */
static void define(struct fixture *f, const char *const *files)
{
    struct vm_definition *definitions[8];
    char *unread[8];
    struct vm_files read = {.definitions = definitions, .unread = unread};

    for (; *files != NULL; files += 2)
        if (files[1] == NULL)
            unread[read.unread_count++] = (char *)files[0];
        else
            assert_int_equal(vm_definition_parse(files[1], strlen(files[1]), files[0],
                                                 &definitions[read.count++], NULL),
                             0);
    f->problems = (struct problems){.count = 0};
    supervisor_define(&f->supervisor, &read, &f->problems);
    for (size_t i = 0; i < read.count; i++)
        vm_definition_destroy(definitions[i]); /* those that nobody took */
}

#define define_files(f, ...) define(f, (const char *const[]){__VA_ARGS__, NULL})
#define define_none(f)       define(f, (const char *const[]){NULL})

/* What was found in the directory of hypervisors. */
static void find(struct fixture *f, const char *const *paths)
{
    struct hypervisor_address addresses[8];
    size_t found = 0;

    for (; *paths != NULL; paths++)
        assert_int_equal(hypervisor_address_join("qemu", *paths, &addresses[found++], NULL), 0);
    f->problems = (struct problems){.count = 0};
    supervisor_set_found(&f->supervisor, addresses, found, &f->problems);
}

#define find_sockets(f, ...) find(f, (const char *const[]){__VA_ARGS__, NULL})

/* Its hypervisor says so. */
static struct vm *say(struct fixture *f, const char *name, uint32_t cid, const char *uuid)
{
    struct vm *vm = vm_named(f, name);

    assert_non_null(vm);
    vm->hypervisor.known = true;
    vm->hypervisor.facts.guest_cid = cid;
    memcpy(vm->hypervisor.facts.uuid, uuid, strlen(uuid) + 1);
    (void)registry_set_cid(&f->supervisor.registry, vm, cid, NULL);
    (void)registry_set_uuid(&f->supervisor.registry, vm, uuid, NULL);
    return vm;
}

/* The file is in force of this record, by the name "web". */
static void check_adopted(struct fixture *f, const struct vm *vm)
{
    assert_int_equal(f->problems.count, 0);
    assert_ptr_equal(vm_named(f, "web"), vm);
    assert_string_equal(vm->sources.definition->source, "vms/web.yaml");
    assert_string_equal(vm->address.text, "qemu:/run/x.qmp");
    assert_int_equal(count(f), 1);
    /* And stays so when all is read again. */
    find_sockets(f, "/run/x.qmp");
    assert_int_equal(f->problems.count, 0);
    assert_int_equal(count(f), 1);
    assert_ptr_equal(vm_named(f, "web"), vm);
}

static void test_a_file_takes_what_was_found_by_its_cid(void **state)
{
    struct fixture *f = *state;
    const struct vm *vm;

    find_sockets(f, "/run/x.qmp");
    vm = say(f, "x", 5, "");
    define_files(f, "vms/web.yaml", "cid: 5\n");
    check_adopted(f, vm);
}

static void test_a_file_takes_what_was_found_by_its_uuid(void **state)
{
    struct fixture *f = *state;
    const struct vm *vm;

    find_sockets(f, "/run/x.qmp");
    vm = say(f, "x", 0, UUID);
    define_files(f, "vms/web.yaml", "cid: 9\nuuid: " UUID "\n");
    check_adopted(f, vm);
}

static void test_a_file_takes_what_was_found_by_its_address(void **state)
{
    struct fixture *f = *state;
    const struct vm *vm;

    find_sockets(f, "/run/x.qmp");
    vm = vm_named(f, "x");
    define_files(f, "vms/web.yaml", "hypervisor: qemu:/run/x.qmp\n");
    check_adopted(f, vm);
}

/* The file was there first, its VM's hypervisor is found later. */
static void test_what_is_found_later_belongs_to_its_file(void **state)
{
    struct fixture *f = *state;
    const struct vm *vm;

    define_files(f, "vms/web.yaml", "cid: 5\n");
    vm = vm_named(f, "web");
    find_sockets(f, "/run/x.qmp");
    assert_int_equal(count(f), 2);
    (void)say(f, "x", 5, "");
    assert_true(vm_found_join(vm_named(f, "x")));
    check_adopted(f, vm);
}

static void test_another_hypervisor_by_the_same_name(void **state)
{
    struct fixture *f = *state;

    find_sockets(f, "/run/web.qmp");
    define_files(f, "vms/web.yaml", "hypervisor: qemu:/srv/web.qmp\n");
    assert_int_equal(f->problems.count, 0);
    assert_string_equal(vm_named(f, "web")->address.text, "qemu:/srv/web.qmp");
    assert_string_equal(vm_named(f, "web-2")->address.text, "qemu:/run/web.qmp");
    find_sockets(f, "/run/web.qmp", "/opt/web.qmp");
    assert_string_equal(vm_named(f, "web-3")->address.text, "qemu:/opt/web.qmp");
    assert_int_equal(count(f), 3);
}

static void test_a_file_that_goes_leaves_what_was_found(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    find_sockets(f, "/run/x.qmp");
    define_files(f, "vms/web.yaml", "hypervisor: qemu:/run/x.qmp\nagent: unix:/nowhere\n");
    vm = vm_named(f, "web");
    vm->announced = true;
    define_none(f);
    assert_ptr_equal(vm_named(f, "web"), vm);
    assert_null(vm->sources.definition);
    assert_false(vm->announced); /* that rested on the file's path */
    find_sockets(f, "/run/y.qmp");
    assert_null(vm_named(f, "web"));
    assert_int_equal(count(f), 1);
}

static void test_a_file_or_vm_that_is_renamed(void **state)
{
    struct fixture *f = *state;
    const struct vm *vm;

    define_files(f, "vms/a.yaml", "hypervisor: qemu:/run/x.qmp\n");
    vm = vm_named(f, "a");
    define_files(f, "vms/b.yaml", "hypervisor: qemu:/run/x.qmp\n");
    assert_ptr_equal(vm_named(f, "b"), vm);
    define_files(f, "vms/b.yaml", "name: web\nhypervisor: qemu:/run/x.qmp\n");
    assert_ptr_equal(vm_named(f, "web"), vm);
    assert_int_equal(count(f), 1);
}

static void test_a_name_is_new_while_something_is_done_to_the_vm(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    define_files(f, "vms/a.yaml", "cid: 3\n");
    vm = vm_named(f, "a");
    vm->action = (struct action *)vm;
    define_files(f, "vms/a.yaml", "name: web\ncid: 3\n");
    assert_int_equal(f->problems.count, 0);
    assert_ptr_equal(vm_named(f, "web"), vm);
    assert_ptr_equal(registry_find_serial(&f->supervisor.registry, vm->serial), vm);
    vm->action = NULL;
}

static void test_vms_exchange_their_names(void **state)
{
    struct fixture *f = *state;

    define_files(f, "vms/1.yaml", "name: a\ncid: 3\n", "vms/2.yaml", "name: b\ncid: 4\n");
    define_files(f, "vms/1.yaml", "name: b\ncid: 3\n", "vms/2.yaml", "name: a\ncid: 4\n");
    assert_int_equal(f->problems.count, 0);
    assert_int_equal(vm_named(f, "a")->cid, 4);
    assert_int_equal(vm_named(f, "b")->cid, 3);
    assert_int_equal(count(f), 2);
}

static void test_of_two_new_files_for_one_cid_the_first_is_in_force(void **state)
{
    struct fixture *f = *state;

    define_files(f, "vms/a.yaml", "cid: 9\n", "vms/b.yaml", "cid: 9\n", "vms/c.yaml", "cid: 10\n");
    assert_int_equal(f->problems.count, 1);
    assert_string_equal(f->problems.list[0].source, "vms/b.yaml");
    assert_string_equal(f->problems.list[0].part, "vms:b.yaml");
    assert_string_equal(f->problems.list[0].text,
                        "vms/b.yaml: cid 9 is already given in vms/a.yaml");
    assert_int_equal(vm_named(f, "a")->cid, 9);
    assert_int_equal(vm_named(f, "c")->cid, 10);
    assert_null(vm_named(f, "b"));
    define_files(f, "vms/b.yaml", "cid: 9\n", "vms/c.yaml", "cid: 10\n");
    assert_int_equal(f->problems.count, 0);
    assert_int_equal(vm_named(f, "b")->cid, 9);
    assert_int_equal(count(f), 2);
}

/* b wants what a has, c wants what b has: b stays what it was, and so does c. */
static void test_a_refused_change_keeps_what_was(void **state)
{
    struct fixture *f = *state;

    define_files(f, "vms/a.yaml", "cid: 3\n", "vms/b.yaml", "cid: 4\nfloor: 1GiB\n", "vms/c.yaml",
                 "cid: 5\n");
    define_files(f, "vms/a.yaml", "cid: 3\nfloor: 2GiB\n", "vms/b.yaml", "cid: 3\nfloor: 2GiB\n",
                 "vms/c.yaml", "cid: 4\n");
    assert_int_equal(f->problems.count, 2);
    assert_non_null(problems_find(&f->problems, "vms/b.yaml"));
    assert_non_null(problems_find(&f->problems, "vms/c.yaml"));
    assert_int_equal(vm_named(f, "a")->sources.definition->floor, (uint64_t)2 << 30);
    assert_int_equal(vm_named(f, "b")->cid, 4);
    assert_int_equal(vm_named(f, "b")->sources.definition->floor, (uint64_t)1 << 30);
    assert_int_equal(vm_named(f, "c")->cid, 5);
}

static void test_a_file_that_cannot_be_read_keeps_its_vm(void **state)
{
    struct fixture *f = *state;
    const struct vm *vm;

    define_files(f, "vms/a.yaml", "cid: 3\n", "vms/b.yaml", "cid: 4\n");
    vm = vm_named(f, "a");
    define_files(f, "vms/a.yaml", NULL, "vms/b.yaml", "cid: 5\n", "vms/new.yaml", NULL);
    assert_ptr_equal(vm_named(f, "a"), vm);
    assert_int_equal(vm->cid, 3);
    assert_int_equal(vm_named(f, "b")->cid, 5);
    assert_int_equal(count(f), 2);
}

/* What its own hypervisor says of another VM is not this file's to give. */
static void test_a_cid_that_another_vms_hypervisor_has(void **state)
{
    struct fixture *f = *state;

    find_sockets(f, "/run/x.qmp");
    (void)say(f, "x", 5, UUID);
    define_files(f, "vms/x.yaml", "hypervisor: qemu:/run/x.qmp\n");
    define_files(f, "vms/x.yaml", "hypervisor: qemu:/run/x.qmp\n", "vms/web.yaml", "cid: 5\n",
                 "vms/db.yaml", "cid: 6\nuuid: " UUID "\n");
    assert_int_equal(f->problems.count, 2);
    assert_non_null(strstr(problems_find(&f->problems, "vms/web.yaml")->text,
                           "cid 5 is that of VM 'x': its hypervisor at qemu:/run/x.qmp says so"));
    assert_non_null(strstr(problems_find(&f->problems, "vms/db.yaml")->text, "is that of VM 'x'"));
    assert_int_equal(count(f), 1);
    assert_int_equal(vm_named(f, "x")->cid, 5);
    assert_string_equal(vm_named(f, "x")->uuid, UUID);
}

static void test_a_hypervisor_of_a_vm_with_a_file_of_its_own(void **state)
{
    struct fixture *f = *state;

    find_sockets(f, "/run/x.qmp");
    define_files(f, "vms/x.yaml", "cid: 5\n");
    define_files(f, "vms/x.yaml", "cid: 5\n", "vms/web.yaml", "hypervisor: qemu:/run/x.qmp\n");
    assert_int_equal(f->problems.count, 1);
    assert_non_null(strstr(f->problems.list[0].text, "which has a file of its own"));
    assert_string_equal(vm_named(f, "x")->address.text, "qemu:/run/x.qmp");
    assert_int_equal(count(f), 1);
}

static void test_a_socket_by_a_strange_name_blocks_nobody(void **state)
{
    struct fixture *f = *state;

    find_sockets(f, "/run/a.qmp", "/run/-\xc3\xbc ber.qmp", "/run/b.qmp");
    assert_int_equal(f->problems.count, 0);
    assert_non_null(vm_named(f, "a"));
    assert_non_null(vm_named(f, "b"));
    assert_non_null(vm_named(f, "vm----ber"));
    assert_int_equal(count(f), 3);
}

#define sources_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        sources_test(test_a_file_takes_what_was_found_by_its_cid),
        sources_test(test_a_file_takes_what_was_found_by_its_uuid),
        sources_test(test_a_file_takes_what_was_found_by_its_address),
        sources_test(test_what_is_found_later_belongs_to_its_file),
        sources_test(test_another_hypervisor_by_the_same_name),
        sources_test(test_a_file_that_goes_leaves_what_was_found),
        sources_test(test_a_file_or_vm_that_is_renamed),
        sources_test(test_a_name_is_new_while_something_is_done_to_the_vm),
        sources_test(test_vms_exchange_their_names),
        sources_test(test_of_two_new_files_for_one_cid_the_first_is_in_force),
        sources_test(test_a_refused_change_keeps_what_was),
        sources_test(test_a_file_that_cannot_be_read_keeps_its_vm),
        sources_test(test_a_cid_that_another_vms_hypervisor_has),
        sources_test(test_a_hypervisor_of_a_vm_with_a_file_of_its_own),
        sources_test(test_a_socket_by_a_strange_name_blocks_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
