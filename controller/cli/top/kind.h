/* What the screen is of: the words that differ. Pure. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_KIND_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_KIND_H

#include <stdbool.h>

struct top_letter {
    char letter;
    const char *meaning;
};

/* Static text, all of it. */
struct top_kind {
    const char *program;    /* "vmreclaim top" */
    const char *noun;       /* of a row, as of "3 VMs": "VM" */
    const char *heading;    /* of their names: "VM" */
    const char *how;        /* heading of what stands beside the figures: "HOW" */
    const char *bars;       /* heading of the bars, where they are wide */
    const char *peer;       /* who is asked: "daemon" */
    const char *peer_loud;  /* "DAEMON" */
    const char *asking;     /* behind a name that is to be explained: "is being measured" */
    const char *keys;       /* the most important ones, in one line */
    const char *nothing;    /* there are no rows */
    const char *no_actions; /* why nothing can be done to a row; NULL: it can */
    const char *legend_title;
    const struct top_letter *legend; /* of the bars, ended by '\0' */
    const struct top_kind *other;    /* that is a key away; NULL: none is */
    bool is_quiet;                   /* the peer says not what happens: a line for it is enough */
    bool is_part; /* rows are some of what the head is of; those of the other kind are all of it */
};

/* The VMs of a host. */
extern const struct top_kind top_kind_vms;

#endif
