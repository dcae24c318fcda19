/* Reads what QEMU says about its VM. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_QMP_READING_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_QMP_READING_H

#include <stdbool.h>

#include "controller/hypervisors/driver.h"
#include "controller/hypervisors/qemu/qmp.h"

#define QOM_PATH_BYTES 128

/* What a reading learns for later commands. */
struct qmp_devices {
    bool misses_events;                /* nobody listens between two readings */
    char balloon_path[QOM_PATH_BYTES]; /* empty: no balloon, or not yet known */
    uint64_t base_memory;              /* never changes; 0: not given */
    uint64_t ram;                      /* as in the facts */
    uint64_t virtio_mem;               /* as of the last reading of the balloon */
};

/* DRIVER_READ_FACTS. `devices` must live until the completion. */
int qmp_read_facts(struct qmp *qmp, struct qmp_devices *devices, nsec_t timeout, driver_done done,
                   void *userdata);

#endif
