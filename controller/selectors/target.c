/* Targets. */
#include "controller/selectors/target.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "common/base/text.h"

#define LABEL "label:"

static bool is_label(const char *target)
{
    return strncmp(target, LABEL, sizeof(LABEL) - 1) == 0;
}

bool target_is_pattern(const char *target)
{
    return is_label(target) || strpbrk(target, "*?[") != NULL;
}

static int check_label(const char *target, struct error *error)
{
    const char *label = target + sizeof(LABEL) - 1;

    if (*label == '\0' || *label == '=')
        return error_set(error, -EINVAL, "'%s' is neither label:KEY=VALUE nor label:KEY",
                         TEXT_CUT(target, 80));
    if (strchr(label, '*') != NULL)
        return error_set(error, -EINVAL,
                         "'%s': labels are compared as they are written; only names may have "
                         "'*'",
                         TEXT_CUT(target, 80));
    return 0;
}

/* The end of the set that begins at '['; NULL: it has none. A ']' that comes first is one of the
 * set. */
static const char *end_of_set(const char *begin)
{
    const char *first = begin + 1;

    if (*first == '!' || *first == '^')
        first++;
    return *first == '\0' ? NULL : strchr(first + 1, ']');
}

static int check_glob(const char *target, const char *what, struct error *error)
{
    for (const char *c = target; *c != '\0'; c++) {
        if (*c == '[') {
            c = end_of_set(c);
            if (c == NULL)
                return error_set(error, -EINVAL, "'%s': the '[' is not closed",
                                 TEXT_CUT(target, 80));
            continue;
        }
        if (!isalnum((unsigned char)*c) && strchr(".-_*?\\", *c) == NULL)
            return error_set(error, -EINVAL,
                             "'%s' matches no %s: their names have letters, digits, '.', '-' "
                             "and '_'",
                             TEXT_CUT(target, 80), what);
    }
    return 0;
}

int target_check(const char *target, const char *what, struct error *error)
{
    return is_label(target) ? check_label(target, error) : check_glob(target, what, error);
}

bool target_matches(const char *target, const char *name, char *const labels[], size_t count)
{
    if (!is_label(target))
        return target_is_pattern(target) ? fnmatch(target, name, 0) == 0
                                         : strcmp(target, name) == 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(labels[i], target + sizeof(LABEL) - 1) == 0)
            return true;
    return false;
}
