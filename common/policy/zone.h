/* Time zones, for whoever resolves a schedule's `zone`: the offset to UTC at a moment and the next
 * change of it. From the system's zoneinfo (TZif, RFC 8536), independent of the process's own TZ.
 */
#ifndef VMRECLAIM_COMMON_POLICY_ZONE_H
#define VMRECLAIM_COMMON_POLICY_ZONE_H

#include <stdint.h>

#include "common/base/error.h"
#include "common/policy/policy.h"

struct zone_offset {
    int32_t offset; /* seconds east of UTC */
    int64_t change; /* the first second of the next offset, UNIX; 0: none is known */
    int32_t offset_after;
};

/* A file of the system's zoneinfo. -EBADMSG: not one, or one whose times end in 2038. */
int zone_parse(const char *text, size_t length, int64_t time, struct zone_offset *ret_offset);

/* `time` is in UNIX seconds; an empty name is UTC. -ENOENT: no such zone, or no zoneinfo at all;
 * -EBADMSG: not a TZif file. */
int zone_resolve(const char *name, int64_t time, struct zone_offset *ret_offset,
                 struct error *error);

/* Fills in the offsets of all schedules. Returns the earliest change of any, UNIX seconds, when it
 * wants to be called again; 0: never. A zone that is gone keeps what it had. */
int64_t zone_resolve_policy(struct policy *policy, int64_t time);

#endif
