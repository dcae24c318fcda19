/* One judgement per gate. For gates.c. Pure. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENGINE_JUDGES_H
#define VMRECLAIM_CONTROLLER_FLEET_ENGINE_JUDGES_H

#include "controller/fleet/engine/document.h"
#include "controller/fleet/engine/tally.h"

enum judgement {
    JUDGED_WELL,
    JUDGED_BADLY,
    JUDGED_WITHOUT_DATA,
};

#define JUDGED_TEXT_SIZE 224

struct judged {
    const struct tally *treated;
    const struct tally *untreated;
    const GateState *state; /* what was before */
    uint64_t limit;
    char text[JUDGED_TEXT_SIZE]; /* out: host, VM and number, of what is not well */
};

enum judgement judge_oom_kills(struct judged *judged);
enum judgement judge_hosts_lost(struct judged *judged);
enum judgement judge_agents_lost(struct judged *judged);
enum judgement judge_pressure(struct judged *judged);
enum judgement judge_refaults(struct judged *judged);
enum judgement judge_major_faults(struct judged *judged);
enum judgement judge_apply_errors(struct judged *judged);
enum judgement judge_degraded(struct judged *judged);
enum judgement judge_actions_refused(struct judged *judged);
enum judgement judge_returned(struct judged *judged);

/* Bytes a VM gave back in ten minutes; false: nobody knows. */
bool judged_returned(const struct tally *tally, uint64_t *ret_bytes);

#endif
