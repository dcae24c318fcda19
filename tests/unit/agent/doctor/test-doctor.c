/* The table of checks: what it says of a guest that lacks things, to a person and to a controller.
 */
#include "tests/lib/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/doctor/doctor.h"
#include "common/proc/kpageflags.h"
#include "common/proc/page-reporting.h"
#include "tests/lib/fixture.h"

static struct fixture fixture;
static struct configuration configuration;
static struct features features;
static struct doctor_complaint complaints[DOCTOR_COMPLAINTS_MAX];

/* A guest with nothing, whose agent wants to dial. */
static int setup(void **state)
{
    fixture_init(&fixture);
    configuration = (struct configuration){
        .dials = true,
        .connect = {.kind = ADDRESS_VSOCK, .cid = 2, .port = 1017},
        .seccomp = true,
    };
    snprintf(configuration.state_directory, sizeof(configuration.state_directory), "%s",
             fixture.path);
    return 0;
}

static int teardown(void **state)
{
    fixture_finish(&fixture);
    return 0;
}

static size_t complain(void)
{
    features_detect(&features, fixture.root);
    return doctor_complain(fixture.root, &configuration, &features, complaints);
}

static const struct check_answer *answer_of(const char *name)
{
    size_t count = complain();

    for (size_t i = 0; i < count; i++)
        if (strcmp(complaints[i].name, name) == 0)
            return &complaints[i].answer;
    return NULL;
}

static void test_failures_come_first_and_say_what_to_do(void **state)
{
    size_t count = complain();
    bool was_warning = false;

    assert_int_equal(count, DOCTOR_COMPLAINTS_MAX);
    assert_int_equal(complaints[0].answer.status, CHECK_FAILURE);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(complaints[i].answer.reason) > 0);
        assert_true(strlen(complaints[i].answer.fix) > 0);
        assert_false(was_warning && complaints[i].answer.status == CHECK_FAILURE);
        was_warning = complaints[i].answer.status == CHECK_WARNING;
    }
}

static void test_vsock_is_asked_for_where_it_is_used(void **state)
{
    const struct check_answer *answer = answer_of("vsock");

    assert_non_null(answer);
    assert_int_equal(answer->status, CHECK_FAILURE);
    assert_non_null(strstr(answer->fix, "vmw_vsock_virtio_transport"));
    fixture_write(&fixture, "dev/vsock", "");
    assert_null(answer_of("vsock"));
    assert_non_null(answer_of("vsock device"));
    configuration.dials = false;
    assert_null(answer_of("vsock device"));
    assert_null(answer_of("privileged port"));
}

static void test_a_capability_that_is_missing(void **state)
{
    fixture_write(&fixture, "proc/self/status", "Name:\tx\nCapEff:\t0000000000000400\n");
    assert_null(answer_of("privileged port"));
    fixture_write(&fixture, "proc/self/status", "Name:\tx\nCapEff:\t0000000001000000\n");
    assert_non_null(answer_of("privileged port"));
}

static void plug(const char *bits)
{
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio0/device", "0x0013\n");
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio0/features", bits);
}

/* Somebody has written to the order file, so it does not tell that nothing has registered. */
static void test_hyperv_without_reports(void **state)
{
    static uint64_t flags[2048] = {[512] = KPAGEFLAGS_BUDDY};
    const struct check_answer *answer;

    fixture_directory(&fixture, "sys/bus/vmbus/drivers/hv_balloon/module");
    fixture_write(&fixture, PAGE_REPORTING_ORDER_PATH, "9\n");
    fixture_write(&fixture, "proc/iomem", "00000000-007fffff : System RAM\n");
    fixture_write_bytes(&fixture, "proc/kpageflags", flags, sizeof(flags));
    answer = answer_of("free page reporting");
    assert_non_null(answer);
    assert_int_equal(answer->status, CHECK_WARNING);
    assert_non_null(strstr(answer->reason, "no free memory is marked as reported"));
    flags[512] |= KPAGEFLAGS_UPTODATE;
    fixture_write_bytes(&fixture, "proc/kpageflags", flags, sizeof(flags));
    assert_null(answer_of("free page reporting"));
}

/* The rule that is in force for a host that dials, and where it does not fit the device. */
static void test_the_hosts_port(void **state)
{
    const struct check_answer *answer;

    assert_null(answer_of("host's port"));
    configuration.listens = true;
    configuration.listen = (struct address){.kind = ADDRESS_VSOCK, .cid = UINT32_MAX, .port = 1017};
    assert_null(answer_of("host's port"));
    plug("0000000000000000000000000000010010010000000000000000000000000000\n");
    assert_null(answer_of("host's port"));
    configuration.host_port = HOST_PORT_PRIVILEGED;
    answer = answer_of("host's port");
    assert_non_null(answer);
    assert_int_equal(answer->status, CHECK_FAILURE);
    assert_non_null(strstr(answer->fix, "host_port = auto"));
    plug("0000000000000000000000000000110010000000000000000000000000000000\n");
    assert_null(answer_of("host's port"));
    configuration.host_port = HOST_PORT_ANY;
    answer = answer_of("host's port");
    assert_non_null(answer);
    assert_int_equal(answer->status, CHECK_WARNING);
}

/* In one line again. */
static void join_lines(char *text)
{
    char *to = text;

    for (; *text != '\0'; text++)
        if (*text != '\n' && (*text != ' ' || text[1] != ' '))
            *to++ = *text;
    *to = '\0';
}

/* A person and a controller are told the same. */
static void test_both_tell_the_same(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *output = open_memstream(&text, &size);
    size_t count = complain();

    assert_non_null(output);
    assert_int_equal(doctor_run(fixture.root, &configuration, output), CHECK_FAILURE);
    assert_int_equal(fclose(output), 0);
    join_lines(text);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(strstr(text, complaints[i].name));
        assert_non_null(strstr(text, complaints[i].answer.reason));
        assert_non_null(strstr(text, complaints[i].answer.fix));
    }
    free(text);
}

/* To whoever may not see it, everything looks as if it were missing. */
static void test_without_root_nothing_else_is_said(void **state)
{
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_root = geteuid() == 0;
    char text[1024] = "";
    FILE *output = fmemopen(text, sizeof(text), "w");

    assert_non_null(output);
    if (is_root)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(doctor_run(root, &configuration, output), CHECK_FAILURE);
    assert_int_equal(doctor_complain(root, &configuration, &features, complaints), 1);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(fclose(output), 0);
    assert_non_null(strstr(text, "does not see what only root may see"));
    assert_non_null(strstr(text, "-> run it as root"));
    assert_null(strstr(text, "Linux 5."));
    assert_string_equal(complaints[0].name, "root");
    close(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_failures_come_first_and_say_what_to_do, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_vsock_is_asked_for_where_it_is_used, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_capability_that_is_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hyperv_without_reports, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_hosts_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both_tell_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_root_nothing_else_is_said, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
