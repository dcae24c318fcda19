/* A Cloud Hypervisor's API, strict, on the test's own loop.
 *
 * It follows Cloud Hypervisor at ae44c2971c83dd2b1bd704fa81102ec0dec4e7d4:
 * - vmm/src/api/http/mod.rs: paths, an unknown one is 404; an error's body is a JSON array of its
 *   chain of reasons (HttpError, error_response); which error has which status
 *   (api_error_status_code); bodies of at most 4 MiB; one thread, which waits for the machine.
 * - vmm/src/api/http/http_endpoint.rs: a method that a path has not, and a PUT without its body,
 *   are 400; an action that takes none refuses a body.
 * - vmm/src/api/mod.rs: VmResizeData has no deny_unknown_fields, so an unknown field is ignored;
 *   VmInfoResponse, VmmPingResponse.
 * - vmm/src/lib.rs (vm_resize, vm_info): a VM that was not created is 404; during a migration what
 *   vm.info says stands still and a resize is 500; a VM that is not booted takes it as
 *   configuration.
 * - vmm/src/device_manager.rs (resize_balloon): without a balloon 500.
 * - virtio-devices/src/balloon.rs (resize): no target is too large.
 * Balloon statistics are not in that commit (404); with `has_balloon_stats` they are as the change
 * that adds them describes (pull request 8603): 500 where the guest's driver has none. */
#ifndef VMRECLAIM_TESTS_FAKES_CLOUD_HYPERVISOR_H
#define VMRECLAIM_TESTS_FAKES_CLOUD_HYPERVISOR_H

#include <stdint.h>
#include <sys/types.h>

#include "tests/fakes/micro-http.h"

struct fake_cloud_hypervisor {
    struct micro_http http;
    const char *state; /* "Created", "Running", "Paused", "Shutdown"; NULL: not created */
    bool is_migrating;
    pid_t pid;     /* as vmm.ping tells */
    uint64_t size; /* of memory, bytes */
    bool is_shared;
    bool has_hugepages;
    bool has_zones; /* all memory is in a zone, which is of a file */
    unsigned vfio_devices;
    uint32_t cid; /* 0: no vsock */
    const char *socket;
    bool has_balloon;
    bool deflate_on_oom;
    bool free_page_reporting;
    uint64_t balloon_size; /* the target */
    uint64_t balloon_actual;
    bool balloon_is_stuck;
    bool has_balloon_stats;   /* the build has them */
    bool guest_has_no_stats;  /* ... and its guest does not */
    size_t device_tree_bytes; /* more of vm.info */
    bool refuses;             /* everything, with a reason */
    bool stalls_on_next;      /* the next PUT holds the thread until micro_http_stall */
    unsigned resizes;
};

/* Running, 1 GiB, CID 3, a balloon with reporting and deflate-on-oom. */
void fake_cloud_hypervisor_init(struct fake_cloud_hypervisor *fake, uv_loop_t *loop);

#endif
