/* Records and events of actions. */
#include "controller/actions/ending.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/text.h"
#include "common/message/copy.h"
#include "controller/actions/judge.h"
#include "controller/messages/text.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/measured.h"

typedef Vmreclaim__Controller__V1__Action Action;

static const char gone[] = "the VM's process was gone before what came back was measured";

static void fill_record(const struct action *action, Action *record)
{
    vmreclaim__controller__v1__action__init(record);
    record->id = message_text(action->request.id);
    record->vm = message_text(action->vm_name);
    record->kind = message_text(action->request.kind->name);
    record->asked_by = message_text(action->asked_by);
    record->asked_with = message_text(action->request.program);
    record->why = message_text(action->request.why);
    record->bytes_asked = action->asked;
    record->started_ns = action->started_time;
    record->duration_ns = time_boottime() - action->started;
    record->guest = action->guest;
    record->footprint_before = action->footprint_before;
    record->host_boot_id = message_text(action->actions->supervisor->host_boot_id);
    record->started_boottime_ns = action->started;
    record->hypervisor_pid = action->pid;
    record->hypervisor_start_time = action->start_time;
}

void action_report_begin(struct action *action)
{
    Action record;
    char text[320];

    fill_record(action, &record);
    text_format(text, sizeof(text), "%s %s begins, asked for by %s%s%s%s%s", record.kind, record.id,
                record.asked_by, record.asked_with[0] == '\0' ? "" : " with ", record.asked_with,
                record.why[0] == '\0' ? "" : ": ", record.why);
    supervisor_emit(action->vm->supervisor, &(struct vm_event){.vm = action->vm,
                                                               .kind = VM_EVENT_ACTION_BEGUN,
                                                               .text = text,
                                                               .record = &record});
}

/* ---- the end ---- */

/* Whether the host's side is known before the action and after it, or never was. */
static bool is_measured(const struct action *action)
{
    return !action->vm->life.removed &&
           (action->vm->measured.host.time != 0 || action->footprint_before == 0);
}

static void complete_record(struct action *action, int status, const char *reason, Action *record)
{
    struct vm *vm = action->vm;

    fill_record(action, record);
    record->finished = true;
    if (status < 0)
        record->outcome = message_text(total_outcome_names[TOTAL_FAILED]);
    record->reason = message_text(reason);
    if (reason[0] == '\0' && vm->measured.host.time == 0 && action->footprint_before == 0)
        record->reason = message_text(vm_hypervisor_condition(vm));
    if (!is_measured(action)) {
        measures_forgo(reason[0] != '\0' ? reason : gone, record);
        return;
    }
    if (vm->measured.host.time != 0) {
        record->footprint_after = vm->measured.host.footprint;
        record->drift = drift_over(&action->drift, record->duration_ns);
        record->drift_is_known = action->drift.is_known;
        record->host_returned = judge_returned(record, record->footprint_after);
        record->drift = judge_drift(record, record->footprint_after);
    }
    vm_measure_huge(vm);
    measures_complete(&action->measures, vm, time_boottime(), record);
}

static void destroy(struct action *action)
{
    assert(action->state == ACTION_ENDED);
    if (action->guest != NULL)
        message_free(&action->guest->base);
    free(action);
}

static void report_end(const struct action *action, int status, const Action *record)
{
    char text[512];

    if (status < 0)
        text_format(text, sizeof(text), "%s %s failed: %s", record->kind, record->id,
                    record->reason);
    else if (record->footprint_before == 0)
        text_format(text, sizeof(text), "%s %s: what the host got is not known: %s", record->kind,
                    record->id, record->reason);
    else
        snprintf(text, sizeof(text), "%s %s: host got back %" PRId64 " bytes", record->kind,
                 record->id, record->host_returned);
    supervisor_emit(action->vm->supervisor, &(struct vm_event){.vm = action->vm,
                                                               .kind = VM_EVENT_ACTION_ENDED,
                                                               .text = text,
                                                               .record = record});
}

static void answer(struct action *action, int status, const char *reason, const Action *record)
{
    char text[768] = "";

    if (action->done == NULL)
        return;
    if (status < 0 && record != NULL)
        text_format(text, sizeof(text), "%s of VM '%s' (action %s): %s", record->kind,
                    action->vm_name, record->id, reason);
    action->done(&(struct action_end){.status = status,
                                      .message = record != NULL ? text : reason,
                                      .record = record},
                 action->userdata);
}

/* What the means know of why it was not more. */
static const char *own_reason(const struct action *action)
{
    const struct action_means *means = action->request.kind->means;

    if (action->reason != NULL)
        return action->reason;
    return means->shortfall == NULL ? "" : means->shortfall(action->vm);
}

void action_end(struct action *action, int status, const char *reason)
{
    Action record;

    assert(action->state != ACTION_BEFORE && action->state != ACTION_ENDED);
    assert(status <= 0 && (status == 0 || reason != NULL));
    action_leave(action);
    complete_record(action, status, reason != NULL ? reason : own_reason(action), &record);
    action_move(action, ACTION_ENDED);
    report_end(action, status, &record);
    answer(action, status, reason, &record);
    destroy(action);
}

void action_refuse(struct action *action, int status, const char *reason)
{
    assert(action->state == ACTION_BEFORE && status < 0);
    action->actions->refused[total_kind_of(action->request.kind->name)]++;
    action_leave(action);
    action_move(action, ACTION_ENDED);
    answer(action, status, reason, NULL);
    destroy(action);
}

void action_cut_short(struct action *action, int status, const char *reason)
{
    bool is_lost = action->state == ACTION_ACTING && action->request.kind->means->call_off != NULL;

    if (action->state == ACTION_BEFORE) {
        action_refuse(action, status, reason);
        return;
    }
    if (!action->vm->life.removed)
        (void)vm_measure_exactly(action->vm);
    action_end(action, is_lost ? status : 0, reason);
}
