/* Differences between two texts, by diff(1). */
#ifndef VMRECLAIM_CONTROLLER_CLI_TEXT_DIFF_H
#define VMRECLAIM_CONTROLLER_CLI_TEXT_DIFF_H

struct text_side {
    const char *label; /* what the side is called: "idle, revision 1" */
    const char *text;
};

/* Prints a unified diff, or that there is no difference. Returns an exit code. */
int text_diff(const struct text_side *old_side, const struct text_side *new_side);

#endif
