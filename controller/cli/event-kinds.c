/* Kinds of events. */
#include "controller/cli/event-kinds.h"

#include <string.h>

#include "common/base/nearest.h"
#include "controller/cli/cli.h"

static const struct event_kind all[] = {
    {"state", "a VM comes, changes its state, or goes", false},
    {"action", "something was done to a VM, and what it returned", false},
    {"pressure", "a guest is short of memory", false},
    {"engine", "what the guest's policy decides", false},
    {"policy", "an agent has taken its policy, or not", false},
    {"balloon", "a balloon moved, or its lease changed", false},
    {"arbiter", "what the host's arbiter decided about a VM", false},
    {"alarm", "a guest is starved under a balloon, or is no more", false},
    {"warning", "what somebody should know", false},
    {"hypervisor", "a hypervisor's facts are new", false},
    {"reset", "a guest has booted again", false},
    {"restored", "a guest went back to a snapshot", false},
    {"renamed", "a VM has another name", false},
    {"removed", "a VM is known no more", false},
    {"sample", "a measurement, every few seconds of each VM", false},
    {"discovered", "a VM was found", true},
    {"connected", "its agent came", true},
    {"managed", "it runs its policy", true},
    {"paused", "it stands still", true},
    {"migrating", "it moves to another host", true},
    {"stalled", "its agent is silent", true},
    {"lost", "its agent went", true},
    {"gone", "its hypervisor ended", true},
};

const struct event_kind *event_kind_at(size_t index)
{
    return index < ARRAY_SIZE(all) ? &all[index] : NULL;
}

static const struct event_kind *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

static int refuse(const char *name)
{
    struct nearest nearest = {.wanted = name};

    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        nearest_offer(&nearest, all[i].name);
    if (nearest.name != NULL)
        return fail(EXIT_USAGE, "events: --kind: there is no \"%s\"; did you mean \"%s\"?", name,
                    nearest.name);
    return fail(EXIT_USAGE, "events: --kind: there is no \"%s\"; see: vmreclaim events --help",
                name);
}

int event_kinds_parse(char *text, struct event_kinds *kinds)
{
    for (char *name = strsep(&text, ","); name != NULL; name = strsep(&text, ",")) {
        if (find(name) == NULL)
            return refuse(name);
        if (kinds->count == EVENT_KINDS_MAX)
            return fail(EXIT_USAGE, "events: --kind: at most %d", EVENT_KINDS_MAX);
        kinds->names[kinds->count++] = name;
    }
    return EXIT_DONE;
}

bool event_kinds_have(const struct event_kinds *kinds, const char *kind)
{
    const struct event_kind *known = find(kind);

    if (strcmp(kind, "sample") == 0 && kinds->samples)
        return true;
    for (size_t i = 0; i < kinds->count; i++)
        if (strcmp(kinds->names[i], kind) == 0 ||
            (known != NULL && known->is_state && strcmp(kinds->names[i], "state") == 0))
            return true;
    return kinds->count == 0 && strcmp(kind, "sample") != 0;
}
