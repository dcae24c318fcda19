/* JSON values as YAML: what could be taken for something else is quoted. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cli/yaml.h"

static const char *as_yaml(json_t *json)
{
    static char *text;
    size_t size;
    FILE *memory;

    free(text);
    memory = open_memstream(&text, &size);
    assert_non_null(memory);
    assert_non_null(json);
    assert_int_equal(yaml_print(json, memory), 0);
    assert_int_equal(fclose(memory), 0);
    json_decref(json);
    return text;
}

static void test_values(void **state)
{
    assert_string_equal(
        as_yaml(json_pack("{s:i, s:b, s:n, s:f, s:[s, s], s:{}, s:[]}", "count", 7, "on", 1, "none",
                          "share", 0.5, "list", "a", "b c", "empty", "nobody")),
        "---\n"
        "count: 7\n"
        "'on': true\n"
        "none: null\n"
        "share: 0.5\n"
        "list:\n"
        "- a\n"
        "- b c\n"
        "empty: {}\n"
        "nobody: []\n");
}

static void test_texts_stay_texts(void **state)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        {"", "''"},
        {"yes", "'yes'"},
        {"Off", "'Off'"},
        {"null", "'null'"},
        {"12", "'12'"},
        {"-1", "'-1'"},
        {"1e5", "'1e5'"},
        {".nan", "'.nan'"},
        {"~", "'~'"},
        {"2026-11-29", "'2026-11-29'"},
        {"a: b", "'a: b'"},
        {"a #b", "'a #b'"},
        {"a\nb", "|-\n  a\n  b"},
        {"größe", "größe"},
        {"it's", "it's"},
        {"/run/x", "/run/x"},
    };
    char expected[128];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(expected, sizeof(expected), "---\nkey: %s\n", cases[i].shown);
        assert_string_equal(as_yaml(json_pack("{s:s}", "key", cases[i].text)), expected);
    }
}

/* One that is turned around makes the document ASCII. */
static void test_nothing_steers_a_terminal(void **state)
{
    const char *text = as_yaml(json_pack("[s, s]", "\x1b[2J\x7f\xc2\x9b", "a\xe2\x80\xae ö"));

    for (; *text != '\0'; text++)
        assert_true(*text == '\n' || (*text >= ' ' && *text <= '~'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_texts_stay_texts),
        cmocka_unit_test(test_nothing_steers_a_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
