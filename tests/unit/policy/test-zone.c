/* Time zones: the same as the C library says, on the system's own zoneinfo. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/policy/zone-files.h"
#include "common/policy/zone.h"

#define HOUR 3600
#define YEAR ((int64_t)31556952)

static void need_zoneinfo(void)
{
    if (access(ZONE_DIRECTORY "/Europe/Berlin", R_OK) == 0)
        return;
    print_message("skipped: no " ZONE_DIRECTORY ", tzdata is not installed\n");
    skip();
}

static int32_t library_offset(time_t time)
{
    struct tm broken;

    assert_non_null(localtime_r(&time, &broken));
    return (int32_t)broken.tm_gmtoff;
}

/* Far beyond the transitions in the file the footer's rule counts. */
static void test_as_the_library_says(void **state)
{
    static const char *const zones[] = {
        "Europe/Berlin",       "America/New_York",
        "Australia/Sydney",    "Asia/Kolkata",
        "Australia/Lord_Howe", "Asia/Tokyo",
        "America/St_Johns",    "Pacific/Auckland",
        "Africa/Casablanca",   "Africa/Cairo",
        "America/Los_Angeles", "Europe/Dublin",
        "Asia/Jerusalem",      "UTC",
        "Etc/GMT+5",           "Asia/Kathmandu",
    };
    struct zone_offset offset;
    struct error error;

    need_zoneinfo();
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        (void)setenv("TZ", zones[i], 1);
        tzset();
        for (int64_t t = 30 * YEAR; t < 120 * YEAR; t += 1009 * HOUR + 17) {
            assert_int_equal(zone_resolve(zones[i], t, &offset, &error), 0);
            if (offset.offset != library_offset(t))
                fail_msg("%s at %lld: %d, the library has %d", zones[i], (long long)t,
                         offset.offset, library_offset(t));
            if (offset.change == 0)
                continue;
            assert_true(offset.change > t);
            assert_int_equal(library_offset(offset.change - 1), offset.offset);
            assert_int_equal(library_offset(offset.change), offset.offset_after);
        }
    }
    (void)unsetenv("TZ");
    tzset();
}

static void test_change_of_berlin(void **state)
{
    struct zone_offset offset;

    need_zoneinfo();
    /* 2026-03-29 01:00 UTC */
    assert_int_equal(zone_resolve("Europe/Berlin", 1774659600, &offset, NULL), 0);
    assert_int_equal(offset.offset, HOUR);
    assert_int_equal(offset.change, 1774746000);
    assert_int_equal(offset.offset_after, 2 * HOUR);
    assert_int_equal(zone_resolve("Europe/Berlin", 1774746000, &offset, NULL), 0);
    assert_int_equal(offset.offset, 2 * HOUR);
}

static void test_what_is_no_zone(void **state)
{
    struct zone_offset offset = {.offset = 7};
    struct error error;

    need_zoneinfo();
    assert_int_equal(zone_resolve("Europe/Berln", 0, &offset, &error), -ENOENT);
    assert_non_null(strstr(error.text, "no 'Europe/Berln' in /usr/share/zoneinfo"));
    assert_int_equal(zone_resolve("Europe", 0, &offset, &error), -ENOENT);
    assert_int_equal(zone_resolve("tzdata.zi", 0, &offset, &error), -EBADMSG);
    assert_int_equal(offset.offset, 7);
    assert_int_equal(zone_resolve("", 0, &offset, &error), 0);
    assert_int_equal(offset.offset, 0);
}

static void test_a_policy_is_resolved(void **state)
{
    struct policy policy;

    need_zoneinfo();
    policy_init(&policy, POLICY_BALANCED);
    assert_int_equal(zone_resolve_policy(&policy, 1774659600), 0);
    policy.schedule_count = 2;
    assert_int_equal(
        schedule_parse("0 2 * * *", "1h", "force", "Europe/Berlin", &policy.schedules[0], NULL), 0);
    assert_int_equal(
        schedule_parse("0 2 * * *", "1h", "force", "Asia/Tokyo", &policy.schedules[1], NULL), 0);
    assert_int_equal(zone_resolve_policy(&policy, 1774659600), 1774746000);
    assert_int_equal(policy.schedules[0].utc_offset, HOUR);
    assert_int_equal(policy.schedules[0].offset_after, 2 * HOUR);
    assert_int_equal(policy.schedules[1].utc_offset, 9 * HOUR);
    assert_int_equal(policy.schedules[1].offset_change, 0);
}

/* All tests after this one have no zone from disk. */
static void test_zones_in_memory(void **state)
{
    struct zone_offset from_disk;
    struct zone_offset offset;
    size_t length;
    char *text;

    need_zoneinfo();
    assert_int_equal(zone_resolve("America/Argentina/Ushuaia", 0, &from_disk, NULL), 0);
    assert_int_equal(zone_files_load(), 0);
    assert_int_equal(zone_files_load(), 0); /* again */
    assert_int_equal(zone_resolve("America/Argentina/Ushuaia", 0, &offset, NULL), 0);
    assert_int_equal(offset.offset, from_disk.offset);
    assert_int_equal(offset.change, from_disk.change);
    assert_int_equal(zone_file_read("tzdata.zi", &text, &length), -ENOENT); /* no zone */
    assert_int_equal(zone_file_read("posix/Europe/Berlin", &text, &length), -ENOENT);
    assert_int_equal(zone_file_read("../zoneinfo/UTC", &text, &length), -ENOENT);
    test_change_of_berlin(state);
    test_a_policy_is_resolved(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_the_library_says), cmocka_unit_test(test_change_of_berlin),
        cmocka_unit_test(test_what_is_no_zone),     cmocka_unit_test(test_a_policy_is_resolved),
        cmocka_unit_test(test_zones_in_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
