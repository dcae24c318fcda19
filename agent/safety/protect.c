/* Locked pages, OOM score, priority, heap. memory.min is the unit's, see vmreclaim-agent.service:
 * only the owner of the parent cgroup can make it count. */
#include "agent/safety/protect.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "common/base/file.h"
#include "common/base/number.h"

#define OOM_SCORE_ADJUST (-900) /* not -1000: a leak of ours must not kill the guest */
#define NICE             (-10)

void protect_heap(void)
{
    /* Nothing here uses threads, so one arena is enough; a trim threshold of a few pages returns
     * what a burst of requests needed. */
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_TRIM_THRESHOLD, (int)(64 * KIB));
    (void)mallopt(M_TOP_PAD, (int)(16 * KIB));
    (void)mallopt(M_MMAP_THRESHOLD, (int)(64 * KIB));
}

static int lower_oom_score(void)
{
    char text[16];
    int r = file_read_into(AT_FDCWD, "/proc/self/oom_score_adj", text, sizeof(text));
    if (r < 0)
        return r;
    if (strtol(text, NULL, 10) <= OOM_SCORE_ADJUST)
        return 0; /* the unit did it, which needs no capability of ours */
    snprintf(text, sizeof(text), "%d", OOM_SCORE_ADJUST);
    return file_write(AT_FDCWD, "/proc/self/oom_score_adj", text);
}

static int lower_nice(void)
{
    errno = 0;
    if (getpriority(PRIO_PROCESS, 0) <= NICE && errno == 0)
        return 0;
    return setpriority(PRIO_PROCESS, 0, NICE) < 0 ? -errno : 0;
}

int protect_process(struct error *error)
{
    int r = 0;
    int q;

    /* On fault: only what the agent touches is locked, not all of the libraries. */
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
        r = error_set(error, -errno,
                      "cannot lock memory: %s; give LimitMEMLOCK=infinity or CAP_IPC_LOCK",
                      strerror(errno));
    q = lower_oom_score();
    if (q < 0 && r == 0)
        r = error_set(error, q, "cannot lower the OOM score: %s; give OOMScoreAdjust=%d",
                      strerror(-q), OOM_SCORE_ADJUST);
    q = lower_nice();
    if (q < 0 && r == 0)
        r = error_set(error, q, "cannot raise the priority: %s; give Nice=%d", strerror(-q), NICE);
    return r;
}
