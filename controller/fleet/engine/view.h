/* The hosts of a fleet, as a coordinator knows them. What the engine looks at; nothing here is
 * owned. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENGINE_VIEW_H
#define VMRECLAIM_CONTROLLER_FLEET_ENGINE_VIEW_H

#include <stdbool.h>

#include "common/base/time.h"
#include "fleet.pb-c.h"

typedef Vmreclaim__Fleet__V1__HostStatus HostStatus;
typedef Vmreclaim__Fleet__V1__VmStatus VmStatus;

#define FLEET_STATUS_INTERVAL (10 * NSEC_PER_SEC)
/* Three statuses were missed, by the reader's clock. */
#define FLEET_LOST_AFTER (35 * NSEC_PER_SEC)

/* What is wanted is of this rollout's policy: in the newest desired state that the stream has. */
struct fleet_host {
    const char *id;
    const HostStatus *status;   /* the newest; NULL: there never was one */
    nsec_t heard;               /* when it came; 0: the stream only kept it, nobody heard it */
    bool wanted_is_known;       /* the newest desired state was read, also where there is none */
    const char *wanted_rollout; /* that brought the entry; NULL or "": none did */
    uint64_t wanted_generation; /* of the desired state; 0: there is none */
    uint64_t wanted_epoch;      /* of the coordinator that wrote it */
};

struct fleet_view {
    nsec_t now;          /* CLOCK_BOOTTIME: the reader's clock */
    int64_t time_ns;     /* UNIX nanoseconds, for the document */
    nsec_t listening;    /* CLOCK_BOOTTIME since when statuses are heard */
    bool all_were_heard; /* everybody that is known, since then */
    uint64_t epoch;      /* of this coordinator's lease */
    /* In the order of strcmp() of their ids. Every host of a rollout is among them, also when it
     * was never heard. */
    const struct fleet_host *hosts;
    size_t count;
};

enum fleet_presence {
    FLEET_UNKNOWN, /* the reader has not listened for long enough */
    FLEET_PRESENT,
    FLEET_LOST,
};

enum fleet_presence fleet_presence(const struct fleet_view *view, const struct fleet_host *host);

/* It has listened for so long that who is silent is lost; or nobody is. */
bool fleet_view_is_whole(const struct fleet_view *view);

/* NULL: there is none of that id. */
const struct fleet_host *fleet_view_find(const struct fleet_view *view, const char *id);

/* What became of a rollout's policy on a host, as its status says. */
enum fleet_applied {
    FLEET_NOT_APPLIED,
    FLEET_IN_FORCE,
    FLEET_PINNED, /* the host's own operator holds it, or takes none of the fleet: neither a success
                     nor a failure */
    FLEET_REFUSED,
};

/* `ret_reason`: why it is pinned or refused; else "". */
enum fleet_applied fleet_applied(const struct fleet_host *host, const char *policy,
                                 const char *rollout, const char **ret_reason);

#endif
