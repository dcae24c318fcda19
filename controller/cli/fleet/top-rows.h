/* Rows of `vmreclaim fleet top`, from a coordinator's lists. Pure. */
#ifndef VMRECLAIM_CONTROLLER_CLI_FLEET_TOP_ROWS_H
#define VMRECLAIM_CONTROLLER_CLI_FLEET_TOP_ROWS_H

#include "controller/cli/fleet/messages.h"
#include "controller/cli/top/model.h"

/* Hosts, and of all hosts the VMs that could return most; each is a key from the other. */
extern const struct top_kind fleet_top_hosts;
extern const struct top_kind fleet_top_vms;

/* What all hosts are together; of one pass over the pages. */
struct fleet_top_sums {
    uint64_t hosts;
    uint64_t lost;
    uint64_t waiting; /* hosts on which tasks waited for memory, a tenth of the time */
    uint64_t vms;
    uint64_t total;
    uint64_t available;
    uint64_t returned;
};

void fleet_top_fill_host(const FleetHost *host, struct top_vm *ret_row);
void fleet_top_fill_vm(const FleetVm *vm, struct top_vm *ret_row);

void fleet_top_add(struct fleet_top_sums *sums, const FleetHost *host);

/* Into the head of the screen. */
void fleet_top_show(const struct fleet_top_sums *sums, struct top_model *model);

/* The text of a host or a VM, from GetHostStatus or ExplainFleetVm; top-words.c. */
void fleet_top_explain(struct top_model *model, const ProtobufCMessage *response);

#endif
