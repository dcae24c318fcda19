/* /proc/vmstat: "name value" per line. */
#include "common/proc/vmstat.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/base/util.h"
#include "common/proc/lines.h"

static const struct key {
    const char *name;
    size_t offset;
} keys[] = {
    {"workingset_refault_file ", offsetof(struct vmstat, refault_file)},
    {"workingset_refault_anon ", offsetof(struct vmstat, refault_anon)},
    {"pgmajfault ", offsetof(struct vmstat, major_faults)},
    {"oom_kill ", offsetof(struct vmstat, oom_kills)},
    {"balloon_inflate ", offsetof(struct vmstat, balloon_inflate)},
    {"balloon_deflate ", offsetof(struct vmstat, balloon_deflate)},
    {"pgmigrate_success ", offsetof(struct vmstat, migrated)},
    {"compact_migrate_scanned ", offsetof(struct vmstat, compact_migrate_scanned)},
    {"compact_free_scanned ", offsetof(struct vmstat, compact_free_scanned)},
    {"compact_isolated ", offsetof(struct vmstat, compact_isolated)},
    {"pgsteal_kswapd ", offsetof(struct vmstat, steal_kswapd)},
    {"pgsteal_direct ", offsetof(struct vmstat, steal_direct)},
};

static int take_line(const char *line, void *vmstat)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *text = lines_after(line, keys[i].name);
        uint64_t value;

        if (text == NULL)
            continue;
        if (lines_number(&text, &value) < 0 || *text != '\0')
            return -EBADMSG;
        memcpy((char *)vmstat + keys[i].offset, &value, sizeof(value));
        return 0;
    }
    return 0;
}

int vmstat_read(int root, struct vmstat *ret_vmstat)
{
    struct vmstat vmstat = {0};
    int r = lines_visit(root, "proc/vmstat", take_line, &vmstat);

    if (r == 0)
        *ret_vmstat = vmstat;
    return r;
}
