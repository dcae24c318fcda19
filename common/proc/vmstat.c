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

static int parse_line(struct vmstat *vmstat, const char *line)
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
    cleanup_lines struct lines lines;
    struct vmstat vmstat = {0};
    char *line;

    int r = lines_open(&lines, root, "proc/vmstat");
    if (r < 0)
        return r;
    while ((r = lines_next(&lines, &line)) > 0) {
        r = parse_line(&vmstat, line);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret_vmstat = vmstat;
    return 0;
}
