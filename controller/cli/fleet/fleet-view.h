/* What is wrong in a fleet, as one of its coordinators sees it. */
#ifndef VMRECLAIM_CONTROLLER_CLI_FLEET_FLEET_VIEW_H
#define VMRECLAIM_CONTROLLER_CLI_FLEET_FLEET_VIEW_H

#include "controller/cli/fleet/fleet.h"
#include "controller/cli/messages.h"

/* Whose clock is further from the coordinator's is told. */
#define FLEET_CLOCK_SLACK (60 * (int64_t)NSEC_PER_SEC)

/* Takes the texts as they are, and copies them. `status` as of a Check. */
typedef void (*fleet_add_check)(const char *status, const char *name, const char *reason,
                                void *userdata);

typedef Vmreclaim__Fleet__V1__GetCoordinatorResponse Coordinator;
typedef Vmreclaim__Fleet__V1__ListHostsResponse HostPage;

/* Hosts of which one thing is true. */
struct fleet_crowd {
    unsigned count;
    char names[160]; /* of the first ones */
};

struct fleet_view {
    uint8_t key[8]; /* that the coordinator signs with */
    size_t key_length;
    unsigned hosts;
    struct fleet_crowd lost, clocks, keys, refusing, silent;
};

void fleet_view_coordinator(struct fleet_view *view, const Coordinator *coordinator,
                            fleet_add_check add, void *userdata);

/* `now`: UNIX nanoseconds on the coordinator's machine. */
void fleet_view_hosts(struct fleet_view *view, const HostPage *page, int64_t now);

/* After the last page. */
void fleet_view_end(const struct fleet_view *view, fleet_add_check add, void *userdata);

#endif
