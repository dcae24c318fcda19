/* What operators order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/policy/policy.h"
#include "controller/fleet/engine/gates.h"
#include "controller/fleet/engine/rollout.h"
#include "controller/selectors/host-selector.h"
#include "controller/selectors/target.h"

/* As controller/desired has them. */
#define VM_SELECTORS_MAX 256
#define VM_SELECTOR_MAX  255

#define BIT(state) (1U << ROLLOUT_STATE(state))
#define ACTIVE     (BIT(WRITING) | BIT(SOAKING) | BIT(JUDGING))

/* Which states take which verb, and what they become. */
static const struct verb {
    const char *name;
    const char *done; /* for the history */
    unsigned from;
    RolloutState to;
    const char *instead; /* what to do in other states */
} verbs[ROLLOUT_VERB_COUNT] = {
    [ROLLOUT_START] = {"start", "started", BIT(DRAFT), ROLLOUT_STATE(WRITING),
                       "only a draft is started; begin a new rollout"},
    [ROLLOUT_PAUSE] = {"pause", "paused", ACTIVE, ROLLOUT_STATE(PAUSED),
                       "nothing of it goes on by itself"},
    [ROLLOUT_RESUME] = {"resume", "resumed", BIT(PAUSED), ROLLOUT_STATE(JUDGING),
                        "only what is paused is resumed"},
    [ROLLOUT_ABORT] = {"abort", "aborted", BIT(DRAFT) | ACTIVE | BIT(PAUSED),
                       ROLLOUT_STATE(ABORTED), "it has ended, or reverts"},
    [ROLLOUT_ROLLBACK] = {"rollback", "rolled back",
                          ACTIVE | BIT(PAUSED) | BIT(ABORTED) | BIT(COMPLETE),
                          ROLLOUT_STATE(REVERTING),
                          "no host has its policy from it, or it reverts"},
    [ROLLOUT_SUPERSEDE] = {"supersede", "superseded",
                           BIT(DRAFT) | ACTIVE | BIT(PAUSED) | BIT(ABORTED) | BIT(COMPLETE),
                           ROLLOUT_STATE(SUPERSEDED), "wait until it is reverted"},
};

/* ---- documents ---- */

int rollout_set_defaults(Rollout *rollout)
{
    static const uint32_t waves[] = {100, 500, 2500, PERMYRIAD};

    if (rollout->n_waves_permyriad == 0) {
        rollout->waves_permyriad = malloc(sizeof(waves));
        if (rollout->waves_permyriad == NULL)
            return -ENOMEM;
        memcpy(rollout->waves_permyriad, waves, sizeof(waves));
        rollout->n_waves_permyriad = ARRAY_SIZE(waves);
    }
    if (rollout->canary_soak_ns == 0)
        rollout->canary_soak_ns = (int64_t)(3600 * NSEC_PER_SEC);
    if (rollout->soak_ns == 0)
        rollout->soak_ns = (int64_t)(300 * NSEC_PER_SEC);
    return rollout->host_selector[0] == '\0' ? document_set_text(&rollout->host_selector, "all")
                                             : 0;
}

static int check_waves(const Rollout *rollout, struct error *error)
{
    size_t count = rollout->n_waves_permyriad;
    uint32_t before = 0;

    for (size_t i = 0; i < count; before = rollout->waves_permyriad[i++])
        if (rollout->waves_permyriad[i] <= before || rollout->waves_permyriad[i] > PERMYRIAD)
            return error_set(error, -EINVAL,
                             "waves: each is more than the one before it, and at most 100 %%");
    if (before != PERMYRIAD)
        return error_set(error, -EINVAL, "waves: the last one is 100%%, to reach all hosts");
    if (rollout->canary_soak_ns < 0 || rollout->soak_ns < 0)
        return error_set(error, -EINVAL, "soak: a time is not below 0");
    return 0;
}

/* As the hosts do, who refuse a state whole. */
static int check_vm_selectors(const Rollout *rollout, struct error *error)
{
    if (rollout->n_vm_selectors > VM_SELECTORS_MAX)
        return error_set(error, -EINVAL, "more than %d selectors of VMs", VM_SELECTORS_MAX);
    for (size_t i = 0; i < rollout->n_vm_selectors; i++) {
        const char *selector = rollout->vm_selectors[i];

        if (selector[0] == '\0' || strlen(selector) > VM_SELECTOR_MAX)
            return error_set(error, -EINVAL, "a selector of VMs has 1 to %d bytes",
                             VM_SELECTOR_MAX);
        if (target_check(selector, "VM", error) < 0)
            return -EINVAL;
    }
    return 0;
}

int rollout_check(const Rollout *rollout, struct error *error)
{
    struct policy policy;
    int r;

    if (rollout->id[0] == '\0' || rollout->policy[0] == '\0' || rollout->text[0] == '\0')
        return error_set(error, -EINVAL, "a rollout has an id, a policy's name and its text");
    r = policy_set_name(&policy, rollout->policy, error); /* it is part of subjects of the bus */
    if (r == 0)
        r = host_selector_check(rollout->host_selector, error);
    if (r == 0 && rollout->canary_selector[0] != '\0')
        r = host_selector_check(rollout->canary_selector, error);
    if (r == 0)
        r = check_vm_selectors(rollout, error);
    if (r == 0)
        r = check_waves(rollout, error);
    for (size_t i = 0; r == 0 && i < rollout->n_gates; i++)
        r = gate_check(rollout->gates[i], error);
    return r;
}

bool rollout_rests(const Rollout *rollout)
{
    static const unsigned resting = BIT(UNSPECIFIED) | BIT(DRAFT) | BIT(PAUSED) | BIT(REVERTED) |
                                    BIT(ABORTED) | BIT(SUPERSEDED);

    return (size_t)rollout->state >= ROLLOUT_STATE_COUNT || (resting & 1U << rollout->state) != 0;
}

/* ---- orders ---- */

static int refuse(const Rollout *rollout, const struct verb *verb, struct error *error)
{
    return error_set(error, -EBUSY, "rollout '%s' is %s and takes no %s: %s",
                     TEXT_CUT(rollout->id, 40), rollout_state_name(rollout->state), verb->name,
                     verb->instead);
}

static int follow(Rollout *rollout, const struct rollout_order *order, const struct verb *verb)
{
    char reason[256];

    text_format(reason, sizeof(reason), "%s by %s%s%s", verb->done, order->author,
                order->reason[0] == '\0' ? "" : ": ", order->reason);
    if (order->verb == ROLLOUT_PAUSE)
        rollout->resumes_to = document_going_on(rollout);
    if (order->verb == ROLLOUT_RESUME)
        document_forget_failures(rollout);
    rollout->epoch = order->epoch;
    return document_move(rollout, verb->to, order->time_ns, reason);
}

int rollout_order(Rollout *rollout, const struct rollout_order *order, struct error *error)
{
    const struct verb *verb = &verbs[order->verb];
    int r = 0;

    if (rollout->epoch > order->epoch)
        return error_set(error, -ESTALE, "rollout '%s' is led by another coordinator; ask again",
                         TEXT_CUT(rollout->id, 40));
    if ((size_t)rollout->state >= ROLLOUT_STATE_COUNT || (verb->from & 1U << rollout->state) == 0)
        return refuse(rollout, verb, error);
    if (order->verb == ROLLOUT_START)
        r = rollout_check(rollout, error);
    if (r == 0)
        r = follow(rollout, order, verb);
    return r == -ENOMEM ? error_set(error, r, "out of memory") : r;
}
