/* Sums over a group of hosts: what the gates look at. Pure.
 *
 * A counter's increase counts from a mark to now, per VM. Marks move on with time, so that what
 * begins late in a wave is not lost in the hours before. A guest that has booted meanwhile is
 * marked anew, and what its counters said before is void; likewise all of a host whose daemon was
 * started. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENGINE_TALLY_H
#define VMRECLAIM_CONTROLLER_FLEET_ENGINE_TALLY_H

#include "controller/fleet/engine/view.h"

#define FIGURE(kind) VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_##kind
#define FIGURE_COUNT (FIGURE(RETURNED) + 1)

/* Whom a text names: who did worst. Points into the view. */
struct tally_worst {
    const char *host; /* NULL: nobody */
    const char *vm;   /* NULL: it is about the host */
    uint64_t value;
    const char *reason;
};

struct tally_counter {
    uint64_t sum;     /* increase of all VMs */
    uint64_t seconds; /* of all VMs together */
    uint64_t vms;     /* whose figure is known */
    struct tally_worst worst;
};

#define TALLY_PRESSURES 10001

struct tally {
    uint64_t hosts;
    uint64_t lost;
    struct tally_worst lost_host;
    uint64_t refused; /* hosts that did not take the policy */
    struct tally_worst refusing_host;
    uint64_t degraded; /* hosts whose daemon is, or gives no figures */
    struct tally_worst degraded_host;
    uint64_t agents; /* VMs that had one */
    uint64_t agents_lost;
    struct tally_worst agentless_vm;
    struct tally_counter counters[FIGURE_COUNT];
    uint64_t pressures; /* VMs that are known to wait, or not to */
    struct tally_worst pressed_vm;
    uint32_t pressure[TALLY_PRESSURES]; /* VMs by permyriad of time that they waited */
};

/* Increase per VM in a thousand seconds. `ret_rate` is set where some VM is known. */
bool tally_rate(const struct tally *tally, unsigned kind, uint64_t *ret_rate);

/* The part of its time that a VM waits for memory, permyriad: 95 of 100 are below. */
bool tally_pressure(const struct tally *tally, uint64_t *ret_permyriad);

/* ---- marks ---- */

/* Counters are looked at over the last MARKS_STEP to 2 * MARKS_STEP of a window. */
#define MARKS_STEP (300 * NSEC_PER_SEC)

/* What counters were at a time. */
struct figure_mark {
    nsec_t time;
    uint64_t values[FIGURE_COUNT];
    uint8_t known; /* bit per figure */
};

struct vm_mark {
    uint64_t vm;              /* hash of its UUID, or of its name where that is not known */
    uint64_t boot;            /* of its boot id; 0: unknown */
    struct figure_mark begin; /* what is counted from */
    struct figure_mark next;  /* what will be, later */
    uint64_t waited;          /* as the newest status has it */
    int64_t time_ns;          /* of that status, by the sender's clock */
    uint16_t pressure;        /* permyriad that it waited between the last two statuses */
    bool has_pressure;
    bool had_agent;
};

/* Of one host; zeroes: never seen. Owned by marks. */
struct host_mark {
    char *id;
    struct vm_mark *vms; /* as the newest status has them */
    size_t count;
    nsec_t heard;       /* of the status that was taken last */
    int64_t started_ns; /* when its daemon was, as that says; 0: unknown */
    bool was_present;   /* at some time since the window began */
    bool was_treated;
};

/* Where counters stood when the window began, in the order of ids. */
struct marks {
    struct host_mark *hosts;
    size_t count;
    nsec_t begin; /* of the window; 0: nothing was marked */
    nsec_t moved; /* when the marks moved on last */
};

void marks_finish(struct marks *marks);

/* The next marks_follow() begins a window. */
void marks_forget(struct marks *marks);

/* Takes what is new into the marks: hosts, VMs, boots, who is treated now. After it the hosts are
 * those of the view. -ENOMEM: forget them. */
int marks_follow(struct marks *marks, const struct fleet_view *view, const bool is_treated[]);

/* Adds a host of the view with what has become of it since its marks, which are those of this view.
 * Who was lost before the window began is not counted. */
void tally_add(struct tally *tally, const struct marks *marks, const struct fleet_view *view,
               size_t index);

/* Counts a host that did not take the policy. `reason` is kept by reference. */
void tally_add_refusal(struct tally *tally, const struct fleet_host *host, const char *reason);

#endif
