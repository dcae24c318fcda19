/* /proc/stat: "cpu  user nice system idle iowait irq softirq steal guest guest_nice". */
#include "common/proc/stat.h"

#include <ctype.h>
#include <errno.h>

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

/* 1: the CPUs, which come first, are over. */
static int take_line(const char *line, void *userdata)
{
    struct stat_cpu *cpu = userdata;
    const char *text = lines_after(line, "cpu");

    if (text == NULL)
        return 1;
    if (!isdigit((unsigned char)*text))
        return parse_cpu(text, cpu);
    cpu->cpu_count++;
    return 0;
}

int stat_read(int root, struct stat_cpu *ret_cpu)
{
    struct stat_cpu cpu = {.user = UINT64_MAX};
    int r = lines_visit(root, "proc/stat", take_line, &cpu);

    if (r < 0)
        return r;
    if (cpu.user == UINT64_MAX)
        return -EBADMSG;
    *ret_cpu = cpu;
    return 0;
}
