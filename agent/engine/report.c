/* What a policy would do on this machine now, in words. */
#include "agent/engine/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/engine/engine-state.h"
#include "agent/engine/ladder.h"
#include "common/base/number.h"
#include "common/base/util.h"

struct report {
    const struct outlook_question *question;
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
    return saturating_subtract(after, before);
}

/* ---- the gates ---- */

static void print_share(struct report *report, const char *what, uint32_t share, uint32_t limit)
{
    char now[32];
    char most[32];

    print(report, "  %-18s %10s  of at most %s%s\n", what,
          permyriad_format(share, now, sizeof(now)), permyriad_format(limit, most, sizeof(most)),
          share > limit ? "   <- holds it back" : "");
}

static void print_cpu(struct report *report)
{
    const struct policy *policy = report->question->policy;
    const struct memory_sample *first = report->question->first;
    const struct memory_sample *second = report->question->second;
    const struct activity_counters *before = &first->activity;
    const struct activity_counters *after = &second->activity;
    uint64_t own = growth(before->cpu_own, after->cpu_own);
    const struct interval interval = {
        .length = growth(first->boottime, second->boottime),
        .busy = growth(before->cpu_busy + own, after->cpu_busy),
        .capacity = growth(before->cpu_total, after->cpu_total),
    };
    bool has_many = interval.capacity > interval.length * POLICY_CALM_CPUS;

    print_share(report, has_many ? "busy of 16 CPUs" : "CPUs busy", activity_busy(&interval),
                policy->idle_cpu);
    if (policy->trickle > 0 && activity_busy(&interval) > policy->idle_cpu)
        print_share(report, "... for a trickle", activity_share(interval.busy, interval.capacity),
                    ENGINE_TRICKLE_CPU);
}

static void print_refaults(struct report *report, nsec_t length)
{
    const struct activity_counters *before = &report->question->first->activity;
    const struct activity_counters *after = &report->question->second->activity;
    uint64_t pages = growth(before->refault_file, after->refault_file) +
                     growth(before->refault_anon, after->refault_anon);

    print(report, "  %-18s %10.0f  pages/s of at most %" PRIu32 "\n", "read back",
          length == 0 ? 0 : (double)pages * 1e9 / (double)length,
          report->question->policy->refault_rate);
}

static void print_stalls(struct report *report, nsec_t length)
{
    const struct policy *policy = report->question->policy;
    const struct activity_counters *before = &report->question->first->activity;
    const struct activity_counters *after = &report->question->second->activity;
    nsec_t memory = growth(before->psi_memory_some, after->psi_memory_some) * NSEC_PER_USEC;
    nsec_t io = growth(before->psi_io_some, after->psi_io_some) * NSEC_PER_USEC;

    if (!after->psi_is_known) {
        print(report, "  %-18s %10s  no PSI in this kernel\n", "stalled", "unknown");
        return;
    }
    print_share(report, "stalled on memory", activity_share(memory, length), policy->psi_memory);
    print_share(report, "stalled on I/O", activity_share(io, length), policy->psi_io);
}

static void print_gates(struct report *report)
{
    const struct policy *policy = report->question->policy;
    nsec_t length = growth(report->question->first->boottime, report->question->second->boottime);
    char window[48];

    print(report, "policy %s%s%s, idle when calm for %s; in the last %.0f s:\n",
          policy_profile_name(policy->profile), policy->name[0] != '\0' ? " as " : "", policy->name,
          time_format_duration(policy->idle_window, window, sizeof(window)), (double)length / 1e9);
    print_cpu(report);
    print_stalls(report, length);
    print_refaults(report, length);
}

/* ---- the memory ---- */

static void print_part(struct report *report, const char *what, uint64_t bytes, const char *note)
{
    char text[32];

    print(report, "  %-18s %10s  %s\n", what, bytes_format_short(bytes, text, sizeof(text)), note);
}

static void print_memory(struct report *report)
{
    const struct policy *policy = report->question->policy;
    const struct memory_sample *sample = report->question->second;
    char note[96];
    char bytes[32];

    print(report, "memory:\n");
    snprintf(note, sizeof(note), "%s is left",
             bytes_format_short(policy->cache_floor, bytes, sizeof(bytes)));
    print_part(report, "page cache", sample->cache,
               policy->cache_method == POLICY_CACHE_NONE ? "the policy leaves it alone" : note);
    if (sample->reporting_order >= ORDER_COUNT_MAX) {
        print_part(report, "free", sample->free, "stays: no free page reporting");
        return;
    }
    snprintf(note, sizeof(note), "in small pieces; compacted from %s on",
             bytes_format_short(policy->compact_min_gain, bytes, sizeof(bytes)));
    print_part(report, "trapped", ladder_stuck(sample, sample->reporting_order),
               policy->compact ? note : "in small pieces; the policy does not compact");
    print_part(report, "free blocks", sample->reportable,
               sample->reported_is_known ? "not yet at the host; the kernel reports them by itself"
                                         : "at the host or on their way: only root can see which");
    if (sample->reported_is_known)
        print_part(report, "reported", sample->reported, "at the host already");
}

/* ---- the outlook ---- */

static void print_step(struct report *report, const struct outlook_step *step)
{
    const char *name = action_traits(step->action)->step;
    char first[48];
    char last[48];
    char bytes[32];

    if (name == NULL)
        return;
    time_format_duration(step->first / NSEC_PER_SEC * NSEC_PER_SEC, first, sizeof(first));
    time_format_duration(step->last / NSEC_PER_SEC * NSEC_PER_SEC, last, sizeof(last));
    print(report, "  after %-12s %10s  %s", first,
          bytes_format_short(step->gain, bytes, sizeof(bytes)), name);
    if (step->action == ACTION_SET_ORDER)
        print(report, ": %" PRIu32, step->order);
    if (step->count > 1)
        print(report, ", %u times until %s", step->count, last);
    print(report, "%s\n", step->mode == ENGINE_TRICKLE ? ", while it is not idle" : "");
}

static void print_outlook(struct report *report, const struct outlook *outlook)
{
    char length[48];
    char bytes[32];

    time_format_duration(report->question->length, length, sizeof(length));
    if (report->question->second->reporting_order >= ORDER_COUNT_MAX) {
        print(report, "nothing would be done: this guest has no free page reporting, so freed "
                      "memory would stay with it\n");
        return;
    }
    if (outlook->step_count == 0) {
        print(report, "nothing would be done within %s if it stays so: %s\n", length,
              engine_reason_text(outlook->reason));
        return;
    }
    print(report, "within %s, if it stays so:\n", length);
    for (size_t i = 0; i < outlook->step_count; i++)
        print_step(report, &outlook->steps[i]);
    print(report, "expected gain: at most %s\n",
          bytes_format_short(outlook->gain, bytes, sizeof(bytes)));
}

size_t engine_report(const struct outlook_question *question, char *buffer, size_t size)
{
    struct report report = {.question = question, .buffer = buffer, .size = size};
    struct outlook outlook;

    engine_outlook(question, &outlook);
    print_gates(&report);
    print_memory(&report);
    print_outlook(&report, &outlook);
    return report.used;
}
