/* The controller's end of one connection to an agent.
 *
 * Theory of operation: the agent is the ttRPC server, whoever dialled. A link asks GetInfo first.
 * When its owner has decided that the link counts (agent_link_watch), it opens Watch, whose samples
 * are the heartbeat: agent_link_tick counts the missed ones. A link that must first prove itself
 * against an older one for the same guest is not watched yet. An agent that is not watched within
 * two seconds redials.
 *
 * Failure modes: a sample that cannot be true is dropped and counted, and the link goes on. A Watch
 * that ends, or an agent that is silent for three samples, ends the link. Everything ends in
 * on_close, once, with how good the link was, after which the link is freed. */
#ifndef VMRECLAIM_CONTROLLER_GUESTS_AGENT_LINK_H
#define VMRECLAIM_CONTROLLER_GUESTS_AGENT_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "agent.pb-c.h"
#include "common/base/time.h"
#include "common/ttrpc/ttrpc.h"
#include "controller/guests/guest-memory.h"
#include "controller/guests/standing.h"

#define AGENT_MISSED_SAMPLES_MAX 3

struct agent_link;

struct agent_link_callbacks {
    void (*on_info)(struct agent_link *link, const Vmreclaim__Agent__V1__GetInfoResponse *info,
                    void *userdata);
    /* Returns whether the sample can be true. */
    bool (*on_sample)(struct agent_link *link, const Vmreclaim__Agent__V1__MemorySample *sample,
                      uint64_t coalesced, void *userdata);
    void (*on_pressure)(struct agent_link *link,
                        const Vmreclaim__Agent__V1__PressureEvent *pressure, void *userdata);
    void (*on_action)(struct agent_link *link, const Vmreclaim__Agent__V1__ActionResult *action,
                      void *userdata);
    void (*on_engine)(struct agent_link *link, const Vmreclaim__Agent__V1__EngineState *engine,
                      void *userdata);
    /* The link is freed on return. */
    void (*on_close)(struct agent_link *link, enum agent_ending ending, const char *reason,
                     void *userdata);
};

/* Takes over the connected `descriptor` (closed on failure too) and asks GetInfo. `callbacks` are
 * static data. `budget` is shared by all links, `processor` by those of this guest; -EUSERS: there
 * is no room for another. */
int agent_link_create(uv_loop_t *loop, int descriptor, struct ttrpc_budget *budget,
                      struct ttrpc_share *processor, const struct agent_link_callbacks *callbacks,
                      void *userdata, struct agent_link **ret_link);

/* Opens Watch. Samples come at least every `interval`. `lowest_order` < 0: not known. */
int agent_link_watch(struct agent_link *link, nsec_t interval, int lowest_order);

/* Between samples, as agent_link_watch() said; 0: it is not watched. */
nsec_t agent_link_interval(const struct agent_link *link);

/* Ends the link; on_close follows. `reason` is for the log. Idempotent. */
void agent_link_close(struct agent_link *link, const char *reason);

/* Whether the peer closed before it had said anything: an agent that does not believe us does. */
bool agent_link_was_turned_away(const struct agent_link *link);

/* Checks the heartbeat; `now` is CLOCK_BOOTTIME. `forgive` restarts the count: the guest is paused.
 * Returns the samples missed so far; at AGENT_MISSED_SAMPLES_MAX the link closes itself. */
unsigned agent_link_tick(struct agent_link *link, nsec_t now, bool forgive);

/* Callbacks get this and the processor share is this from now on: the link turned out to be another
 * VM's. */
void agent_link_move(struct agent_link *link, struct ttrpc_share *processor, void *userdata);

/* Calls a method of the agent's, as ttrpc_call_stream; `on_message` is NULL where none streams. */
int agent_link_call(const struct agent_link *link, const char *method,
                    const ProtobufCMessage *request, nsec_t timeout,
                    ttrpc_message_callback on_message, ttrpc_result_callback on_result,
                    void *userdata, struct ttrpc_client_call **ret_call);

#endif
