/* The hosts of a fleet in short: what a page sorts, filters and adds up, so that neither a
 * coordinator nor a browser has to. Filled a page of ListHosts at a time. Pure. */
#ifndef VMRECLAIM_CONTROLLER_WEB_HOST_TABLE_H
#define VMRECLAIM_CONTROLLER_WEB_HOST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet.pb-c.h"

/* What hosts say of themselves: of one its texts are cut, of all it has an end. */
#define HOST_TABLE_BYTES ((size_t)48 << 20)
#define HOST_ROW_BYTES   4096u

enum host_presence { HOST_UNKNOWN, HOST_PRESENT, HOST_LOST };

/* Texts are one allocation, which `labels` begins. */
struct host_row {
    char **labels;
    size_t label_count;
    const char *id;
    const char *name; /* for people; "": it never said one */
    const char *note; /* what is wrong; "": nothing */
    enum host_presence presence;
    bool has_figures; /* the next six are known */
    uint32_t vms;
    uint64_t available;
    uint64_t total;
    uint64_t footprint;
    uint64_t could_return;
    uint64_t returned;
    bool age_is_known;
    uint64_t age; /* of its last status, nanoseconds, when the coordinator answered */
    bool wanted_is_known;
    uint64_t wanted;   /* generation; 0: none */
    uint64_t in_force; /* likewise */
    bool is_refused;   /* the newest that it was given */
    uint32_t pinned;   /* policies that its own operator holds */
    uint32_t degraded; /* parts of its daemon */
};

struct host_table {
    struct host_row *rows; /* by id */
    size_t count;
    size_t room;
    size_t bytes; /* of the texts */
};

struct host_sums {
    uint64_t hosts;
    uint64_t by_presence[3];
    uint64_t without_figures;
    uint64_t vms;
    uint64_t footprint;
    uint64_t could_return;
    uint64_t returned;
    uint64_t behind; /* does not run yet what it is to */
    uint64_t refused;
    uint64_t pinned; /* hosts, as those before */
    uint64_t degraded;
};

/* Zeroed memory is an empty table. */
void host_table_finish(struct host_table *table);

/* -ENOMEM; -EMSGSIZE: all of them say more than HOST_TABLE_BYTES. */
int host_table_take(struct host_table *table, const Vmreclaim__Fleet__V1__FleetHost *host);

void host_sums_add(struct host_sums *sums, const struct host_row *row);

bool host_row_is_behind(const struct host_row *row);

#endif
