/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0". */
#include "common/proc/pressure.h"

#include <errno.h>
#include <string.h>

#include "common/proc/lines.h"

/* Two digits behind the point. */
static int parse_average(const char *text, uint32_t *ret_permyriad)
{
    uint64_t percent;
    uint64_t hundredths;

    text = lines_after(text, "avg10=");
    if (text == NULL || lines_number(&text, &percent) < 0 || *text++ != '.' ||
        lines_number(&text, &hundredths) < 0 || percent > 100 || hundredths > 99)
        return -EBADMSG;
    *ret_permyriad = (uint32_t)(percent * 100 + hundredths);
    return 0;
}

static int parse_total(const char *text, uint64_t *ret_total)
{
    text = strstr(text, " total=");
    if (text == NULL)
        return -EBADMSG;
    text += strlen(" total=");
    return lines_number(&text, ret_total) < 0 || *text != '\0' ? -EBADMSG : 0;
}

static int parse_line(const char *text, uint64_t *ret_total, uint32_t *ret_average)
{
    int r = parse_average(text, ret_average);

    return r < 0 ? r : parse_total(text, ret_total);
}

static int take_line(const char *line, void *userdata)
{
    struct pressure *pressure = userdata;
    const char *some = lines_after(line, "some ");
    const char *full = lines_after(line, "full ");

    if (some != NULL)
        return parse_line(some, &pressure->some, &pressure->some_avg10);
    return full != NULL ? parse_line(full, &pressure->full, &pressure->full_avg10) : 0;
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
