/* What a hypervisor driver is: one struct of callbacks, versioned, asynchronous by contract.
 *
 * A driver opens sessions, one per VM, and may discover VMs by itself. The contract, which
 * tests/component/drivers runs over every driver:
 *
 * - Everything runs on the loop's thread and returns at once. What can block has a thread of the
 *   driver's own and comes back by uv_async.
 * - An operation ends with exactly one completion: the answer, an error, the deadline passed
 *   (-ETIMEDOUT) or the session closed (-ECANCELED). It never runs from inside the call that
 *   started it. When the call fails there is none. Before on_ready a call fails with -ENOTCONN.
 *   Three operations may be under way at least; -EBUSY: too many are.
 * - Deadlines are passed by `tick`, which the owner calls about once a second. A driver that needs
 *   finer ones has a timer while something is under way.
 * - An answer after the deadline is dropped; it only moves `heard`. So is an answer to nothing.
 * - When a session ends by itself all operations end first, then on_failed runs, once. The owner
 *   calls `close`, from inside on_failed or later. After `close` no callback runs.
 * - Callbacks may call back into the driver, `close` too.
 * - What a peer sends is checked and bounded: bytes per message, VMs per discovery. Text from it
 *   goes through text_copy_line. Unknown stays zero or as the field says; no figure is made up. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_DRIVER_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_DRIVER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller/footprint/backing.h"

#define DRIVER_ABI 9 /* another number with every change of this file */

#define DRIVER_UUID_SIZE      37
#define DRIVER_WHERE_SIZE     192 /* the part of an address after "DRIVER:" */
#define DRIVER_TITLE_SIZE     128
#define DRIVER_LABELS_SIZE    512
#define DRIVER_OWNER_SIZE     48
#define DRIVER_MEMORY_MAX     16
#define DRIVER_DISCOVERED_MAX 16384 /* VMs of one discovery */

enum answer {
    ANSWER_UNKNOWN,
    ANSWER_NO,
    ANSWER_YES,
};

enum run_state {
    RUN_STATE_UNKNOWN,
    RUN_STATE_RUNNING,
    RUN_STATE_PAUSED,
    RUN_STATE_MIGRATING, /* in or out */
    RUN_STATE_STOPPED,   /* the guest shut down, or never started; the hypervisor lives */
};

enum memory_backing {
    MEMORY_BACKING_UNKNOWN,
    MEMORY_BACKING_ANONYMOUS,
    MEMORY_BACKING_MEMFD, /* memfd or tmpfs, shared */
    MEMORY_BACKING_FILE,
    MEMORY_BACKING_HUGETLB,
};

/* What can be had of this VM through this session. */
enum driver_capability {
    DRIVER_CAN_SET_BALLOON = 1u << 0,
    DRIVER_CAN_READ_STATISTICS = 1u << 1,
    DRIVER_CAN_SET_STATISTICS_INTERVAL = 1u << 2, /* also from 0 to another and back */
    DRIVER_TELLS_EVENTS = 1u << 3, /* all that enum driver_event has; else the owner polls */
    DRIVER_TELLS_MEMORY_MAP = 1u << 4,
    DRIVER_CAN_SET_MARK = 1u << 5, /* a size that goes wherever the VM does, saved or migrated */
};

#define DRIVER_INTERVAL_UNKNOWN UINT32_MAX

/* What a hypervisor says about its VM. */
struct driver_facts {
    uint32_t capabilities; /* enum driver_capability */
    char name[64];
    char uuid[DRIVER_UUID_SIZE]; /* lower case */
    char title[DRIVER_TITLE_SIZE];
    char labels[DRIVER_LABELS_SIZE]; /* "key=value" or words, separated by commas */
    pid_t pid;                       /* of the hypervisor, from the kernel; 0: unknown */
    enum run_state run_state;
    uint64_t ram;           /* plugged memory included, also NVDIMMs; 0: unknown */
    uint32_t guest_cid;     /* as the host's kernel knows it; 0: none or unknown */
    char hybrid_vsock[108]; /* the host's path of its hybrid vsock socket; "": none or unknown */
    /* balloon */
    enum answer balloon;
    uint64_t balloon_actual;         /* memory the guest has left */
    uint64_t balloon_maximum;        /* ... with nothing in the balloon; 0: unknown */
    uint64_t balloon_minimum;        /* ... with all in it that it can take */
    enum answer free_page_reporting; /* the device offers it ... */
    enum answer guest_reports;       /* ... and the guest's driver uses it; UNKNOWN: nobody says */
    enum answer deflate_on_oom;
    char balloon_owner[DRIVER_OWNER_SIZE]; /* who else moves it, by its description; "": nobody */
    uint64_t mark;                         /* as it was set, maybe on another host; 0: none */
    uint32_t statistics_interval;          /* seconds, 0: off; DRIVER_INTERVAL_UNKNOWN */
    /* backing of the guest's memory: of most of it, where several are */
    enum memory_backing backing;
    uint64_t backing_page_size;  /* 0: the host's */
    struct guest_backing memory; /* without what is shared with other guests */
    bool locked;    /* the hypervisor keeps every page; no driver reports it, see footprint.h */
    bool encrypted; /* SEV, TDX */
    uint32_t vfio_devices; /* and vhost-vdpa, which pins memory likewise */
    bool migrated_in;      /* this hypervisor started with an incoming migration */
};

/* Balloon statistics: from the guest, a hint. UINT64_MAX: the guest does not report it. */
struct driver_statistics {
    int64_t updated; /* UNIX seconds; 0: never */
    uint64_t total;
    uint64_t free;
    uint64_t available;
    uint64_t disk_caches;
    uint64_t swap_in;
    uint64_t swap_out;
    uint64_t major_faults;
    uint64_t minor_faults;
    uint64_t oom_kills;
};

/* Where the guest's memory lies in its physical address space, ascending, without overlap. It is
 * what the ranges that an agent lists are parts of. The daemon itself asks nobody for it: QEMU has
 * to print all its memory regions. */
struct driver_memory_map {
    size_t count;
    struct driver_memory_range {
        uint64_t guest_address;
        uint64_t size;
    } ranges[DRIVER_MEMORY_MAX];
};

enum driver_event {
    DRIVER_EVENT_RESET,
    DRIVER_EVENT_PAUSED,
    DRIVER_EVENT_RESUMED,
    DRIVER_EVENT_SHUTDOWN,
    DRIVER_EVENT_BALLOON,        /* its size moved: read it */
    DRIVER_EVENT_MIGRATION,      /* one went on, or a snapshot is saved: the facts say which */
    DRIVER_EVENT_MEMORY_CHANGED, /* memory was plugged or unplugged */
    DRIVER_EVENT_RESTORED,       /* the guest went back to a snapshot */
    DRIVER_EVENT_CHANGED,        /* something else of the facts: read them */
};

struct driver_session;

/* What a session can be asked: the calls of struct driver of the same names. */
enum driver_operation {
    DRIVER_READ_FACTS,
    DRIVER_READ_BALLOON,
    DRIVER_READ_STATISTICS,
    DRIVER_READ_MEMORY_MAP,
    DRIVER_SET_BALLOON,
    DRIVER_SET_STATISTICS_INTERVAL,
    DRIVER_SET_MARK,
};

#define DRIVER_OPERATIONS (DRIVER_SET_MARK + 1)

static inline bool driver_operation_changes(enum driver_operation operation)
{
    return operation >= DRIVER_SET_BALLOON;
}

struct driver_callbacks {
    /* The session can be used; the facts are in. */
    void (*on_ready)(const struct driver_facts *facts, void *userdata);
    void (*on_event)(enum driver_event event, void *userdata);
    /* The session ended by itself or never came up; `error` is for a person. `close` it now.
     * -ETIMEDOUT, -EAGAIN: somebody else has the hypervisor; -EPROTO, -EMSGSIZE: it is none. */
    void (*on_failed)(int status, const struct error *error, void *userdata);
};

/* What became of an operation that changes something. */
enum driver_outcome {
    DRIVER_OUTCOME_UNKNOWN,  /* it was sent, and may yet be done: read before you act again */
    DRIVER_OUTCOME_NOT_DONE, /* it was refused or never sent */
    DRIVER_OUTCOME_DONE,     /* status 0 */
};

/* Of a driver that sends at once and whose peer refuses with -EREMOTEIO. */
static inline enum driver_outcome driver_outcome_of(int status)
{
    if (status == 0)
        return DRIVER_OUTCOME_DONE;
    return status == -EREMOTEIO ? DRIVER_OUTCOME_NOT_DONE : DRIVER_OUTCOME_UNKNOWN;
}

/* How an operation ended. Pointers live until the callback returns. -EREMOTEIO: the hypervisor
 * refused, with its words in `error`. */
struct driver_result {
    int status; /* 0 or a negative errno */
    enum driver_outcome outcome;
    const struct error *error;                  /* NULL with status 0 */
    const struct driver_facts *facts;           /* of DRIVER_READ_FACTS */
    const struct driver_statistics *statistics; /* of DRIVER_READ_STATISTICS */
    const struct driver_memory_map *memory_map; /* of DRIVER_READ_MEMORY_MAP */
    uint64_t balloon_actual;                    /* of DRIVER_READ_BALLOON, as in the facts ... */
    uint64_t balloon_maximum;                   /* ... and of the same moment */
};

typedef void (*driver_done)(const struct driver_result *result, void *userdata);

/* ---- discovery: one connection, many VMs ---- */

/* A VM whose hypervisor runs, as far as its finder knows it. */
struct driver_vm {
    char where[DRIVER_WHERE_SIZE]; /* for `open`; the same VM keeps it while it runs */
    char name[64];                 /* "": what suggest_name makes of `where` */
    char uuid[DRIVER_UUID_SIZE];
    char title[DRIVER_TITLE_SIZE];
    char labels[DRIVER_LABELS_SIZE];
    char balloon_owner[DRIVER_OWNER_SIZE]; /* as in the facts */
    pid_t pid;                             /* 0: unknown */
    uint32_t guest_cid;
    enum memory_backing backing;
};

struct driver_discovery;

struct driver_discovery_callbacks {
    /* It is there, or what is known of it is another. */
    void (*on_vm)(const struct driver_vm *vm, void *userdata);
    void (*on_vm_gone)(const char *where, void *userdata);
    /* All that run were reported, since `discover` or since the last on_listed: any other is gone.
     * Again after each break. */
    void (*on_listed)(void *userdata);
    /* It ended by itself or never came up: nothing is said of VMs. `discover_close` it now. */
    void (*on_failed)(int status, const struct error *error, void *userdata);
};

/* Optional callbacks are NULL: the driver cannot do it. */
struct driver {
    uint32_t abi;         /* DRIVER_ABI it was built for; the first member for ever */
    const char *name;     /* "qemu": what its addresses begin with */
    const char *old_name; /* what they began with before; NULL: nothing else */

    /* 0: `where` can be a hypervisor of this kind; -EINVAL, and `error` says what is expected. */
    int (*check)(const char *where, struct error *error);
    /* Starts to connect to `where`; on_ready or on_failed follows within `timeout`. */
    int (*open)(uv_loop_t *loop, const char *where, nsec_t timeout,
                const struct driver_callbacks *callbacks, void *userdata,
                struct driver_session **ret_session);
    /* Ends pending operations with -ECANCELED, then frees on the loop's next turns. NULL is fine.
     */
    void (*close)(struct driver_session *session);
    /* Passes deadlines. `now` is CLOCK_MONOTONIC. */
    void (*tick)(struct driver_session *session, nsec_t now);

    /* Starts an operation. -EOPNOTSUPP: the driver has it not. `value` is, of a balloon, the bytes
     * of memory that the guest is to have left; the answer says only that it was asked. Of the
     * statistics' interval it is seconds, 0: never. Others may need what was there: the caller
     * remembers it and puts it back. Of a mark it is bytes, 0: none. Else it is 0. What changes
     * something is done in the order in which it was started. */
    int (*start)(struct driver_session *session, enum driver_operation operation, uint64_t value,
                 nsec_t timeout, driver_done done, void *userdata);

    /* CLOCK_MONOTONIC of the last word from the hypervisor, late ones too; 0: none yet. */
    nsec_t (*heard)(const struct driver_session *session);
    /* Whose place this is, when they hold it all the time and nobody else gets in: "libvirt". NULL:
     * as far as its address shows, nobody's. */
    const char *(*owner)(const char *where);
    /* The UUID that the address has of its VM, lower case. `where` passed the check. NULL:
     * addresses have none. */
    void (*uuid)(const char *where, char ret_uuid[DRIVER_UUID_SIZE]);
    /* Another number when another hypervisor serves there; 0: none does. */
    uint64_t (*identify)(const char *where);

    /* Places that are directories: whether an entry is the address of a VM; `path` is then a
     * `where`. */
    bool (*is_vm)(const char *path);
    /* What a VM that nobody named is called, as text: the caller makes a name of it. Given with
     * is_vm and with discover. */
    void (*suggest_name)(const char *where, char *name, size_t size);

    /* Places that report their VMs, as libvirt does. */
    int (*check_place)(const char *place, struct error *error);
    int (*discover)(uv_loop_t *loop, const char *place, nsec_t timeout,
                    const struct driver_discovery_callbacks *callbacks, void *userdata,
                    struct driver_discovery **ret_discovery);
    void (*discover_tick)(struct driver_discovery *discovery, nsec_t now);
    void (*discover_close)(struct driver_discovery *discovery);
};

#endif
