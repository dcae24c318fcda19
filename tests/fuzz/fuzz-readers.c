/* What the kernel writes: every reader of /proc and /sys over a root directory whose files all have
 * the input's bytes, the readers of a hypervisor's process, and the journal of changed settings,
 * which must never lead out of that directory. The first byte chooses which. */
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/actions/settings.h"
#include "common/proc/buddyinfo.h"
#include "common/proc/cpulist.h"
#include "common/proc/meminfo.h"
#include "common/proc/page-reporting.h"
#include "common/proc/pagetypeinfo.h"
#include "common/proc/pressure.h"
#include "common/proc/ram.h"
#include "common/proc/stat.h"
#include "common/proc/vmstat.h"
#include "common/proc/vsock-device.h"
#include "common/proc/zoneinfo.h"
#include "controller/footprint/process.h"
#include "tests/fuzz/fuzz.h"

#define BOOT_ID "9d3bd0c6-5a5c-4e7c-9d0e-6f6c2f6d3c11"

static int root = -1, state = -1, input = -1;
static char base[] = "/tmp/fuzz-readers.XXXXXX";
static char outside[PATH_MAX]; /* a file beside the root that nobody may write */

/* ---- the directory ---- */

static void make_directories(char *path)
{
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdirat(root, path, 0700);
        *slash = '/';
    }
}

static void link_input(const char *name)
{
    char path[PATH_MAX], target[32];

    snprintf(path, sizeof(path), "%s", name);
    make_directories(path);
    snprintf(target, sizeof(target), "/proc/self/fd/%d", input);
    require(symlinkat(target, root, path) == 0);
}

static void put(int directory, const char *name, const char *text)
{
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    require(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    return remove(path);
}

static void remove_root(void)
{
    (void)nftw(base, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_root(void)
{
    static const char *const files[] = {
        "proc/meminfo",
        "proc/vmstat",
        "proc/zoneinfo",
        "proc/buddyinfo",
        "proc/pagetypeinfo",
        "proc/stat",
        "proc/iomem",
        "proc/pressure/memory",
        "sys/module/page_reporting/parameters/page_reporting_order",
        "sys/bus/virtio/devices/virtio0/device",
        "sys/bus/virtio/devices/virtio0/features",
    };
    char path[PATH_MAX];

    require(mkdtemp(base) != NULL && atexit(remove_root) == 0);
    input = memfd_create("input", MFD_CLOEXEC);
    snprintf(path, sizeof(path), "%s/root", base);
    require(mkdir(path, 0700) == 0);
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof(path), "%s/state", base);
    require(mkdir(path, 0700) == 0);
    state = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    require(input >= 0 && root >= 0 && state >= 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        link_input(files[i]);
    snprintf(path, sizeof(path), "proc/sys/kernel/random/boot_id");
    make_directories(path);
    put(root, path, BOOT_ID "\n");
    snprintf(outside, sizeof(outside), "%s/outside", base);
    put(AT_FDCWD, outside, "1");
}

static void set_input(const char *text, size_t length)
{
    require(ftruncate(input, 0) == 0 && pwrite(input, text, length, 0) == (ssize_t)length);
}

/* ---- readers ---- */

static void read_meminfo(const char *text)
{
    struct meminfo meminfo;

    if (meminfo_read(root, &meminfo) == 0)
        require(meminfo.total > 0);
}

static void read_vmstat(const char *text)
{
    struct vmstat vmstat;

    (void)vmstat_read(root, &vmstat);
}

static void read_zoneinfo(const char *text)
{
    struct zoneinfo zoneinfo;

    (void)zoneinfo_read(root, &zoneinfo);
}

static void read_buddyinfo(const char *text)
{
    struct buddyinfo buddyinfo;

    (void)buddyinfo_read(root, &buddyinfo);
}

static void read_pagetypeinfo(const char *text)
{
    struct pagetypeinfo pagetypeinfo;

    (void)pagetypeinfo_read(root, &pagetypeinfo);
}

static void read_stat(const char *text)
{
    struct stat_cpu cpu;

    (void)stat_read(root, &cpu);
}

static void read_ram(const char *text)
{
    struct ram_map map;

    (void)ram_map_read(root, 4096, &map);
}

static void read_pressure(const char *text)
{
    struct pressure pressure;

    (void)pressure_read(root, "proc/pressure/memory", &pressure);
}

static void read_devices(const char *text)
{
    uint32_t order;

    if (page_reporting_order_read(root, 10, &order) == 0)
        require(order <= 10);
    (void)vsock_device_find(root);
}

static void read_process(const char *text)
{
    struct process_status status;
    struct mapping mapping;
    uint64_t a, b;
    const char *rest = text;

    (void)process_status_parse(text, &status);
    (void)process_locked_parse(text, &a, &b);
    (void)process_huge_parse(text, &a);
    (void)process_statm_parse(text, 4096, &a);
    (void)process_start_time_parse(text, &a);
    while (maps_next(&rest, &mapping))
        require(mapping.start <= mapping.end);
}

static void read_cpulist(const char *text)
{
    uint64_t member = 0;

    for (unsigned i = 0; i < 64 && cpulist_next(text, member, &member) == 0; i++)
        member++;
}

/* ---- the journal ---- */

static void journal(const char *text)
{
    struct settings settings;
    char kept[8] = "";
    int file;

    put(state, "settings.journal", text);
    (void)settings_init(&settings, root, state, NULL);
    require(settings.count <= SETTINGS_MAX);
    file = open(outside, O_RDONLY | O_CLOEXEC);
    require(file >= 0 && read(file, kept, sizeof(kept)) == 1 && kept[0] == '1');
    close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *) = {
        read_meminfo, read_vmstat,   read_zoneinfo, read_buddyinfo, read_pagetypeinfo, read_stat,
        read_ram,     read_pressure, read_devices,  read_process,   read_cpulist,      journal,
    };
    char *text;

    if (root < 0)
        make_root();
    if (size == 0)
        return 0;
    text = malloc(size);
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    set_input(text, size - 1);
    readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](text);
    free(text);
    return 0;
}
