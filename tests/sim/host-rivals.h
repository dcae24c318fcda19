/* What others do on a host that runs short, written from their published rules and constants. Pure.
 *
 * oVirt's MOM: doc/balloon.rules and the intervals of doc/mom-balloon.conf (oVirt/mom, commit
 * 3de1c8e). Proxmox VE: compute_alg1 of PVE/AutoBalloon.pm and the goal of auto_balloning in
 * PVE/Service/pvestatd.pm (proxmox/pve-manager, commits 138cae8 and 00b58c8).
 *
 * Sizes are in bytes, as doubles: both reckon with fractions. */
#ifndef VMRECLAIM_TESTS_SIM_HOST_RIVALS_H
#define VMRECLAIM_TESTS_SIM_HOST_RIVALS_H

#include <stdbool.h>
#include <stdint.h>

/* ---- oVirt's MOM ---- */

#define MOM_SECONDS        10 /* policy-engine-interval */
#define MOM_SAMPLE_SECONDS 5  /* host- and guest-monitor-interval */
#define MOM_SAMPLES        10 /* sample-history-length, over which StatAvg is the mean */

struct mom_history {
    double values[MOM_SAMPLES];
    unsigned count; /* ever taken */
};

void mom_take(struct mom_history *history, double value);
double mom_mean(const struct mom_history *history); /* StatAvg */

struct mom_guest {
    double size;      /* balloon_cur */
    double size_mean; /* its StatAvg */
    double free_mean; /* StatAvg of mem_unused: free memory without cache */
    double minimum;   /* balloon_min */
    double maximum;   /* balloon_max */
};

/* The new target; 0: it stays. `host_free` is StatAvg of what is free or cache on the host, as a
 * part of its memory. */
double mom_decide(double host_free, const struct mom_guest *guest);

/* ---- Proxmox VE ---- */

#define PROXMOX_SECONDS 10                    /* pvestatd's cycle */
#define PROXMOX_STEP    (100.0 * 1024 * 1024) /* maxchange */
#define PROXMOX_TARGET  0.8                   /* of the host's memory is to be used */

struct proxmox_guest {
    double maximum; /* maxmem */
    double minimum; /* balloon_min; 0: not set */
    double size;    /* balloon; 0: its driver does not run */
    double free;    /* freemem */
    double shares;  /* 0: it is left alone */
    bool is_migrating;
    double target; /* what is decided; 0: it stays */
};

/* `goal` is what all guests together are to get, negative: to give. */
void proxmox_decide(struct proxmox_guest *guests, unsigned count, double goal, double step);

#endif
