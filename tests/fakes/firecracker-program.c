/* The strict fake of Firecracker as a process of its own, with the lab's vsock device in it, for
 * the lab: it is ready once all its sockets are there.
 *
 * usage: fake-firecracker API-SOCKET VSOCK-SOCKET VHOST-SOCKET CID MEMORY-MIB */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fakes/firecracker.h"
#include "tests/lab/vsock-device/device.h"

int main(int argc, char **argv)
{
    struct fake_firecracker fake;
    struct device_options options = {0};
    struct device *device;
    struct error error;
    uv_loop_t loop;

    if (argc != 6 || uv_loop_init(&loop) < 0)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    options.hybrid_path = argv[2];
    options.vhost_path = argv[3];
    options.guest_cid = strtoul(argv[4], NULL, 10);
    fake_firecracker_init(&fake, &loop);
    fake.id = "anonymous-instance";
    fake.uds_path = argv[2];
    fake.mem_size_mib = (uint32_t)strtoul(argv[5], NULL, 10);
    if (micro_http_listen(&fake.http, argv[1]) < 0 ||
        device_create(&loop, &options, &device, &error) < 0) {
        fprintf(stderr, "fake-firecracker: cannot serve at %s, %s and %s\n", argv[1], argv[2],
                argv[3]);
        return 1;
    }
    return uv_run(&loop, UV_RUN_DEFAULT);
}
