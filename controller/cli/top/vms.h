/* The VMs of the screen: what the daemon's lists say of each, page after page, and which of them
 * are shown in which order. Pure. Bytes. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_VMS_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_VMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cli/bar.h"
#include "controller/cli/messages.h"
#include "controller/cli/waterfall.h"

enum {
    TOP_NAME_SIZE = 136, /* "HOST/VM" */
    TOP_STEPS_MAX = 8,
    TOP_VMS_MAX = 20000, /* more are counted by nobody */
};

enum top_order {
    TOP_BY_WASTE, /* what could come back; the most first */
    TOP_BY_SIZE,  /* what the host holds of it */
    TOP_BY_NAME,
    TOP_ORDER_COUNT,
};

/* "waste": static text. */
const char *top_order_name(enum top_order order);

struct top_step {
    char name[16];
    uint64_t bytes;
};

struct top_vm {
    char name[TOP_NAME_SIZE];
    char state[24];
    char note[160]; /* why nothing could come back, or who holds a lease; empty: neither */
    bool footprint_is_known;
    uint64_t footprint;
    uint64_t could_return;
    struct top_step steps[TOP_STEPS_MAX]; /* in the order in which they are taken */
    size_t step_count;
    struct bar_part parts[WATERFALL_PARTS_MAX]; /* what the host holds, by what it is used for */
    size_t part_count;                          /* 0: not known */
    uint64_t whole;                             /* what the bar stands for */
    bool is_alarming;                           /* it is starved, or a host that is lost */
    char how[16];                               /* stands where the steps would; empty: they do */
    char acting[16]; /* what this program has begun on it; empty: nothing */
    uint64_t pass;   /* over all pages, in which it was seen last */
};

struct top_vms {
    struct top_vm **list; /* by name */
    size_t count;
    size_t room;
    uint64_t pass;         /* under way */
    struct top_vm **shown; /* of the list, as arranged */
    size_t shown_count;
    uint64_t footprint;    /* of all of which it is known */
    size_t unknown;        /* of how many it is not */
    uint64_t could_return; /* by all */
};

/* Zero-initialise. */
void top_vms_finish(struct top_vms *vms);

/* NULL: there is none. */
struct top_vm *top_vms_find(const struct top_vms *vms, const char *name);

/* Bytes that the step could bring; 0: nothing. */
uint64_t top_vm_step(const struct top_vm *vm, const char *step);

/* A page of GetHost. `is_last`: those that were on none of the pages are gone. -ENOMEM. */
int top_vms_take(struct top_vms *vms, HostVm *const *list, size_t count, bool is_last);

/* A row of any other list: what is in it, but for `acting` and `pass`. -ENOMEM. */
int top_vms_put(struct top_vms *vms, const struct top_vm *row);
/* All of the list was there: what was not is gone. */
void top_vms_end_pass(struct top_vms *vms);

/* What ListVms, or a sample, has besides, of a VM that is known. */
void top_vms_detail(struct top_vms *vms, const Vm *vm);
void top_vms_sample(struct top_vms *vms, const char *name, const Waterfall *waterfall);

/* Decides anew which are shown: those whose name has `filter` in it, which may be a glob, in this
 * order; then by name. After each change. */
void top_vms_arrange(struct top_vms *vms, enum top_order order, const char *filter);

/* The place among those shown; SIZE_MAX: it is not shown. */
size_t top_vms_place(const struct top_vms *vms, const char *name);

#endif
