/* The subject of an explanation with the holes filled: no pointer is NULL but `guest` and `info`.
 */
#ifndef VMRECLAIM_CONTROLLER_EXPLAIN_VIEW_H
#define VMRECLAIM_CONTROLLER_EXPLAIN_VIEW_H

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/explain/finding.h"

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__ActionSample ActionSample;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;
typedef Vmreclaim__Controller__V1__HostFacts HostFacts;
typedef Vmreclaim__Agent__V1__ActionResult ActionResult;
typedef Vmreclaim__Agent__V1__MemorySample MemorySample;

enum finding_kind {
    KIND_HOLDS = VMRECLAIM__CONTROLLER__V1__FINDING_KIND__FINDING_KIND_HOLDS,
    KIND_PLAN = VMRECLAIM__CONTROLLER__V1__FINDING_KIND__FINDING_KIND_PLAN,
    KIND_CAN_DO = VMRECLAIM__CONTROLLER__V1__FINDING_KIND__FINDING_KIND_CAN_DO,
    KIND_STUCK = VMRECLAIM__CONTROLLER__V1__FINDING_KIND__FINDING_KIND_STUCK,
};

/* Of the guest's free memory what can be on the host. What the footprint is too small for was never
 * touched, or has left. The guest takes its untouched blocks last. So that part is taken off the
 * reportable memory first, then off the trapped, then off the per-CPU lists. */
struct held {
    uint64_t reportable;
    uint64_t trapped;
    uint64_t percpu;
};

struct view {
    const Vmreclaim__Controller__V1__Vm *vm;
    const char *name;
    const Waterfall *w;
    const HostFacts *host;
    const MemorySample *guest; /* NULL: not known */
    const Vmreclaim__Agent__V1__GetInfoResponse *info;
    const struct policy *policy; /* as the guest runs it; NULL: none */
    char *const *own_limits;     /* keys; NULL: none */
    const Action *action;        /* NULL: none */
    int64_t time;                /* UNIX nanoseconds; 0: not known */
    uint64_t absent;             /* the guest's parts are so much more than the host holds */
    struct held held;
    uint64_t worth;        /* bytes below this are not worth a sentence */
    uint64_t report_block; /* smallest block the guest reports; 0: unknown */
};

void view_init(struct view *view, const struct explain_subject *subject);

/* The feature of the guest's kernel; true when nothing says that it lacks it. */
bool view_has_feature(const struct view *view, const char *name, const char **ret_reason);

/* Whether the guest hands free memory to the host at all: offered by the hypervisor, and used. */
bool view_reports(const struct view *view);

/* Whether the footprint is known. */
bool view_host_is_known(const struct view *view);

/* Whether the hypervisor says that it offers free page reporting. */
bool view_is_offered(const struct view *view);

/* The reporting order of the guest whose blocks are huge pages of 2 MiB: none smaller is returned.
 */
uint32_t view_huge_order(const struct view *view);

/* Huge pages of a size of which a balloon returns none back it. */
bool view_balloon_meets_huge_pages(const struct view *view);

/* Whether the guest's agent would do what an operator orders now. */
bool view_takes_commands(const struct view *view);

/* What can come back with the guest's next reporting passes. */
uint64_t view_waits(const struct view *view);

/* Free memory, with what the guest has reported, that can be on the host at most: what the
 * footprint leaves beside the memory in use. */
uint64_t view_free_on_host(const struct view *view);

/* Of `absent` at most what can be untouched: the footprint of the hypervisor's life was never so
 * large. The rest, at least, was on the host and has left it. 0: not known. */
uint64_t view_never_touched(const struct view *view);

/* Memory that the host holds though no part of the guest needs it, above what measuring can miss:
 * max(32 MiB, 3 % of the footprint). 0: none. */
uint64_t view_excess(const struct view *view);

/* What the guest let go by its own account, at most. `guest` may be NULL. */
uint64_t view_let_go(const ActionResult *guest);

/* "2m", "45s": in whole seconds, from an hour on in whole minutes; in milliseconds below a second.
 */
struct duration_text {
    char text[64];
};
struct duration_text duration_text(nsec_t duration);

/* "1.5 GiB". */
#define SIZE(bytes) BYTES_TEXT(bytes)

/* Begins a finding. */
void finding_set(struct finding *finding, int kind, const char *code, uint64_t bytes,
                 const char *format, ...) printf_like(5, 6);
void finding_command(struct finding *finding, const char *format, ...) printf_like(2, 3);
void finding_add(struct finding *finding, const char *name, uint64_t value, const char *unit);

/* The next free finding; the last one again when all are taken. */
struct finding *explanation_next(struct explanation *explanation);

/* Whether memory that the guest lets go reaches the host by itself: it is reported, and nothing
 * makes that void. False exactly where one of the reporting-... reasons holds. */
bool explain_comes_back(const struct view *view);

/* explain_gains() of the view. */
struct gains;
void view_gains(const struct view *view, struct gains *ret_gains);

/* ---- the four lists ---- */

void explain_holds(const struct view *view, struct explanation *explanation);
void explain_plan(const struct view *view, struct explanation *explanation);
void explain_advice(const struct view *view, struct explanation *explanation);
void explain_reasons(const struct view *view, struct explanation *explanation);
bool explain_action_reason(const struct view *view, struct finding *finding);

/* What a pulse could take of a guest without an agent, by its balloon's statistics, bytes; 0:
 * nothing worth one, or there may be none. */
uint64_t view_agentless_pulse(const struct view *view);

/* Of a guest without an agent, by its balloon's statistics. */
void explain_agentless_holds(const struct view *view, struct explanation *explanation);
void explain_agentless_advice(const struct view *view, struct explanation *explanation);

/* The codes of all reasons, what they mean, the names of their evidence, with spaces between (NULL:
 * none), and what can be done: for the manual and tests. NULL past the end. */
const char *explain_reason_code(size_t index);
const char *explain_reason_meaning(size_t index);
const char *explain_reason_evidence(size_t index);
const char *explain_reason_cure(size_t index);

/* The names of evidence, and what each is; NULL past the end. */
const char *explain_evidence_name(size_t index);
const char *explain_evidence_meaning(size_t index);

#endif
