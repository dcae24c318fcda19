/* Free page reporting of the guest's kernel: its order, the order's floor, and why it does nothing.
 *
 * A lower order lets smaller free blocks go to the host. The host's backing sets a floor below
 * which returned pages come back by themselves; the controller sends it. Starting a pass is an
 * action (ACTION_KICK_REPORTING in actions.h), because it needs the child.
 *
 * An order may be set for a while only. What was in force before comes back when the while is over,
 * when whoever set it says so, or when a controller comes that did not set it. Any other order ends
 * the while and stays. */
#ifndef VMRECLAIM_AGENT_ACTIONS_REPORTING_H
#define VMRECLAIM_AGENT_ACTIONS_REPORTING_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/actions/features.h"
#include "agent/actions/settings.h"
#include "agent/engine/sample.h"

struct reporting {
    struct settings *settings;
    struct features *features;
    uint32_t max_order;
    uint32_t pageblock_order; /* the order of a kernel where it is fixed */
    uint32_t found_order;     /* at start; ORDER_COUNT_MAX: reporting is absent */
    uint32_t host_floor;      /* lowest order that the host's backing makes useful */
    /* an order for a while */
    bool is_for_a_while;
    uint32_t while_order;  /* in force meanwhile */
    uint32_t before_while; /* in force before it, and after */
    nsec_t while_end;      /* CLOCK_BOOTTIME */
    /* inertness: unreported blocks that stay although a pass was started */
    bool is_inert;
    uint64_t watched_reported;
    nsec_t watched_since; /* 0: nothing to watch */
};

/* `settings` and `features` outlive it. `max_order` of the buddy allocator bounds every order. */
void reporting_init(struct reporting *reporting, struct settings *settings,
                    struct features *features, uint32_t max_order, uint32_t pageblock_order);

/* The order in force, ORDER_COUNT_MAX when no device reports. */
uint32_t reporting_order(const struct reporting *reporting);

/* Sets the order, raised to the host's floor and to `policy_floor`, lowered to the largest order.
 * Never above the order found at start. `*ret_order` is what is in force then. -ENOTSUP: absent or
 * fixed on this kernel; -errno of settings_set(). */
int reporting_set_order(struct reporting *reporting, uint32_t order, uint32_t policy_floor,
                        uint32_t *ret_order);

/* The same until `end` or reporting_end_while(). A second one moves the end of the first. */
int reporting_set_order_for(struct reporting *reporting, uint32_t order, uint32_t policy_floor,
                            nsec_t end, uint32_t *ret_order);

/* Back to what was in force before the order for a while; somebody else's since stays. No such
 * order: 0. -errno: it could not be set, and is still due. */
int reporting_end_while(struct reporting *reporting);

/* The order for a while becomes one without end: somebody has set it anew. */
void reporting_keep_order(struct reporting *reporting);

/* Says so where reporting_set_order() did not set what was asked for, and why: "order stays 9: the
 * policy's floor (reporting_order)". `before` was in force. False, and "": it did. */
bool reporting_bound(const struct reporting *reporting, uint32_t before, uint32_t asked,
                     uint32_t policy_floor, char *text, size_t size);

/* The controller's word on the host's backing; an order below it is raised at once. */
int reporting_set_host_floor(struct reporting *reporting, uint32_t order);

/* Back to the order found at start. */
int reporting_restore(struct reporting *reporting);

/* A pass was started at `now`: the samples that follow must show progress. */
void reporting_kicked(struct reporting *reporting, const struct memory_sample *sample);

/* Every sample after that. True once: blocks that reporting could take are not taken (the feature
 * is then marked missing with the reason). A later sample with progress takes that back. */
bool reporting_observe(struct reporting *reporting, const struct memory_sample *sample);

#endif
