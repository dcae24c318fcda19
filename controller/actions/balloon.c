/* What is done with a VM's balloon: a lease is taken, or some are given back. */
#include <errno.h>

#include "common/base/number.h"
#include "controller/actions/machine.h"
#include "controller/leases/requests.h"
#include "controller/vms/hypervisor.h"

#define WAIT_MAX (60 * NSEC_PER_SEC)

/* ---- while the guest follows ---- */

static bool is_reached(const struct balloon_control *control)
{
    uint64_t distance = distance_between(control->actual, control->target);

    return distance <= BALLOON_SLACK && !control->telling &&
           control->target == balloon_wanted(control);
}

static enum action_look look(struct action *action, nsec_t now)
{
    struct vm *vm = action->vm;

    if (action->lease != NULL) {
        if (now - action->started >= WAIT_MAX)
            action->reason = "the journal of leases was not written: its disk does not answer";
        return action->reason == NULL ? ACTION_GOES_ON : ACTION_IS_OVER;
    }
    if (lease_balloon(vm) == NULL || is_reached(lease_balloon(vm)))
        return ACTION_HAS_ACTED;
    vm_read_balloon(vm);
    if (lease_balloon(vm)->stalled)
        action->reason = balloon_news_text(BALLOON_NEWS_STALLED);
    else if (now - action->started >= WAIT_MAX)
        action->reason = "the guest is still following; 'vmreclaim vm show' shows how far it is";
    return action->reason == NULL ? ACTION_GOES_ON : ACTION_IS_OVER;
}

/* Why the guest did not give all; that it did is no reason. */
static const char *shortfall(const struct vm *vm)
{
    switch (lease_news(vm)) {
    case BALLOON_NO_NEWS:
    case BALLOON_NEWS_HELD:
    case BALLOON_NEWS_REACHED:
    case BALLOON_NEWS_RELEASED:
        return "";
    default:
        return balloon_news_text(lease_news(vm));
    }
}

static void call_off(struct action *action)
{
    if (action->lease != NULL)
        lease_asked_call_off(action->lease);
    action->lease = NULL;
}

/* From the guest's page to the host's footprint it takes less than a second. */
static const struct action_means by_the_balloon = {
    .interval = 250 * NSEC_PER_MSEC,
    .settle_quiet = 1 * NSEC_PER_SEC,
    .settle_max = 1 * NSEC_PER_SEC,
    .look = look,
    .shortfall = shortfall,
    .call_off = call_off,
};

/* ---- the kinds ---- */

/* Of a balloon that is to leave the guest more, nothing. */
static uint64_t asked_of_set(const struct action *action)
{
    return saturating_subtract(action->vm->hypervisor.facts.balloon_actual,
                               action->request.balloon.size);
}

static int check_set(const struct vm *vm, struct error *error)
{
    return 0; /* the keeper knows, once the guest was sampled */
}

static void on_set(int status, const struct error *error, void *userdata)
{
    struct action *action = userdata;

    action->lease = NULL;
    if (status < 0)
        action_fail(action, status, error->text);
}

static struct lease_wish wish_of(const struct action_request *request)
{
    return (struct lease_wish){
        .size = request->balloon.size,
        .duration = request->balloon.lifetime,
        .owner = request->owner,
        .doubts = request->balloon.doubts,
    };
}

static int try_set(struct lease_keeper *keeper, struct vm *vm, const struct action_request *request,
                   uint64_t *ret_most, struct error *error)
{
    const struct lease_wish wish = wish_of(request);

    *ret_most = saturating_subtract(vm->hypervisor.facts.balloon_actual, request->balloon.size);
    return lease_keeper_try(keeper, vm, &wish, error);
}

static int set(struct action *action, struct error *error)
{
    const struct lease_wish wish = wish_of(&action->request);
    int r = lease_keeper_set(action->actions->keeper, action->vm, &wish, &action->lease, error);

    if (r == 0 && action->lease != NULL)
        lease_asked_tell(action->lease, on_set, action);
    return r;
}

static int check_release(const struct vm *vm, struct error *error)
{
    if (lease_may_release(vm, NULL))
        return 0;
    if (lease_waiting_bytes(vm) > 0)
        return error_set(error, -EBUSY,
                         "VM '%s': a lease of %s waits until its hypervisor answers: %s; ask again "
                         "then",
                         vm->name, BYTES_TEXT(lease_waiting_bytes(vm)),
                         vm_hypervisor_condition(vm));
    return error_set(error, -ENOENT, "VM '%s' has no lease to release", vm->name);
}

static int release(struct action *action, struct error *error)
{
    const char *owner = action->request.owner;

    return lease_keeper_release(action->actions->keeper, action->vm,
                                owner[0] == '\0' ? NULL : owner, error);
}

const struct action_kind action_balloon = {.name = "balloon",
                                           .means = &by_the_balloon,
                                           .asked = asked_of_set,
                                           .check = check_set,
                                           .try_out = try_set,
                                           .act = set};
const struct action_kind action_release = {.name = "release",
                                           .means = &by_the_balloon,
                                           .gives_back = true,
                                           .check = check_release,
                                           .act = release};
