/* What a hypervisor driver is: one struct of callbacks, versioned, asynchronous by contract.
 *
 * A driver opens sessions, one per VM. Every operation is started by a call that returns at once
 * and ends with exactly one completion: the answer, an error, the deadline passed (-ETIMEDOUT) or
 * the session closed (-ECANCELED). Completions never run from inside the call that started them.
 * A session has no timer of its own: its owner calls `tick` now and then. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_DRIVER_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller/footprint/backing.h"

#define DRIVER_VERSION 1

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
    RUN_STATE_STOPPED,   /* the guest shut down, the hypervisor lives */
};

enum memory_backing {
    MEMORY_BACKING_UNKNOWN,
    MEMORY_BACKING_ANONYMOUS,
    MEMORY_BACKING_MEMFD, /* memfd or tmpfs, shared */
    MEMORY_BACKING_FILE,
    MEMORY_BACKING_HUGETLB,
};

/* "anonymous", "memfd", ...; "" when unknown. */
const char *memory_backing_name(enum memory_backing backing);

/* What a hypervisor says about its VM. */
struct driver_facts {
    char name[64];
    char uuid[37];
    pid_t pid; /* of the hypervisor, from the kernel; 0: unknown */
    enum run_state run_state;
    uint64_t ram;       /* plugged memory included, also NVDIMMs; 0: unknown */
    uint32_t guest_cid; /* of its vsock device; 0: none or unknown */
    /* balloon */
    enum answer balloon;
    uint64_t balloon_actual;  /* memory the guest has left */
    uint64_t balloon_maximum; /* ... with nothing in the balloon; 0: unknown */
    uint64_t balloon_minimum; /* ... with all in it that it can take */
    enum answer free_page_reporting;
    enum answer deflate_on_oom;
    /* backing of the guest's memory: of most of it, where several are */
    enum memory_backing backing;
    uint64_t backing_page_size;  /* 0: the host's */
    struct guest_backing memory; /* without what is shared with other guests */
    bool locked;           /* the hypervisor keeps every page; no driver tells, see footprint.h */
    bool encrypted;        /* SEV, TDX */
    uint32_t vfio_devices; /* and vhost-vdpa, which pins memory likewise */
    bool migrated_in;      /* this hypervisor started with an incoming migration */
};

/* Balloon statistics: from the guest, a hint. UINT64_MAX: the guest does not tell. */
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

enum driver_event {
    DRIVER_EVENT_RESET,
    DRIVER_EVENT_PAUSED,
    DRIVER_EVENT_RESUMED,
    DRIVER_EVENT_SHUTDOWN,
    DRIVER_EVENT_BALLOON,        /* its size moved: read it */
    DRIVER_EVENT_MIGRATION,      /* one went on, or a snapshot is saved: the facts say which */
    DRIVER_EVENT_MEMORY_CHANGED, /* memory was plugged or unplugged */
    DRIVER_EVENT_RESTORED,       /* the guest went back to a snapshot */
};

struct driver_session;

struct driver_callbacks {
    /* The session can be used; the facts are in. */
    void (*on_ready)(const struct driver_facts *facts, void *userdata);
    void (*on_event)(enum driver_event event, void *userdata);
    /* The session ended by itself or never came up; `error` is for a person. `close` it now.
     * -ETIMEDOUT, -EAGAIN: somebody else has the hypervisor; -EPROTO, -EMSGSIZE: it is none. */
    void (*on_failed)(int status, const struct error *error, void *userdata);
};

/* How an operation ended. Pointers live until the callback returns. */
struct driver_result {
    int status; /* 0 or a negative errno */
    const struct error *error;
    const struct driver_facts *facts;           /* of read_facts */
    const struct driver_statistics *statistics; /* of read_statistics */
    uint64_t balloon_actual;                    /* of read_balloon, as in the facts ... */
    uint64_t balloon_maximum;                   /* ... and of the same moment */
};

typedef void (*driver_done)(const struct driver_result *result, void *userdata);

/* Optional callbacks are NULL: the driver cannot do it. New ones are added at the end only. */
struct driver {
    uint32_t version;     /* DRIVER_VERSION it was built for */
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

    int (*read_facts)(struct driver_session *session, nsec_t timeout, driver_done done,
                      void *userdata);
    int (*read_balloon)(struct driver_session *session, nsec_t timeout, driver_done done,
                        void *userdata);
    int (*read_statistics)(struct driver_session *session, nsec_t timeout, driver_done done,
                           void *userdata);
    /* Asks the guest for `bytes` of memory left. The answer says only that it was asked. */
    int (*set_balloon)(struct driver_session *session, uint64_t bytes, nsec_t timeout,
                       driver_done done, void *userdata);

    /* Whether an entry of a directory is the address of a VM; `path` is then a `where`. */
    bool (*is_vm)(const char *path);
    /* What a VM that nobody named is called. Given with is_vm. */
    void (*suggest_name)(const char *where, char *name, size_t size);

    /* CLOCK_MONOTONIC of the last word from the hypervisor, late ones too; 0: none yet. */
    nsec_t (*heard)(const struct driver_session *session);
    /* Whose place this is, when it serves one client at a time and that is not us: "Proxmox VE's
     * tools". NULL: as far as its address tells, nobody's. */
    const char *(*owner)(const char *where);
    /* Another number when another hypervisor serves there; 0: none does. */
    uint64_t (*identify)(const char *where);
};

#endif
