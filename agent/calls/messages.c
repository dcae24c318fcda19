/* Structures to messages. protobuf-c wants writable strings and never writes to them. */
#include "agent/calls/messages.h"

#include <assert.h>
#include <string.h>

#include "common/base/number.h"

static void add_details(const struct memory_details *details,
                        Vmreclaim__Agent__V1__MemorySample *message)
{
    message->trapped_kinds_are_known = details->trapped_kinds_are_known;
    message->trapped_unmovable = details->trapped_unmovable;
    message->trapped_reclaimable = details->trapped_reclaimable;
    message->unmovable_blocks = details->unmovable_blocks;
    message->tmpfs = details->tmpfs;
    message->hugetlb_free = details->hugetlb_free;
    message->zfs_arc = details->zfs_arc;
}

/* What of in_use no other field names. File pages that are not in `cache` (mapped, or not written
 * yet) are in use, and the list below has them. */
static uint64_t unnamed(const Vmreclaim__Agent__V1__MemorySample *message)
{
    uint64_t file = message->active_file + message->inactive_file + message->slab_reclaimable;
    uint64_t named = message->anon + message->shmem + message->hugetlb +
                     message->slab_unreclaimable + message->kernel + message->zram +
                     message->zfs_arc + saturating_subtract(file, message->cache);

    return saturating_subtract(message->in_use, named);
}

void message_from_sample(struct memory_sample *sample, const struct memory_details *details,
                         Vmreclaim__Agent__V1__MemorySample *message)
{
    vmreclaim__agent__v1__memory_sample__init(message);
    message->sequence = sample->sequence;
    message->boottime_ns = sample->boottime;
    message->total = sample->total;
    message->free = sample->free;
    message->reported = sample->reported;
    message->reported_small = sample->reported_small;
    message->psi_is_known = sample->activity.psi_is_known;
    message->reportable = sample->reportable;
    message->held_back = sample->held_back;
    message->trapped = sample->trapped;
    message->percpu = sample->percpu;
    message->cache = sample->cache;
    message->in_use = sample->in_use;
    message->anon = sample->used.anon;
    message->shmem = sample->used.shmem;
    message->hugetlb = sample->used.hugetlb;
    message->slab_unreclaimable = sample->used.slab_unreclaimable;
    message->kernel = sample->used.kernel;
    message->zram = sample->used.zram;
    message->active_file = sample->cached.active_file;
    message->inactive_file = sample->cached.inactive_file;
    message->slab_reclaimable = sample->cached.slab_reclaimable;
    message->dirty = sample->cached.dirty;
    message->writeback = sample->cached.writeback;
    message->mapped = sample->cached.mapped;
    message->available = sample->available;
    message->swap_total = sample->swap_total;
    message->swap_free = sample->swap_free;
    message->cpu_busy_ns = sample->activity.cpu_busy;
    message->cpu_total_ns = sample->activity.cpu_total;
    message->psi_memory_some_us = sample->activity.psi_memory_some;
    message->psi_memory_full_us = sample->activity.psi_memory_full;
    message->psi_io_some_us = sample->activity.psi_io_some;
    message->refault_file = sample->activity.refault_file;
    message->refault_anon = sample->activity.refault_anon;
    message->major_faults = sample->activity.major_faults;
    message->oom_kills = sample->activity.oom_kills;
    message->n_free_blocks = sample->order_count;
    message->free_blocks = sample->free_blocks;
    message->reported_is_exact = sample->reported_is_exact;
    message->reported_is_known = sample->reported_is_known;
    message->balloon_pages = sample->balloon_pages;
    message->reporting_order_is_known = sample->reporting_order < ORDER_COUNT_MAX;
    message->reporting_order = message->reporting_order_is_known ? sample->reporting_order : 0;
    if (details != NULL)
        add_details(details, message);
    message->vmalloc_and_other = unnamed(message);
}

static const char *const state_names[ENGINE_REASON_COUNT] = {
    [ENGINE_WARMING_UP] = "busy",     [ENGINE_BUSY] = "busy",
    [ENGINE_PRESSURE] = "pressure",   [ENGINE_REFAULTS] = "busy",
    [ENGINE_NOT_YET_IDLE] = "busy",   [ENGINE_ACTING] = "acting",
    [ENGINE_SETTLING] = "idle",       [ENGINE_BACKED_OFF] = "idle",
    [ENGINE_BUDGET_SPENT] = "idle",   [ENGINE_FORBIDDEN] = "forbidden",
    [ENGINE_OBSERVING] = "observe",   [ENGINE_NOTHING_TO_GAIN] = "idle",
    [ENGINE_IDLE_WORK] = "acting",    [ENGINE_TRICKLE] = "trickle",
    [ENGINE_RESTORING] = "restoring", [ENGINE_NEVER_IDLE] = "busy",
};

/* A guest at work may also have nothing left to give. */
static const char *state_name(const struct engine_decision *decision)
{
    const char *name = state_names[decision->reason];

    return strcmp(name, "idle") == 0 && !decision->is_idle ? state_names[ENGINE_TRICKLE] : name;
}

void message_from_decision(const struct engine_decision *decision, nsec_t now,
                           Vmreclaim__Agent__V1__EngineState *message)
{
    vmreclaim__agent__v1__engine_state__init(message);
    message->boottime_ns = now;
    assert(decision->reason < ENGINE_REASON_COUNT);
    message->state = (char *)state_name(decision);
    message->reason = (char *)engine_reason_text(decision->reason);
    message->next_step_ns = decision->next_sample;
}

void messages_from_features(struct features *features, Vmreclaim__Agent__V1__Feature *messages,
                            Vmreclaim__Agent__V1__Feature **pointers)
{
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        struct feature *feature = &features->list[i];
        vmreclaim__agent__v1__feature__init(&messages[i]);
        messages[i].name = (char *)feature->name;
        messages[i].available = feature->available;
        messages[i].reason = feature->reason;
        messages[i].replacement = (char *)feature->replacement;
        pointers[i] = &messages[i];
    }
}

void messages_from_complaints(struct doctor_complaint *complaints, size_t count,
                              Vmreclaim__Agent__V1__Check *messages,
                              Vmreclaim__Agent__V1__Check **pointers)
{
    for (size_t i = 0; i < count; i++) {
        struct check_answer *answer = &complaints[i].answer;

        vmreclaim__agent__v1__check__init(&messages[i]);
        messages[i].name = (char *)complaints[i].name;
        messages[i].status = answer->status == CHECK_FAILURE
                                 ? VMRECLAIM__AGENT__V1__CHECK_STATUS__CHECK_STATUS_FAILURE
                                 : VMRECLAIM__AGENT__V1__CHECK_STATUS__CHECK_STATUS_WARNING;
        messages[i].reason = answer->reason;
        messages[i].fix = answer->fix;
        pointers[i] = &messages[i];
    }
}

static const Vmreclaim__Agent__V1__ActionKind wire_kinds[ACTION_KIND_COUNT] = {
#define KIND(name, wire, effect, text, step)                                                       \
    [ACTION_##name] = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_##wire,
    ACTION_KINDS(KIND)
#undef KIND
};

static const Vmreclaim__Agent__V1__Outcome wire_outcomes[ACTION_END_COUNT] = {
    [ACTION_DONE] = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE,
    [ACTION_NOTHING_TO_DO] = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOTHING_TO_DO,
    [ACTION_TIME_LIMIT] = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT,
    [ACTION_PRESSURE] = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_PRESSURE,
    [ACTION_BUSY] = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_BUSY,
    [ACTION_CANCELLED] = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_CANCELLED,
    [ACTION_NOT_SUPPORTED] = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED,
    [ACTION_FORBIDDEN] = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY,
    [ACTION_FAILED] = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FAILED,
};

void message_from_job(struct job *job, Vmreclaim__Agent__V1__ActionResult *message)
{
    vmreclaim__agent__v1__action_result__init(message);
    message->action_id = job->action_id;
    assert(job->kind > ACTION_NONE && job->kind < ACTION_KIND_COUNT);
    assert(job->result < ACTION_END_COUNT);
    message->kind = wire_kinds[job->kind];
    message->outcome = wire_outcomes[job->result];
    message->reason = job->reason;
    message->free_before = job->free_before;
    message->free_after = job->free_after;
    message->trapped_before = job->trapped_before;
    message->trapped_after = job->trapped_after;
    message->reported_before = job->reported_before;
    message->reported_after = job->reported_after;
    message->cache_before = job->cache_before;
    message->cache_after = job->cache_after;
    message->duration_ns = job->outcome.duration;
    message->cpu_ns = job->outcome.cpu;
    message->pages_moved = job->outcome.pages_moved;
    message->asked_by = job->asked_by;
}
