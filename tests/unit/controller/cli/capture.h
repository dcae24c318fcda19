/* What is written on standard output meanwhile, for tests of what is printed. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_CLI_CAPTURE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_CLI_CAPTURE_H

#include <stdio.h>
#include <unistd.h>

struct captured {
    FILE *file;
    int saved;
};

static inline void capture_begin(struct captured *captured)
{
    captured->file = tmpfile();
    assert_non_null(captured->file);
    (void)fflush(stdout);
    captured->saved = dup(STDOUT_FILENO);
    assert_true(dup2(fileno(captured->file), STDOUT_FILENO) >= 0);
}

/* What does not fit is left out. */
static inline void capture_end(struct captured *captured, char *buffer, size_t size)
{
    (void)fflush(stdout);
    assert_true(dup2(captured->saved, STDOUT_FILENO) >= 0);
    close(captured->saved);
    rewind(captured->file);
    buffer[fread(buffer, 1, size - 1, captured->file)] = '\0';
    (void)fclose(captured->file);
}

#endif
