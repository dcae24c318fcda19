/* Running a table of checks. */
#include "common/base/check.h"

#include <stdarg.h>

#include "common/base/text.h"

void check_answer_set(struct check_answer *answer, enum check_status status, const char *fix,
                      const char *reason, ...)
{
    va_list arguments;

    answer->status = status;
    va_start(arguments, reason);
    text_format_list(answer->reason, sizeof(answer->reason), reason, arguments);
    va_end(arguments);
    text_make_safe(answer->reason, TEXT_ONE_LINE);
    text_copy_line(answer->fix, sizeof(answer->fix), fix != NULL ? fix : "");
}

static void print(const struct check *check, const struct check_answer *answer, FILE *output)
{
    static const char *const names[] = {
        [CHECK_OK] = "ok",
        [CHECK_WARNING] = "warning",
        [CHECK_FAILURE] = "FAILURE",
    };

    fprintf(output, "%-8s %-26s %s\n", names[answer->status], check->name, answer->reason);
    if (answer->fix[0] != '\0')
        fprintf(output, "%-8s %-26s -> %s\n", "", "", answer->fix);
}

enum check_status checks_run(const struct check *checks, size_t count, void *context, FILE *output)
{
    enum check_status worst = CHECK_OK;

    for (size_t i = 0; i < count; i++) {
        struct check_answer answer = {.status = CHECK_OK};

        checks[i].ask(&checks[i], context, &answer);
        print(&checks[i], &answer, output);
        worst = max_of(worst, answer.status);
    }
    return worst;
}
