/* What is taken of what was really signed: not another host's, nothing older, nothing out of time.
 */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "controller/desired/judge.h"

#define SECOND ((int64_t)NSEC_PER_SEC)
#define HOUR   (3600 * SECOND)
#define NOW    (INT64_C(1795942800) * SECOND) /* 2026-11-29 09:00:00 UTC */

typedef Vmreclaim__Fleet__V1__Applied Applied;

static uint8_t digest[DESIRED_DIGEST_SIZE] = {1, 2, 3};
static const struct fleet_settings ours = {.host = "h1", .key_count = 1};
static struct error error;

static DesiredState make_state(uint64_t generation)
{
    DesiredState state = VMRECLAIM__FLEET__V1__DESIRED_STATE__INIT;

    state.host = (char *)"h1";
    state.generation = generation;
    state.issued_ns = NOW - HOUR;
    state.expires_ns = NOW + HOUR;
    return state;
}

static Applied make_applied(uint64_t generation)
{
    Applied applied = VMRECLAIM__FLEET__V1__APPLIED__INIT;

    applied.generation = generation;
    applied.digest = (ProtobufCBinaryData){sizeof(digest), digest};
    return applied;
}

static int judge(const DesiredState *state, const Applied *applied)
{
    error.text[0] = '\0';
    return desired_judge(state, digest, &ours, applied, NOW, &error);
}

static void expect_refused(const DesiredState *state, const Applied *applied, const char *words)
{
    assert_int_equal(judge(state, applied), -EPERM);
    if (strstr(error.text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, error.text);
}

static void test_the_first_and_newer_ones(void **state)
{
    const DesiredState first = make_state(1), later = make_state(9);
    const Applied applied = make_applied(7);

    assert_int_equal(judge(&first, NULL), DESIRED_NEW);
    assert_int_equal(judge(&later, &applied), DESIRED_NEW);
}

static void test_another_hosts(void **state)
{
    DesiredState other = make_state(9);

    other.host = (char *)"h2";
    expect_refused(&other, NULL, "is for host 'h2', and this one is fleet_host 'h1'");
    other.host = (char *)"H1";
    expect_refused(&other, NULL, "'H1'");
    other.host = (char *)"";
    expect_refused(&other, NULL, "''");
}

static void test_a_replay(void **state)
{
    const DesiredState old = make_state(6), same = make_state(7);
    const Applied applied = make_applied(7);

    expect_refused(&old, &applied, "desired state 6 is older than 7");
    assert_int_equal(judge(&same, &applied), DESIRED_AGAIN);
}

/* Two coordinators, or one that forgot what it had sent. */
static void test_the_same_generation_with_other_content(void **state)
{
    static uint8_t other[DESIRED_DIGEST_SIZE] = {9};
    const DesiredState same = make_state(7);
    Applied applied = make_applied(7);

    applied.digest.data = other;
    expect_refused(&same, &applied, "has taken another desired state 7");
    applied.digest.len = 0;
    expect_refused(&same, &applied, "has taken another desired state 7");
}

static void test_no_generation_and_no_time(void **state)
{
    DesiredState none = make_state(0);

    expect_refused(&none, NULL, "has no generation, or no time");
    none = make_state(1);
    none.expires_ns = none.issued_ns;
    expect_refused(&none, NULL, "has no generation, or no time");
    none = make_state(1);
    none.issued_ns = 0;
    expect_refused(&none, NULL, "has no generation, or no time");
    none = make_state(UINT64_MAX);
    none.expires_ns = INT64_MIN;
    expect_refused(&none, NULL, "has no generation, or no time");
}

/* A wrong clock looks like this, so both times are said. */
static void test_out_of_time(void **state)
{
    const Applied applied = make_applied(7);
    DesiredState late = make_state(8);

    late.expires_ns = NOW;
    expect_refused(&late, &applied,
                   "until 2026-11-29 09:00:00 UTC, and on this host it is "
                   "2026-11-29 09:00:00 UTC");
    late.expires_ns = NOW + 1;
    assert_int_equal(judge(&late, &applied), DESIRED_NEW);

    late = make_state(8);
    late.issued_ns = NOW + (int64_t)DESIRED_CLOCK_SLACK;
    assert_int_equal(judge(&late, &applied), DESIRED_NEW);
    late.issued_ns += 60 * SECOND;
    expect_refused(&late, &applied,
                   "was issued 2026-11-29 09:11:00 UTC, and on this host it is "
                   "2026-11-29 09:00:00 UTC: its clock is behind");
}

/* What is in force stays, whatever the clock says. */
static void test_the_one_in_force_that_has_expired(void **state)
{
    const Applied applied = make_applied(7);
    DesiredState same = make_state(7);

    same.expires_ns = NOW - 1;
    assert_int_equal(judge(&same, &applied), DESIRED_OVER);
    assert_string_equal(error.text, "");
}

static void test_a_host_that_refuses(void **state)
{
    struct fleet_settings refusing = ours;
    const DesiredState newer = make_state(9);

    refusing.refuses = true;
    assert_int_equal(desired_judge(&newer, digest, &refusing, NULL, NOW, &error), -EPERM);
    assert_non_null(strstr(error.text, "fleet_policies is refuse"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_and_newer_ones),
        cmocka_unit_test(test_another_hosts),
        cmocka_unit_test(test_a_replay),
        cmocka_unit_test(test_the_same_generation_with_other_content),
        cmocka_unit_test(test_no_generation_and_no_time),
        cmocka_unit_test(test_out_of_time),
        cmocka_unit_test(test_the_one_in_force_that_has_expired),
        cmocka_unit_test(test_a_host_that_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
