/* One VM is one identity, however many sources found it: a VM file, a hypervisor, an agent. Its
 * record is plain data in parts. Each part is written by one file only, which VM_PART names; all
 * others read it. vm.c makes and frees records. */
#ifndef VMRECLAIM_CONTROLLER_VMS_VM_H
#define VMRECLAIM_CONTROLLER_VMS_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/hash.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/policy/policy.h"
#include "controller/config/vm-file.h"
#include "controller/footprint/footprint.h"
#include "controller/guests/agent-link.h"
#include "controller/guests/guest-clock.h"
#include "controller/guests/standing.h"
#include "controller/guests/starvation.h"
#include "controller/hypervisors/hypervisors.h"
#include "controller/vms/footprint-history.h"
#include "controller/vms/lifecycle.h"
#include "controller/vms/waterfall.h"

enum vm_source {
    VM_SOURCE_FILE = 1u << 0,
    VM_SOURCE_FOUND = 1u << 1, /* its hypervisor was found, see struct vm_found */
    VM_SOURCE_AGENT = 1u << 2, /* an agent dialled in from a CID that nobody else names */
    VM_SOURCE_LEASE = 1u << 3, /* a lease that is over and that no VM claims */
};

struct action;
struct asking;
struct vm_arbiter;
struct vm_leases;
struct vm_pulses;
struct supervisor;
struct totals;

/* Who names the VM. */
struct vm_sources {
    unsigned set;                     /* enum vm_source */
    struct vm_definition *definition; /* of VM_SOURCE_FILE */
};

/* Who finds hypervisors. */
enum finder {
    FINDER_DIRECTORY = 1u << 0, /* of sockets */
    FINDER_PROCESSES = 1u << 1, /* by their command lines */
    FINDER_PLACE = 1u << 2,     /* a driver's discovery */
};

/* A VM whose hypervisor was found. It may be found by several. */
struct vm_found {
    unsigned by;     /* enum finder; 0: it was not */
    unsigned marked; /* enum finder: reported since that one last reported all */
    pid_t pid;       /* of the hypervisor; 0: not given */
    uint64_t start_time;
    pid_t compared; /* with the processes of all others */
    char title[DRIVER_TITLE_SIZE];
    unsigned title_by; /* enum finder; 0: nobody has told one */
    char *labels[VM_LABELS_MAX];
    size_t label_count;
    unsigned labels_by;                    /* likewise */
    char balloon_owner[DRIVER_OWNER_SIZE]; /* as its finder knows; "": nobody */
    char problem[192];                     /* why it has no address */
};

struct vm_life {
    struct list slot_link; /* supervisor's coalesced tick */
    enum vm_state state;
    bool gone;           /* while that its hypervisor ended is worked off */
    bool agent_was_here; /* since the VM was found */
    bool removed;        /* waits for its connections to close, then is freed */
};

/* When a session with its hypervisor is tried. */
struct vm_attempts {
    nsec_t next;   /* CLOCK_BOOTTIME */
    nsec_t delay;  /* from the next that fails to the one after it */
    uint64_t shut; /* at its place sits who takes no session; 0: not known */
};

/* The session with its hypervisor, and what that says. */
struct vm_hypervisor {
    struct driver_session *session; /* NULL: not connected */
    bool ready;                     /* the session can be used */
    nsec_t silent;                  /* CLOCK_MONOTONIC: an answer was due; 0: it answers */
    nsec_t bind_next;               /* CLOCK_BOOTTIME: its process is looked for again */
    char condition[256];            /* "ready", or what is wrong */
    struct driver_facts facts;
    bool known;             /* the facts were read at least once from the process that lives */
    nsec_t facts_next;      /* CLOCK_BOOTTIME when they are asked for again */
    bool migrated_in;       /* since the hypervisor started and the guest booted */
    bool restored;          /* ... from a snapshot */
    bool balloon_reading;   /* its size is being asked */
    bool balloon_again;     /* ... and moved meanwhile */
    nsec_t balloon_watched; /* CLOCK_BOOTTIME until which it is asked many times a second */
    uint64_t balloon_before_restore; /* its size before the guest went back to a snapshot */
    uint64_t balloon_earlier;        /* its size before the last reading found it smaller */
    nsec_t balloon_shrunk;           /* CLOCK_BOOTTIME of that reading; 0: none */
    nsec_t stopped; /* CLOCK_BOOTTIME when the guest was last stopped to stand still; 0: never */
    nsec_t stood;   /* CLOCK_BOOTTIME when it was last seen to stand still; 0: never */
};

/* What its balloon's driver reports of the guest. */
struct vm_statistics {
    struct driver_statistics last; /* updated 0: none */
    nsec_t told;                   /* CLOCK_BOOTTIME when the guest told them, at the earliest */
    nsec_t seen;                   /* ... when the hypervisor was last asked */
    nsec_t next;                   /* CLOCK_BOOTTIME when they are asked for again */
};

enum interval_state {
    INTERVAL_OWNERS,    /* as somebody else set it */
    INTERVAL_NOTING,    /* that is being written down */
    INTERVAL_SETTING,   /* the hypervisor was told ours */
    INTERVAL_OURS,      /* it has it, or may have it */
    INTERVAL_RETURNING, /* it was told the owner's */
};

struct vm;
typedef void (*interval_poked)(struct vm *vm, int status);

/* How often its hypervisor asks the guest for them. */
struct vm_interval {
    enum interval_state state;
    uint32_t owners;      /* seconds; not of INTERVAL_OWNERS */
    uint32_t ours;        /* likewise; the owner's where that is not 0 */
    nsec_t retry;         /* CLOCK_BOOTTIME, not before: it refused ours; 0: it did not */
    nsec_t held;          /* CLOCK_BOOTTIME until which readings of now are wanted */
    interval_poked poked; /* while it is 0 for a moment; NULL: it is not */
    uint64_t left_seen;   /* of the notes that were ever left; no other is for this address */
    unsigned returned;    /* readings of the facts until they know that the owner's is there */
};

/* The host's and the guest's side of its memory. */
struct vm_measured {
    struct hypervisor_process process;
    bool search_again;         /* for what backs the guest's memory */
    struct guest_memory guest; /* received 0: none */
    struct host_memory host;   /* time 0: none */
    struct waterfall waterfall;
    int64_t time;          /* of the waterfall, UNIX nanoseconds; 0: none */
    nsec_t calibrate_next; /* what its hypervisor holds for itself */
    struct footprint_history history;
    uint64_t footprint_at_boot;  /* first settled footprint of this boot; 0: unknown */
    uint64_t huge_bytes;         /* of the footprint, when that was last asked for; 0: unknown */
    uint64_t touched;            /* highest footprint of its process' life; 0: unknown */
    struct log_limit complaints; /* about samples that cannot be true */
};

/* The connections of its agent. */
struct vm_links {
    struct agent_link *agent;     /* the one that counts; NULL: none */
    struct agent_link *candidate; /* a second one that must first prove itself */
    bool agent_is_dialled;        /* we dialled its path; else it came by its CID */
    bool candidate_is_dialled;
    unsigned open; /* agent, candidate, and those that are closing */
    char candidate_boot_id[37];
    bool first_is_alive;            /* it answered the ping; the candidate has not said who it is */
    struct ttrpc_client_call *ping; /* of the first link, for the candidate's sake; NULL: none */
    struct dial *dial;
    bool late;            /* a sample is overdue */
    bool told_takes_free; /* that pulses take what is free */
    int told_order;       /* lowest useful reporting order the agent was given; -1: none */
    struct agent_standing standing;
};

/* What the guest's agent said about itself, kept as it came, bounded. */
struct agent_info {
    char version[32];
    char boot_id[37];
    char kernel_release[64];
    uint64_t page_size;
    uint32_t pageblock_order;
    uint32_t reporting_order;
    uint32_t cpu_count;
    bool lacks_reporting; /* its kernel does not report free pages */
    uint8_t *packed;      /* GetInfoResponse; NULL: none */
    size_t packed_length;
};

/* What its agent says. */
struct vm_agent {
    struct agent_info info; /* of the agent that is connected, or was last */
    char boot_id[37];       /* the guest's last known boot */
    nsec_t clock;           /* latest CLOCK_BOOTTIME of that boot; it goes back with a snapshot */
    nsec_t clock_seen;      /* CLOCK_BOOTTIME of ours when that was reported */
    struct guest_clock beside_ours;  /* on this link */
    struct log_limit events;         /* of all kinds but samples */
    struct log_limit actions;        /* each is recorded and kept for a year: a burst an hour ... */
    struct log_limit actions_beyond; /* ... and what an endless trickle may add to it */
    char engine_state[24];
    char engine_reason[160];
};

/* The policy that it is to run. */
struct vm_policy {
    struct policy *policy; /* in force or to be; NULL: none */
    bool withdrawn;        /* it is known that there is none: the agent runs its own */
    struct policy *file;   /* that the VM's file names; NULL: none */
    bool agent_has_some;   /* the agent runs a policy that a host gave it */
    bool sent;             /* the agent has it, or none where none is */
    struct ttrpc_client_call *under_way; /* waits for the agent's answer; NULL: nothing does */
    bool again;                          /* it changed meanwhile */
    int64_t zone_change;     /* UNIX seconds: a zone in it has another offset then; 0: never */
    bool clock_is_told;      /* the agent knows the time by ... */
    int64_t clock_told;      /* ... UNIX nanoseconds when its CLOCK_BOOTTIME began */
    nsec_t clock_next;       /* CLOCK_BOOTTIME when that is looked at again */
    nsec_t retry;            /* not before, after the agent refused it */
    char **unsupported_keys; /* as the agent answered; NULL-terminated, NULL when there are none */
    char **capped_keys;      /* lowered to the guest's own limit */
    char **capped_values;    /* which is that; NULL from an agent that does not say */
};

/* `deploy/lint/owners` compiles every file with the parts of the others constant. */
#ifndef VM_PART
#define VM_PART(writer)
#endif

struct vm {
    /* for callbacks that get the VM */
    struct supervisor *VM_PART(vms_life) supervisor;
    /* identity, as the registry finds it */
    VM_PART(vms_registry) struct list link;
    VM_PART(vms_registry) struct hash_link by_serial;
    VM_PART(vms_registry) struct hash_link by_name;
    VM_PART(vms_registry) struct hash_link by_uuid;
    VM_PART(vms_registry) struct hash_link by_cid;
    VM_PART(vms_registry) struct hash_link by_address;
    VM_PART(vms_registry)
    uint64_t serial; /* of the record, never used twice; names are given anew */
    VM_PART(vms_registry) char name[VM_NAME_SIZE];
    VM_PART(vms_registry) char uuid[VM_UUID_SIZE];
    VM_PART(vms_registry) uint32_t cid; /* 0: none */
    VM_PART(vms_registry) struct hypervisor_address address;
    VM_PART(vms_life) struct vm_life life;
    VM_PART(vms_sources) struct vm_sources sources;
    VM_PART(vms_found) struct vm_found found;
    VM_PART(vms_attempts) struct vm_attempts attempts;
    VM_PART(vms_hypervisor) struct vm_hypervisor hypervisor;
    VM_PART(vms_statistics) struct vm_statistics statistics;
    VM_PART(vms_intervals) struct vm_interval interval;
    struct asking *VM_PART(vms_statistics_now) asking; /* its guest, for statistics; NULL: not */
    VM_PART(vms_measured) struct vm_measured measured;
    VM_PART(vms_links) struct vm_links links;
    VM_PART(vms_agent) struct vm_agent agent;
    /* whose agent it is, is vouched for: by the hypervisor, or by the path that was dialled */
    VM_PART(vms_announce) bool announced;
    VM_PART(policies_push) struct vm_policy assigned;
    VM_PART(leases_alarm) struct starvation starvation; /* under its balloon */
    struct vm_leases *VM_PART(leases_table) leases;     /* NULL: there never was one */
    VM_PART(leases_table) bool leased;                  /* something of ours is in its balloon */
    VM_PART(actions_halts) bool halted;                 /* by an operator: nothing is done to it */
    struct action *VM_PART(actions_life) action;        /* one at a time; NULL: none */
    struct vm_pulses *VM_PART(pulses_planner) pulses;   /* NULL: not looked at yet */
    bool VM_PART(pulses_planner) takes_free;            /* by pulses, sooner or later */
    struct vm_arbiter *VM_PART(arbiter_keeper) arbiter; /* NULL: not looked at yet */
    VM_PART(pulses_planner) char pulse_text[160];       /* why it gets no pulse; "": no news */
    struct totals *VM_PART(records_counts) totals;      /* of its actions; NULL: there were none */
    VM_PART(daemon_log) struct log_limit log;           /* lines about this VM */
};

/* Found by `source`. -ENOMEM. */
int vm_create(const char *name, enum vm_source source, struct vm **ret_vm);

/* The session and links must be closed. NULL is fine. */
void vm_destroy(struct vm *vm);

/* What the agent says of itself, with the reporting order of its newest sample, which moves; the
 * caller frees it (vm_info_free takes NULL). NULL: it is not there, has not said it, or memory is
 * short. */
Vmreclaim__Agent__V1__GetInfoResponse *vm_info_unpack(const struct vm *vm);
void vm_info_free(Vmreclaim__Agent__V1__GetInfoResponse *info);

/* Its labels: those of its file, else those that it was found with. */
char *const *vm_labels(const struct vm *vm, size_t *ret_count);

/* The hypervisor that lives says that the VM's CID is its guest's. */
bool vm_cid_is_vouched_for(const struct vm *vm);

/* Something may be changed of it: it is not halted, and not one that was only found, without a file
 * or a policy. */
bool vm_may_be_changed(const struct vm *vm);

/* Bytes that whoever takes memory leaves the guest: by its file or its policy, the larger. 0:
 * nobody said so. */
uint64_t vm_floor(const struct vm *vm);

/* Its guest's free memory comes back by itself, as far as is known: neither its agent nor its
 * hypervisor says that what is offered is not used. */
bool vm_reports(const struct vm *vm);

/* It is offered, and known not to be used. */
bool vm_declines_reporting(const struct vm *vm);

/* The lowest reporting order that pays on this VM's backing, in the guest's pages; < 0: unknown. */
int vm_lowest_useful_order(const struct vm *vm, bool transparent_huge_pages,
                           uint64_t host_page_size);

/* Who else moves its balloon, as its hypervisor or whoever found it says; "": nobody known. */
const char *vm_balloon_owner(const struct vm *vm);

/* Memory on the host as HostFacts has it: "memfd", "anonymous", ...; "" unknown. */
const char *vm_backing_name(const struct vm *vm);

#endif
