/* The table, for --kind and its completion. */
#include "controller/cli/fleet-event-kinds.h"

#include <string.h>

#include "common/base/nearest.h"
#include "controller/cli/cli.h"
#include "controller/fleet/events/kinds.h"

#define ROW(name, help) {name, help},
static const struct fleet_event_kind all[] = {FLEET_EVENT_KINDS(ROW)};

const struct fleet_event_kind *fleet_event_kind_at(size_t index)
{
    return index < ARRAY_SIZE(all) ? &all[index] : NULL;
}

static int check(const char *name)
{
    struct nearest nearest = {.wanted = name};

    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (strcmp(all[i].name, name) == 0)
            return EXIT_DONE;
        nearest_offer(&nearest, all[i].name);
    }
    if (nearest.name != NULL)
        return fail(EXIT_USAGE, "fleet events: --kind: there is no \"%s\"; did you mean \"%s\"?",
                    name, nearest.name);
    return fail(EXIT_USAGE,
                "fleet events: --kind: there is no \"%s\"; see: vmreclaim fleet events --help",
                name);
}

int fleet_kinds_parse(char *text, char *kinds[FLEET_KINDS_MAX], size_t *ret_count)
{
    size_t count = 0;

    for (char *name = strsep(&text, ","); name != NULL; name = strsep(&text, ",")) {
        if (check(name) != EXIT_DONE)
            return EXIT_USAGE;
        if (count == FLEET_KINDS_MAX)
            return fail(EXIT_USAGE, "fleet events: --kind: at most %d", FLEET_KINDS_MAX);
        kinds[count++] = name;
    }
    *ret_count = count;
    return EXIT_DONE;
}
