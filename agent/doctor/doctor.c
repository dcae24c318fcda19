/* The agent's table of checks. Kernel features are those that the agent itself detects, so the two
 * cannot disagree. */
#include "agent/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/actions/features.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/proc/page-reporting.h"

#define LOCKED_BYTES (8 * MIB) /* more than the agent ever locks */

struct doctor {
    int root;
    const struct configuration *configuration;
    struct features features;
};

static bool exists(const struct doctor *doctor, const char *path)
{
    return faccessat(doctor->root, path, F_OK, 0) == 0;
}

/* ---- the way to the host ---- */

static bool uses_vsock(const struct doctor *doctor)
{
    const struct configuration *configuration = doctor->configuration;

    return (configuration->dials && configuration->connect.kind == ADDRESS_VSOCK) ||
           (configuration->listens && configuration->listen.kind == ADDRESS_VSOCK);
}

static void ask_vsock(const struct check *check, void *context, struct check_answer *answer)
{
    const struct doctor *doctor = context;

    if (!uses_vsock(doctor))
        check_answer_set(answer, CHECK_OK, NULL, "not used by this configuration");
    else if (!exists(doctor, "dev/vsock"))
        check_answer_set(answer, CHECK_FAILURE,
                         "load vmw_vsock_virtio_transport; without that module the kernel needs "
                         "CONFIG_VIRTIO_VSOCKETS",
                         "no /dev/vsock");
}

static void ask_vsock_device(const struct check *check, void *context, struct check_answer *answer)
{
    const struct doctor *doctor = context;

    if (!uses_vsock(doctor))
        check_answer_set(answer, CHECK_OK, NULL, "not used by this configuration");
    else if (!exists(doctor, "sys/bus/virtio/drivers/vmw_vsock_virtio_transport") &&
             !exists(doctor, "sys/module/hv_sock") &&
             !exists(doctor, "sys/module/vmw_vsock_vmci_transport"))
        check_answer_set(answer, CHECK_FAILURE,
                         "give the VM one (QEMU: -device vhost-vsock-pci,guest-cid=N) and load "
                         "vmw_vsock_virtio_transport; or work alone with connect = none",
                         "no vsock transport: the VM has no vsock device, or no driver for it");
}

/* Which ports of a host that dials are believed, see host-gate.h. */
static void ask_host_port(const struct check *check, void *context, struct check_answer *answer)
{
    const struct doctor *doctor = context;
    const struct configuration *configuration = doctor->configuration;
    enum vsock_device device = vsock_device_find(doctor->root);
    bool privileged = host_port_must_be_privileged(configuration->host_port, device);

    if (!configuration->listens || configuration->listen.kind != ADDRESS_VSOCK)
        check_answer_set(answer, CHECK_OK, NULL, "not used by this configuration");
    else if (privileged && device == VSOCK_DEVICE_PROCESS)
        check_answer_set(answer, CHECK_FAILURE, "set host_port = auto",
                         "this hypervisor dials from any port, and only those below 1024 are let "
                         "in: no controller can connect");
    else if (!privileged && device != VSOCK_DEVICE_PROCESS)
        check_answer_set(answer, CHECK_WARNING, "set host_port = auto",
                         "every process of the host, with or without privilege, may give orders");
    else
        check_answer_set(answer, CHECK_OK, NULL, "%s",
                         privileged ? "the host must dial from a port below 1024"
                                    : "any: the hypervisor's own vsock device");
}

/* ---- permissions ---- */

static uint64_t effective_capabilities(const struct doctor *doctor)
{
    char text[4096];
    const char *line;

    if (file_read_into(doctor->root, "proc/self/status", text, sizeof(text)) < 0)
        return 0;
    line = strstr(text, "CapEff:");
    return line != NULL ? strtoull(line + strlen("CapEff:"), NULL, 16) : 0;
}

static bool has_capability(const struct doctor *doctor, unsigned capability)
{
    return (effective_capabilities(doctor) >> capability & 1) != 0;
}

static void ask_source_port(const struct check *check, void *context, struct check_answer *answer)
{
    const struct doctor *doctor = context;

    if (uses_vsock(doctor) && !has_capability(doctor, CAP_NET_BIND_SERVICE))
        check_answer_set(answer, CHECK_FAILURE,
                         "run as root, or with CAP_NET_BIND_SERVICE in the initial user namespace",
                         "no port below 1024: the host would not believe this agent");
}

static void ask_pressure_trigger(const struct check *check, void *context,
                                 struct check_answer *answer)
{
    const struct doctor *doctor = context;

    if (!has_capability(doctor, CAP_SYS_RESOURCE))
        check_answer_set(answer, CHECK_WARNING, "run with CAP_SYS_RESOURCE",
                         "a PSI trigger of two seconds instead of one, or none where the kernel "
                         "gives the unprivileged none: pressure shows later");
}

static void ask_memory_lock(const struct check *check, void *context, struct check_answer *answer)
{
    const struct doctor *doctor = context;
    struct rlimit limit;

    if (has_capability(doctor, CAP_IPC_LOCK))
        return;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
        (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= LOCKED_BYTES))
        return;
    check_answer_set(answer, CHECK_WARNING, "set LimitMEMLOCK=infinity in the unit",
                     "memory cannot be locked: the agent may stall when the guest thrashes");
}

static void ask_seccomp(const struct check *check, void *context, struct check_answer *answer)
{
    const struct doctor *doctor = context;

    if (!exists(doctor, "proc/sys/kernel/seccomp/actions_avail"))
        check_answer_set(answer, CHECK_WARNING, "use a kernel with CONFIG_SECCOMP_FILTER",
                         "no seccomp filters: the agent runs without its system call list");
    else if (!doctor->configuration->seccomp)
        check_answer_set(answer, CHECK_WARNING, "set seccomp = yes",
                         "switched off by the configuration");
}

static void ask_state_directory(const struct check *check, void *context,
                                struct check_answer *answer)
{
    const struct doctor *doctor = context;
    const char *path = doctor->configuration->state_directory;

    if (access(path, W_OK) == 0)
        check_answer_set(answer, CHECK_OK, NULL, "%s", path);
    else if (errno == ENOENT)
        check_answer_set(answer, CHECK_OK, NULL, "%s is made at the start", path);
    else
        check_answer_set(answer, CHECK_WARNING, "give a writable one with --state-directory",
                         "%s: %s; no kernel setting is changed, no policy kept", path,
                         strerror(errno));
}

/* ---- the kernel ---- */

/* What to do about a missing feature. */
static const struct {
    enum check_status status;
    const char *fix;
} remedies[FEATURE_COUNT] = {
    [FEATURE_PSI] = {CHECK_WARNING, "boot with psi=1, or use a kernel with CONFIG_PSI"},
    [FEATURE_CGROUP2_MEMORY] = {CHECK_WARNING, "mount cgroup2 on /sys/fs/cgroup"},
    [FEATURE_MEMORY_RECLAIM] = {CHECK_WARNING, "use Linux 5.19 or later with cgroup v2"},
    [FEATURE_MEMORY_RECLAIM_SWAPPINESS] = {CHECK_OK, NULL},
    [FEATURE_NODE_RECLAIM] = {CHECK_OK, NULL},
    [FEATURE_DROP_CACHES] = {CHECK_WARNING, "let the agent write /proc/sys/vm"},
    [FEATURE_COMPACTION] = {CHECK_WARNING, "use a kernel with CONFIG_COMPACTION"},
    [FEATURE_COMPACTION_PER_NODE] = {CHECK_OK, NULL},
    [FEATURE_PAGE_REPORTING] = {CHECK_FAILURE,
                                "give the VM a balloon with free page reporting (QEMU: -device "
                                "virtio-balloon-pci,free-page-reporting=on), load virtio_balloon"},
    [FEATURE_PAGE_REPORTING_ORDER] = {CHECK_WARNING, "use Linux 5.14 or later"},
    [FEATURE_UNPOISONED_PAGES] = {CHECK_WARNING, "boot without init_on_free and page_poison, or "
                                                 "offer page-poison=on"},
    [FEATURE_KPAGEFLAGS] = {CHECK_WARNING, "use a kernel with CONFIG_PROC_PAGE_MONITOR, not locked "
                                           "down"},
    [FEATURE_PERCPU_DRAIN] = {CHECK_OK, NULL},
    [FEATURE_WRITABLE_SYSCTL] = {CHECK_WARNING, "let the agent write /proc/sys/vm"},
    [FEATURE_KERNEL_LOG] = {CHECK_WARNING, "let the agent write /dev/kmsg"},
};

static void ask_feature(const struct check *check, void *context, struct check_answer *answer)
{
    const struct doctor *doctor = context;
    const struct feature *feature = &doctor->features.list[check->argument];

    if (!feature->available)
        check_answer_set(answer, remedies[check->argument].status, remedies[check->argument].fix,
                         "%s; instead: %s", feature->reason, feature->replacement);
}

/* The order file proves nothing once somebody has written to it, and Hyper-V offers nothing else.
 */
static void ask_reporting(const struct check *check, void *context, struct check_answer *answer)
{
    const struct doctor *doctor = context;
    struct page_reporting_balloon balloon;

    ask_feature(check, context, answer);
    if (answer->status == CHECK_FAILURE && !exists(doctor, "sys/module/page_reporting"))
        text_copy_line(
            answer->fix, sizeof(answer->fix),
            "use Linux 5.7 or later with CONFIG_PAGE_REPORTING, and a balloon that reports "
            "(QEMU: -device virtio-balloon-pci,free-page-reporting=on)");
    page_reporting_find_balloon(doctor->root, &balloon);
    if (features_have(&doctor->features, FEATURE_PAGE_REPORTING) && !balloon.reports &&
        page_reporting_marks(doctor->root) != PAGE_REPORTING_MARKS_SEEN)
        check_answer_set(answer, CHECK_WARNING,
                         "look for \"Cold memory discard hint\" in the kernel's log",
                         "Hyper-V's balloon is there, but no free memory is marked as reported: "
                         "the host may take no discard hints");
}

static const struct check checks[] = {
    {"vsock", ask_vsock, 0},
    {"vsock device", ask_vsock_device, 0},
    {"privileged port", ask_source_port, 0},
    {"host's port", ask_host_port, 0},
    {"free page reporting", ask_reporting, FEATURE_PAGE_REPORTING},
    {"reporting order", ask_feature, FEATURE_PAGE_REPORTING_ORDER},
    {"free pages are not patterned", ask_feature, FEATURE_UNPOISONED_PAGES},
    {"reported pages are seen", ask_feature, FEATURE_KPAGEFLAGS},
    {"compaction", ask_feature, FEATURE_COMPACTION},
    {"compaction per node", ask_feature, FEATURE_COMPACTION_PER_NODE},
    {"cgroup v2 memory", ask_feature, FEATURE_CGROUP2_MEMORY},
    {"memory.reclaim", ask_feature, FEATURE_MEMORY_RECLAIM},
    {"memory.reclaim swappiness", ask_feature, FEATURE_MEMORY_RECLAIM_SWAPPINESS},
    {"node reclaim", ask_feature, FEATURE_NODE_RECLAIM},
    {"drop_caches", ask_feature, FEATURE_DROP_CACHES},
    {"per-CPU lists", ask_feature, FEATURE_PERCPU_DRAIN},
    {"writable sysctls", ask_feature, FEATURE_WRITABLE_SYSCTL},
    {"kernel log", ask_feature, FEATURE_KERNEL_LOG},
    {"pressure (PSI)", ask_feature, FEATURE_PSI},
    {"pressure trigger", ask_pressure_trigger, 0},
    {"locked memory", ask_memory_lock, 0},
    {"system call filter", ask_seccomp, 0},
    {"state directory", ask_state_directory, 0},
};

/* What only root may see looks as if it were missing, and the cure for that is another. */
static void ask_root(const struct check *check, void *context, struct check_answer *answer)
{
    if (geteuid() != 0)
        check_answer_set(answer, CHECK_FAILURE, "run it as root: sudo vmreclaim-agent --doctor",
                         "user %u does not see what only root may see; nothing else was looked at",
                         (unsigned)geteuid());
}

static const struct check root_check[] = {{"root", ask_root, 0}};

/* A made-up root is everybody's. */
static bool sees_all(int root)
{
    struct stat given;
    struct stat real;

    return geteuid() == 0 || fstat(root, &given) < 0 || stat("/", &real) < 0 ||
           given.st_dev != real.st_dev || given.st_ino != real.st_ino;
}

enum check_status doctor_run(int root, const struct configuration *configuration, FILE *output)
{
    struct doctor doctor = {.root = root, .configuration = configuration};

    if (!sees_all(root))
        return checks_run(root_check, ARRAY_SIZE(root_check), &doctor, output);
    features_detect(&doctor.features, root);
    return checks_run(checks, ARRAY_SIZE(checks), &doctor, output);
}

size_t doctor_complain(int root, const struct configuration *configuration,
                       const struct features *features,
                       struct doctor_complaint ret_complaints[DOCTOR_COMPLAINTS_MAX])
{
    struct doctor doctor = {.root = root, .configuration = configuration, .features = *features};
    size_t count = 0;

    if (!sees_all(root)) {
        ret_complaints[0] = (struct doctor_complaint){.name = root_check[0].name};
        ask_root(&root_check[0], &doctor, &ret_complaints[0].answer);
        return 1;
    }
    for (enum check_status status = CHECK_FAILURE; status > CHECK_OK; status--) {
        for (size_t i = 0; i < ARRAY_SIZE(checks) && count < DOCTOR_COMPLAINTS_MAX; i++) {
            struct doctor_complaint complaint = {.name = checks[i].name};

            checks[i].ask(&checks[i], &doctor, &complaint.answer);
            if (complaint.answer.status == status)
                ret_complaints[count++] = complaint;
        }
    }
    return count;
}
