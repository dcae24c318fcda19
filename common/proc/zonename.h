/* The start of a zone's line in buddyinfo, zoneinfo and pagetypeinfo: "Node 0, zone   Normal". */
#ifndef VMRECLAIM_COMMON_PROC_ZONENAME_H
#define VMRECLAIM_COMMON_PROC_ZONENAME_H

#include <stdint.h>

#define ZONE_NAME_SIZE 16

/* `name` has ZONE_NAME_SIZE bytes; *ret_rest is the text behind it. -ENOENT: the line starts
 * otherwise; -EBADMSG: it starts so and goes wrong. */
int zonename_parse(const char *line, uint32_t *ret_node, char *name, const char **ret_rest);

#endif
