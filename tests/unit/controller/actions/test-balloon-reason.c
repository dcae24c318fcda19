/* Why a balloon brought nothing. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "controller/actions/balloon-reason.h"

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__ActionSample ActionSample;

/* A balloon that took 256 MiB of a guest whose free memory lies in pieces. */
struct made {
    Vmreclaim__Controller__V1__Vm vm;
    Vmreclaim__Controller__V1__Waterfall waterfall;
    Vmreclaim__Controller__V1__HostFacts host;
    Vmreclaim__Agent__V1__MemorySample guest;
    ActionSample before;
    ActionSample after;
    ActionSample *samples[2];
    Action action;
    struct explain_subject subject;
    struct finding finding;
};

static void make(struct made *made)
{
    vmreclaim__controller__v1__vm__init(&made->vm);
    vmreclaim__controller__v1__waterfall__init(&made->waterfall);
    vmreclaim__controller__v1__host_facts__init(&made->host);
    vmreclaim__agent__v1__memory_sample__init(&made->guest);
    vmreclaim__controller__v1__action_sample__init(&made->before);
    vmreclaim__controller__v1__action_sample__init(&made->after);
    vmreclaim__controller__v1__action__init(&made->action);
    made->before.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE;
    made->after.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER;
    made->before.guest_is_known = made->after.guest_is_known = true;
    made->after.balloon = 256 * MIB;
    made->samples[0] = &made->before;
    made->samples[1] = &made->after;
    made->action.kind = (char *)"balloon";
    made->action.samples = made->samples;
    made->action.n_samples = 2;
    made->waterfall.guest_is_known = true;
    made->waterfall.footprint = GIB;
    made->waterfall.trapped = 200 * MIB;
    made->waterfall.reportable = 200 * MIB;
    made->waterfall.percpu = 100 * MIB;
    made->guest.trapped_kinds_are_known = true;
    made->guest.trapped_unmovable = 190 * MIB;
    made->waterfall.guest = &made->guest;
    made->vm.name = (char *)"web1";
    made->vm.reporting = (char *)"off: no such device";
    made->vm.waterfall = &made->waterfall;
    made->vm.host = &made->host;
    made->subject = (struct explain_subject){.vm = &made->vm, .action = &made->action};
}

static const char *code(struct made *made)
{
    return balloon_reason(&made->subject, &made->finding) ? made->finding.code : "none";
}

/* A balloon needs no reporting, and takes single pages. */
static void test_what_matters_to_reporting_only(void **state)
{
    struct made made;

    make(&made);
    assert_string_equal(code(&made), "unknown");
    assert_string_equal(made.finding.evidence[0].name, "balloon_taken");
    assert_int_equal(made.finding.evidence[0].value, 256 * MIB);
}

static void test_what_was_returned_before(void **state)
{
    struct made made;

    make(&made);
    made.before.reported = 300 * MIB;
    made.after.reported = 100 * MIB;
    assert_string_equal(code(&made), "already-returned");
    assert_int_equal(made.finding.evidence[1].value, 200 * MIB);
    made.after.reported = 250 * MIB; /* the most was not */
    assert_string_equal(code(&made), "unknown");
}

/* A fresh guest of 2 GiB: a balloon of 1 GiB brought 8.9 MiB. */
static void test_what_was_never_touched(void **state)
{
    struct made made;

    make(&made);
    made.waterfall.vm_ram = 2 * GIB;
    made.waterfall.footprint = 240 * MIB;
    made.host.touched = 250 * MIB;
    made.before.footprint = 249 * MIB;
    made.before.reportable = 1700 * MIB;
    made.after.footprint = 240 * MIB;
    made.after.reportable = 676 * MIB;
    made.after.balloon = 1024 * MIB;
    made.action.host_returned = 9 * (int64_t)MIB;
    assert_string_equal(code(&made), "never-touched");
    assert_int_equal(made.finding.bytes, 1015 * MIB);
    made.action.host_returned = 100 * (int64_t)MIB; /* more, and still little */
    assert_string_equal(code(&made), "never-touched");
    made.host.touched = 2000 * MIB; /* once it was all there */
    assert_string_equal(code(&made), "already-returned");
    /* a guest that says what the host's own figures deny */
    made.before.footprint = 1900 * MIB;
    assert_string_equal(code(&made), "unknown");
}

static void test_the_same_detectors(void **state)
{
    struct made made;

    make(&made);
    made.after.in_use = 200 * MIB;
    assert_string_equal(code(&made), "guest-took-again");
    make(&made);
    made.host.vfio_devices = 1;
    assert_string_equal(code(&made), "reporting-inert-vfio");
    make(&made);
    made.waterfall.swapped = 300 * MIB;
    assert_string_equal(code(&made), "host-swap");
}

static void test_nothing_to_excuse(void **state)
{
    struct made made;

    make(&made);
    made.action.host_returned = 200 * (int64_t)MIB;
    assert_string_equal(code(&made), "none");
    make(&made);
    made.action.kind = (char *)"release";
    made.before.balloon = 256 * MIB;
    made.after.balloon = 0;
    assert_string_equal(code(&made), "none");
    assert_true(balloon_reason_applies(&made.action));
    made.action.kind = (char *)"pulse"; /* which leaves nothing in the balloon */
    made.after.balloon = made.before.balloon;
    assert_string_equal(code(&made), "none");
    assert_true(balloon_reason_applies(&made.action));
    made.action.kind = (char *)"compact";
    assert_false(balloon_reason_applies(&made.action));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_matters_to_reporting_only),
        cmocka_unit_test(test_what_was_returned_before),
        cmocka_unit_test(test_what_was_never_touched),
        cmocka_unit_test(test_the_same_detectors),
        cmocka_unit_test(test_nothing_to_excuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
