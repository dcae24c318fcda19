/* The strict fake of Firecracker as a process of its own, for the lab.
 *
 * usage: fake-firecracker API-SOCKET VSOCK-SOCKET MEMORY-MIB */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fakes/firecracker.h"

int main(int argc, char **argv)
{
    struct fake_firecracker fake;
    uv_loop_t loop;

    if (argc != 4 || uv_loop_init(&loop) < 0)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    fake_firecracker_init(&fake, &loop);
    fake.id = "anonymous-instance";
    fake.uds_path = argv[2];
    fake.mem_size_mib = (uint32_t)strtoul(argv[3], NULL, 10);
    if (micro_http_listen(&fake.http, argv[1]) < 0) {
        fprintf(stderr, "cannot listen at %s\n", argv[1]);
        return 1;
    }
    return uv_run(&loop, UV_RUN_DEFAULT);
}
