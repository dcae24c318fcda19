/* What is kept of who ordered what of a fleet's rollouts, and of the steps that they take by
 * themselves: a stream that nobody deletes from.
 *
 * An order is in it before it has any effect, and is refused where the bus has not said so: what
 * nobody could find out later is not done. Its outcome follows, and where that is missing, the
 * coordinator died, or the bus went away: then the rollout's document tells. A step is there once
 * the document has it. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_AUDIT_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_AUDIT_H

#include "controller/fleet/bus/bus.h"
#include "controller/fleet/engine/rollout.h"

#define AUDIT_STREAM   "VMR_AUDIT"
#define AUDIT_SUBJECTS "vmr.v1.audit.>"

/* Of all records of one rollout. */
#define AUDIT_SUBJECT "vmr.v1.audit.rollout."

/* Texts are cut to fit. */
#define AUDIT_MESSAGE_MAX 4096

typedef Vmreclaim__Fleet__V1__AuditRecord AuditRecord;
typedef Vmreclaim__Fleet__V1__AuditPhase AuditPhase;

#define AUDIT(phase) VMRECLAIM__FLEET__V1__AUDIT_PHASE__AUDIT_##phase

/* A record about the rollout as it is in the document. What it points to is the document's. */
AuditRecord audit_record(AuditPhase phase, const Rollout *document);

/* `done` NULL: nobody waits, and a failure is logged. As bus_put(); -ENOMEM. */
int audit_put(struct bus *bus, const AuditRecord *record, bus_done done, void *userdata);

#endif
