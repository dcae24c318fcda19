/* What a policy would do on this machine now, in words. */
#include "agent/engine/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/engine/activity.h"
#include "agent/engine/ladder.h"
#include "common/base/number.h"
#include "common/base/util.h"

#define WORTH_MENTIONING (4 * MIB)

struct report {
    const struct policy *policy;
    const struct memory_sample *first;
    const struct memory_sample *second;
    uint32_t lowest_order;
    uint64_t gain;
    char *buffer;
    size_t size;
    size_t used;
};

static void print(struct report *report, const char *format, ...) printf_like(2, 3);

static void print(struct report *report, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length =
        vsnprintf(report->buffer + report->used, report->size - report->used, format, arguments);
    va_end(arguments);
    report->used = min_of(report->used + (size_t)length, report->size - 1);
}

static uint64_t growth(uint64_t before, uint64_t after)
{
    return after > before ? after - before : 0;
}

static void print_gate(struct report *report, const char *what, uint64_t part, uint64_t whole,
                       uint32_t limit)
{
    uint32_t share = activity_share(part, whole);
    char now[32];
    char most[32];

    print(report, "  %-18s %7s of at most %s%s\n", what, permyriad_format(share, now, sizeof(now)),
          permyriad_format(limit, most, sizeof(most)), share > limit ? "   holds it back" : "");
}

static void print_gates(struct report *report)
{
    const struct policy *policy = report->policy;
    const struct memory_sample *first = report->first;
    const struct memory_sample *second = report->second;
    uint64_t length = growth(first->boottime, second->boottime);
    char window[48];

    print(report, "policy %s%s%s; idle means calm for %s\n", policy_profile_name(policy->profile),
          policy->name[0] != '\0' ? " as " : "", policy->name,
          time_format_duration(policy->idle_window, window, sizeof(window)));
    print_gate(report, "CPUs busy",
               growth(first->cpu_busy + second->cpu_own - first->cpu_own, second->cpu_busy),
               growth(first->cpu_total, second->cpu_total), policy->idle_cpu);
    if (!second->psi_is_known) {
        print(report, "  pressure           not known: this kernel has no PSI\n");
        return;
    }
    print_gate(report, "stalled on memory",
               growth(first->psi_memory_some, second->psi_memory_some) * NSEC_PER_USEC, length,
               policy->psi_memory);
    print_gate(report, "stalled on I/O",
               growth(first->psi_io_some, second->psi_io_some) * NSEC_PER_USEC, length,
               policy->psi_io);
}

/* One step: `gain` is counted, `what` says it. */
static void add_step(struct report *report, uint64_t gain, const char *what)
{
    char bytes[32];

    report->gain += gain;
    print(report, "  %9s  %s\n", bytes_format_short(gain, bytes, sizeof(bytes)), what);
}

static void add_cache(struct report *report)
{
    const struct policy *policy = report->policy;
    uint64_t gain = growth(policy->cache_floor, report->second->cache);
    char text[96];
    char floor[32];
    char step[32];

    if (policy->cache_method == POLICY_CACHE_NONE || gain < WORTH_MENTIONING)
        return;
    if (policy->cache_method == POLICY_CACHE_DROP)
        (void)snprintf(text, sizeof(text), "page cache, dropped at once");
    else
        (void)snprintf(text, sizeof(text), "page cache in steps of %s, down to %s",
                       bytes_format_short(policy->cache_step, step, sizeof(step)),
                       bytes_format_short(policy->cache_floor, floor, sizeof(floor)));
    add_step(report, gain, text);
}

static void add_free(struct report *report)
{
    const struct memory_sample *sample = report->second;
    const struct policy *policy = report->policy;
    uint64_t waiting = growth(sample->held_back, sample->reportable);
    uint64_t stuck = ladder_stuck(sample, sample->reporting_order);
    uint32_t order = max_of(policy->reporting_order, report->lowest_order);
    bool compacts = policy->compact && stuck >= policy->compact_min_gain;
    char text[96];

    if (waiting >= WORTH_MENTIONING)
        add_step(report, waiting, "free blocks that only wait for a reporting pass");
    if (compacts && stuck >= WORTH_MENTIONING)
        add_step(report, stuck, "trapped in small pieces: compaction, at best all of it");
    if (compacts || order >= sample->reporting_order)
        return;
    stuck = min_of(stuck,
                   ladder_trapped(sample, sample->reporting_order) - ladder_trapped(sample, order));
    if (stuck < max_of(policy->compact_min_gain / 4, WORTH_MENTIONING))
        return;
    (void)snprintf(text, sizeof(text),
                   "by lowering the reporting order from %" PRIu32 " to %" PRIu32,
                   sample->reporting_order, order);
    add_step(report, stuck, text);
}

static void print_end(struct report *report)
{
    char bytes[32];

    if (report->policy->profile == POLICY_OBSERVE)
        print(report, "nothing is done: the policy only observes\n");
    else if (report->second->reporting_order >= ORDER_COUNT_MAX)
        print(report, "nothing is done: this guest has no free page reporting, so freed memory "
                      "would stay with it\n");
    else if (report->gain == 0)
        print(report, "nothing to do: cache is at its floor and free memory is with the host\n");
    else
        print(report, "in all at most %s would go to the host\n",
              bytes_format_short(report->gain, bytes, sizeof(bytes)));
}

size_t engine_report(const struct policy *policy, const struct memory_sample *first,
                     const struct memory_sample *second, uint32_t lowest_order, char *buffer,
                     size_t size)
{
    struct report report = {.policy = policy,
                            .first = first,
                            .second = second,
                            .lowest_order = lowest_order,
                            .buffer = buffer,
                            .size = size};

    print_gates(&report);
    if (second->reporting_order < ORDER_COUNT_MAX) {
        print(&report, "when idle:\n");
        add_cache(&report);
        add_free(&report);
    }
    print_end(&report);
    return report.used;
}
