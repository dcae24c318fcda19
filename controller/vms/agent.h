/* What a VM's agent says: who it is, samples, what it does by itself. Writes vm->agent. */
#ifndef VMRECLAIM_CONTROLLER_VMS_AGENT_H
#define VMRECLAIM_CONTROLLER_VMS_AGENT_H

#include "controller/vms/supervisor.h"

/* Another connection is the agent's; its guest has said this boot id already, or "". */
void agent_begin(struct vm *vm, const char *boot_id);

/* The agent is not connected any more. */
void agent_end(struct vm *vm);

/* Why there is no agent, where its engine's reason is shown. False: that is shown already. */
bool agent_note(struct vm *vm, const char *text);

/* A record for the same guest goes; what its agent said is this VM's. */
void agent_adopt(struct vm *vm, struct vm *other);

/* Who it is: VM_EVENT_INFO, after VM_EVENT_RESET when the guest has booted since. */
void agent_take_info(struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *info);

/* A sample that came by itself. -ERANGE: it cannot be true. */
int agent_take_sample(struct vm *vm, const Vmreclaim__Agent__V1__MemorySample *sample);

/* What a guest says unasked reaches watchers, the balloon and the store: more than any agent has to
 * say is not passed on. */
void agent_take_pressure(struct vm *vm, const Vmreclaim__Agent__V1__PressureEvent *pressure);
void agent_take_action(struct vm *vm, const Vmreclaim__Agent__V1__ActionResult *action);
void agent_take_engine(struct vm *vm, const Vmreclaim__Agent__V1__EngineState *engine);

/* Why a call on the agent failed, in words that name who is to blame, and the errno for it.
 * -EOPNOTSUPP: the agent is older than the call; -ENOTCONN, -ETIMEDOUT; or what it answered. */
int agent_failure(const struct vm *vm, const struct ttrpc_result *result, struct error *error);

/* The guest's clock begins again. */
void agent_on_event(const struct vm_event *event);

/* Takes a guest's sample that came as an answer; `latency` bounds its age. -ERANGE: it cannot be
 * true. Measures the host too. */
int vm_take_sample(struct vm *vm, const Vmreclaim__Agent__V1__MemorySample *sample, nsec_t latency);

#endif
