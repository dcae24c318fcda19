/* What the host's doctor says of made VMs. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "controller/doctor/checks.h"

struct made {
    struct driver_facts facts;
    struct doctor_subject subject;
    struct diagnosis diagnosis;
};

/* Nothing to complain about. */
static void make_healthy(struct made *made, const char *driver, const char *where)
{
    memset(made, 0, sizeof(*made));
    made->facts = (struct driver_facts){
        .capabilities = DRIVER_CAN_SET_BALLOON | DRIVER_CAN_READ_STATISTICS,
        .run_state = RUN_STATE_RUNNING,
        .ram = 2 * GIB,
        .guest_cid = 5,
        .balloon = ANSWER_YES,
        .balloon_actual = 2 * GIB,
        .balloon_maximum = 2 * GIB,
        .free_page_reporting = ANSWER_YES,
        .deflate_on_oom = ANSWER_YES,
        .statistics_interval = 10,
        .backing = MEMORY_BACKING_MEMFD,
    };
    doctor_subject_place(&made->subject, driver, where, "web-1");
    made->subject.facts = &made->facts;
    made->subject.is_known = true;
    made->subject.condition = "ready";
    made->subject.free_cid = 7;
    made->subject.agent_is_connected = true;
    made->subject.agent_is_announced = true;
    made->subject.agent_was_here = true;
}

static const struct doctor_finding *find(struct made *made, const char *name)
{
    doctor_examine(&made->subject, &made->diagnosis);
    for (size_t i = 0; i < made->diagnosis.count; i++)
        if (strcmp(made->diagnosis.findings[i].name, name) == 0)
            return &made->diagnosis.findings[i];
    return NULL;
}

static void assert_line(struct made *made, const char *check, enum doctor_status status,
                        enum remedy_time time, const char *line)
{
    const struct doctor_finding *finding = find(made, check);

    assert_non_null(finding);
    assert_int_equal(finding->status, status);
    assert_string_equal(finding->line.text, line);
    if (line[0] != '\0')
        assert_int_equal(finding->line.time, time);
}

static void test_healthy(void **state)
{
    struct made made;

    make_healthy(&made, "qemu", "/run/qemu/web-1.qmp");
    doctor_examine(&made.subject, &made.diagnosis);
    assert_int_equal(made.diagnosis.count, 13);
    assert_int_equal(made.diagnosis.worst, DOCTOR_OK);
    for (size_t i = 0; i < made.diagnosis.count; i++) {
        assert_int_equal(made.diagnosis.findings[i].status, DOCTOR_OK);
        assert_true(made.diagnosis.findings[i].reason[0] != '\0');
        assert_string_equal(made.diagnosis.findings[i].line.text, "");
        assert_string_equal(made.diagnosis.findings[i].advice, "");
    }
}

/* A stock domain: no vsock, no reporting, no agent. */
static void test_stock_libvirt(void **state)
{
    struct made made;

    make_healthy(&made, "libvirt", "qemu:///system#11111111-2222-3333-4444-555555555555");
    made.facts.guest_cid = 0;
    made.facts.free_page_reporting = ANSWER_NO;
    made.facts.deflate_on_oom = ANSWER_NO;
    made.facts.statistics_interval = 0;
    made.facts.backing = MEMORY_BACKING_ANONYMOUS;
    made.subject.agent_is_connected = made.subject.agent_was_here = false;
    made.subject.transparent_huge_pages = true;
    assert_null(find(&made, "QMP socket")); /* libvirt shares */
    assert_line(&made, "vsock device", DOCTOR_FAILURE, REMEDY_NOW,
                "<vsock model='virtio'><cid auto='yes'/></vsock>");
    assert_line(&made, "free page reporting", DOCTOR_FAILURE, REMEDY_COLD_START,
                "<memballoon model='virtio' freePageReporting='on'>");
    assert_line(&made, "deflate on OOM", DOCTOR_WARNING, REMEDY_COLD_START,
                "<memballoon model='virtio' autodeflate='on'>");
    assert_line(&made, "statistics", DOCTOR_WARNING, REMEDY_NOW,
                "virsh -c qemu:///system dommemstat web-1 --period 10 --live --config");
    assert_line(&made, "khugepaged", DOCTOR_WARNING, REMEDY_COLD_START,
                "<memoryBacking><source type='memfd'/></memoryBacking>");
    assert_line(&made, "agent", DOCTOR_FAILURE, REMEDY_NOW, "");
    assert_int_equal(made.diagnosis.worst, DOCTOR_FAILURE);
}

static void test_qemu(void **state)
{
    struct made made;

    make_healthy(&made, "qemu", "/run/qemu/web-1.qmp");
    made.subject.agent_is_connected = false;
    made.facts.guest_cid = 0;
    made.facts.balloon = ANSWER_NO;
    assert_line(&made, "vsock device", DOCTOR_FAILURE, REMEDY_COLD_START,
                "-device vhost-vsock-pci,guest-cid=7");
    assert_line(&made, "balloon", DOCTOR_FAILURE, REMEDY_COLD_START,
                "-device virtio-balloon-pci,id=balloon0,free-page-reporting=on,deflate-on-oom=on");
    /* What hangs on the balloon is not complained about once more. */
    assert_line(&made, "free page reporting", DOCTOR_UNKNOWN, REMEDY_NOW, "");
    assert_line(&made, "agent", DOCTOR_WARNING, REMEDY_NOW, "");
    made.subject.is_shut = true;
    assert_line(&made, "QMP socket", DOCTOR_FAILURE, REMEDY_COLD_START,
                "-qmp unix:/run/qemu/web-1.vmreclaim.qmp,server=on,wait=off");
}

/* What its agent comes by tells of the device, or does without it. */
static void test_the_way_of_the_agent(void **state)
{
    struct made made;

    make_healthy(&made, "qemu", "/run/qemu/web-1.qmp");
    assert_string_equal(find(&made, "vsock device")->reason, "its agent came through it");
    made.subject.agent_place = "unix:/run/web-1.agent";
    assert_string_equal(find(&made, "vsock device")->reason, "CID 5");
    made.facts.guest_cid = 0;
    assert_line(&made, "vsock device", DOCTOR_OK, REMEDY_NOW, "");
    assert_string_equal(find(&made, "vsock device")->reason,
                        "not needed: its agent is at unix:/run/web-1.agent");
}

static void test_proxmox(void **state)
{
    struct made made;

    make_healthy(&made, "qemu", "/var/run/qemu-server/104.qmp");
    assert_int_equal(made.subject.manager, DOCTOR_MANAGER_PROXMOX);
    assert_string_equal(made.subject.place, "104");
    assert_int_equal(find(&made, "QMP socket")->status, DOCTOR_OK);
    assert_true(made.subject.is_shared);
    made.subject.is_shut = true;
    made.subject.agent_is_connected = false;
    made.facts.guest_cid = 0;
    made.facts.deflate_on_oom = ANSWER_NO;
    made.facts.free_page_reporting = ANSWER_NO;
    assert_line(&made, "QMP socket", DOCTOR_FAILURE, REMEDY_COLD_START,
                "qm set 104 --args '-qmp unix:/run/vmreclaim-104.qmp,server=on,wait=off'");
    assert_line(&made, "vsock device", DOCTOR_FAILURE, REMEDY_COLD_START,
                "qm set 104 --args '-device vhost-vsock-pci,guest-cid=104'");
    /* Two such lines, one after the other, would leave the second alone. */
    assert_non_null(strstr(find(&made, "QMP socket")->advice, "replaces"));
    assert_non_null(strstr(find(&made, "vsock device")->advice, "replaces"));
    assert_line(&made, "deflate on OOM", DOCTOR_WARNING, REMEDY_NOW, "");
    assert_non_null(strstr(find(&made, "deflate on OOM")->advice, "no switch"));
    assert_non_null(strstr(find(&made, "free page reporting")->advice, "6.2"));
}

static void test_shared_and_owned_sockets(void **state)
{
    struct made made;

    make_healthy(&made, "qemu", "shared:/run/qemu/web-1.qmp");
    assert_string_equal(made.subject.place, "/run/qemu/web-1.qmp");
    assert_non_null(strstr(find(&made, "QMP socket")->reason, "visited"));
    make_healthy(&made, "qemu", "shared:/run/qemu-server/104.qmp");
    assert_int_equal(made.subject.manager, DOCTOR_MANAGER_PROXMOX);
    make_healthy(&made, "qemu", "/run/libvirt/qemu/web-1/monitor.sock");
    made.subject.owner = "libvirt";
    assert_line(&made, "QMP socket", DOCTOR_FAILURE, REMEDY_NOW, ""); /* it has no command line */
    assert_non_null(strstr(find(&made, "QMP socket")->advice, "libvirt:URI"));
}

static void test_incus(void **state)
{
    struct made made;

    make_healthy(&made, "qemu", "/run/incus/web-1/qemu.monitor");
    assert_int_equal(made.subject.manager, DOCTOR_MANAGER_INCUS);
    made.subject.is_shut = true;
    /* Its AppArmor profile leaves QEMU the instance's own directory. */
    assert_line(&made, "QMP socket", DOCTOR_FAILURE, REMEDY_COLD_START,
                "incus config set web-1 raw.qemu='-qmp unix:/run/incus/web-1/vmreclaim.qmp,"
                "server=on,wait=off'");
    assert_non_null(strstr(find(&made, "QMP socket")->advice, "replaces"));
    make_healthy(&made, "qemu", "/run/incus/my 'vm/qemu.monitor");
    made.subject.is_shut = true;
    /* A shell reads this line. */
    assert_line(&made, "QMP socket", DOCTOR_FAILURE, REMEDY_COLD_START,
                "incus config set 'my '\\''vm' raw.qemu='-qmp unix:/run/incus/my--vm/"
                "vmreclaim.qmp,server=on,wait=off'");
}

static void test_microvms(void **state)
{
    struct made made;

    make_healthy(&made, "firecracker", "/run/fc/web-1.sock");
    made.facts.guest_cid = 0;
    made.subject.agent_is_connected = false;
    (void)strcpy(made.facts.hybrid_vsock, "/run/fc/web-1.vsock");
    assert_int_equal(find(&made, "vsock device")->status, DOCTOR_OK);
    made.facts.statistics_interval = 0;
    made.facts.capabilities = 0;
    made.facts.balloon_actual = 0;
    assert_int_equal(find(&made, "balloon")->status, DOCTOR_WARNING);
    assert_line(&made, "statistics", DOCTOR_FAILURE, REMEDY_COLD_START,
                "PUT /balloon {\"amount_mib\": 0, \"deflate_on_oom\": true, "
                "\"stats_polling_interval_s\": 5, \"free_page_reporting\": true}");
    make_healthy(&made, "cloud-hypervisor", "/run/ch/web-1.sock");
    made.facts.guest_cid = 0;
    made.facts.capabilities = DRIVER_CAN_SET_BALLOON;
    made.facts.statistics_interval = DRIVER_INTERVAL_UNKNOWN;
    made.subject.agent_is_connected = false;
    assert_line(&made, "vsock device", DOCTOR_FAILURE, REMEDY_NOW,
                "ch-remote --api-socket /run/ch/web-1.sock add-vsock "
                "cid=7,socket=/run/ch/web-1.vsock");
    assert_line(&made, "statistics", DOCTOR_UNKNOWN, REMEDY_NOW, "");
}

static void test_what_the_host_keeps(void **state)
{
    struct made made;

    make_healthy(&made, "qemu", "/run/qemu/web-1.qmp");
    made.facts.vfio_devices = 2;
    assert_int_equal(find(&made, "assigned devices")->status, DOCTOR_FAILURE);
    made.facts.locked = true;
    assert_int_equal(find(&made, "locked memory")->status, DOCTOR_FAILURE);
    made.facts.encrypted = true;
    assert_non_null(strstr(find(&made, "locked memory")->reason, "encrypted"));
    made.facts.backing = MEMORY_BACKING_HUGETLB;
    made.facts.backing_page_size = 2 * MIB;
    assert_int_equal(find(&made, "huge pages")->status, DOCTOR_WARNING);
    made.facts.backing_page_size = GIB;
    assert_int_equal(find(&made, "huge pages")->status, DOCTOR_FAILURE);
}

static void test_guests(void **state)
{
    struct made made;

    make_healthy(&made, "qemu", "/run/qemu/web-1.qmp");
    made.subject.guest_lacks_reporting = true;
    assert_int_equal(find(&made, "free page reporting")->status, DOCTOR_FAILURE);
    assert_string_equal(find(&made, "free page reporting")->line.text, "");
    made.subject.agent_is_announced = false;
    assert_int_equal(find(&made, "agent")->status, DOCTOR_WARNING);
    made.subject.agent_is_connected = false;
    assert_int_equal(find(&made, "statistics")->status, DOCTOR_WARNING);
    made.subject.has_statistics = true;
    assert_int_equal(find(&made, "statistics")->status, DOCTOR_OK);
    made.facts.statistics_interval = 0;
    assert_int_equal(find(&made, "statistics")->status, DOCTOR_WARNING);
}

/* Nothing is known: nothing is called healthy, nothing broken but what is. */
static void test_unknown(void **state)
{
    static const struct driver_facts none;
    struct made made;
    unsigned failures = 0;

    make_healthy(&made, "", "");
    made.subject.facts = &none;
    made.subject.is_known = false;
    made.subject.condition = "its hypervisor is not known";
    doctor_examine(&made.subject, &made.diagnosis);
    for (size_t i = 0; i < made.diagnosis.count; i++) {
        failures += made.diagnosis.findings[i].status == DOCTOR_FAILURE;
        assert_string_equal(made.diagnosis.findings[i].line.text, "");
    }
    assert_int_equal(failures, 1);
    assert_int_equal(find(&made, "hypervisor")->status, DOCTOR_FAILURE);
    assert_int_equal(find(&made, "balloon")->status, DOCTOR_UNKNOWN);
    /* The hypervisor answers, and does not tell everything. */
    make_healthy(&made, "qemu", "/run/qemu/web-1.qmp");
    made.facts = (struct driver_facts){.guest_cid = 4, .balloon = ANSWER_YES, .balloon_actual = 1};
    assert_int_equal(find(&made, "deflate on OOM")->status, DOCTOR_UNKNOWN);
    assert_int_equal(find(&made, "backing")->status, DOCTOR_UNKNOWN);
    assert_int_equal(find(&made, "huge pages")->status, DOCTOR_UNKNOWN);
    assert_int_equal(find(&made, "khugepaged")->status, DOCTOR_UNKNOWN);
}

static void test_names_that_steer(void **state)
{
    struct made made;
    struct remedy_line line;

    make_healthy(&made, "libvirt", "qemu:///system");
    doctor_subject_place(&made.subject, "libvirt", "qemu:///system#x", "a'; reboot; '");
    remedy_write(&made.subject, REMEDY_STATISTICS, &line);
    assert_string_equal(line.text, "virsh -c qemu:///system dommemstat 'a'\\''; reboot; '\\''' "
                                   "--period 10 --live --config");
    doctor_subject_place(&made.subject, "libvirt", "qemu:///system#x", "b\xc3\xbcro");
    remedy_write(&made.subject, REMEDY_STATISTICS, &line);
    assert_string_equal(line.text, "virsh -c qemu:///system dommemstat 'b\xc3\xbcro' "
                                   "--period 10 --live --config");
}

/* Half a line is worse than none. */
static void test_lines_that_cannot_be_whole(void **state)
{
    char where[DRIVER_WHERE_SIZE];
    struct made made;
    struct remedy_line line;

    make_healthy(&made, "qemu", "/run/qemu/web-1.qmp");
    remedy_write(&made.subject, REMEDY_BACKING, &line);
    assert_non_null(strstr(line.text, "size=2048M"));
    made.facts.ram = 0; /* not known */
    remedy_write(&made.subject, REMEDY_BACKING, &line);
    assert_string_equal(line.text, "");
    memset(where, '\'', sizeof(where) - 1);
    where[sizeof(where) - 1] = '\0';
    make_healthy(&made, "cloud-hypervisor", where);
    remedy_write(&made.subject, REMEDY_VSOCK, &line);
    assert_string_equal(line.text, "");
}

/* virsh looks for an ID first, and "104" may be that of another domain. */
static void test_names_that_mislead_virsh(void **state)
{
    static const char uuid[] = "11111111-2222-3333-4444-555555555555";
    static const char where[] = "qemu:///system#11111111-2222-3333-4444-555555555555";
    char name[65];
    struct doctor_subject subject = {0};

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    doctor_subject_place(&subject, "libvirt", where, "web-1");
    assert_string_equal(subject.name, "web-1");
    doctor_subject_place(&subject, "libvirt", where, "104");
    assert_string_equal(subject.name, uuid);
    doctor_subject_place(&subject, "libvirt", where, "--config");
    assert_string_equal(subject.name, uuid);
    doctor_subject_place(&subject, "libvirt", where, name);
    assert_string_equal(subject.name, uuid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthy),
        cmocka_unit_test(test_stock_libvirt),
        cmocka_unit_test(test_qemu),
        cmocka_unit_test(test_the_way_of_the_agent),
        cmocka_unit_test(test_proxmox),
        cmocka_unit_test(test_shared_and_owned_sockets),
        cmocka_unit_test(test_incus),
        cmocka_unit_test(test_microvms),
        cmocka_unit_test(test_what_the_host_keeps),
        cmocka_unit_test(test_guests),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_names_that_steer),
        cmocka_unit_test(test_lines_that_cannot_be_whole),
        cmocka_unit_test(test_names_that_mislead_virsh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
