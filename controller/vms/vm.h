/* One VM is one identity, however many sources found it: a VM file, a hypervisor, an agent. Plain
 * data; the supervisor is the only one who changes it. */
#ifndef VMRECLAIM_VMS_VM_H
#define VMRECLAIM_VMS_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/hash.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/policy/policy.h"
#include "controller/agents/agent_link.h"
#include "controller/agents/standing.h"
#include "controller/config/vm_file.h"
#include "controller/footprint/footprint.h"
#include "controller/hypervisors/hypervisors.h"
#include "controller/vms/footprint_history.h"
#include "controller/vms/lifecycle.h"
#include "controller/vms/waterfall.h"

enum vm_source {
    VM_SOURCE_FILE = 1u << 0,
    VM_SOURCE_FOUND = 1u << 1, /* its hypervisor was found in a directory */
    VM_SOURCE_AGENT = 1u << 2, /* an agent dialled in from a CID that nobody else names */
    VM_SOURCE_LEASE = 1u << 3, /* a lease that is over and that no VM claims */
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
    uint8_t *packed; /* GetInfoResponse; NULL: none */
    size_t packed_length;
};

struct balloon_control; /* controller/leases */

struct supervisor;

struct vm {
    struct supervisor *supervisor; /* for callbacks that get the VM */
    /* identity */
    struct list link;      /* registry's list of VMs */
    struct list slot_link; /* supervisor's coalesced tick */
    struct hash_link by_name;
    struct hash_link by_uuid;
    struct hash_link by_cid;
    struct hash_link by_address;
    char name[VM_NAME_SIZE];
    char uuid[VM_UUID_SIZE];
    uint32_t cid;                     /* 0: none */
    unsigned sources;                 /* enum vm_source */
    struct vm_definition *definition; /* of VM_SOURCE_FILE */
    struct hypervisor_address address;
    /* life cycle */
    enum vm_state state;
    struct vm_facts facts;
    nsec_t state_since; /* CLOCK_BOOTTIME */
    /* hypervisor */
    struct driver_session *session; /* NULL: not connected */
    bool session_ready;
    nsec_t session_retry;   /* CLOCK_BOOTTIME of the next attempt */
    nsec_t session_delay;   /* between attempts */
    char driver_state[256]; /* "ready", or what is wrong */
    struct driver_facts hypervisor;
    bool hypervisor_known; /* the facts were read at least once from the process that lives */
    struct driver_statistics statistics; /* of a VM without an agent; updated 0: none */
    nsec_t statistics_next;              /* CLOCK_BOOTTIME when they are asked for again */
    struct hypervisor_process process;
    /* agent */
    struct agent_link *agent;
    struct agent_link *candidate; /* a second connection that must first prove itself */
    unsigned links_open;          /* agent, candidate, and those that are closing */
    char candidate_boot_id[37];
    bool first_is_alive;            /* it answered the ping; the candidate has not said who it is */
    struct ttrpc_client_call *ping; /* of the first link, for the candidate's sake; NULL: none */
    struct dial *dial;
    struct agent_standing standing;
    struct log_limit guest_events;  /* of all kinds but samples */
    struct log_limit guest_actions; /* each is recorded and kept for a year: a burst an hour ... */
    struct log_limit guest_actions_beyond; /* ... and what an endless trickle may add to it */
    bool announced; /* its identity is vouched for: by its hypervisor, or by the dialled path */
    struct agent_info info; /* of the agent that is connected, or was last */
    char boot_id[37];       /* the guest's last known boot */
    nsec_t guest_clock;     /* latest CLOCK_BOOTTIME of that boot; it goes back with a snapshot */
    int told_order;         /* lowest useful reporting order the agent was told; -1: none */
    char engine_state[24];
    char engine_reason[160];
    /* measured */
    struct guest_memory guest; /* received 0: none */
    struct host_memory host;   /* time 0: none */
    struct waterfall waterfall;
    int64_t waterfall_time; /* UNIX nanoseconds; 0: none */
    nsec_t calibrate_next;  /* what its hypervisor holds for itself */
    struct footprint_history history;
    uint64_t footprint_at_boot; /* first settled footprint of this boot; 0: unknown */
    uint64_t huge_bytes;        /* of the footprint, when that was last asked for; 0: unknown */
    uint64_t touched;           /* highest footprint of this boot */
    uint64_t samples_refused;   /* that could not be true */
    /* policy */
    struct policy *policy;      /* in force or to be; NULL: none was assigned */
    bool policy_sent;           /* the agent has it */
    bool policy_under_way;      /* waits for the agent's answer */
    bool policy_again;          /* it changed meanwhile */
    int64_t policy_zone_change; /* UNIX seconds: a zone in it has another offset then; 0: never */
    nsec_t policy_retry;        /* not before, after the agent refused it */
    char **unsupported_keys; /* as the agent answered; NULL-terminated, NULL when there are none */
    char **capped_keys;      /* lowered to the guest's own limit */
    char **capped_values;    /* which is that; NULL from an agent that does not tell */
    uint64_t policy_file_hash; /* of the text of the VM's policy file; 0: none was read */
    /* balloon */
    struct balloon_control *balloon; /* NULL: nothing of ours is in it */
    struct list balloon_link;        /* lease keeper's list */
    bool balloon_may_raise;          /* its turn in the line of those that get memory back */
    uint64_t balloon_waiting;        /* bytes of leases whose hypervisor was not reached yet */
    int balloon_news;     /* enum balloon_news: the last one told of what was asked last, or why its
                             leases ended */
    bool balloon_reading; /* its size is being asked */
    char foreign_balloon_owner[64];  /* who else moves the balloon; empty: nobody */
    struct action *action;           /* one at a time; NULL: none */
    uint64_t balloon_before_restore; /* its size before the guest went back to a snapshot */
    uint64_t balloon_earlier;        /* its size before the last reading found it smaller */
    nsec_t balloon_shrunk;           /* CLOCK_BOOTTIME of that reading; 0: none */
    bool migrated_in;                /* since the hypervisor started and the guest booted */
    bool restored;                   /* ... from a snapshot */
    struct log_limit complaints;     /* about what the guest sends */
    struct log_limit log;            /* lines about this VM */
    nsec_t facts_next;               /* CLOCK_BOOTTIME when the hypervisor is asked again */
    int64_t clock_offset;            /* least (received - guest's boottime) on this link */
    bool clock_offset_known;
    bool defined; /* mark while sources are read again */
    bool removed; /* waits for its connections to close, then is freed */
};

/* -ENOMEM. */
int vm_create(const char *name, struct vm **ret_vm);

/* The session and links must be closed. NULL is fine. */
void vm_destroy(struct vm *vm);

/* What the guest says is shown to people: printable, cut to `size`. */
void vm_copy_guest_text(char *to, size_t size, const char *from);

void vm_forget_policy_answer(struct vm *vm);

/* What the agent said of itself, with the reporting order of its newest sample, which moves; the
 * caller frees it (vm_info_free takes NULL). NULL: it has not said it, or memory is short. */
Vmreclaim__Agent__V1__GetInfoResponse *vm_info_unpack(const struct vm *vm);
void vm_info_free(Vmreclaim__Agent__V1__GetInfoResponse *info);

/* The lowest reporting order that pays on this VM's backing, < 0: unknown. */
int vm_lowest_useful_order(const struct vm *vm, bool transparent_huge_pages,
                           uint64_t host_page_size);

/* Memory on the host as HostFacts has it: "memfd", "anonymous", ...; "" unknown. */
const char *vm_backing_name(const struct vm *vm);

#endif
