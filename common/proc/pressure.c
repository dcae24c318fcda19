/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0". */
#include "common/proc/pressure.h"

#include <errno.h>
#include <string.h>

#include "common/proc/lines.h"

static int parse_total(const char *text, uint64_t *ret_total)
{
    text = strstr(text, " total=");
    if (text == NULL)
        return -EBADMSG;
    text += strlen(" total=");
    return lines_number(&text, ret_total) < 0 || *text != '\0' ? -EBADMSG : 0;
}

static int take_line(const char *line, void *userdata)
{
    struct pressure *pressure = userdata;

    if (lines_after(line, "some ") != NULL)
        return parse_total(line, &pressure->some);
    return lines_after(line, "full ") != NULL ? parse_total(line, &pressure->full) : 0;
}

int pressure_read(int root, const char *path, struct pressure *ret_pressure)
{
    struct pressure pressure = {.some = UINT64_MAX};
    int r = lines_visit(root, path, take_line, &pressure);

    if (r < 0)
        return r;
    if (pressure.some == UINT64_MAX)
        return -EBADMSG;
    *ret_pressure = pressure;
    return 0;
}
