/* A supervisor with agents that dial in. */
#include "tests/unit/controller/vms/links-fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/vms/announce.h"
#include "controller/vms/sources.h"
#include "controller/vms/tick.h"

static void on_ticker(uv_timer_t *timer)
{
}

int links_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || uv_loop_init(&f->loop) < 0 || uv_timer_init(&f->loop, &f->ticker) < 0)
        return -1;
    f->root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uv_timer_start(&f->ticker, on_ticker, 2, 2);
    if (supervisor_init(&f->supervisor, &f->loop, f->root, 500 * NSEC_PER_MSEC) < 0)
        return -1;
    policy_push_init(&f->policies, &f->supervisor);
    for (size_t i = 0; i < ARRAY_SIZE(f->agents); i++)
        fake_agent_init(&f->agents[i], &f->loop);
    *state = f;
    return 0;
}

int links_tear_down(void **state)
{
    struct fixture *f = *state;

    supervisor_stop(&f->supervisor);
    for (size_t i = 0; i < ARRAY_SIZE(f->agents); i++)
        fake_agent_close(&f->agents[i]);
    uv_close((uv_handle_t *)&f->ticker, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    supervisor_finish(&f->supervisor);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    close(f->root);
    free(f);
    return 0;
}

void dial_in(struct fixture *f, struct fake_agent *agent, uint32_t cid, uint32_t port)
{
    const struct peer peer = {.kind = ADDRESS_VSOCK, .cid = cid, .port = port};
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    fake_agent_serve(agent, pair[0]);
    supervisor_accept_agent(&f->supervisor, pair[1], &peer);
}

struct vm *vm_named(const struct fixture *f, const char *name)
{
    return registry_find_name(&f->supervisor.registry, name);
}

const struct problems *define_all(struct fixture *f, const char *const *files)
{
    static struct problems problems;
    struct vm_definition *definitions[8];
    struct vm_files read = {.definitions = definitions};

    for (; *files != NULL; files += 2)
        assert_int_equal(vm_definition_parse(files[1], strlen(files[1]), files[0],
                                             &definitions[read.count++], NULL),
                         0);
    problems = (struct problems){.count = 0};
    supervisor_define(&f->supervisor, &read, &problems);
    for (size_t i = 0; i < read.count; i++)
        vm_definition_destroy(definitions[i]); /* those that nobody took */
    return &problems;
}

void define(struct fixture *f, const char *text)
{
    const char *const files[] = {"vms/web-1.yaml", text, NULL};

    assert_int_equal(define_all(f, files)->count, 0);
}

struct vm *start_vouched(struct fixture *f)
{
    struct vm *vm;
    struct error error;

    define(f, "cid: 7\nhypervisor: qemu:/nowhere/web-1.qmp\n");
    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "web-1");
    wait_for(f, vm->measured.guest.received != 0);
    vm->announced = true;
    vm->hypervisor.facts_next = NSEC_INFINITY;
    assert_int_equal(vm_may_command(vm, &error), 0);
    return vm;
}
