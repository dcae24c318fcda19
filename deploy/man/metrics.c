/* Writes the section of vmreclaim-web(8) about metrics, from the table of all figures. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/telemetry/counters.h"
#include "controller/web/exposition.h"
#include "deploy/man/scdoc.h"

static bool was_before(size_t id)
{
    for (size_t i = 0; i < id; i++)
        if (strcmp(counter_table[i].name, counter_table[id].name) == 0)
            return true;
    return false;
}

static void print_labels(const struct counter *counter, bool *is_first)
{
    for (size_t i = 0; i < COUNTER_LABELS_MAX && counter->labels[i].name != NULL; i++) {
        fputs(*is_first ? " {" : ", ", stdout);
        scdoc_print(counter->labels[i].name);
        *is_first = false;
    }
}

/* Texts of one name are labels of one metric. */
static void print_family(size_t id)
{
    bool is_first = true;

    printf("*" EXPOSITION_PREFIX "%s*", counter_table[id].name);
    if (counter_is_of_vm((enum counter_id)id)) {
        fputs(" {vm", stdout);
        is_first = false;
    }
    for (size_t i = id; i < COUNTER_COUNT; i++)
        if (strcmp(counter_table[i].name, counter_table[id].name) == 0)
            print_labels(&counter_table[i], &is_first);
    printf("%s\n\t", is_first ? "" : "}");
    scdoc_print(counter_table[id].help);
    fputs(" From: ", stdout);
    scdoc_print(counter_table[id].source);
    fputs(".\n\n", stdout);
}

int main(void)
{
    for (size_t id = 0; id < COUNTER_COUNT; id++)
        if (!was_before(id))
            print_family(id);
    return ferror(stdout) || fflush(stdout) != 0;
}
