/* Crash points. */
#include "controller/leases/crash.h"

#include <signal.h>
#include <stdlib.h>

#include "common/base/number.h"

void crash_point(void)
{
    static uint64_t reached;
    const char *wanted = getenv("VMRECLAIM_CRASH_AT");
    uint64_t at;

    if (wanted != NULL && number_parse(wanted, &at) == 0 && ++reached == at)
        (void)raise(SIGKILL);
}
