/* Records of the audit. */
#include "controller/fleet/coordinator/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/message/copy.h"

#define SUBJECT_SIZE 192
#define REASON_SIZE  512

AuditRecord audit_record(AuditPhase phase, const Rollout *document)
{
    AuditRecord record = VMRECLAIM__FLEET__V1__AUDIT_RECORD__INIT;

    record.phase = phase;
    record.time_ns = time_realtime();
    record.rollout = document->id;
    record.policy = document->policy;
    record.state = document->state;
    record.wave = document->wave;
    record.epoch = document->epoch;
    return record;
}

static void on_kept(const struct bus_answer *answer, void *userdata)
{
    (void)userdata;
    if (answer->status < 0)
        log_warning("a record of what was done is not known to be in the audit: %s",
                    answer->problem);
}

int audit_put(struct bus *bus, const AuditRecord *record, bus_done done, void *userdata)
{
    AuditRecord cut = *record;
    char subject[SUBJECT_SIZE], reason[REASON_SIZE], error[REASON_SIZE];
    size_t length = 0;
    uint8_t *packed;
    int r = -ENOMEM;

    text_copy(reason, sizeof(reason), record->reason);
    text_copy(error, sizeof(error), record->error);
    cut.reason = reason;
    cut.error = error;
    snprintf(subject, sizeof(subject), AUDIT_SUBJECT "%s", record->rollout);
    packed = message_pack(&cut.base, &length);
    if (packed != NULL)
        r = bus_put(bus, subject, packed, length, BUS_ANYTHING, done == NULL ? on_kept : done,
                    userdata);
    free(packed);
    return r;
}
