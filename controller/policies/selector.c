/* Selectors. */
#include "controller/policies/selector.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "common/base/text.h"

#define LABEL "label:"

static bool is_label(const char *selector)
{
    return strncmp(selector, LABEL, sizeof(LABEL) - 1) == 0;
}

bool policy_selector_is_pattern(const char *selector)
{
    return is_label(selector) || strpbrk(selector, "*?[") != NULL;
}

static int check_label(const char *selector, struct error *error)
{
    const char *label = selector + sizeof(LABEL) - 1;
    const char *equal = strchr(label, '=');

    if (equal == NULL || equal == label)
        return error_set(error, -EINVAL, "'%s' is not of the form label:KEY=VALUE",
                         TEXT_CUT(selector, 80));
    if (strchr(label, '*') != NULL)
        return error_set(error, -EINVAL,
                         "'%s': labels are compared as they are written; only names may have "
                         "'*'",
                         TEXT_CUT(selector, 80));
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

static int check_glob(const char *selector, struct error *error)
{
    for (const char *c = selector; *c != '\0'; c++) {
        if (*c == '[') {
            c = end_of_set(c);
            if (c == NULL)
                return error_set(error, -EINVAL, "'%s': the '[' is not closed",
                                 TEXT_CUT(selector, 80));
            continue;
        }
        if (!isalnum((unsigned char)*c) && strchr(".-_*?\\", *c) == NULL)
            return error_set(error, -EINVAL,
                             "'%s' matches no VM: their names have letters, digits, '.', '-' "
                             "and '_'",
                             TEXT_CUT(selector, 80));
    }
    return 0;
}

int policy_selector_check(const char *selector, struct error *error)
{
    return is_label(selector) ? check_label(selector, error) : check_glob(selector, error);
}

static bool has_label(const struct vm *vm, const char *label)
{
    size_t count;
    char *const *labels = vm_labels(vm, &count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(labels[i], label) == 0)
            return true;
    return false;
}

bool policy_selector_matches(const char *selector, const struct vm *vm)
{
    if (is_label(selector))
        return has_label(vm, selector + sizeof(LABEL) - 1);
    return policy_selector_is_pattern(selector) ? fnmatch(selector, vm->name, 0) == 0
                                                : strcmp(selector, vm->name) == 0;
}
