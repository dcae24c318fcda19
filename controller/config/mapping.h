/* The YAML our files are made of: one mapping of keys to a scalar or a list of scalars. Whatever
 * else YAML can say is refused, with file and line. */
#ifndef VMRECLAIM_CONTROLLER_CONFIG_MAPPING_H
#define VMRECLAIM_CONTROLLER_CONFIG_MAPPING_H

#include <stddef.h>

#include "common/base/error.h"

/* One key with one value; a list calls once per item, an empty one not at all. What it writes into
 * `error` gets "SOURCE:LINE: " put before it. A negative errno ends the reading. */
typedef int (*mapping_visitor)(const char *key, const char *value, void *userdata,
                               struct error *error);

/* -EINVAL with file and line in `error`, also for a key that comes twice; or what `visit` said. */
int mapping_read(const char *text, size_t length, const char *source, mapping_visitor visit,
                 void *userdata, struct error *error);

#endif
