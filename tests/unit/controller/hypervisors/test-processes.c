/* Hypervisors that are found by their command lines, and what Proxmox VE says of its own. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/hypervisors/processes.h"
#include "controller/hypervisors/proxmox.h"
#include "tests/lib/fixture.h"

#define UUID "11111111-2222-3333-4444-555555555555"

/* A command line as it is typed; no argument has a space in it. */
static size_t make(const char *typed, char *line, size_t size)
{
    size_t length = strlen(typed) + 1;

    assert_true(length <= size);
    memcpy(line, typed, length);
    for (size_t i = 0; i < length; i++)
        if (line[i] == ' ')
            line[i] = '\0';
    return length;
}

struct expected {
    const char *typed;
    const char *driver; /* NULL: it is none */
    const char *where;
    const char *name;
    const char *uuid;
    uint32_t cid;
};

static const struct expected cases[] = {
    /* QEMU, by hand */
    {"/usr/bin/qemu-system-x86_64 -name web -uuid " UUID " -qmp "
     "unix:/run/qemu/web.qmp,server=on,wait=off -device vhost-vsock-pci,guest-cid=5",
     "qemu", "/run/qemu/web.qmp", "web", UUID, 5},
    {"qemu-system-aarch64 -qmp unix:/run/a.qmp,server,nowait", "qemu", "/run/a.qmp", "", "", 0},
    {"qemu-system-x86_64 --qmp unix:a.qmp,server=on", "qemu", "a.qmp", "", "", 0},
    {"qemu-system-x86_64 -qmp unix:/run/client.sock", "qemu", "", "", "", 0},
    {"qemu-system-x86_64 -qmp tcp:localhost:4444,server=on -name a,,b", "qemu", "", "a,b", "", 0},
    {"qemu-system-x86_64 -qmp stdio", "qemu", "", "", "", 0},
    {"qemu-system-x86_64 -qmp", "qemu", "", "", "", 0},
    {"qemu-system-x86_64 -monitor unix:/run/hmp.sock,server=on", "qemu", "", "", "", 0},
    {"qemu-system-x86_64 -uuid not-a-uuid -device vhost-vsock-pci,guest-cid=2", "qemu", "", "", "",
     0},
    /* as libvirt starts it: the monitor is a descriptor, devices are JSON */
    {"/usr/bin/qemu-system-x86_64 -name guest=web-1,debug-threads=on -chardev "
     "socket,id=charmonitor,fd=30,server=on,wait=off -mon "
     "chardev=charmonitor,id=monitor,mode=control -uuid " UUID
     " -device {\"driver\":\"vhost-vsock-pci\",\"id\":\"vsock0\",\"guest-cid\":7}",
     "qemu", "", "web-1", UUID, 7},
    /* ... with a socket of our own added */
    {"qemu-system-x86_64 -name guest=web-1 -chardev "
     "socket,id=charmonitor,path=/var/lib/libvirt/qemu/domain-1-web-1/monitor.sock,server=on "
     "-mon chardev=charmonitor,mode=control -qmp unix:/run/ours.qmp,server=on,wait=off",
     "qemu", "/run/ours.qmp", "web-1", "", 0},
    /* as Proxmox VE does: the second monitor dials somebody */
    {"/usr/bin/kvm -id 100 -name web,debug-threads=on -chardev "
     "socket,id=qmp,path=/var/run/qemu-server/100.qmp,server=on,wait=off -mon "
     "chardev=qmp,mode=control -chardev "
     "socket,id=qmp-event,path=/var/run/qmeventd.sock,reconnect=5 -mon "
     "chardev=qmp-event,mode=control",
     "qemu", "/var/run/qemu-server/100.qmp", "web", "", 0},
    {"/usr/libexec/qemu-kvm -mon chardev=none,mode=control", "qemu", "", "", "", 0},
    {"qemu-system-x86_64 -chardev socket,id=m,path=/run/m,server=on -mon chardev=m,mode=readline",
     "qemu", "", "", "", 0},
    /* the others */
    {"/usr/bin/firecracker --api-sock /run/fc.sock --id web-1", "firecracker", "/run/fc.sock",
     "web-1", "", 0},
    {"firecracker --id=web-2 --api-sock=api.sock", "firecracker", "api.sock", "web-2", "", 0},
    {"firecracker --id web-3", "firecracker", "/run/firecracker.socket", "web-3", "", 0},
    {"firecracker --no-api --config-file vm.json", "firecracker", "", "", "", 0},
    {"cloud-hypervisor --api-socket /run/ch.sock --vsock cid=9,socket=/run/ch.vsock",
     "cloud-hypervisor", "/run/ch.sock", "", "", 0},
    {"cloud-hypervisor --api-socket path=/run/ch.sock", "cloud-hypervisor", "/run/ch.sock", "", "",
     0},
    {"cloud-hypervisor --api-socket fd=3", "cloud-hypervisor", "", "", "", 0},
    {"cloud-hypervisor --kernel vmlinux", "cloud-hypervisor", "", "", "", 0},
    /* no hypervisors */
    {"qemu-img info disk.qcow2", NULL, NULL, NULL, NULL, 0},
    {"kvm-ok", NULL, NULL, NULL, NULL, 0},
    {"vim qemu-system-x86_64", NULL, NULL, NULL, NULL, 0},
};

static void test_command_lines(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct found_process found;
        char line[1024];
        size_t length = make(cases[i].typed, line, sizeof(line));

        print_message("%s\n", cases[i].typed);
        assert_int_equal(process_recognize(line, length, &found), cases[i].driver != NULL);
        if (cases[i].driver == NULL)
            continue;
        assert_string_equal(found.driver, cases[i].driver);
        assert_string_equal(found.vm.where, cases[i].where);
        assert_string_equal(found.vm.name, cases[i].name);
        assert_string_equal(found.vm.uuid, cases[i].uuid);
        assert_int_equal(found.vm.guest_cid, cases[i].cid);
    }
}

static void test_strange_command_lines(void **state)
{
    struct found_process found;
    char line[1024];
    char path[DRIVER_WHERE_SIZE + 8];
    size_t length;

    assert_false(process_recognize("", 0, &found));
    assert_false(process_recognize("kvm", 3, &found)); /* cut: it has no end */
    assert_true(process_recognize("kvm", 4, &found));
    /* A path that does not fit is not cut. */
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    length = (size_t)snprintf(line, sizeof(line), "kvm%c-qmp%cunix:%s,server=on", 0, 0, path) + 1;
    assert_true(process_recognize(line, length, &found));
    assert_string_equal(found.vm.where, "");
    length = make("kvm -device {\"driver\":", line, sizeof(line));
    assert_true(process_recognize(line, length, &found));
    assert_int_equal(found.vm.guest_cid, 0);
}

/* ---- below /proc ---- */

static void put(struct fixture *fixture, int pid, const char *typed, unsigned user)
{
    char path[64];
    char text[256];
    char line[1024];
    size_t length = make(typed, line, sizeof(line));

    snprintf(path, sizeof(path), "proc/%d/comm", pid);
    snprintf(text, sizeof(text), "%.15s\n", line);
    fixture_write(fixture, path, text);
    snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
    fixture_write_bytes(fixture, path, line, length);
    snprintf(path, sizeof(path), "proc/%d/status", pid);
    snprintf(text, sizeof(text), "Name:\tqemu\nUid:\t%u\t%u\t%u\t%u\n", user, user, user, user);
    fixture_write(fixture, path, text);
    snprintf(path, sizeof(path), "proc/%d/stat", pid);
    snprintf(text, sizeof(text), "%d (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 9 0 0\n",
             pid, pid * 10);
    fixture_write(fixture, path, text);
}

static const struct found_process *find(const struct found_process *list, size_t count, int pid)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].vm.pid == pid)
            return &list[i];
    return NULL;
}

static void test_processes(void **state)
{
    struct found_process *list;
    struct fixture fixture;
    size_t count;

    fixture_init(&fixture);
    fixture_directory(&fixture, "proc/self");
    put(&fixture, 10, "qemu-system-x86_64 -qmp unix:/run/a.qmp,server=on", 0);
    put(&fixture, 11, "bash -c qemu-system-x86_64", 0);
    put(&fixture, 12, "firecracker --api-sock api.sock", 107);
    fixture_link(&fixture, "proc/12/cwd", "/srv/fc");
    put(&fixture, 13, "qemu-system-x86_64 -qmp unix:/tmp/evil.qmp,server=on", 4711);
    put(&fixture, 14, "cloud-hypervisor --api-socket ch.sock", 0); /* nobody sees where it is */
    put(&fixture, 15, "qemu-system-x86_64 -qmp unix:/tmp/evil.qmp,server=on", 100000);
    put(&fixture, 16, "qemu-system-x86_64 -qmp unix:/run/b.qmp,server=on", 64055);
    assert_int_equal(processes_find(fixture.root, &list, &count), 0);
    assert_int_equal(count, 4);
    assert_string_equal(find(list, count, 10)->vm.where, "shared:/run/a.qmp");
    assert_int_equal(find(list, count, 10)->start_time, 100);
    assert_string_equal(find(list, count, 12)->vm.where, "/srv/fc/api.sock");
    assert_null(find(list, count, 13)); /* a person's own could claim to be anybody's */
    assert_string_equal(find(list, count, 14)->vm.where, "");
    assert_null(find(list, count, 15)); /* one of the ids that a person has for containers */
    assert_string_equal(find(list, count, 16)->vm.where,
                        "shared:/run/b.qmp"); /* as Debian has it */
    free(list);
    fixture_finish(&fixture);
}

static void test_a_process_in_a_jail(void **state)
{
    struct found_process *list;
    struct fixture fixture;
    size_t count;

    fixture_init(&fixture);
    put(&fixture, 12, "firecracker --api-sock /api.sock", 107);
    fixture_directory(&fixture, "jail");
    fixture_link(&fixture, "proc/12/root", "../../jail");
    put(&fixture, 13, "qemu-system-x86_64 -chroot /jail -qmp unix:qmp.sock,server=on", 0);
    fixture_link(&fixture, "proc/13/root", "../../jail");
    fixture_link(&fixture, "proc/13/cwd", "../../jail/run");
    put(&fixture, 14, "qemu-system-x86_64 -qmp unix:qmp.sock,server=on", 0);
    fixture_link(&fixture, "proc/14/root", "../../jail");
    fixture_link(&fixture, "proc/14/cwd", "/elsewhere");
    assert_int_equal(processes_find(fixture.root, &list, &count), 0);
    assert_int_equal(count, 3);
    assert_string_equal(find(list, count, 12)->vm.where, "/proc/12/root/api.sock");
    assert_string_equal(find(list, count, 13)->vm.where, "shared:/proc/13/root/run/qmp.sock");
    assert_string_equal(find(list, count, 14)->vm.where, ""); /* it has left its root */
    free(list);
    fixture_finish(&fixture);
}

static void test_no_processes_to_be_seen(void **state)
{
    struct found_process *list;
    struct fixture fixture;
    size_t count;

    fixture_init(&fixture);
    assert_true(processes_find(fixture.root, &list, &count) < 0);
    fixture_directory(&fixture, "proc");
    assert_int_equal(processes_find(fixture.root, &list, &count), 0);
    assert_int_equal(count, 0);
    free(list);
    fixture_finish(&fixture);
}

/* ---- Proxmox VE ---- */

static void test_sockets_of_proxmox(void **state)
{
    assert_int_equal(proxmox_vmid("/var/run/qemu-server/100.qmp"), 100);
    assert_int_equal(proxmox_vmid("/run/qemu-server/9.qmp"), 9);
    assert_int_equal(proxmox_vmid("shared:/run/qemu-server/9.qmp"), 9);
    assert_int_equal(proxmox_vmid("shared:/proc/12/root/run/qemu-server/9.qmp"), 0);
    assert_int_equal(proxmox_vmid("/run/qemu-server/100.vnc"), 0);
    assert_int_equal(proxmox_vmid("/run/qemu-server/100.qmp.old"), 0);
    assert_int_equal(proxmox_vmid("/run/qemu-server/../x.qmp"), 0);
    assert_int_equal(proxmox_vmid("/run/qemu/100.qmp"), 0);
    assert_int_equal(proxmox_vmid(""), 0);
}

#define KVM                                                                                        \
    "kvm -id 100 -name web -chardev socket,id=qmp,path=/var/run/qemu-server/100.qmp,server=on "    \
    "-mon chardev=qmp,mode=control"
#define CONFIGURATION "etc/pve/qemu-server/100.conf"

/* One look, as the daemon's. The caller frees it. */
static struct found_process *look(const struct fixture *fixture, struct proxmox_names *names,
                                  size_t expected, int *ret_status)
{
    struct found_process *list;
    size_t count;

    assert_int_equal(processes_find(fixture->root, &list, &count), 0);
    assert_int_equal(count, expected);
    *ret_status = processes_name(names, list, count);
    return list;
}

/* ... until nothing hangs: a busy machine may not run the thread in time. */
static struct found_process *look_until_read(const struct fixture *fixture,
                                             struct proxmox_names *names, size_t expected)
{
    struct found_process *list = NULL;
    int status;

    do {
        free(list);
        list = look(fixture, names, expected, &status);
        assert_true(status == 0 || status == -EBUSY || status == -ETIMEDOUT);
    } while (status != 0);
    return list;
}

static void test_names_and_tags_of_proxmox(void **state)
{
    struct proxmox_names *names;
    struct found_process *list;
    struct fixture fixture;

    fixture_init(&fixture);
    put(&fixture, 12, KVM, 0);
    assert_int_equal(proxmox_names_create(fixture.root, &names), 0);
    list = look_until_read(&fixture, names, 1); /* no configuration */
    assert_string_equal(list[0].vm.name, "web");
    free(list);
    fixture_write(&fixture, CONFIGURATION,
                  "balloon: 512\nmemory: 2048\nname: web-1\ntags: production;tier=web\n\n"
                  "[before-upgrade]\nname: old\ntags: old\n");
    list = look_until_read(&fixture, names, 1);
    assert_string_equal(list[0].vm.name, "web-1");
    assert_string_equal(list[0].vm.labels, "production,tier=web");
    assert_string_not_equal(list[0].vm.balloon_owner, "");
    free(list);
    fixture_remove(&fixture, CONFIGURATION);
    list = look_until_read(&fixture, names, 1);
    assert_string_equal(list[0].vm.labels, "");
    free(list);
    proxmox_names_destroy(names);
    fixture_finish(&fixture);
}

static const char *owner_of(const char *configuration)
{
    static struct driver_vm vm;

    vm = (struct driver_vm){.where = ""};
    proxmox_read(configuration, &vm);
    return vm.balloon_owner;
}

/* As PVE::AutoBalloon has it: a least, and a share. */
static void test_who_moves_a_balloon_of_proxmox(void **state)
{
    static const char owner[] = "Proxmox VE's automatic ballooning";

    assert_string_equal(owner_of("memory: 4096\nballoon: 1024\n"), owner);
    assert_string_equal(owner_of("memory: current=4096\nballoon: 1024\nshares: 500\n"), owner);
    assert_string_equal(owner_of("balloon: 256\n"), owner); /* of the default */
    assert_string_equal(owner_of(""), "");
    assert_string_equal(owner_of("memory: 4096\n"), "");
    assert_string_equal(owner_of("memory: 4096\nballoon: 0\n"), "");
    assert_string_equal(owner_of("memory: 4096\nballoon: 4096\n"), "");
    assert_string_equal(owner_of("memory: 4096\nballoon: 1024\nshares: 0\n"), "");
    assert_string_equal(owner_of("memory: 4096\n[old]\nballoon: 1024\n"), "");
}

/* A pipe that nobody writes to hangs as a cluster without a quorum does. */
static void make_it_hang(struct fixture *fixture)
{
    fixture_remove(fixture, CONFIGURATION);
    assert_int_equal(mkfifoat(fixture->root, CONFIGURATION, 0600), 0);
}

static void let_it_go_on(struct fixture *fixture, const char *text)
{
    int descriptor = openat(fixture->root, CONFIGURATION, O_WRONLY | O_CLOEXEC);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
    fixture_remove(fixture, CONFIGURATION);
    fixture_write(fixture, CONFIGURATION, text);
}

static void test_proxmox_hangs(void **state)
{
    struct proxmox_names *names;
    struct found_process *list;
    struct fixture fixture;
    int status;

    fixture_init(&fixture);
    put(&fixture, 12, KVM, 0);
    put(&fixture, 13, "qemu-system-x86_64 -name other", 0);
    fixture_write(&fixture, CONFIGURATION, "tags: first\n");
    assert_int_equal(proxmox_names_create(fixture.root, &names), 0);
    free(look_until_read(&fixture, names, 2));
    make_it_hang(&fixture);
    /* The look goes on, and what was known stays known. */
    list = look(&fixture, names, 2, &status);
    assert_int_equal(status, -ETIMEDOUT);
    assert_string_equal(find(list, 2, 12)->vm.labels, "first");
    free(list);
    put(&fixture, 14, "qemu-system-x86_64 -name new", 0);
    list = look(&fixture, names, 3, &status);
    assert_int_equal(status, -EBUSY);
    assert_string_equal(find(list, 3, 12)->vm.labels, "first");
    free(list);
    let_it_go_on(&fixture, "tags: second\n");
    list = look_until_read(&fixture, names, 3);
    assert_string_equal(find(list, 3, 12)->vm.labels, "second");
    free(list);
    proxmox_names_destroy(names);
    fixture_finish(&fixture);
}

/* The daemon ends meanwhile. */
static void test_proxmox_hangs_for_longer_than_we_live(void **state)
{
    struct proxmox_names *names;
    struct fixture fixture;
    int status;

    fixture_init(&fixture);
    put(&fixture, 12, KVM, 0);
    fixture_write(&fixture, CONFIGURATION, "");
    make_it_hang(&fixture);
    assert_int_equal(proxmox_names_create(fixture.root, &names), 0);
    free(look(&fixture, names, 1, &status));
    assert_int_equal(status, -ETIMEDOUT);
    proxmox_names_destroy(names);
    let_it_go_on(&fixture, "");
    fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_lines),
        cmocka_unit_test(test_strange_command_lines),
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_a_process_in_a_jail),
        cmocka_unit_test(test_no_processes_to_be_seen),
        cmocka_unit_test(test_sockets_of_proxmox),
        cmocka_unit_test(test_names_and_tags_of_proxmox),
        cmocka_unit_test(test_who_moves_a_balloon_of_proxmox),
        cmocka_unit_test(test_proxmox_hangs),
        cmocka_unit_test(test_proxmox_hangs_for_longer_than_we_live),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
