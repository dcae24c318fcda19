/* What a host says of itself, from what its daemon answered. Pure. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_STATUS_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_STATUS_H

#include "fleet.pb-c.h"

#define STATUS_VMS_MAX         150
#define STATUS_BYTES_MAX       ((size_t)60 << 10) /* the stream takes 64 KiB */
#define STATUS_EXPLANATION_MAX 512                /* bytes of a VM's; a longer one is left out */

/* Answers of the daemon; NULL: there is none, and what it has is absent. */
struct status_parts {
    const Vmreclaim__Controller__V1__GetStatusResponse *status;
    const Vmreclaim__Controller__V1__GetHostResponse *host;
    const Vmreclaim__Controller__V1__ListVmsResponse *list; /* with returns and obstacles */
    const Vmreclaim__Controller__V1__GetCountersResponse *counters;
};

/* Packs `status`, whose other fields are set, with what the parts have: totals of all VMs, and of
 * the VMs those that could return most, as many as fit. Explanations are left out before VMs are.
 * The caller frees it; NULL: no memory. */
uint8_t *status_pack(Vmreclaim__Fleet__V1__HostStatus *status, const struct status_parts *parts,
                     size_t *ret_length);

#endif
