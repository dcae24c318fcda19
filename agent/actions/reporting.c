/* Free page reporting of the guest's kernel. */
#include "agent/actions/reporting.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/page-reporting.h"

/* The kernel starts a pass 2 s after a large enough free and gives at least a sixteenth of each
 * list. Three passes without a single block are no delay any more. */
#define INERT_AFTER (10 * NSEC_PER_SEC)

uint32_t reporting_order(const struct reporting *reporting)
{
    uint32_t order;

    if (!features_have(reporting->features, FEATURE_PAGE_REPORTING) && !reporting->is_inert)
        return ORDER_COUNT_MAX;
    if (page_reporting_order_in_force(reporting->settings->root, reporting->max_order,
                                      reporting->pageblock_order, &order) < 0)
        return ORDER_COUNT_MAX;
    return order;
}

void reporting_init(struct reporting *reporting, struct settings *settings,
                    struct features *features, uint32_t max_order, uint32_t pageblock_order)
{
    memset(reporting, 0, sizeof(*reporting));
    reporting->settings = settings;
    reporting->features = features;
    reporting->max_order = max_order;
    reporting->pageblock_order = pageblock_order;
    reporting->found_order = reporting_order(reporting);
}

int reporting_set_order(struct reporting *reporting, uint32_t order, uint32_t policy_floor,
                        uint32_t *ret_order)
{
    uint32_t now = reporting_order(reporting);
    char value[16];
    int r;

    if (now == ORDER_COUNT_MAX || !features_have(reporting->features, FEATURE_PAGE_REPORTING_ORDER))
        return -ENOTSUP;
    order = max_of(order, policy_floor);
    order = max_of(order, reporting->host_floor);
    order = min_of(order, reporting->found_order); /* which is within the kernel's own range */
    if (order != now) {
        snprintf(value, sizeof(value), "%" PRIu32, order);
        r = settings_set(reporting->settings, PAGE_REPORTING_ORDER_PATH, value);
        if (r < 0)
            return r;
    }
    assert(order <= reporting->found_order);
    *ret_order = order;
    return 0;
}

int reporting_set_order_for(struct reporting *reporting, uint32_t order, uint32_t policy_floor,
                            nsec_t end, uint32_t *ret_order)
{
    uint32_t before =
        reporting->is_for_a_while ? reporting->before_while : reporting_order(reporting);
    int r = reporting_set_order(reporting, order, policy_floor, ret_order);

    if (r < 0)
        return r;
    reporting->is_for_a_while = true;
    reporting->while_order = *ret_order;
    reporting->before_while = before;
    reporting->while_end = end;
    return 0;
}

int reporting_end_while(struct reporting *reporting)
{
    uint32_t unused;
    int r = 0;

    if (!reporting->is_for_a_while)
        return 0;
    if (reporting->before_while != reporting->while_order &&
        reporting_order(reporting) == reporting->while_order)
        r = reporting->before_while >= reporting->found_order
                ? reporting_restore(reporting)
                : reporting_set_order(reporting, reporting->before_while, 0, &unused);
    reporting->is_for_a_while = r < 0;
    reporting->while_end = 0;
    return r;
}

void reporting_keep_order(struct reporting *reporting)
{
    reporting->is_for_a_while = false;
}

static const char *bound_of(const struct reporting *reporting, uint32_t asked,
                            uint32_t policy_floor)
{
    if (asked > reporting->found_order)
        return "the agent found it at its start and sets none above it";
    if (asked >= max_of(policy_floor, reporting->host_floor))
        return NULL;
    return reporting->host_floor > policy_floor ? "what is smaller returns nothing on this host"
                                                : "the policy's floor (reporting_order)";
}

bool reporting_bound(const struct reporting *reporting, uint32_t before, uint32_t asked,
                     uint32_t policy_floor, char *text, size_t size)
{
    const char *bound = bound_of(reporting, asked, policy_floor);
    uint32_t now = reporting_order(reporting);

    text[0] = '\0';
    if (bound != NULL)
        snprintf(text, size, "order %s %" PRIu32 ": %s", now == before ? "stays" : "is now", now,
                 bound);
    return bound != NULL;
}

int reporting_set_host_floor(struct reporting *reporting, uint32_t order)
{
    uint32_t now = reporting_order(reporting);
    uint32_t raised;
    int r;

    reporting->host_floor = order;
    if (now == ORDER_COUNT_MAX || now >= min_of(order, reporting->found_order))
        return 0;
    r = reporting_set_order(reporting, now, 0, &raised);
    if (r == 0 && reporting->is_for_a_while && now == reporting->while_order)
        reporting->while_order = raised;
    return r;
}

int reporting_restore(struct reporting *reporting)
{
    return settings_restore(reporting->settings, PAGE_REPORTING_ORDER_PATH);
}

void reporting_kicked(struct reporting *reporting, const struct memory_sample *sample)
{
    reporting->watched_since = 0;
    if (!sample->reported_is_known || memory_sample_waiting(sample) == 0)
        return;
    reporting->watched_since = sample->boottime;
    reporting->watched_reported = sample->reported;
}

bool reporting_observe(struct reporting *reporting, const struct memory_sample *sample)
{
    char amount[32];
    char reason[128];

    if (sample->reported_is_known && sample->reported > reporting->watched_reported &&
        reporting->is_inert) {
        assert(!features_have(reporting->features, FEATURE_PAGE_REPORTING));
        reporting->is_inert = false;
        features_regain(reporting->features, FEATURE_PAGE_REPORTING);
    }
    if (reporting->watched_since == 0 || !sample->reported_is_known)
        return false;
    if (memory_sample_waiting(sample) == 0 || sample->reported > reporting->watched_reported) {
        reporting->watched_since = 0;
        return false;
    }
    if (sample->boottime - reporting->watched_since < INERT_AFTER)
        return false;
    reporting->watched_since = 0;
    if (reporting->is_inert)
        return false;
    assert(memory_sample_waiting(sample) > 0);
    reporting->is_inert = true;
    snprintf(reason, sizeof(reason),
             "%s of free blocks stayed unreported for %u s after a pass was started",
             bytes_format_short(memory_sample_waiting(sample), amount, sizeof(amount)),
             (unsigned)(INERT_AFTER / NSEC_PER_SEC));
    features_lose(reporting->features, FEATURE_PAGE_REPORTING, reason);
    assert(!features_have(reporting->features, FEATURE_PAGE_REPORTING));
    return true;
}
