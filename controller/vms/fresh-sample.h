/* A guest's sample of now, with the host measured at its arrival: what a record of an action or an
 * explanation rests on. The agent's heartbeat may be ten seconds old, and lacks what is dear to
 * read. */
#ifndef VMRECLAIM_CONTROLLER_VMS_FRESH_SAMPLE_H
#define VMRECLAIM_CONTROLLER_VMS_FRESH_SAMPLE_H

#include "common/ttrpc/ttrpc.h"
#include "controller/vms/statistics-now.h"
#include "controller/vms/supervisor.h"

/* In the caller's memory. */
struct fresh_sample {
    struct supervisor *supervisor;
    struct ttrpc_client_call *client;   /* NULL: the agent is not asked */
    struct statistics_asked statistics; /* zeroes: the balloon's driver was not asked */
    bool is_reading;
    uint64_t vm;  /* its serial */
    nsec_t asked; /* CLOCK_MONOTONIC */
    void (*done)(struct vm *vm, void *userdata);
    void *userdata;
};

/* Asks the VM's agent. `done` is called once, with the waterfall as new as it can be. An agent that
 * does not answer within two seconds leaves the last sample beside a new footprint. `vm` is NULL
 * when it went away meanwhile. -ENOTCONN: there is no agent to ask, or it cannot be asked; `done`
 * is then not called. */
int fresh_sample_start(struct fresh_sample *sample, struct vm *vm,
                       void (*done)(struct vm *vm, void *userdata), void *userdata);

/* For who needs vm_read_guest() and the footprint new, maybe many times a second, and nothing else.
 * The agent leaves out what is dear to read; where there is none, or it does not answer, the
 * balloon's driver is asked. */
int fresh_reading_start(struct fresh_sample *sample, struct vm *vm,
                        void (*done)(struct vm *vm, void *userdata), void *userdata);

/* Takes an answer to GetMemory that somebody else asked for, `latency` after that; without a sample
 * in it the footprint alone is new. */
void fresh_sample_take(struct vm *vm, const struct ttrpc_result *result, nsec_t latency);

/* `done` is not called any more. Harmless when nothing is asked. */
void fresh_sample_cancel(struct fresh_sample *sample);

#endif
