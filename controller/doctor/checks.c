/* The table of checks. */
#include "controller/doctor/checks.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"

/* ---- answers ---- */

static void answer(struct doctor_finding *finding, enum doctor_status status, const char *reason,
                   ...) printf_like(3, 4);

static void answer(struct doctor_finding *finding, enum doctor_status status, const char *reason,
                   ...)
{
    va_list arguments;

    finding->status = status;
    va_start(arguments, reason);
    text_format_list(finding->reason, sizeof(finding->reason), reason, arguments);
    va_end(arguments);
    text_make_safe(finding->reason, TEXT_ONE_LINE);
}

static void advise(struct doctor_finding *finding, const char *advice)
{
    text_copy_line(finding->advice, sizeof(finding->advice), advice);
}

static void mend(const struct doctor_subject *subject, struct doctor_finding *finding,
                 enum remedy remedy)
{
    remedy_write(subject, remedy, &finding->line);
}

/* Proxmox VE and Incus keep such words in one text, which a new one replaces. */
static void mend_command_line(const struct doctor_subject *subject, struct doctor_finding *finding,
                              enum remedy remedy)
{
    mend(subject, finding, remedy);
    if (subject->manager == DOCTOR_MANAGER_PROXMOX)
        advise(finding, "--args replaces all of 'args': add what 'qm config' shows there");
    else if (subject->manager == DOCTOR_MANAGER_INCUS)
        advise(finding, "this replaces all of raw.qemu: add what 'incus config get' shows there");
}

/* Nothing was said about the machine. */
static bool is_unknown(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (subject->is_known)
        return false;
    answer(finding, DOCTOR_UNKNOWN, "its hypervisor has not reported it");
    return true;
}

static bool has_no_balloon(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (subject->facts->balloon == ANSWER_YES)
        return false;
    if (subject->facts->balloon == ANSWER_NO)
        answer(finding, DOCTOR_UNKNOWN, "the VM has no balloon device");
    else
        answer(finding, DOCTOR_UNKNOWN, "the hypervisor does not report it");
    return true;
}

/* ---- the way to its hypervisor and its guest ---- */

static void ask_hypervisor(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (strcmp(subject->condition, "ready") == 0) {
        answer(finding, DOCTOR_OK, "answers");
        return;
    }
    answer(finding, DOCTOR_FAILURE, "%s", subject->condition);
    if (subject->place[0] == '\0')
        advise(finding, "add 'hypervisor: DRIVER:WHERE' to /etc/vmreclaim/vms/NAME.yaml");
}

static void ask_socket(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (subject->owner != NULL) {
        answer(finding, DOCTOR_FAILURE, "the socket is that of %s, which holds it all the time",
               subject->owner);
        if (strcmp(subject->owner, "libvirt") == 0)
            advise(finding, "leave the VM to libvirt's driver: hypervisor: libvirt:URI#UUID");
        else
            mend_command_line(subject, finding, REMEDY_SOCKET);
    } else if (subject->is_shut) {
        answer(finding, DOCTOR_FAILURE, "somebody else holds the socket");
        mend_command_line(subject, finding, REMEDY_SOCKET);
    } else if (subject->is_shared) {
        answer(finding, DOCTOR_OK, "others use it too: it is visited, and events are polled");
    } else {
        answer(finding, DOCTOR_OK, "nobody else's");
    }
}

static void ask_vsock(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (subject->agent_is_connected && subject->agent_place == NULL) {
        answer(finding, DOCTOR_OK, "its agent came through it");
    } else if (subject->facts->guest_cid != 0) {
        answer(finding, DOCTOR_OK, "CID %" PRIu32, subject->facts->guest_cid);
    } else if (subject->facts->hybrid_vsock[0] != '\0') {
        answer(finding, DOCTOR_OK, "%s", subject->facts->hybrid_vsock);
    } else if (subject->agent_place != NULL) {
        answer(finding, DOCTOR_OK, "not needed: its agent is at %s", subject->agent_place);
    } else if (!is_unknown(subject, finding)) {
        answer(finding, DOCTOR_FAILURE, "none: no agent can connect");
        mend_command_line(subject, finding, REMEDY_VSOCK);
    }
}

static void ask_agent(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (subject->agent_is_connected && subject->agent_is_announced) {
        answer(finding, DOCTOR_OK, "connected");
    } else if (subject->agent_is_connected) {
        answer(finding, DOCTOR_WARNING, "no hypervisor vouches for its CID: it is only observed");
        advise(finding, "name the VM's hypervisor in /etc/vmreclaim/vms/NAME.yaml");
    } else if (subject->agent_was_here) {
        answer(finding, DOCTOR_WARNING, "was here, and is gone");
        advise(finding, "look at it in the guest: systemctl status vmreclaim-agent");
    } else {
        answer(finding, DOCTOR_FAILURE,
               "never seen: nothing reclaims, compacts or measures in the guest");
        advise(finding, "install vmreclaim-agent in the guest and start it; there, "
                        "'vmreclaim-agent --doctor' says what is in its way");
    }
}

/* ---- the balloon device ---- */

static void ask_balloon(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    const struct driver_facts *facts = subject->facts;

    if (is_unknown(subject, finding))
        return;
    if (facts->balloon == ANSWER_UNKNOWN) {
        answer(finding, DOCTOR_UNKNOWN, "the hypervisor does not report it");
    } else if (facts->balloon == ANSWER_NO) {
        answer(finding, DOCTOR_FAILURE, "none, or of no use: free memory does not return");
        mend(subject, finding, REMEDY_BALLOON);
    } else if (facts->balloon_actual == 0) {
        answer(finding, DOCTOR_WARNING, "there, but its size is not known: no leases");
    } else {
        answer(finding, DOCTOR_OK, "there");
    }
}

static void ask_reporting(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    enum answer reporting = subject->facts->free_page_reporting;

    if (is_unknown(subject, finding) || has_no_balloon(subject, finding))
        return;
    if (reporting == ANSWER_UNKNOWN) {
        answer(finding, DOCTOR_UNKNOWN, "the hypervisor does not report it");
    } else if (reporting == ANSWER_NO) {
        answer(finding, DOCTOR_FAILURE, "off: memory that the guest frees stays on the host");
        mend(subject, finding, REMEDY_REPORTING);
        if (subject->manager == DOCTOR_MANAGER_PROXMOX)
            advise(finding, "Proxmox VE offers it from machine version 6.2 on: unpin the machine");
    } else if (subject->guest_lacks_reporting) {
        answer(finding, DOCTOR_FAILURE, "offered, and the guest's kernel does not use it");
        advise(finding, "boot a kernel with CONFIG_PAGE_REPORTING (Linux 5.7 and newer)");
    } else {
        answer(finding, DOCTOR_OK, "on");
    }
}

static void ask_deflate(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (is_unknown(subject, finding) || has_no_balloon(subject, finding))
        return;
    if (subject->facts->deflate_on_oom == ANSWER_UNKNOWN) {
        answer(finding, DOCTOR_UNKNOWN, "the hypervisor does not report it");
    } else if (subject->facts->deflate_on_oom == ANSWER_YES) {
        answer(finding, DOCTOR_OK, "on");
    } else {
        answer(finding, DOCTOR_WARNING,
               "off: a guest that runs short under a lease kills before the daemon sees it");
        mend(subject, finding, REMEDY_DEFLATE);
        if (subject->manager == DOCTOR_MANAGER_PROXMOX)
            advise(finding, "Proxmox VE has no switch for it: take small leases, or none");
    }
}

static void ask_statistics(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    const struct driver_facts *facts = subject->facts;
    bool is_needed = subject->manager == DOCTOR_MANAGER_FIRECRACKER;

    if (is_unknown(subject, finding) || has_no_balloon(subject, finding))
        return;
    /* Those of the boot are young, too, and nothing follows them. */
    if (subject->has_statistics && facts->statistics_interval != 0) {
        answer(finding, DOCTOR_OK, "the guest reports them");
    } else if (is_needed && facts->statistics_interval == 0) {
        answer(finding, DOCTOR_FAILURE, "off: Firecracker reports the balloon's size there only");
        mend(subject, finding, REMEDY_STATISTICS);
    } else if (subject->agent_is_connected) {
        answer(finding, DOCTOR_OK, "not needed: the agent reports more");
    } else if (facts->statistics_interval == 0) {
        answer(finding, DOCTOR_WARNING, "off: nothing is known of the guest's memory");
        mend(subject, finding, REMEDY_STATISTICS);
    } else if ((facts->capabilities & DRIVER_CAN_READ_STATISTICS) == 0) {
        answer(finding, DOCTOR_UNKNOWN, "this hypervisor has none");
    } else {
        answer(finding, DOCTOR_WARNING, "on, and the guest has reported nothing new");
        advise(finding, "load virtio_balloon in the guest");
    }
}

/* ---- where the host has its memory ---- */

static void ask_backing(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    static const char *const names[] = {
        [MEMORY_BACKING_UNKNOWN] = "",    [MEMORY_BACKING_ANONYMOUS] = "anonymous memory",
        [MEMORY_BACKING_MEMFD] = "memfd", [MEMORY_BACKING_FILE] = "a file",
        [MEMORY_BACKING_HUGETLB] = "",
    };
    enum memory_backing backing = subject->facts->backing;

    if (is_unknown(subject, finding))
        return;
    if (backing == MEMORY_BACKING_UNKNOWN)
        answer(finding, DOCTOR_UNKNOWN, "the hypervisor does not report it");
    else if (backing == MEMORY_BACKING_HUGETLB)
        answer(finding, DOCTOR_OK, "see huge pages");
    else
        answer(finding, DOCTOR_OK, "%s", names[backing]);
}

static void ask_huge_pages(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    uint64_t size = subject->facts->backing_page_size;

    if (is_unknown(subject, finding))
        return;
    if (subject->facts->backing == MEMORY_BACKING_UNKNOWN) {
        answer(finding, DOCTOR_UNKNOWN, "the hypervisor does not report the backing");
        return;
    }
    if (subject->facts->backing != MEMORY_BACKING_HUGETLB) {
        answer(finding, DOCTOR_OK, "none reserved for it");
        return;
    }
    answer(finding, size >= GIB ? DOCTOR_FAILURE : DOCTOR_WARNING,
           size >= GIB ? "of 1 GiB: no guest frees one whole, nothing returns"
                       : "what returns goes to the pool of huge pages, not to the host's memory");
    advise(finding, "back the VM with ordinary memory where it is to share it");
}

static void ask_khugepaged(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (is_unknown(subject, finding))
        return;
    if (subject->facts->backing == MEMORY_BACKING_UNKNOWN) {
        answer(finding, DOCTOR_UNKNOWN, "the hypervisor does not report the backing");
    } else if (subject->facts->backing != MEMORY_BACKING_ANONYMOUS ||
               !subject->transparent_huge_pages) {
        answer(finding, DOCTOR_OK, "does not touch its memory");
    } else {
        answer(finding, DOCTOR_WARNING,
               "fills small holes again within minutes: only blocks of 2 MiB stay away");
        advise(finding, "for the whole host and now: echo 0 > "
                        "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none");
        mend(subject, finding, REMEDY_BACKING);
    }
}

static void ask_devices(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (is_unknown(subject, finding))
        return;
    if (subject->facts->vfio_devices == 0) {
        answer(finding, DOCTOR_OK, "none");
        return;
    }
    answer(finding, DOCTOR_FAILURE, "%" PRIu32 " by VFIO or vDPA: all memory is pinned",
           subject->facts->vfio_devices);
    advise(finding, "nothing of it can return while a device is assigned");
}

static void ask_memory_lock(const struct doctor_subject *subject, struct doctor_finding *finding)
{
    if (is_unknown(subject, finding))
        return;
    if (subject->facts->encrypted) {
        answer(finding, DOCTOR_FAILURE, "the guest's memory is encrypted: nothing returns");
    } else if (subject->facts->locked) {
        answer(finding, DOCTOR_FAILURE, "the hypervisor locks its memory: nothing returns");
        advise(finding, "start it without mlock, or <locked/> in libvirt's memoryBacking");
    } else {
        answer(finding, DOCTOR_OK, "neither locked nor encrypted");
    }
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*ask)(const struct doctor_subject *subject, struct doctor_finding *finding);
} checks[] = {
    {"hypervisor", ask_hypervisor},     {"QMP socket", ask_socket},
    {"vsock device", ask_vsock},        {"agent", ask_agent},
    {"balloon", ask_balloon},           {"free page reporting", ask_reporting},
    {"deflate on OOM", ask_deflate},    {"statistics", ask_statistics},
    {"backing", ask_backing},           {"huge pages", ask_huge_pages},
    {"khugepaged", ask_khugepaged},     {"assigned devices", ask_devices},
    {"locked memory", ask_memory_lock},
};

static_assert(ARRAY_SIZE(checks) <= DOCTOR_CHECKS_MAX, "more checks than findings");

/* Only QEMU's socket serves one client at a time. */
static bool is_asked(const struct doctor_subject *subject, size_t check)
{
    return checks[check].ask != ask_socket || subject->manager == DOCTOR_MANAGER_QEMU ||
           subject->manager == DOCTOR_MANAGER_PROXMOX || subject->manager == DOCTOR_MANAGER_INCUS;
}

void doctor_examine(const struct doctor_subject *subject, struct diagnosis *ret_diagnosis)
{
    memset(ret_diagnosis, 0, sizeof(*ret_diagnosis));
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        struct doctor_finding *finding = &ret_diagnosis->findings[ret_diagnosis->count];

        if (!is_asked(subject, i))
            continue;
        finding->name = checks[i].name;
        checks[i].ask(subject, finding);
        assert(finding->reason[0] != '\0');
        ret_diagnosis->worst = max_of(ret_diagnosis->worst, finding->status);
        ret_diagnosis->count++;
    }
}

const char *doctor_status_name(enum doctor_status status)
{
    static const char *const names[] = {
        [DOCTOR_OK] = "ok",
        [DOCTOR_UNKNOWN] = "unknown",
        [DOCTOR_WARNING] = "warning",
        [DOCTOR_FAILURE] = "failure",
    };

    return names[status];
}
