/* A guest whose balloon breathes, on virtual time, a millisecond at a time: for pulses, which the
 * guest's second of model.h is too coarse for. The balloon's decisions are the daemon's own.
 *
 * Free memory is a pot from which a program and the balloon take at their speeds, down to the low
 * watermark; the page cache gives way below it, slowly. A program that gets nothing stands still,
 * and that is its stall. Standing still for 0.3 s is a kill, unless the driver gives pages back
 * when the guest is out of memory: that it does at 30 MiB/s. */
#ifndef VMRECLAIM_TESTS_SIM_PULSE_MODEL_H
#define VMRECLAIM_TESTS_SIM_PULSE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/leases/balloon.h"

/* What a life is made of. Bytes, and bytes per second. */
struct pulse_guest {
    uint64_t ram;
    uint64_t free; /* at the begin */
    uint64_t cache;
    bool deflate_on_oom;
    uint64_t touch_speed; /* of a program that takes memory */
    uint64_t inflate_speed;
    uint64_t deflate_speed;
    uint64_t reclaim_speed; /* of its page cache under the watermark */
    nsec_t reading_time;    /* from a question to its answer */
    nsec_t command_time;    /* from a command to the driver */
    uint64_t wanted;        /* a program takes so much ... */
    nsec_t wanted_at;       /* ... from this moment of the pulse on */
};

/* How it ended. */
struct pulse_life {
    enum pulse_end end;
    bool was_killed;
    nsec_t stall;      /* what the program took longer than it would have taken alone */
    uint64_t taken;    /* the most that the balloon held */
    uint64_t returned; /* what the host got, for good */
    nsec_t duration;   /* until everything was given back */
    bool is_whole;     /* it was */
};

/* Plays a pulse; `ret_life` says how it went. False: it was refused. */
bool pulse_model_run(const struct pulse_guest *guest, struct pulse_life *ret_life);

#endif
