/* The scripted QMP server as a process of its own, for the lab: a hypervisor without a guest, that
 * says each size which its balloon is ordered to, in bytes, one line each. The first is its own.
 *
 * usage: scripted-qemu SOCKET NAME UUID MEMORY-MIB */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/number.h"
#include "tests/component/controller/qmp-server.h"

static struct qmp_server server;

/* After each turn of the loop, so that no command comes between two looks. */
static void look(uv_check_t *check)
{
    static uint64_t said;

    if (server.balloon_target == said)
        return;
    said = server.balloon_target;
    printf("%" PRIu64 "\n", said);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    uv_check_t check;
    uv_loop_t loop;

    if (argc != 5 || uv_loop_init(&loop) < 0)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    qmp_server_init(&server, &loop);
    server.guest_cid = 0;
    server.ram = strtoull(argv[4], NULL, 10) * MIB;
    server.balloon_actual = server.ram;
    server.balloon_target = server.ram;
    snprintf(server.name, sizeof(server.name), "%s", argv[2]);
    snprintf(server.uuid, sizeof(server.uuid), "%s", argv[3]);
    uv_check_init(&loop, &check);
    uv_check_start(&check, look);
    remove(argv[1]);
    if (qmp_server_listen(&server, argv[1]) < 0) {
        fprintf(stderr, "scripted-qemu: cannot listen at %s\n", argv[1]);
        return 1;
    }
    return uv_run(&loop, UV_RUN_DEFAULT);
}
