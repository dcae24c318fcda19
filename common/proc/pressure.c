/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0". */
#include "common/proc/pressure.h"

#include <errno.h>
#include <stdbool.h>
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

int pressure_read(int root, const char *path, struct pressure *ret_pressure)
{
    cleanup_lines struct lines lines;
    struct pressure pressure = {0};
    bool has_some = false;
    char *line;

    int r = lines_open(&lines, root, path);
    if (r < 0)
        return r;
    while ((r = lines_next(&lines, &line)) > 0) {
        if (lines_after(line, "some ") != NULL) {
            r = parse_total(line, &pressure.some);
            has_some = true;
        } else if (lines_after(line, "full ") != NULL) {
            r = parse_total(line, &pressure.full);
        }
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    if (!has_some)
        return -EBADMSG;
    *ret_pressure = pressure;
    return 0;
}
