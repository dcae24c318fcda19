/* /proc/stat: "cpu  user nice system idle iowait irq softirq steal guest guest_nice". */
#include "common/proc/stat.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>

#include "common/base/util.h"
#include "common/proc/lines.h"

/* Old kernels have fewer columns; four are as old as the file. */
static int parse_cpu(const char *text, struct stat_cpu *cpu)
{
    uint64_t *columns[] = {&cpu->user,   &cpu->nice, &cpu->system,  &cpu->idle,
                           &cpu->iowait, &cpu->irq,  &cpu->softirq, &cpu->steal};

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
        if (lines_number(&text, columns[i]) < 0)
            return i >= 4 && *text == '\0' ? 0 : -EBADMSG;
    return 0;
}

int stat_read(int root, struct stat_cpu *ret_cpu)
{
    cleanup_lines struct lines lines;
    struct stat_cpu cpu = {0};
    bool has_sum = false;
    char *line;

    int r = lines_open(&lines, root, "proc/stat");
    if (r < 0)
        return r;
    while ((r = lines_next(&lines, &line)) > 0) {
        const char *text = lines_after(line, "cpu");

        if (text == NULL)
            break; /* the CPUs come first */
        if (isdigit((unsigned char)*text)) {
            cpu.cpu_count++;
            continue;
        }
        r = parse_cpu(text, &cpu);
        if (r < 0)
            return r;
        has_sum = true;
    }
    if (r < 0)
        return r;
    if (!has_sum)
        return -EBADMSG;
    *ret_cpu = cpu;
    return 0;
}
