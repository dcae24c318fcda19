/* Tables of checks. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

static void ask_nothing(const struct check *check, void *context, struct check_answer *answer)
{
}

static void ask_status(const struct check *check, void *context, struct check_answer *answer)
{
    check_answer_set(answer, (enum check_status)check->argument, "mend it", "found %d", 7);
}

static char *run(const struct check *checks, size_t count, enum check_status *ret_worst)
{
    char *text = NULL;
    size_t size = 0;
    FILE *output = open_memstream(&text, &size);

    assert_non_null(output);
    *ret_worst = checks_run(checks, count, NULL, output);
    (void)fclose(output);
    return text;
}

static void test_all_well(void **state)
{
    const struct check checks[] = {{"one", ask_nothing, 0}};
    enum check_status worst;
    char *text = run(checks, 1, &worst);

    assert_int_equal(worst, CHECK_OK);
    assert_ptr_equal(strstr(text, "ok"), text);
    assert_null(strstr(text, "->"));
    free(text);
}

static void test_the_worst_counts_and_says_what_to_do(void **state)
{
    const struct check checks[] = {
        {"one", ask_status, CHECK_WARNING},
        {"two", ask_status, CHECK_FAILURE},
        {"three", ask_nothing, 0},
    };
    enum check_status worst;
    char *text = run(checks, 3, &worst);

    assert_int_equal(worst, CHECK_FAILURE);
    assert_non_null(strstr(text, "found 7"));
    assert_non_null(strstr(text, "-> mend it"));
    free(text);
}

/* No line is longer than a terminal is wide. */
static void test_long_texts_go_on_below(void **state)
{
    const struct check checks[] = {
        {"a name that is as long as the longest of all the checks, or longer", ask_status,
         CHECK_WARNING}};
    enum check_status worst;
    char *text = run(checks, 1, &worst);

    assert_string_equal(
        text, "warning  a name that is as long as the longest of all the checks, or longer:\n"
              "         found 7\n"
              "         -> mend it\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_well),
        cmocka_unit_test(test_the_worst_counts_and_says_what_to_do),
        cmocka_unit_test(test_long_texts_go_on_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
