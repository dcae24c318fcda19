/* A squeeze as a person reads it: a line while it goes on, a table when it is over. */
#ifndef VMRECLAIM_CONTROLLER_CLI_SQUEEZING_H
#define VMRECLAIM_CONTROLLER_CLI_SQUEEZING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cli/messages.h"

/* What is known of one VM's squeeze. */
struct squeezed {
    char vm[64];
    size_t said;  /* steps that were printed */
    bool is_over; /* all steps are, and its table was printed */
    bool is_held; /* under a lease, or one is being taken */
    bool has_ended;
    int code; /* exit code */
};

/* "web1: cache returned 1.2 GiB in 9.1 s", for output that is no terminal. */
void squeezing_print_step(const char *vm, const SqueezeStep *step);

/* The line that is written over while the VM is squeezed, without a line end. */
void squeezing_format_line(const Squeeze *squeeze, char *line, size_t size);

/* What each step returned, and how small the VM is now. An exit code. */
int squeezing_print_end(const Squeeze *squeeze);

/* It is under a lease, or one is being taken, which an interrupt does not end. */
bool squeezing_is_held(const Squeeze *squeeze);

/* How long it stays small, and when it was back to size, or that nobody saw it. */
void squeezing_print_lease(const Squeeze *squeeze);
void squeezing_print_back(const Squeeze *squeeze);

/* The exit code of a squeeze whose steps are over. `size` is what was asked for; 0: nothing. */
int squeezing_exit_code(const Squeeze *squeeze, uint64_t size);

/* What goes on when the program is interrupted now. */
void squeezing_format_interrupt(const struct squeezed *list, size_t count, char *text, size_t size);

#endif
