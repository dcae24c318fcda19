/* Selecting hosts. */
#include "controller/selectors/host-selector.h"

#include <errno.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/selectors/label-selector.h"
#include "controller/selectors/target.h"

#define HOST  "host:"
#define LABEL "label:"

/* What is behind the prefix; NULL: it has another one. */
static const char *after(const char *selector, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(selector, prefix, length) == 0 ? selector + length : NULL;
}

static const char *name_of(const char *selector)
{
    const char *name = after(selector, HOST);

    return name != NULL ? name : selector;
}

int host_selector_check(const char *selector, struct error *error)
{
    const char *terms = after(selector, LABEL);

    if (terms == NULL && name_of(selector)[0] != '\0')
        return target_check(name_of(selector), "host", error);
    if (terms != NULL && label_selector_is_valid(terms))
        return 0;
    return error_set(error, -EINVAL,
                     "'%s' does not say which hosts; write all, NAME, 'GLOB*' or "
                     "label:KEY=VALUE",
                     TEXT_CUT(selector, 80));
}

bool host_selector_matches(const char *selector, const struct host_subject *host)
{
    const char *terms = after(selector, LABEL);
    const char *name = name_of(selector);

    if (terms != NULL)
        return label_selector_is_valid(terms) &&
               label_selector_matches(terms, host->labels, host->label_count);
    if (strcmp(selector, "all") == 0)
        return true;
    return target_matches(name, host->id, NULL, 0) ||
           (host->name != NULL && target_matches(name, host->name, NULL, 0));
}
