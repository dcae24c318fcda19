/* The driver for Cloud Hypervisor. */
#include "common/base/process-path.h"
#include "controller/hypervisors/cloud-hypervisor/facts.h"
#include "controller/hypervisors/microvm/place.h"

#define API "/api/v1"

static const struct microvm_step facts[] = {
    {.path = API "/vmm.ping", .take = cloud_take_ping},
    {.path = API "/vm.info", .take = cloud_take_info, .take_refusal = cloud_take_no_info},
    {.path = API "/vm.balloon-stats",
     .is_due = cloud_may_have_statistics,
     .take = cloud_take_statistics,
     .take_refusal = cloud_take_no_statistics},
    {.path = NULL},
};

static const struct microvm_step balloon[] = {
    {.path = API "/vm.info", .take = cloud_take_info},
    {.path = NULL},
};

static const struct microvm_step statistics[] = {
    {.path = API "/vm.balloon-stats", .take = cloud_take_statistics},
    {.path = NULL},
};

static const struct microvm_kind kind = {
    .name = "Cloud Hypervisor",
    .facts = facts,
    .balloon = balloon,
    .statistics = statistics,
    .set_method = "PUT",
    .set_path = API "/vm.resize",
    .write_set = cloud_write_set,
    .describe = cloud_describe,
};

static int open_session(uv_loop_t *loop, const char *where, nsec_t timeout,
                        const struct driver_callbacks *callbacks, void *userdata,
                        struct driver_session **ret_session)
{
    return microvm_open(loop, where, timeout, &kind, callbacks, userdata, ret_session);
}

const struct driver cloud_hypervisor_driver = {
    .abi = DRIVER_ABI,
    .name = "cloud-hypervisor",
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
