/* Stepping a libuv loop in tests. A hang is ended by the test's time limit in meson. */
#ifndef VMRECLAIM_TESTS_LIB_LOOP_H
#define VMRECLAIM_TESTS_LIB_LOOP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/* Turns until `*done`; every turn sleeps until something happens. */
static inline void loop_run_until(uv_loop_t *loop, const bool *done)
{
    while (!*done)
        uv_run(loop, UV_RUN_ONCE);
}

/* Turns without sleeping, for "nothing more may happen". */
static inline void loop_run_turns(uv_loop_t *loop, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        uv_run(loop, UV_RUN_NOWAIT);
}

/* Runs out what is left and closes; a handle left open is a bug of the test's subject. */
static inline void loop_finish(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    if (uv_loop_close(loop) != 0) {
        uv_print_all_handles(loop, stderr);
        abort();
    }
}

#endif
