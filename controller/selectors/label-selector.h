/* Which labels are meant, as other programs write it: terms with ',' between them, which all hold.
 * KEY=VALUE (or ==), KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY: it has one, !KEY: it has none.
 * What has no such key is not VALUE either. Pure. */
#ifndef VMRECLAIM_CONTROLLER_SELECTORS_LABEL_SELECTOR_H
#define VMRECLAIM_CONTROLLER_SELECTORS_LABEL_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it is one that can be read. */
bool label_selector_is_valid(const char *selector);

/* Whether it means what has these labels, each "KEY=VALUE". It is valid. */
bool label_selector_matches(const char *selector, char *const *labels, size_t count);

#endif
