/* A pulse of a VM's balloon: what is free in the guest is taken and given back at once. */
#include <errno.h>

#include "common/base/number.h"
#include "controller/actions/machine.h"
#include "controller/leases/conduct.h"
#include "controller/leases/requests.h"
#include "controller/vms/hypervisor.h"

#define JOURNAL_MAX (60 * NSEC_PER_SEC) /* for its lease to be written */
#define BACK_MAX    (30 * NSEC_PER_SEC) /* for the guest to take everything back */

/* It took all there was, and little of that had been the host's to get. */
static void judge(struct action *action, const struct pulse *pulse)
{
    uint64_t fell;

    if (pulse->end != PULSE_END_DEPTH || vm_measure(action->vm) < 0)
        return;
    fell = saturating_subtract(action->footprint_before, action->vm->measured.host.footprint);
    if (fell < pulse->taken / 4)
        action->reason = "most of what was free in the guest was not on the host: the guest has "
                         "not used it, or it came back before";
}

static enum action_look look(struct action *action, nsec_t now)
{
    const struct pulse pulse = lease_pulse(action->vm);

    if (action->lease != NULL) {
        if (now - action->started >= JOURNAL_MAX)
            action->reason = "the journal of leases was not written: its disk does not answer";
        return action->reason == NULL ? ACTION_GOES_ON : ACTION_IS_OVER;
    }
    if (!pulse_is_on(&pulse)) {
        judge(action, &pulse);
        return pulse.taken > 0 ? ACTION_HAS_ACTED : ACTION_IS_OVER;
    }
    if (pulse.state == PULSE_DEFLATING && now - pulse.ended >= BACK_MAX)
        action->reason = "the guest does not take its memory back yet; 'vmreclaim vm show' shows "
                         "how far it is";
    return action->reason == NULL ? ACTION_GOES_ON : ACTION_IS_OVER;
}

static const char *shortfall(const struct vm *vm)
{
    const struct pulse pulse = lease_pulse(vm);

    return pulse_end_text(pulse.end);
}

static void call_off(struct action *action)
{
    if (action->lease != NULL)
        lease_asked_call_off(action->lease);
    action->lease = NULL;
    lease_keeper_end_pulse(action->actions->keeper, action->vm);
}

/* The host discards a page as the balloon takes it. */
static const struct action_means by_a_pulse = {
    .interval = 250 * NSEC_PER_MSEC,
    .settle_quiet = 1 * NSEC_PER_SEC,
    .settle_max = 1 * NSEC_PER_SEC,
    .look = look,
    .shortfall = shortfall,
    .call_off = call_off,
};

/* Where reporting returns what is free, a pulse would only cost the guest time. */
static int check_reporting(const struct vm *vm, struct error *error)
{
    if (!vm_reports(vm) || conduct_why_inert(vm) != NULL)
        return 0; /* what stops the balloon as well is said by whoever begins the pulse */
    return error_set(error, -EOPNOTSUPP,
                     "VM '%s' reports its free pages: they come back without a pulse; 'vmreclaim "
                     "compact %s' makes more of them reportable",
                     vm->name, vm->name);
}

static int check(const struct vm *vm, struct error *error)
{
    const char *owner = lease_foreign_owner(vm);

    if (owner[0] != '\0')
        return error_set(error, -EOPNOTSUPP, "VM '%s': %s moves its balloon, and is left alone",
                         vm->name, owner);
    if (lease_meets_huge_pages(vm))
        return error_set(error, -EOPNOTSUPP,
                         "VM '%s' is backed by huge pages: a balloon takes single pages, and the "
                         "host gets nothing of a huge one",
                         vm->name);
    return check_reporting(vm, error);
}

static void on_begun(int status, const struct error *error, void *userdata)
{
    struct action *action = userdata;

    action->lease = NULL;
    if (status < 0)
        action_fail(action, status, error->text);
}

static int try_out(struct lease_keeper *keeper, struct vm *vm, const struct action_request *request,
                   uint64_t *ret_most, struct error *error)
{
    return lease_keeper_try_pulse(keeper, vm, &request->pulse, ret_most, error);
}

static int begin(struct action *action, struct error *error)
{
    int r = lease_keeper_pulse(action->actions->keeper, action->vm, &action->request.pulse,
                               &action->lease, error);

    if (r == 0 && action->lease != NULL)
        lease_asked_tell(action->lease, on_begun, action);
    return r;
}

const struct action_kind action_pulse = {.name = "pulse",
                                         .means = &by_a_pulse,
                                         .asks_driver = true,
                                         .check = check,
                                         .try_out = try_out,
                                         .act = begin};
