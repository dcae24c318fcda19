/* A lease: balloon memory that an owner holds below a VM's baseline. Plain data, as it stands in
 * the journal. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_LEASE_H
#define VMRECLAIM_CONTROLLER_LEASES_LEASE_H

#include <stdint.h>
#include <sys/types.h>

#include "common/base/time.h"

/* requested --> held --> releasing --> (removed from the journal) ; requested --> releasing */
enum lease_state {
    LEASE_REQUESTED, /* in the journal; the hypervisor may or may not have been commanded */
    LEASE_HELD,      /* the hypervisor was commanded */
    LEASE_RELEASING, /* the target is to be raised; removed once the hypervisor was commanded */
    LEASE_STATE_COUNT,
};

struct lease {
    uint64_t id; /* never used twice */
    enum lease_state state;
    char vm[64];   /* name */
    char uuid[37]; /* of the VM; empty: none */
    char owner[64];
    uint64_t bytes;    /* taken from the baseline */
    uint64_t baseline; /* the VM's size when the first of its leases was made */
    uint64_t maximum;  /* ... and what it would have had with an empty balloon; 0: unknown */
    uint64_t floor;    /* the guest keeps at least this much */
    nsec_t due;        /* CLOCK_BOOTTIME of this boot of the host; 0: held until released */
    int64_t created;   /* UNIX nanoseconds, by the clock of then */
    int64_t expires;   /* the same, for after a reboot: see term.h; 0: held until released */
    char driver[16];   /* its name */
    char address[128]; /* of the hypervisor, so that the memory can be given back without a VM file
                        */
    /* what it holds for: another boot or another process voids it */
    char boot_id[37];      /* empty: no agent reported it */
    char host_boot_id[37]; /* of the host, for the process and `due`; empty: not known */
    pid_t pid;
    uint64_t start_time; /* of the process, /proc/PID/stat */
};

#endif
