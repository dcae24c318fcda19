/* The agent's own structures as protobuf messages, and back. */
#ifndef VMRECLAIM_AGENT_CALLS_MESSAGES_H
#define VMRECLAIM_AGENT_CALLS_MESSAGES_H

#include "agent.pb-c.h"
#include "agent/actions/features.h"
#include "agent/actions/runner.h"
#include "agent/doctor/doctor.h"
#include "agent/engine/engine.h"
#include "agent/engine/sample.h"
#include "agent/sensors/details.h"

/* The message points into `sample`. `details` may be NULL: they were not asked for. */
void message_from_sample(struct memory_sample *sample, const struct memory_details *details,
                         Vmreclaim__Agent__V1__MemorySample *message);

/* The message points to static text. */
void message_from_decision(const struct engine_decision *decision, nsec_t now,
                           Vmreclaim__Agent__V1__EngineState *message);

/* The result of the job, which is over; the message points into it. */
void message_from_job(struct job *job, Vmreclaim__Agent__V1__ActionResult *message);

/* The messages point into `complaints`. */
void messages_from_complaints(struct doctor_complaint *complaints, size_t count,
                              Vmreclaim__Agent__V1__Check *messages,
                              Vmreclaim__Agent__V1__Check **pointers);

/* `messages` and `pointers` have FEATURE_COUNT entries; they point into `features`. */
void messages_from_features(struct features *features, Vmreclaim__Agent__V1__Feature *messages,
                            Vmreclaim__Agent__V1__Feature **pointers);

#endif
