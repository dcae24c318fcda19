/* A host and its guests on virtual time, coarse enough for thousands of days: memory in use, cache
 * that comes back and cache that does not, free memory that the host holds or not, a balloon with
 * the speeds that were measured. One step is one second. Bytes are doubles, as in model.h.
 *
 * In a guest: in_use + sets + junk + held + trapped + gone + balloon = ram. The host holds all of
 * that but `gone` and `balloon`. What it cannot hold it swaps: whoever grows waits for that, and
 * whoever touches what is swapped waits again. */
#ifndef VMRECLAIM_TESTS_SIM_HOST_MODEL_H
#define VMRECLAIM_TESTS_SIM_HOST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_SETS     3
#define HOST_MIB      (1024.0 * 1024)
#define HOST_GIB      (1024.0 * HOST_MIB)
#define HOST_DISK     (200 * HOST_MIB) /* ASSUMED, as disk_rate in constants.h */
#define HOST_OVERHEAD (64 * HOST_MIB)  /* ASSUMED: of a hypervisor beside its guest's memory */
#define HOST_PAGE     4096.0
#define HOST_RECENT   300 /* seconds: cache that was used since is hot for the agent */

/* A part of the cache that is used again while its program runs. */
struct host_set {
    double wanted;
    double resident;
    double taken;  /* of what was resident once: reading it is a refault */
    uint64_t used; /* second of its last use */
    bool runs;
};

enum host_lie { HOST_TRUTH, HOST_LIES_IDLE, HOST_LIES_BUSY };

struct host_guest {
    /* what it is */
    double ram;
    double floor;
    double minimum; /* what rivals may not go below: the same floor */
    unsigned shares;
    double inflate, deflate; /* of its balloon, bytes per second */
    double grow;             /* of its programs, bytes per second */
    bool reports;
    bool has_agent;
    bool has_balloon;
    bool deflates_on_oom;
    enum host_lie lie;
    /* what happens to it */
    uint64_t agent_back;    /* second when its agent is heard again */
    uint64_t balloon_works; /* second when its balloon follows again */
    uint64_t restarted;     /* second of the last restart; 0: none */
    /* its memory */
    double in_use, use_wanted;
    struct host_set sets[HOST_SETS];
    double junk;   /* cache that nobody reads again */
    double stream; /* bytes per second that become junk */
    double held, trapped, gone;
    double balloon;
    double target;  /* the size that the host asks it to have */
    double swapped; /* of what it uses, by the host */
    /* what it costs; since the beginning */
    double refaults; /* bytes */
    double stalled;  /* seconds */
    unsigned kills;
    double waited;          /* part of the last second, as the guest itself sees it */
    double pressure;        /* ... of about the last ten */
    double host_waited;     /* part of the last second that it stood still for the host's swap */
    unsigned short_seconds; /* in a row without the memory that it wanted */
};

struct host_model {
    uint64_t now; /* seconds */
    double total;
    double others;   /* what the host's other programs use */
    double reserved; /* ... and what is to stay, for a VM that is about to start */
    double available;
    double swapped_in; /* bytes */
    struct host_guest *guests;
    unsigned count;
};

/* A guest that has just booted, all of its memory untouched. */
void host_guest_boot(struct host_guest *guest, double in_use);

/* Boots again: its balloon is empty, what it had touched the host still holds. */
void host_guest_restart(struct host_guest *guest, uint64_t now, double in_use);

/* One second of all guests and of the host. */
void host_model_step(struct host_model *host);

/* ---- what is done to it ---- */

/* The agent takes cache that was not used for HOST_RECENT; returns the bytes. */
double host_guest_reclaim(struct host_guest *guest, uint64_t now, double bytes);
void host_guest_compact(struct host_guest *guest);
/* Takes what is free above `headroom` and gives it back: the host has it. */
void host_guest_pulse(struct host_guest *guest, double headroom);

/* ---- what there is to see ---- */

double host_guest_size(const struct host_guest *guest);
double host_guest_free(const struct host_guest *guest);
double host_guest_cache(const struct host_guest *guest);
/* Cache that was not used for HOST_RECENT. */
double host_guest_cold(const struct host_guest *guest, uint64_t now);
double host_guest_footprint(const struct host_guest *guest);
/* In use, the sets of what runs, and what else was used in the last HOST_RECENT. */
double host_guest_working_set(const struct host_guest *guest, uint64_t now);
/* No memory is lost or made. */
bool host_guest_adds_up(const struct host_guest *guest);

#endif
