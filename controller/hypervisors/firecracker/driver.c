/* The driver for Firecracker. */
#include "common/base/process-path.h"
#include "controller/hypervisors/firecracker/facts.h"
#include "controller/hypervisors/microvm/place.h"

static const struct microvm_step facts[] = {
    {.path = "/vm/config", .take = firecracker_take_config},
    {.path = "/", .take = firecracker_take_instance},
    {.path = "/balloon/statistics",
     .is_due = firecracker_has_statistics,
     .take = firecracker_take_statistics},
    {.path = NULL},
};

static const struct microvm_step statistics[] = {
    {.path = "/balloon/statistics",
     .is_due = firecracker_has_statistics,
     .take = firecracker_take_statistics},
    {.path = NULL},
};

static const struct microvm_kind kind = {
    .name = "Firecracker",
    .facts = facts,
    .balloon = statistics, /* the other calls report its target only */
    .statistics = statistics,
    .set_method = "PATCH",
    .set_path = "/balloon",
    .write_set = firecracker_write_set,
    .describe = firecracker_describe,
};

static int open_session(uv_loop_t *loop, const char *where, nsec_t timeout,
                        const struct driver_callbacks *callbacks, void *userdata,
                        struct driver_session **ret_session)
{
    return microvm_open(loop, where, timeout, &kind, callbacks, userdata, ret_session);
}

const struct driver firecracker_driver = {
    .abi = DRIVER_ABI,
    .name = "firecracker",
    .check = microvm_check,
    .open = open_session,
    .close = microvm_close,
    .tick = microvm_tick,
    .start = microvm_start,
    .heard = microvm_heard,
    .identify = process_path_identify,
    .is_vm = microvm_is_socket,
    .suggest_name = microvm_suggest_name,
};
