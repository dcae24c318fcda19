/* Cache that does not go, or does not stay away. */
#include "controller/explain/reason.h"

#define DEFAULT_REFAULT_RATE 250 /* pages per second: of the balanced profile */

/* Nothing is under way: the guest reads back more than its policy takes for a sign that it needs
 * the cache. */
static bool cache_is_read_back(const struct view *view, struct finding *finding)
{
    uint64_t rate = view->vm->refault_rate;
    uint64_t limit = view->policy == NULL ? DEFAULT_REFAULT_RATE : view->policy->refault_rate;
    uint64_t page_size = view->info == NULL ? 0 : view->info->page_size;
    uint64_t bytes;

    if (view->guest == NULL || rate <= limit || __builtin_mul_overflow(rate, page_size, &bytes))
        return false;
    reason_set(finding, view->w->cache,
               "The cache is hot: the guest reads %s of file pages back every second that it had "
               "to give up before. What is taken now costs it as much again.",
               page_size == 0 ? "some" : SIZE(bytes));
    finding_add(finding, "refault_rate", rate, "pages");
    finding_add(finding, "refault_limit", limit, "pages");
    finding_add(finding, "cache", view->w->cache, "bytes");
    return true;
}

static bool cache_hot(const struct view *view, struct finding *finding)
{
    const ActionSample *after = reason_sample(view->action, true);
    const ActionResult *guest = view->action == NULL ? NULL : view->action->guest;

    if (view->action == NULL)
        return cache_is_read_back(view, finding);

    if (!reason_is_reclaim(view->action) || guest == NULL || after == NULL ||
        guest->cache_before < guest->cache_after + view->worth ||
        after->cache < guest->cache_after + (guest->cache_before - guest->cache_after) / 2)
        return false;
    reason_set(finding, after->cache - guest->cache_after,
               "The cache is hot: %s of what was taken has been read again.",
               SIZE(after->cache - guest->cache_after));
    finding_add(finding, "cache_after", guest->cache_after, "bytes");
    finding_add(finding, "cache_now", after->cache, "bytes");
    return true;
}

static bool cache_dirty(const struct view *view, struct finding *finding)
{
    uint64_t dirty;

    if (view->guest == NULL)
        return false;
    dirty = view->guest->dirty + view->guest->writeback;
    if (dirty < view->worth || (view->action != NULL && !reason_is_reclaim(view->action)))
        return false;
    reason_set(finding, dirty,
               "%s of the cache is not written to disk yet and cannot be taken before it is.",
               SIZE(dirty));
    finding_add(finding, "dirty", view->guest->dirty, "bytes");
    finding_add(finding, "writeback", view->guest->writeback, "bytes");
    return true;
}

static bool cache_mapped(const struct view *view, struct finding *finding)
{
    uint64_t mapped = view->guest == NULL ? 0 : view->guest->mapped;

    if (mapped < max_of(view->worth, 64 * MIB) ||
        (view->action != NULL && !reason_is_reclaim(view->action)))
        return false;
    reason_set(finding, mapped,
               "%s of file memory is mapped by running processes: programs, libraries, data.",
               SIZE(mapped));
    finding_add(finding, "mapped", mapped, "bytes");
    return true;
}

static const struct reason list[] = {
    {"cache-hot", "cache that is read back faster than it may be",
     "refault_rate refault_limit cache cache_after cache_now",
     "leave it: the guest needs it. A larger cache_floor in its policy keeps it from being taken",
     cache_hot, REASON_OF_CACHE},
    {"cache-dirty", "cache that is not written to disk yet", "dirty writeback",
     "wait half a minute for the guest to write it, or run sync there", cache_dirty,
     REASON_OF_CACHE},
    {"cache-mapped", "file memory that is mapped by processes", "mapped",
     "none while the programs run; it becomes ordinary cache when they end", cache_mapped,
     REASON_OF_CACHE},
};

const struct reason_group reasons_cache = {list, ARRAY_SIZE(list)};
