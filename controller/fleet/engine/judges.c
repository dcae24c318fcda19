/* The gates' judgements. */
#include "controller/fleet/engine/judges.h"

#include <inttypes.h>

#include "common/base/text.h"
#include "common/base/util.h"

#define MIB (UINT64_C(1) << 20)

/* What is so little that it is no harm, whatever the others do: per VM in a thousand seconds. */
#define REFAULTS_LITTLE     10000
#define MAJOR_FAULTS_LITTLE 1000
#define REFUSED_LITTLE      2
#define RETURNED_LITTLE     (64 * MIB)

/* ---- shares of a whole ---- */

static uint64_t share_of(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : part * PERMYRIAD / whole;
}

enum judgement judge_hosts_lost(struct judged *judged)
{
    const struct tally *treated = judged->treated, *untreated = judged->untreated;
    uint64_t lost = share_of(treated->lost, treated->hosts);
    uint64_t others = share_of(untreated->lost, untreated->hosts);

    if (lost <= others + judged->limit)
        return JUDGED_WELL;
    text_format(judged->text, sizeof(judged->text),
                "host %s is lost; %" PRIu64 " of %" PRIu64 " treated hosts are, %" PRIu64
                " of %" PRIu64 " others",
                treated->lost_host.host, treated->lost, treated->hosts, untreated->lost,
                untreated->hosts);
    return JUDGED_BADLY;
}

enum judgement judge_agents_lost(struct judged *judged)
{
    const struct tally *treated = judged->treated, *untreated = judged->untreated;
    uint64_t lost = share_of(treated->agents_lost, treated->agents);
    uint64_t others = share_of(untreated->agents_lost, untreated->agents);

    if (lost <= others + judged->limit)
        return JUDGED_WELL;
    text_format(judged->text, sizeof(judged->text),
                "host %s, VM %s: the agent is gone; %" PRIu64 " of %" PRIu64
                " treated are, %" PRIu64 " of %" PRIu64 " others",
                treated->agentless_vm.host, treated->agentless_vm.vm, treated->agents_lost,
                treated->agents, untreated->agents_lost, untreated->agents);
    return JUDGED_BADLY;
}

enum judgement judge_apply_errors(struct judged *judged)
{
    const struct tally_worst *worst = &judged->treated->refusing_host;

    if (judged->treated->refused <= judged->limit)
        return JUDGED_WELL;
    text_format(judged->text, sizeof(judged->text),
                "host %s refuses the policy: %s; %" PRIu64 " do", worst->host, worst->reason,
                judged->treated->refused);
    return JUDGED_BADLY;
}

enum judgement judge_degraded(struct judged *judged)
{
    const struct tally *treated = judged->treated, *untreated = judged->untreated;
    uint64_t share = share_of(treated->degraded, treated->hosts);

    if (treated->degraded <= judged->limit ||
        share <= share_of(untreated->degraded, untreated->hosts))
        return JUDGED_WELL;
    text_format(judged->text, sizeof(judged->text),
                "host %s: %s; %" PRIu64 " of %" PRIu64 " treated hosts are degraded",
                treated->degraded_host.host, treated->degraded_host.reason, treated->degraded,
                treated->hosts);
    return JUDGED_BADLY;
}

/* ---- counters ---- */

enum judgement judge_oom_kills(struct judged *judged)
{
    const struct tally_counter *treated = &judged->treated->counters[FIGURE(OOM_KILLS)];
    const struct tally_counter *untreated = &judged->untreated->counters[FIGURE(OOM_KILLS)];
    double others =
        untreated->seconds == 0 ? 0 : (double)untreated->sum / (double)untreated->seconds;

    if (treated->vms == 0)
        return JUDGED_WITHOUT_DATA;
    if (treated->sum <= judged->limit || (double)treated->sum <= others * (double)treated->seconds)
        return JUDGED_WELL;
    text_format(judged->text, sizeof(judged->text),
                "host %s, VM %s: %" PRIu64 " OOM kills; %" PRIu64 " in %" PRIu64
                " treated VMs, %" PRIu64 " in %" PRIu64 " others",
                treated->worst.host, treated->worst.vm, treated->worst.value, treated->sum,
                treated->vms, untreated->sum, untreated->vms);
    return JUDGED_BADLY;
}

/* What treated hosts would do anyway: what the others do now, or they did before, if that is more.
 */
static bool reference_of(const struct judged *judged, bool is_known, uint64_t others,
                         uint64_t *ret_reference)
{
    bool has_past = judged->state->past_vms > 0;

    *ret_reference = is_known ? others : 0;
    if (has_past)
        *ret_reference = max_of(*ret_reference, judged->state->past);
    return is_known || has_past;
}

static enum judgement judge_rate(struct judged *judged, unsigned kind, uint64_t little,
                                 const char *what)
{
    const struct tally_worst *worst = &judged->treated->counters[kind].worst;
    uint64_t rate, others = 0, reference;
    bool is_known = tally_rate(judged->untreated, kind, &others);

    if (!tally_rate(judged->treated, kind, &rate))
        return JUDGED_WITHOUT_DATA;
    if (rate <= little)
        return JUDGED_WELL;
    if (!reference_of(judged, is_known, others, &reference)) {
        text_format(judged->text, sizeof(judged->text), "nothing to compare %s with", what);
        return JUDGED_WITHOUT_DATA;
    }
    if ((double)rate * 100 <= (double)reference * (double)judged->limit)
        return JUDGED_WELL;
    text_format(judged->text, sizeof(judged->text),
                "host %s, VM %s: %" PRIu64 " %s; per VM in 1000 s %" PRIu64 " against %" PRIu64,
                worst->host, worst->vm, worst->value, what, rate, reference);
    return JUDGED_BADLY;
}

enum judgement judge_refaults(struct judged *judged)
{
    return judge_rate(judged, FIGURE(REFAULTS), REFAULTS_LITTLE, "pages read again");
}

enum judgement judge_major_faults(struct judged *judged)
{
    return judge_rate(judged, FIGURE(MAJOR_FAULTS), MAJOR_FAULTS_LITTLE, "major faults");
}

enum judgement judge_actions_refused(struct judged *judged)
{
    return judge_rate(judged, FIGURE(ACTIONS_REFUSED), REFUSED_LITTLE, "actions refused");
}

/* ---- pressure ---- */

enum judgement judge_pressure(struct judged *judged)
{
    const struct tally_worst *worst = &judged->treated->pressed_vm;
    uint64_t pressure, others = 0, reference;
    bool is_known = tally_pressure(judged->untreated, &others);

    if (!tally_pressure(judged->treated, &pressure))
        return JUDGED_WITHOUT_DATA;
    if (pressure <= judged->limit)
        return JUDGED_WELL;
    if (!reference_of(judged, is_known, others, &reference)) {
        text_format(judged->text, sizeof(judged->text), "nothing to compare pressure with");
        return JUDGED_WITHOUT_DATA;
    }
    if (pressure <= 2 * reference)
        return JUDGED_WELL;
    text_format(
        judged->text, sizeof(judged->text),
        "host %s, VM %s: waited for memory %.2f %% of its time; p95 %.2f %% against %.2f %%",
        worst->host, worst->vm, (double)worst->value / 100, (double)pressure / 100,
        (double)reference / 100);
    return JUDGED_BADLY;
}

/* ---- what came back ---- */

bool judged_returned(const struct tally *tally, uint64_t *ret_bytes)
{
    uint64_t rate;

    if (!tally_rate(tally, FIGURE(RETURNED), &rate))
        return false;
    *ret_bytes = rate / 10 * 6;
    return true;
}

enum judgement judge_returned(struct judged *judged)
{
    const struct tally_worst *worst = &judged->treated->counters[FIGURE(RETURNED)].worst;
    uint64_t bytes;

    if (!judged_returned(judged->treated, &bytes))
        return JUDGED_WITHOUT_DATA;
    if (!judged->state->has_last || judged->state->last < RETURNED_LITTLE ||
        (double)bytes * 100 >= (double)judged->state->last * (double)judged->limit)
        return JUDGED_WELL;
    text_format(judged->text, sizeof(judged->text),
                "a VM gave %" PRIu64 " MiB in ten minutes, in the wave before %" PRIu64
                "; most gave host %s, VM %s",
                bytes / MIB, judged->state->last / MIB, worst->host, worst->vm);
    return JUDGED_BADLY;
}
