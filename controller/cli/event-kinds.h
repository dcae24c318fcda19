/* Kinds of events, as people name them. "state" stands for all steps of a VM's life. */
#ifndef VMRECLAIM_CONTROLLER_CLI_EVENT_KINDS_H
#define VMRECLAIM_CONTROLLER_CLI_EVENT_KINDS_H

#include <stdbool.h>
#include <stddef.h>

struct event_kind {
    const char *name;
    const char *help;
    bool is_state; /* a step of a VM's life */
};

/* In the order in which they are offered; NULL past the end. */
const struct event_kind *event_kind_at(size_t index);

/* Which are asked for. */
enum { EVENT_KINDS_MAX = 32 };
struct event_kinds {
    char *names[EVENT_KINDS_MAX]; /* pointers into the text */
    size_t count;                 /* 0: all but samples */
    bool samples;
};

/* Cuts "action,policy" at its commas. EXIT_USAGE: there is no such kind, which is said. */
int event_kinds_parse(char *text, struct event_kinds *kinds);

/* Whether an event of that kind is one of them. */
bool event_kinds_have(const struct event_kinds *kinds, const char *kind);

#endif
