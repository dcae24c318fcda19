/* Squeezes as text. */
#include "controller/cli/squeezing.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "controller/cli/action.h"
#include "controller/cli/cli.h"
#include "controller/cli/table.h"

/* "-12.0 MiB" */
struct signed_text {
    char text[40];
};

static struct signed_text signed_text(int64_t bytes)
{
    uint64_t size = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    struct signed_text text;
    char number[32];

    snprintf(text.text, sizeof(text.text), "%s%s", bytes < 0 ? "-" : "",
             bytes_format_short(size, number, sizeof(number)));
    return text;
}

static bool is_measured(const SqueezeStep *step)
{
    return step->action != NULL && step->action->footprint_before != 0;
}

static double seconds(uint64_t duration)
{
    return (double)duration / 1e9;
}

/* Why a step brought little, or how it ended. */
static void format_note(const SqueezeStep *step, char *note, size_t size)
{
    const Action *action = step->action;

    note[0] = '\0';
    if (action == NULL || action->guest == NULL ||
        action->guest->outcome == VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE)
        text_format(note, size, "%s",
                    step->reason[0] != '\0' || action == NULL ? step->reason : action->reason);
    else
        text_format(note, size, "%s%s%s", action_outcome(action->guest),
                    action->guest->reason[0] == '\0' ? "" : ": ", action->guest->reason);
}

void squeezing_print_step(const char *vm, const SqueezeStep *step)
{
    char note[400];

    print_text(vm);
    printf(": %s", step->name);
    if (is_measured(step))
        printf(" returned %s in %.1f s", signed_text(step->action->host_returned).text,
               seconds(step->action->duration_ns));
    format_note(step, note, sizeof(note));
    if (note[0] != '\0') {
        fputs(is_measured(step) ? "; " : " ", stdout);
        print_text(note);
    }
    putchar('\n');
}

void squeezing_format_line(const Squeeze *squeeze, char *line, size_t size)
{
    char now[32];
    char before[32];
    const char *step = "waits for its turn";

    if (squeeze->n_steps > 0)
        step = squeeze->steps[squeeze->n_steps - 1]->name;
    else if (squeeze->phase == VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_RUNNING)
        step = "reads the guest";
    text_format(line, size, "%s  %s  %.0f s", squeeze->vm, step, seconds(squeeze->elapsed_ns));
    if (squeeze->footprint == 0 || squeeze->footprint_before == 0)
        return;
    bytes_format_short(squeeze->footprint, now, sizeof(now));
    bytes_format_short(squeeze->footprint_before, before, sizeof(before));
    text_format(line + strlen(line), size - strlen(line), "  %s of %s", now, before);
}

static int print_steps(const Squeeze *squeeze)
{
    static const struct table_column columns[] = {{"STEP", 0},
                                                  {"RETURNED", TABLE_RIGHT},
                                                  {"TIME", TABLE_RIGHT},
                                                  {"ACTION", 0},
                                                  {"NOTE", TABLE_WRAP}};
    struct table table;
    char note[400];

    if (squeeze->n_steps == 0)
        return EXIT_DONE;
    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < squeeze->n_steps; i++) {
        const SqueezeStep *step = squeeze->steps[i];

        table_row(&table);
        table_cell(&table, "%s", step->name);
        table_cell(&table, "%s",
                   is_measured(step) ? signed_text(step->action->host_returned).text : "-");
        if (step->action != NULL)
            table_cell(&table, "%.1f s", seconds(step->action->duration_ns));
        else
            table_cell(&table, "-");
        table_cell(&table, "%s", step->action == NULL ? "-" : step->action_id);
        format_note(step, note, sizeof(note));
        table_cell(&table, "%s", note);
    }
    return table_finish(&table, NULL);
}

int squeezing_print_end(const Squeeze *squeeze)
{
    char before[32];
    char after[32];

    print_text(squeeze->vm);
    if (squeeze->footprint_before != 0 && squeeze->footprint != 0)
        printf(": %s -> %s on the host",
               bytes_format_short(squeeze->footprint_before, before, sizeof(before)),
               bytes_format_short(squeeze->footprint, after, sizeof(after)));
    else
        fputs(": what the host holds is not known", stdout);
    printf(" in %.1f s: ", seconds(squeeze->elapsed_ns));
    print_text(squeeze->reason);
    putchar('\n');
    return print_steps(squeeze);
}

static nsec_t whole_seconds(nsec_t duration)
{
    return (duration + NSEC_PER_SEC - 1) / NSEC_PER_SEC * NSEC_PER_SEC;
}

void squeezing_print_lease(const Squeeze *squeeze)
{
    char size[32];
    char held[32];
    char time[64];
    char sentence[256];

    bytes_format_short(squeeze->guest_size, size, sizeof(size));
    bytes_format_short(squeeze->held, held, sizeof(held));
    text_format(sentence, sizeof(sentence),
                "it is kept at %s, %s below its size, %s%s; 'vmreclaim release %s' ends that", size,
                held, squeeze->held_for_ns == 0 ? "until released" : "for ",
                squeeze->held_for_ns == 0
                    ? ""
                    : time_format_duration(whole_seconds(squeeze->held_for_ns), time, sizeof(time)),
                squeeze->vm);
    (void)print_wrapped("held:", sentence);
}

/* The wait for the end of its lease ended before that: the daemon stopped, or the VM went away. */
static bool is_unseen(const Squeeze *squeeze)
{
    return squeeze->phase == VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_ENDED &&
           squeeze->held != 0 && squeeze->guest_size == 0;
}

void squeezing_print_back(const Squeeze *squeeze)
{
    char size[32];

    print_text(squeeze->vm);
    if (is_unseen(squeeze)) {
        fputs(" was not seen back to size: ", stdout);
        print_text(squeeze->reason);
        putchar('\n');
        return;
    }
    printf(" is back to size: %s\n", bytes_format_short(squeeze->guest_size, size, sizeof(size)));
}

/* The step that takes its lease, which is the last one; NULL: it has not begun. */
static const SqueezeStep *hold_of(const Squeeze *squeeze)
{
    const SqueezeStep *last = squeeze->n_steps == 0 ? NULL : squeeze->steps[squeeze->n_steps - 1];

    return last != NULL && strcmp(last->name, "hold") == 0 ? last : NULL;
}

bool squeezing_is_held(const Squeeze *squeeze)
{
    const SqueezeStep *hold = hold_of(squeeze);

    return squeeze->phase == VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_HOLDING ||
           (hold != NULL && !hold->finished);
}

/* ---- exit codes ---- */

/* A lease was asked for and there is none. */
static bool is_hold_refused(const Squeeze *squeeze)
{
    return hold_of(squeeze) != NULL && squeeze->held == 0;
}

int squeezing_exit_code(const Squeeze *squeeze, uint64_t size)
{
    static const struct {
        const char *end;
        int code;
    } codes[] = {
        {"done", EXIT_DONE},
        {"reached", EXIT_DONE},
        {"time", EXIT_PARTIAL},
        {"pressure", EXIT_PARTIAL},
        {"left", EXIT_PARTIAL},
        {"blocked", EXIT_REFUSED},
        {"no-agent", EXIT_UNREACHABLE},
        {"refused", EXIT_REFUSED},
    };
    int code = EXIT_FAILED;

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (strcmp(codes[i].end, squeeze->end) == 0)
            code = codes[i].code;
    if (code == EXIT_DONE && ((size != 0 && squeeze->footprint > size) ||
                              is_hold_refused(squeeze) || is_unseen(squeeze)))
        code = EXIT_PARTIAL;
    return code;
}

/* ---- an interrupt ---- */

void squeezing_format_interrupt(const struct squeezed *list, size_t count, char *text, size_t size)
{
    size_t running = 0;
    size_t held = 0;
    const struct squeezed *last = NULL;

    for (size_t i = 0; i < count; i++) {
        running += !list[i].is_over;
        held += list[i].is_held;
        if (list[i].is_held)
            last = &list[i];
    }
    text[0] = '\0';
    if (running > 0)
        text_format(
            text, size,
            "\nThe step under way goes on to its end, then the guest's settings are put back."
            "\nNo other step begins. See: vmreclaim actions\n");
    if (held > 0)
        text_format(text + strlen(text), size - strlen(text),
                    "\nWhat is held stays held. Back to size: vmreclaim release %s\n",
                    held == 1 ? last->vm : "VM");
}
