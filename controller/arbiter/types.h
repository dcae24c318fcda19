/* What the arbiter is shown, what it answers, and what it remembers. Plain data; arbiter.h has what
 * it means. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_TYPES_H
#define VMRECLAIM_CONTROLLER_ARBITER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/number.h"
#include "common/base/time.h"
#include "controller/arbiter/shares.h"

#define ARBITER_OWNER       "arbiter"             /* of its leases, and who asks for its actions */
#define ARBITER_INTERVAL    (1 * NSEC_PER_SEC)    /* between two steps */
#define ARBITER_PACE        (2 * NSEC_PER_SEC)    /* between two moves of one lease */
#define ARBITER_LEASE_TERM  (600 * NSEC_PER_SEC)  /* of a lease; it is renewed at half of it */
#define ARBITER_CHANGES_MAX 4                     /* of direction, of one VM ... */
#define ARBITER_CHANGES_IN  (3600 * NSEC_PER_SEC) /* ... in this time */
#define ARBITER_TEXT_SIZE   160

/* The host, or the control group that stands for it. Bytes. */
struct arbiter_host {
    nsec_t now; /* CLOCK_BOOTTIME, the same clock for all times here */
    uint64_t total;
    uint64_t available;
    uint32_t psi_some; /* memory, avg10, permyriad; 0 where it is not known */
    uint32_t psi_full;
    /* watermarks: critical < low < high, checked by whoever reads the settings */
    uint64_t critical;
    uint64_t low;
    uint64_t high;
    uint64_t reserved; /* for VMs that start, and not used yet: see reservations.h */
};

/* What can be done to a VM now; what cannot is not asked for. */
enum arbiter_means {
    ARBITER_CAN_RECLAIM = 1u << 0, /* its agent takes orders, and what it frees comes back */
    ARBITER_CAN_COMPACT = 1u << 1, /* likewise */
    ARBITER_CAN_PULSE = 1u << 2,   /* free memory does not come back by itself */
    ARBITER_CAN_LEASE = 1u << 3,   /* its balloon takes memory, and the host gets it */
    ARBITER_CAN_FREE = 1u << 4,    /* its agent takes orders; what it frees comes back by a pulse */
};

/* Who says what the guest has. */
enum arbiter_source {
    ARBITER_UNHEARD,    /* nobody */
    ARBITER_STATISTICS, /* its balloon's driver; cold, hot and trapped are not known */
    ARBITER_AGENT,
};

struct arbiter_memory;

/* One VM as it is now. Bytes. The guest's figures are hints. */
struct arbiter_vm {
    uint64_t serial;               /* of its record */
    struct arbiter_memory *memory; /* the caller's, one per VM, zeroes at first; never NULL */
    uint64_t ram;                  /* its size with nothing taken */
    uint64_t size;                 /* ... now */
    uint64_t footprint; /* what the host holds for it; 0: not known, so it is left alone */
    /* the guest's; 0 with ARBITER_UNHEARD */
    enum arbiter_source source;
    uint64_t free;
    uint64_t cold;     /* cache above its policy's floor that was not used for long */
    uint64_t trapped;  /* free, on the host, and to be had by compaction */
    uint64_t in_use;   /* what it cannot let go: neither free nor cache */
    uint64_t hot;      /* cache that it uses; in_use + hot is its working set */
    uint64_t headroom; /* what must stay available in it, or a lease is refused: balloon_headroom */
    /* the operator's */
    uint32_t shares; /* 1..SHARES_MAX */
    uint32_t priority;
    uint64_t floor;   /* it keeps so much; 0: none */
    uint64_t ceiling; /* it may hold so much while the host is short; 0: no limit */
    /* leases */
    uint64_t lease;   /* held by the arbiter's */
    uint64_t others;  /* ... by all others */
    nsec_t lease_end; /* of the arbiter's; 0: there is none */
    /* state */
    unsigned means;      /* enum arbiter_means */
    bool may_be_changed; /* somebody assigned a policy, or a file names it */
    bool is_halted;
    bool is_foreign;      /* somebody else moves its balloon */
    bool is_occupied;     /* an action of it is under way */
    bool is_starved;      /* in need: short of memory, stalls or kills */
    bool is_stalled;      /* its balloon does not follow */
    bool cannot_be_tried; /* ... does not let go when its guest is out of memory: the leases refuse
                             what leaves it less than it says that it needs */
};

enum arbiter_step {
    ARBITER_NO_STEP,
    ARBITER_RECLAIM,
    ARBITER_COMPACT,
    ARBITER_PULSE,
    ARBITER_LEASE,
    ARBITER_GIVE_BACK,
    ARBITER_STEP_COUNT,
};

/* What the host is in. */
enum arbiter_state {
    ARBITER_RESTING,
    ARBITER_TAKING,
    ARBITER_CRITICAL,
    ARBITER_GIVING,
    ARBITER_STATE_COUNT,
};

/* Why something is done, or why nothing; causes first. */
enum arbiter_reason {
    ARBITER_IS_FINE,    /* the host is not short */
    ARBITER_UNASSIGNED, /* nobody said that it may be changed */
    ARBITER_HALTED,
    ARBITER_FOREIGN,
    ARBITER_UNMEASURED, /* what the host holds for it is not known */
    ARBITER_NO_MEANS,
    ARBITER_IN_NEED,  /* give back, or: it is short, so nothing is taken */
    ARBITER_PROMISED, /* what it got back is its own for a while */
    ARBITER_OCCUPIED,
    ARBITER_STALLED,
    ARBITER_COOLS_DOWN,
    ARBITER_TURNED_OFTEN, /* its direction has changed as often as it may */
    ARBITER_AT_FLOOR,
    ARBITER_WITHIN_SHARE, /* it holds no more than is its own */
    ARBITER_NOTHING_LEFT, /* no step brings enough */
    ARBITER_ON_ITS_WAY,   /* enough was asked of it, or of others */
    ARBITER_HOLDS,        /* its lease is kept: the host does not have plenty yet */
    ARBITER_COLD_CACHE,   /* from here on: something is done */
    ARBITER_TRAPPED,
    ARBITER_FREE,
    ARBITER_OVER_SHARE,
    ARBITER_DOUBTED,   /* it says that it uses more than its share: tried in small steps */
    ARBITER_RENEWED,   /* the lease goes on */
    ARBITER_HUNGRY,    /* give back: its guest uses what it has */
    ARBITER_PLENTY,    /* give back: the host has enough */
    ARBITER_WITHDRAWN, /* give back: nobody says any more that it may be changed */
    ARBITER_REASON_COUNT,
};

/* The numbers of one decision, for its line. Bytes. */
struct arbiter_figures {
    enum arbiter_state state;
    uint64_t available; /* of the host */
    uint64_t mark;      /* the watermark that it is compared with */
    uint64_t holds;     /* what the VM holds */
    uint64_t share;     /* what it may hold, by shares.h */
    uint64_t working;   /* its working set, as it says */
    uint64_t floor;
    nsec_t wait; /* of a cool-down; 0: none */
};

struct arbiter_request {
    size_t vm; /* index */
    enum arbiter_step step;
    uint64_t bytes; /* that are to come back; of GIVE_BACK: that the guest gets */
    uint64_t size;  /* LEASE, GIVE_BACK: what the guest keeps; ram - others: the lease ends */
    enum arbiter_reason reason;
    struct arbiter_figures figures;
};

/* Which way memory of a VM moved last. */
enum arbiter_direction {
    ARBITER_NEVER_MOVED,
    ARBITER_TOOK,
    ARBITER_GAVE,
};

/* What must outlive a restart, so that a VM is not turned more often for it; plain data. */
struct arbiter_past {
    enum arbiter_direction direction;
    nsec_t moved;                        /* when it last moved; 0: never */
    nsec_t changes[ARBITER_CHANGES_MAX]; /* the last changes of direction, oldest first; 0: none */
};

/* What is on its way, or promised: it counts down as the footprint moves. Bytes. */
struct arbiter_pending {
    uint64_t bytes;     /* 0: nothing is */
    uint64_t footprint; /* when it began */
    nsec_t end;
};

/* What the engine remembers of one VM; it alone writes it. All zeroes: nothing. */
struct arbiter_memory {
    struct arbiter_past past;
    struct arbiter_pending taken;        /* asked for, and not back yet */
    struct arbiter_pending promised;     /* given back, and not used yet */
    nsec_t cool[ARBITER_STEP_COUNT];     /* until then this step is not taken */
    unsigned barren[ARBITER_STEP_COUNT]; /* how often in a row it brought little */
    nsec_t spared;                       /* until then nothing is taken from it: it was in need */
    nsec_t believed;                     /* until then what it says that it needs is its own */
    bool is_doubted;                     /* the last step was to find out */
    bool is_known;                       /* it was looked at before */
    uint64_t lease;                      /* of the arbiter's, when it was last seen */
    uint64_t lease_asked;                /* ... and as it was asked for */
    nsec_t renewal;                      /* not before */
    enum arbiter_step asked;             /* the step of `taken` */
    enum arbiter_reason reason;          /* of the last step: why something or nothing was done */
    struct arbiter_figures figures;
};

struct arbiter {
    enum arbiter_state state;
    nsec_t since;  /* it is in it */
    nsec_t plenty; /* since when the host has more than it needs; 0: it has not */
    /* scratch, `room` of each */
    struct share_claim *claims;
    struct arbiter_want *wants;
    struct arbiter_rank *ranks;
    size_t room;
    uint64_t missing; /* what the host lacks although everybody has its floor only; 0: nothing */
};

/* What the host has when all is counted; for a person, and for reservations. Bytes. */
struct arbiter_view {
    uint64_t available; /* as it is */
    uint64_t promised;  /* to guests that get memory back, and to VMs that start */
    uint64_t coming;    /* asked for, and not back yet */
    uint64_t counted;   /* available - promised + coming; what the watermarks are compared with */
    uint64_t takeable;  /* what all steps together could bring now, leases included */
};

#endif
