/* Times of calls. */
#include "controller/api/rpc-times.h"

#include <assert.h>

const char *rpc_result_name(enum rpc_result result)
{
    static const char *const names[RPC_RESULT_COUNT] = {
        [RPC_OK] = "ok", [RPC_FAILED] = "failed", [RPC_LEFT] = "left"};

    return names[result];
}

void rpc_times_init(struct rpc_times *times)
{
    *times = (struct rpc_times){.reads = {.bounds = NULL}};
    histogram_init(&times->reads, &histogram_times);
}

void rpc_times_add(struct rpc_times *times, unsigned method, bool is_read, enum rpc_result result,
                   nsec_t time)
{
    assert(method < API_METHODS_MAX);
    times->methods[method].ended[result]++;
    times->methods[method].time += time;
    if (is_read && result == RPC_OK)
        histogram_add(&times->reads, (int64_t)time);
}
