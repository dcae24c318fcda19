/* What a VM's readings say together: since when its guest is calm, and how much was free all that
 * time. Pure. */
#ifndef VMRECLAIM_CONTROLLER_PULSES_WATCH_H
#define VMRECLAIM_CONTROLLER_PULSES_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/guests/guest-reading.h"

/* Counters since the guest's boot; UINT64_MAX: not known. */
struct pulse_counters {
    uint64_t minor_faults;
    uint64_t major_faults;
    uint64_t swap_in;
    uint64_t swap_out;
};

/* Zeroes: nothing was read yet. */
struct pulse_watch {
    struct guest_reading last; /* source READING_NONE: none */
    struct pulse_counters counters;
    nsec_t calm_since;      /* CLOCK_BOOTTIME; 0: it is not calm, or that is not known */
    uint64_t calm_free;     /* the least that was free since */
    bool tells_faults;      /* calmness can be known at all */
    nsec_t window_begun;    /* CLOCK_BOOTTIME, of the window that fills */
    uint64_t window_free;   /* the least that was free in it ... */
    uint64_t free_before;   /* ... and in the one before */
    bool has_window_before; /* else nothing was watched for long */
};

/* A reading that is not newer than the last is left out. `counters` of an agent's sample are not
 * looked at: its own engine says whether the guest is idle. A window has the length `window`. A
 * guest is calm while its free memory and its counters hardly move. */
void pulse_watch_take(struct pulse_watch *watch, const struct guest_reading *reading,
                      const struct pulse_counters *counters, nsec_t window);

/* The least that was free during a whole window at least; false: not watched for so long. */
bool pulse_watch_free_for_long(const struct pulse_watch *watch, uint64_t *ret_bytes);

#endif
