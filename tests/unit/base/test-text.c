/* Text from outside: checked, cut, mended, shown. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

#define UMLAUT "\xc3\xa4"         /* 2 bytes */
#define EURO   "\xe2\x82\xac"     /* 3 */
#define CLEF   "\xf0\x9d\x84\x9e" /* 4 */

static void test_characters(void **state)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\x7f", 1},
        {UMLAUT, 2},
        {EURO, 3},
        {CLEF, 4},
        {"\xef\xbf\xbf", 3},     /* U+FFFF */
        {"\xf4\x8f\xbf\xbf", 4}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", 0}, /* beyond */
        {"\xed\x9f\xbf", 3},     /* before the surrogates */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xc0\x80", 0},         /* overlong */
        {"\xc1\xbf", 0},
        {"\xe0\x80\x80", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xf0\x80\x80\x80", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\x80", 0}, /* goes on, but nothing began */
        {"\xbf", 0},
        {"\xc3", 0}, /* cut */
        {"\xe2\x82", 0},
        {"\xf0\x9d\x84", 0},
        {"\xc3"
         "a",
         0}, /* does not go on */
        {"\xe2\x82"
         "a",
         0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (text_character(cases[i].text, strlen(cases[i].text)) != cases[i].length)
            fail_msg("case %zu", i);
    assert_int_equal(text_character("", 0), 0);
    assert_int_equal(text_character("\0", 1), 1);
}

static void test_utf8(void **state)
{
    assert_true(text_is_utf8("", 0));
    assert_true(text_is_utf8("a" UMLAUT EURO CLEF, 10));
    assert_false(text_is_utf8("a" UMLAUT EURO CLEF, 9));
    assert_false(text_is_utf8("Stra\xdf"
                              "e",
                              6)); /* Latin-1 */
}

/* Character by character. */
static bool is_utf8(const char *text, size_t length)
{
    size_t step;

    for (; length > 0; text += step, length -= step) {
        step = text_character(text, length);
        if (step == 0)
            return false;
    }
    return true;
}

/* Text is looked at by words: wherever it begins, however long it is, and wherever something is
 * that is not ASCII. */
static void test_every_place_in_a_word(void **state)
{
    static const char *const others[] = {"\xff", "\x80", UMLAUT, EURO, CLEF, "\xf0\x9d\x84"};
    char text[48];

    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        for (size_t begin = 0; begin < 8; begin++)
            for (size_t length = 0; length < 32; length++)
                for (size_t place = 0; place < length; place++) {
                    size_t bytes = min_of(strlen(others[i]), length - place);
                    bool is_right;

                    memset(text, 'a', sizeof(text));
                    memcpy(text + begin + place, others[i], bytes);
                    is_right = is_utf8(text + begin, length);
                    assert_int_equal(text_is_utf8(text + begin, length), is_right);
                    text_mend(text + begin, length);
                    assert_true(is_utf8(text + begin, length));
                    assert_int_equal(memchr(text, '?', sizeof(text)) == NULL, is_right);
                }
}

static void test_mending(void **state)
{
    static const struct {
        const char *text;
        const char *mended;
    } cases[] = {
        {"", ""},
        {"plain " UMLAUT, "plain " UMLAUT},
        {"Stra\xdf"
         "e",
         "Stra?e"},
        {UMLAUT "\xc3", UMLAUT "?"},
        {"\xe2\x82"
         "x",
         "??x"},
        {"\xed\xa0\x80", "???"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[64];

        snprintf(text, sizeof(text), "%s", cases[i].text);
        text_mend(text, strlen(text));
        assert_string_equal(text, cases[i].mended);
    }
}

/* Of every size the copy is what fits, whole characters, and UTF-8. */
static void test_cutting_at_every_byte(void **state)
{
    static const char text[] = "a" UMLAUT EURO CLEF UMLAUT "b";
    static const size_t fits[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10, 12, 13, 13};

    for (size_t size = 1; size <= ARRAY_SIZE(fits); size++) {
        char copy[32];
        char formatted[32];
        int wanted;

        memset(copy, 'x', sizeof(copy));
        memset(formatted, 'x', sizeof(formatted));
        text_copy(copy, size, text);
        wanted = text_format(formatted, size, "%s", text);
        assert_int_equal(strlen(copy), fits[size - 1]);
        assert_memory_equal(copy, text, fits[size - 1]);
        assert_string_equal(formatted, copy);
        assert_int_equal(wanted, sizeof(text) - 1);
        assert_int_equal(copy[size], 'x');
        assert_int_equal(formatted[size], 'x');
    }
}

static void test_an_argument_that_is_cut(void **state)
{
    char text[32];

    text_format(text, sizeof(text), "'%s' '%s'", TEXT_CUT("a" EURO, 3), TEXT_CUT("a" EURO, 4));
    assert_string_equal(text, "'a' 'a" EURO "'");
    assert_string_equal(TEXT_CUT("\xff" EURO, 1), "?");
    assert_string_equal(TEXT_CUT("", 1), "");
}

/* What looks cut but was not is mended, not dropped. */
static void test_an_end_that_nobody_cut(void **state)
{
    char text[16];

    text_copy(text, sizeof(text), "a\xc3");
    assert_string_equal(text, "a?");
    text_format(text, sizeof(text), "%s", "a\xe2\x82");
    assert_string_equal(text, "a??");
    text_copy_bytes(text, sizeof(text), "abc\0d", 5);
    assert_string_equal(text, "abc");
    text_copy_bytes(text, sizeof(text), NULL, 0);
    assert_string_equal(text, "");
    text_copy(text, 4, "\xc3\xc3\xc3\xc3\xc3");
    assert_string_equal(text, "??");
}

static void test_what_steers_is_not_shown(void **state)
{
    static const struct {
        const char *text;
        const char *line;
        const char *lines;
    } cases[] = {
        {"plain, " UMLAUT EURO CLEF, "plain, " UMLAUT EURO CLEF, "plain, " UMLAUT EURO CLEF},
        {"a\x1b[2Jb", "a?[2Jb", "a?[2Jb"},
        {"a\nb\tc", "a?b?c", "a\nb\tc"},
        {"a\rb\x08"
         "c\x7f",
         "a?b?c?", "a?b?c?"},
        {"a\xc2\x9b"
         "31mb",
         "a?31mb", "a?31mb"}, /* C1: CSI */
        {"a\xc2\x85"
         "b",
         "a?b", "a?b"}, /* C1: next line */
        {"a\x9b"
         "b",
         "a?b", "a?b"}, /* a lone byte */
        {"a\xc2\xa0"
         "b",
         "a\xc2\xa0"
         "b",
         "a\xc2\xa0"
         "b"}, /* a hard blank */
        {"a\xe2\x80\xae"
         "b",
         "a?b", "a?b"}, /* U+202E: override */
        {"a\xe2\x81\xa6"
         "b\xe2\x81\xa9",
         "a?b?", "a?b?"}, /* U+2066, U+2069 */
        {"a\xe2\x80\x8e\xd8\x9c"
         "b",
         "a??b", "a??b"}, /* U+200E, U+061C */
        {"a\xe2\x80\xa8"
         "b\xe2\x80\xa9",
         "a?b?", "a?b?"}, /* U+2028, U+2029 */
        {"a\xe2\x80\x94"
         "b",
         "a\xe2\x80\x94"
         "b",
         "a\xe2\x80\x94"
         "b"}, /* a dash */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[64];

        text_copy_line(text, sizeof(text), cases[i].text);
        assert_string_equal(text, cases[i].line);
        snprintf(text, sizeof(text), "%s", cases[i].text);
        text_make_safe(text, TEXT_ONE_LINE);
        assert_string_equal(text, cases[i].line);
        snprintf(text, sizeof(text), "%s", cases[i].text);
        text_make_safe(text, TEXT_LINES);
        assert_string_equal(text, cases[i].lines);
    }
}

static void test_blanking_keeps_the_length(void **state)
{
    char text[] = "a\n" UMLAUT "\xe2\x80\xae\xff" EURO;

    text_blank(text, sizeof(text) - 1);
    assert_string_equal(text, "a?" UMLAUT "????" EURO);
}

/* Any three bytes: the copy is UTF-8, and what is shown has no control. */
static void test_any_bytes(void **state)
{
    for (unsigned i = 0; i < 1u << 24; i += 97) {
        const char bytes[] = {(char)(i >> 16), (char)(i >> 8), (char)i, '\0'};
        char copy[8];
        size_t length;

        text_copy_line(copy, sizeof(copy), bytes);
        length = strlen(copy);
        assert_true(text_is_utf8(copy, length));
        for (size_t j = 0; j < length; j++)
            assert_true((unsigned char)copy[j] >= ' ' && copy[j] != 127);
        assert_null(strstr(copy, "\xc2\x85"));
    }
}

static void test_trimming_and_comparing(void **state)
{
    char both[] = " \t a b \r";
    char blank[] = " \t";
    char bare[] = "a";

    assert_string_equal(text_trim(both), "a b");
    assert_string_equal(text_trim(blank), "");
    assert_string_equal(text_trim(bare), "a");
    assert_true(text_equal("a", "a"));
    assert_true(text_equal(NULL, NULL));
    assert_false(text_equal("a", NULL));
    assert_false(text_equal(NULL, "a"));
    assert_false(text_equal("a", "b"));
}

static void test_words_of_a_shell(void **state)
{
    static const struct {
        const char *word;
        const char *quoted;
    } cases[] = {
        {"/run/ch/web-1.sock", "/run/ch/web-1.sock"},
        {"cid=7,socket=/run/a", "cid=7,socket=/run/a"},
        {"", "''"},
        {"a b", "'a b'"},
        {"a;b", "'a;b'"},
        {"~", "'~'"},
        {"it's", "'it'\\''s'"},
        {"'", "''\\'''"},
        {"b" UMLAUT, "'b" UMLAUT "'"},
    };
    char quoted[32];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        text_quote(quoted, sizeof(quoted), cases[i].word);
        assert_string_equal(quoted, cases[i].quoted);
    }
    /* The longest that two bytes become. */
    text_quote(quoted, TEXT_QUOTED_SIZE(2), "''");
    assert_string_equal(quoted, "''\\'''\\'''");
    text_quote(quoted, 4, "a b c");
    assert_string_equal(quoted, "'a ");
}

static void test_wrap(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
        size_t used;
        const char *wrapped;
    } cases[] = {
        {"one two three", 7, 0, "one two\nthree"},
        {"one two three", 6, 0, "one\ntwo\nthree"},
        {"one two three", 80, 0, "one two three"},
        {"one two three", 7, 1, "one\ntwo\nthree"},
        {"thirteen and", 4, 0, "thirteen\nand"},
        {"a thirteen", 4, 0, "a\nthirteen"},
        {"\xc3\xa4\xc3\xb6 \xc3\xbc\xc3\xbc x", 5, 0, "\xc3\xa4\xc3\xb6 \xc3\xbc\xc3\xbc\nx"},
        {"one\ntwo three", 9, 0, "one\ntwo three"},
        {"one\ntwo three", 8, 5, "one\ntwo\nthree"},
        {"", 5, 0, ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[64];

        snprintf(text, sizeof(text), "%s", cases[i].text);
        text_wrap(text, cases[i].columns, cases[i].used);
        assert_string_equal(text, cases[i].wrapped);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_every_place_in_a_word),
        cmocka_unit_test(test_mending),
        cmocka_unit_test(test_cutting_at_every_byte),
        cmocka_unit_test(test_an_argument_that_is_cut),
        cmocka_unit_test(test_an_end_that_nobody_cut),
        cmocka_unit_test(test_what_steers_is_not_shown),
        cmocka_unit_test(test_blanking_keeps_the_length),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_trimming_and_comparing),
        cmocka_unit_test(test_words_of_a_shell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
