/* What QMP's answers say, as facts. Pure; answers may be of any shape. Numbers are reals. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_QMP_FACTS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_QMP_FACTS_H

#include <jansson.h>

#include "controller/hypervisors/driver.h"

/* A number of an object; UINT64_MAX: it is not there, not a number or QEMU's "missing". */
uint64_t qmp_number(const json_t *object, const char *key);

/* The same in bytes; more than any machine has is missing too, so that sums do not overflow. */
uint64_t qmp_size(const json_t *object, const char *key);

/* The answer to query-status. */
enum run_state qmp_run_state(const json_t *status);

/* The answer to query-migrate: one is under way. */
bool qmp_is_migrating(const json_t *migration);

/* The answer to query-migrate: one has ended here. Its source reports what it sent; the other end
 * does not (fill_destination_migration_info in QEMU's migration.c). */
bool qmp_has_migrated_in(const json_t *migration);

/* The answer to x-query-virtio-status of a balloon (QEMU 7.2 and later): whether the guest's driver
 * reports free pages. UNKNOWN before there is a driver. */
enum answer qmp_guest_reports(const json_t *status);

/* Memory devices by what the balloon makes of them (get_current_ram_size in QEMU's
 * virtio-balloon.c): its sizes count base memory and DIMMs. Memory of virtio-mem is the guest's
 * too, but beyond that count; an NVDIMM or virtio-pmem is storage. */
struct qmp_memory_devices {
    uint64_t dimms;
    uint64_t virtio_mem; /* what is plugged of it */
};

/* The answer to query-memory-devices. False: it has no sizes. */
bool qmp_memory_devices(const json_t *answer, struct qmp_memory_devices *ret_devices);

#define QMP_BALLOON_MIN (UINT64_C(1) << 20) /* the least size that QEMU is asked for */

/* A balloon as sizes of the guest. */
struct qmp_balloon {
    uint64_t actual;
    uint64_t maximum; /* 0: not given */
    uint64_t minimum;
};

/* `actual` is QEMU's; `base` is 0 and `devices` NULL where they are not given. */
void qmp_balloon_sizes(uint64_t actual, uint64_t base, const struct qmp_memory_devices *devices,
                       struct qmp_balloon *ret_balloon);

/* The answer to qom-get of guest-stats. */
void qmp_statistics(const json_t *answer, struct driver_statistics *ret_statistics);

/* The text between "child<" and ">" of a qom-list entry's type; "" when it is no child. */
const char *qmp_child_type(const json_t *entry, char *buffer, size_t size);

/* One memory backend, as its type and properties say. */
struct qmp_backend {
    char type[48];
    uint64_t size; /* 0: not given */
    uint64_t page_size;
    enum answer shared;
    enum answer hugetlb; /* unknown of types without the property */
    bool foreign;        /* a device shares it with other guests */
};

/* What such a backend is. */
enum memory_backing qmp_backing(const struct qmp_backend *backend);

/* Sets the facts about the guest's memory: its sizes when all are given, and the backing of the
 * largest part. */
void qmp_memory(const struct qmp_backend *backends, size_t count, struct driver_facts *facts);

#endif
