/* One function, so that all lines look alike. */
#include "controller/fleet/check/report.h"

#include <stdarg.h>

#include "common/base/text.h"

void report_add(struct report *report, enum finding finding, const char *name, const char *format,
                ...)
{
    static const char *const words[] = {
        [FINDING_OK] = "ok",
        [FINDING_WARNING] = "warning",
        [FINDING_FAILURE] = "failure",
    };
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    text_make_safe(text, TEXT_ONE_LINE);
    fprintf(report->output, "%s: %s: %s\n", words[finding], name, text);
    report->failures += finding == FINDING_FAILURE;
}
