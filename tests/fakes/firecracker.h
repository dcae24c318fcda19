/* A Firecracker's API, strict, on the test's own loop.
 *
 * It follows Firecracker at 81b38b9dad6056d7a48073e95ac5a9aed51cb2ab:
 * - src/firecracker/src/api_server/mod.rs: every answer with a body is JSON, an error is
 *   {"fault_message"}; one thread, which waits for the machine.
 * - .../api_server/parsed_request.rs: which method and path there are, a GET with a body and an
 *   empty PUT or PATCH are refused, every error is 400.
 * - .../api_server/request/balloon.rs: the paths below /balloon; hinting takes PATCH.
 * - src/vmm/src/vmm_config/balloon.rs: PATCH takes exactly one field, unknown ones are refused.
 * - src/vmm/src/rpc_interface.rs: what is allowed before the start, and after it.
 * - src/vmm/src/devices/virtio/balloon/device.rs: no target above the memory, none before the
 *   driver is up; statistics cannot be switched on or off; `actual` is told in them alone; what the
 *   guest did not tell is left out.
 * - src/vmm/src/vmm_config/instance_info.rs, src/vmm/src/lib.rs (full_config): GET / and
 *   GET /vm/config. */
#ifndef VMRECLAIM_TESTS_FAKES_FIRECRACKER_H
#define VMRECLAIM_TESTS_FAKES_FIRECRACKER_H

#include <stdint.h>

#include "tests/fakes/micro-http.h"

enum fake_firecracker_state {
    FAKE_FIRECRACKER_NOT_STARTED,
    FAKE_FIRECRACKER_RUNNING,
    FAKE_FIRECRACKER_PAUSED,
};

struct fake_firecracker {
    struct micro_http http;
    enum fake_firecracker_state state;
    const char *id;
    uint32_t mem_size_mib;
    const char *huge_pages; /* "None", "Transparent", "2M" */
    bool has_vhost_user_drive;
    uint32_t guest_cid; /* 0: no vsock */
    const char *uds_path;
    /* balloon */
    bool has_balloon;
    bool driver_is_up;
    bool is_old; /* before 1.14: no hinting, no reporting, no memory hotplug */
    bool deflate_on_oom;
    bool free_page_reporting;
    uint32_t amount_mib; /* the target */
    uint32_t actual_mib;
    bool balloon_is_stuck; /* takes the target, never moves */
    uint16_t stats_polling_interval_s;
    /* what the guest told */
    bool has_statistics;
    uint64_t minor_faults;
    uint64_t free_memory;
    bool has_oom_kill;   /* from Linux 6.12 on */
    bool refuses;        /* everything, with a reason */
    bool stalls_on_next; /* the next PATCH holds the thread until micro_http_stall */
    unsigned patches;
};

/* Running, 1024 MiB, CID 3, a balloon with reporting, deflate-on-oom and statistics. */
void fake_firecracker_init(struct fake_firecracker *fake, uv_loop_t *loop);

#endif
