/* JSON values as YAML 1.1, which readers of YAML 1.2 take for the same. */
#ifndef VMRECLAIM_CONTROLLER_CLI_YAML_H
#define VMRECLAIM_CONTROLLER_CLI_YAML_H

#include <jansson.h>
#include <stdio.h>

/* A document that begins with "---". What could be taken for another kind of value is quoted; what
 * could steer a terminal is escaped. -ENOMEM, -EIO. */
int yaml_print(const json_t *json, FILE *to);

#endif
