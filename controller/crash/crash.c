/* Crash points. */
#include "controller/crash/crash.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/number.h"

void crash_point(const char *step)
{
    static uint64_t reached;
    const char *wanted = getenv("VMRECLAIM_CRASH_AT");
    const char *when = getenv("VMRECLAIM_CRASH_WHEN");
    uint64_t at;

    if (wanted == NULL || number_parse(wanted, &at) < 0 ||
        (when != NULL && access(when, F_OK) < 0) || ++reached != at)
        return;
    fprintf(stderr, "crash point %" PRIu64 ": %s\n", at, step);
    (void)raise(SIGKILL);
}
