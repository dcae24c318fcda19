/* Short names for the generated types of a fleet. */
#ifndef VMRECLAIM_CONTROLLER_CLI_FLEET_MESSAGES_H
#define VMRECLAIM_CONTROLLER_CLI_FLEET_MESSAGES_H

#include "fleet.pb-c.h"

typedef Vmreclaim__Fleet__V1__FleetHost FleetHost;
typedef Vmreclaim__Fleet__V1__FleetPolicy FleetPolicy;
typedef Vmreclaim__Fleet__V1__FleetVm FleetVm;
typedef Vmreclaim__Fleet__V1__HostPolicy HostPolicy;
typedef Vmreclaim__Fleet__V1__Rollout Rollout;
typedef Vmreclaim__Fleet__V1__VmStatus VmStatus;

#endif
