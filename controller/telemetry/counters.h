/* Every figure that vmreclaim keeps of itself, its host and its VMs: one table, from which the API,
 * the daemon's dump, metrics and the manual are made. Pure.
 *
 * A name is a metric's without the prefix "vmreclaim_". Values are integers in the row's unit;
 * whoever shows seconds divides, as the name's end says. A row with labels is a family of figures.
 * Of a VM all their values are known beforehand, so each of its figures, a series, has a number.
 *
 * What is not known has no value: it is left out, never 0. Flags are always there. */
#ifndef VMRECLAIM_CONTROLLER_TELEMETRY_COUNTERS_H
#define VMRECLAIM_CONTROLLER_TELEMETRY_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/telemetry/histogram.h"

enum counter_type {
    COUNTER_TYPE_GAUGE,
    COUNTER_TYPE_TOTAL, /* grows; begins anew with the daemon, or with the guest it is of */
    COUNTER_TYPE_HISTOGRAM,
    COUNTER_TYPE_TEXT, /* a gauge of 1, whose last label has the text */
    COUNTER_TYPE_COUNT,
};

enum counter_unit {
    UNIT_NONE, /* of a text */
    UNIT_BYTES,
    UNIT_NANOSECONDS,
    UNIT_UNIX_NANOSECONDS,
    UNIT_PAGES, /* of the guest's */
    UNIT_PERMYRIAD,
    UNIT_COUNT,
    UNIT_FLAG, /* 0 or 1 */
    COUNTER_UNIT_COUNT,
};

#define COUNTER_LABELS_MAX 3

struct counter_label {
    const char *name;          /* NULL: no more */
    const char *const *values; /* NULL: any text, of the host's only */
    size_t count;
};

struct counter {
    const char *name;
    enum counter_type type;
    enum counter_unit unit;
    const struct counter_label *labels;    /* COUNTER_LABELS_MAX of them */
    const struct histogram_bounds *bounds; /* of a histogram */
    const char *help;                      /* one line */
    const char *source;                    /* where it comes from, one line */
};

enum counter_id {
    /* of a VM */
    COUNTER_VM_UUID,
    COUNTER_VM_DRIVER,
    COUNTER_VM_BACKING,
    COUNTER_VM_POLICY,
    COUNTER_VM_AGENT_VERSION,
    COUNTER_VM_STATE,
    COUNTER_VM_REPORTING,
    COUNTER_VM_ENGINE_STATE,
    COUNTER_VM_BALLOON_OWNER,
    COUNTER_VM_FOOTPRINT,
    COUNTER_VM_SWAPPED,
    COUNTER_VM_RAM,
    COUNTER_VM_MEMORY,
    COUNTER_VM_REPORTED,
    COUNTER_VM_HELD_BACK,
    COUNTER_VM_BALLOON,
    COUNTER_VM_BALLOON_TARGET,
    COUNTER_VM_BALLOON_LEASE,
    COUNTER_VM_BALLOON_EXPIRY,
    COUNTER_VM_COULD_RETURN,
    COUNTER_VM_AGENT_CONNECTED,
    COUNTER_VM_GUEST_KNOWN,
    COUNTER_VM_HALTED,
    COUNTER_VM_STARVED,
    COUNTER_VM_LAST_SAMPLE,
    COUNTER_VM_MEASURED,
    COUNTER_GUEST_WAITING,
    COUNTER_GUEST_STALLED,
    COUNTER_GUEST_REFAULTED_FILE,
    COUNTER_GUEST_REFAULTED_ANON,
    COUNTER_GUEST_MAJOR_FAULTS,
    COUNTER_GUEST_OOM_KILLS,
    COUNTER_VM_ACTIONS,
    COUNTER_VM_ASKED,
    COUNTER_VM_FREED,
    COUNTER_VM_RETURNED,
    COUNTER_VM_LOST,
    COUNTER_VM_DECLINED,
    COUNTERS_OF_VM,
    /* of the daemon */
    COUNTER_DAEMON_VERSION = COUNTERS_OF_VM,
    COUNTER_DAEMON_START,
    COUNTER_DAEMON_CPU,
    COUNTER_DAEMON_RESIDENT,
    COUNTER_LOOP_TURNS,
    COUNTER_RPC_CALLS,
    COUNTER_RPC_TIME,
    COUNTER_RPC_DURATION,
    COUNTER_EVENTS,
    COUNTER_REFUSED_AGENTS,
    COUNTER_VMS,
    COUNTER_AGENTS,
    COUNTER_LEASES,
    COUNTER_STORE_SIZE,
    COUNTER_STORE_PENDING,
    COUNTER_DEGRADED,
    /* of the host */
    COUNTER_HOST_MEMORY,
    COUNTER_HOST_AVAILABLE,
    COUNTER_HOST_PRESSURE,
    COUNTER_HOST_SWAP,
    COUNTER_HOST_SWAP_FREE,
    COUNTER_HOST_RESERVED,
    COUNTER_FOOTPRINT,
    COUNTER_COULD_RETURN,
    /* of all actions */
    COUNTER_ACTIONS,
    COUNTER_ACTIONS_REFUSED,
    COUNTER_ACTIONS_ASKED,
    COUNTER_ACTIONS_FREED,
    COUNTER_ACTIONS_RETURNED,
    COUNTER_ACTIONS_LOST,
    COUNTER_ACTION_DURATION,
    COUNTER_ACTION_RETURNED,
    COUNTER_COUNT,
};

extern const struct counter counter_table[COUNTER_COUNT];

bool counter_is_of_vm(enum counter_id id);

/* As in the API: "gauge", "counter"; "bytes", of a text "". */
const char *counter_type_name(enum counter_type type);
const char *counter_unit_name(enum counter_unit unit);

/* Label values of COUNTER_VM_MEMORY and COUNTER_VM_COULD_RETURN, as indices. */
enum counter_part {
    PART_IN_USE,
    PART_CACHE,
    PART_REPORTABLE,
    PART_TRAPPED,
    PART_PERCPU,
    PART_UNMANAGED,
    PART_REMAINDER,
    PART_COUNT,
};

#define COUNTER_STEPS 5 /* of COUNTER_VM_COULD_RETURN */

/* ---- series of VMs ---- */

#define COUNTER_SERIES_MAX 160

/* A counter with its labels' values as indices; 0 where it has no such label. */
struct counter_series {
    enum counter_id counter;
    size_t first;
    size_t second;
};

/* Where each counter's series begin, and all of them. */
struct counter_places {
    uint32_t begin[COUNTER_COUNT];
    struct counter_series series[COUNTER_SERIES_MAX];
    size_t count;
};

void counter_places_init(struct counter_places *places);

/* The number of a series. */
uint32_t counter_place(const struct counter_places *places, enum counter_id counter, size_t first,
                       size_t second);

#endif
