/* The host and its VMs: the real vmreclaimd says what could come back. */
#include "tests/component/controller/lease-calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"

static const char *command; /* path of vmreclaim */

typedef Vmreclaim__Controller__V1__GetHostRequest Request;
typedef Vmreclaim__Controller__V1__GetHostResponse Response;
typedef Vmreclaim__Controller__V1__HostVm HostVm;

static const Response *get_host(struct fixture *f, uint32_t size, const char *after)
{
    Request request = VMRECLAIM__CONTROLLER__V1__GET_HOST_REQUEST__INIT;

    request.page_size = size;
    request.page_token = text(after);
    call(f, "GetHost", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return (const Response *)f->response;
}

static uint64_t bytes_of(const HostVm *vm, const char *step)
{
    for (size_t i = 0; i < vm->n_steps; i++)
        if (strcmp(vm->steps[i]->name, step) == 0)
            return vm->steps[i]->bytes;
    return 0;
}

/* 600 MiB of a GiB are free, of which the host holds all; 200 are cache above the floor. */
static void start(struct fixture *f)
{
    put(f, "proc/meminfo", "MemTotal: 4194304 kB\nMemFree: 1048576 kB\nMemAvailable: 2097152 kB\n");
    put_footprint(f, 1000 * KIB);
    f->agent.total = 960 * MIB;
    f->agent.free = 300 * MIB;
    f->agent.cache = 328 * MIB;
    start_ready(f);
    wait_for(f, get_vm(f, "web-1")->waterfall->footprint == 1000 * MIB);
}

static void test_what_could_come_back(void **state)
{
    struct fixture *f = *state;
    const Response *host;
    const HostVm *vm;
    uint64_t sum = 0;

    start(f);
    host = get_host(f, 0, "");
    assert_int_equal(host->host->total, 4 * GIB);
    assert_int_equal(host->host->available, 2 * GIB);
    assert_string_equal(host->host->arbiter, "off");
    assert_true(host->host->critical < host->host->low && host->host->low < host->host->high);
    assert_string_equal(host->host->problem, "");
    assert_int_equal(host->n_vms, 1);
    vm = host->vms[0];
    assert_string_equal(vm->name, "web-1");
    assert_int_equal(vm->footprint, 1000 * MIB);
    assert_int_equal(bytes_of(vm, "reclaim"), 200 * MIB);
    assert_true(bytes_of(vm, "report") + bytes_of(vm, "compact") > 0);
    for (size_t i = 0; i < vm->n_steps; i++)
        sum += vm->steps[i]->bytes;
    assert_int_equal(vm->could_return, sum);
    assert_true(sum <= vm->footprint);
    assert_string_equal(vm->reason, "");
    assert_false(vm->only_observed);
}

/* A list says the same where it is asked to. */
static void test_a_list_of_what_could_come_back(void **state)
{
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListVmsResponse *list;
    struct fixture *f = *state;
    uint64_t could;

    start(f);
    could = get_host(f, 0, "")->vms[0]->could_return;
    call(f, "ListVms", &request.base);
    list = (const void *)f->response;
    assert_null(list->vms[0]->returns);
    request.with_returns = true;
    call(f, "ListVms", &request.base);
    list = (const void *)f->response;
    assert_int_equal(list->vms[0]->returns->bytes, could);
    assert_true(list->vms[0]->returns->n_steps > 0);
    assert_null(list->vms[0]->waterfall->guest);
    assert_int_equal(list->vms[0]->returns->n_obstacles, 0); /* not asked for */
    request.with_obstacles = true;
    call(f, "ListVms", &request.base);
    list = (const void *)f->response;
    assert_int_equal(list->vms[0]->returns->n_obstacles, 1);
    assert_string_equal(list->vms[0]->returns->obstacles[0]->code, "throttled");
    assert_int_equal(list->vms[0]->returns->obstacles[0]->bytes, 150 * MIB);
}

static void test_why_nothing_could(void **state)
{
    char *names[] = {(char *)"web-1"};
    Vmreclaim__Controller__V1__HaltRequest halt = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;
    struct fixture *f = *state;
    const HostVm *vm;

    start(f);
    halt.vms = names;
    halt.n_vms = 1;
    call(f, "Halt", &halt.base);
    vm = get_host(f, 0, "")->vms[0];
    assert_int_equal(vm->could_return, 0);
    assert_int_equal(vm->n_steps, 0);
    assert_string_equal(vm->reason, "it is halted");
}

/* What cannot be read of the host takes nothing of the VMs away. */
static void test_a_host_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    const Response *host;

    start(f);
    put(f, "proc/meminfo", "nonsense\n");
    wait_for(f, get_host(f, 0, "")->host->total == 0);
    host = get_host(f, 0, "");
    assert_string_not_equal(host->host->problem, "");
    assert_int_equal(host->n_vms, 1);
}

static void test_pages(void **state)
{
    struct fixture *f = *state;
    const Response *host;

    put(f, "vms/a.yaml", "agent: unix:/nowhere\n");
    put(f, "vms/z.yaml", "agent: unix:/nowhere/else\n");
    start(f);
    host = get_host(f, 2, "");
    assert_int_equal(host->n_vms, 2);
    assert_string_equal(host->vms[0]->name, "a");
    assert_string_equal(host->next_page_token, "web-1");
    host = get_host(f, 2, "web-1");
    assert_int_equal(host->n_vms, 1);
    assert_null(host->host); /* it is on the first page */
    assert_string_equal(host->vms[0]->name, "z");
    assert_string_equal(host->next_page_token, "");
    assert_int_equal(get_host(f, UINT32_MAX, "")->n_vms, 3);
}

/* Reads what there is. False: there may be more. */
static bool read_all(FILE *output, char *shown, size_t size, size_t *length)
{
    ssize_t n;

    while ((n = read(fileno(output), shown + *length, size - 1 - *length)) > 0)
        *length += (size_t)n;
    shown[*length] = '\0';
    return n == 0;
}

/* In what a person sees. The loop turns meanwhile: the agent is on it. */
static void expect_shown(struct fixture *f, const char *verb, const char *words)
{
    char line[256];
    char shown[8192];
    size_t length = 0;
    FILE *output;

    snprintf(line, sizeof(line), "%s --api unix:%s/api.sock %s", command, f->directory, verb);
    output = popen(line, "re");
    assert_non_null(output);
    assert_int_equal(fcntl(fileno(output), F_SETFL, O_NONBLOCK), 0);
    wait_for(f, read_all(output, shown, sizeof(shown), &length));
    assert_int_equal(pclose(output), 0);
    if (strstr(shown, words) == NULL)
        fail_msg("\"%s\" is not in:\n%s", words, shown);
}

static void test_the_command_line(void **state)
{
    struct fixture *f = *state;

    start(f);
    expect_shown(f, "host", "4.0 GiB, available 2.0 GiB\n");
    expect_shown(f, "host", "1, which hold 1000.0 MiB\n");
    expect_shown(f, "host", "reclaim    200.0 MiB");
    expect_shown(f, "plan", "Nothing would be done now.\n");
}

#define host_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        host_test(test_what_could_come_back),
        host_test(test_a_list_of_what_could_come_back),
        host_test(test_why_nothing_could),
        host_test(test_a_host_that_cannot_be_read),
        host_test(test_pages),
        host_test(test_the_command_line),
    };

    assert_true(argc == 3);
    program = argv[1];
    command = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
