/* Templates of -o jsonpath: what they pick, what is none, and how much they may take. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/cli/jsonpath/jsonpath.h"

/* "'" stands for '"'. */
static const char document_text[] = "{'kind':'List','count':3,'ratio':0.5,'on':true,'a.b':'dotted',"
                                    "'vms':[{'name':'web1','cid':3,'labels':['tier=front','env="
                                    "test'],'w':{'cache':412,'name':'i'}},"
                                    "{'name':'web2','cid':4,'labels':[],'halted':false},"
                                    "{'name':'db','cid':5,'halted':true,'w':{'cache':9}}]}";

static json_t *load(const char *quoted)
{
    cleanup_free char *text = strdup(quoted);
    json_t *json;

    assert_non_null(text);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    return json;
}

/* Its text is to be freed; NULL: `*ret_code` says why. */
static char *evaluate(const char *template, const json_t *document, int *ret_code)
{
    struct error error = {""};
    struct jsonpath *jsonpath;
    char *text = NULL;
    size_t length;

    if (jsonpath_parse(template, &jsonpath, &error) < 0)
        fail_msg("%s: %s", template, error.text);
    *ret_code = jsonpath_evaluate(jsonpath, document, &text, &length);
    jsonpath_destroy(jsonpath);
    return text;
}

static void check(const char *const pairs[][2], size_t count)
{
    json_t *document = load(document_text);

    for (size_t i = 0; i < count; i++) {
        int r;
        cleanup_free char *text = evaluate(pairs[i][0], document, &r);

        if (r < 0 || strcmp(text, pairs[i][1]) != 0)
            fail_msg("%s made \"%s\" (%d), not \"%s\"", pairs[i][0], text, r, pairs[i][1]);
    }
    json_decref(document);
}

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        static const char *const pairs[][2] = {__VA_ARGS__};                                       \
        check(pairs, ARRAY_SIZE(pairs));                                                           \
    } while (0)

static void test_fields(void **state)
{
    CHECK({"{.kind}", "List"}, {"{$.kind}", "List"}, {"{@.kind}", "List"}, {"{['kind']}", "List"},
          {"{[\"kind\"]}", "List"}, {"{ .kind }", "List"}, {"{.a\\.b}", "dotted"},
          {"{['a\\.b']}", "dotted"}, {"{.['kind']}", "List"}, {"{.nothing}", ""},
          {"{.kind.nothing}", ""}, {"{.vms.name}", ""}, {"<{.count}>", "<3>"}, {"{.ratio}", "0.5"},
          {"{.on}", "true"}, {"{.vms[0].w}", "{\"cache\":412,\"name\":\"i\"}"});
}

static void test_elements(void **state)
{
    CHECK({"{.vms[0].name}", "web1"}, {"{.vms[-1].name}", "db"}, {"{.vms[9].name}", ""},
          {"{.vms[-4].name}", ""}, {"{.vms[*].name}", "web1 web2 db"}, {"{.vms[ 1 ].name}", "web2"},
          {"{.vms.*.name}", "web1 web2 db"}, {"{.vms[1:].name}", "web2 db"},
          {"{.vms[:2].name}", "web1 web2"}, {"{.vms[-2:-1].name}", "web2"},
          {"{.vms[::2].name}", "web1 db"}, {"{.vms[2:1].name}", ""}, {"{.vms[-9:9].cid}", "3 4 5"},
          {"{.vms[0,-1].name}", "web1 db"}, {"{.vms[0:1, 2].name}", "web1 db"},
          {"{.vms[*].labels[0]}", "tier=front"}, {"{.vms[0].w.*}", "412 i"}, {"{.kind[0]}", ""},
          {"{.vms[0].labels}", "[\"tier=front\",\"env=test\"]"});
}

/* Those of the first name, then those of the second, as kubectl has it. */
static void test_several(void **state)
{
    CHECK({"{.vms[*]['name','cid']}", "web1 web2 db 3 4 5"}, {"{['kind', 'count']}", "List 3"},
          {"{.vms[*]['name','w.cache']}", "web1 web2 db 412 9"},
          {"{['vms','nothing'][0].cid}", "3"});
}

static void test_whatever_is_below(void **state)
{
    CHECK({"{..cache}", "412 9"}, {"{..name}", "web1 i web2 db"}, {"{.vms[0]..name}", "web1 i"},
          {"{..labels[1]}", "env=test"}, {"{..w.cache}", "412 9"}, {"{.vms[1].labels..}", ""},
          {"{.vms[0].w..}", "{\"cache\":412,\"name\":\"i\"}"},
          {"{.vms[2]..*}", "db 5 true "
                           "{\"cache\":9} 9"});
}

static void test_filters(void **state)
{
    CHECK({"{.vms[?(@.name==\"web2\")].cid}", "4"}, {"{.vms[?(@.name!='web2')].cid}", "3 5"},
          {"{.vms[?(@.cid>3)].name}", "web2 db"}, {"{.vms[?(@.cid >= 3.5)].name}", "web2 db"},
          {"{.vms[?( @.cid<4 )].name}", "web1"}, {"{.vms[?(@.cid<=4)].name}", "web1 web2"},
          {"{.vms[?(@.w)].name}", "web1 db"}, {"{.vms[?(@.halted)].name}", "web2 db"},
          {"{.vms[?(@.halted==true)].name}", "db"}, {"{.vms[?(@.halted!=true)].name}", "web2"},
          {"{.vms[?(.name=='db')].cid}", "5"}, {"{.vms[?(@.w.cache>$.count)].name}", "web1 db"},
          {"{.vms[?(@.name>'n')].cid}", "3 4"}, {"{.vms[?(@.name==3)].cid}", ""},
          {"{.vms[?(@.name<3)].cid}", ""}, {"{.vms[?(@.labels[*]=='env=test')].name}", "web1"},
          {"{.vms[?(@['name']=='db')]['cid']}", "5"}, {"{.kind[?(@.a)]}", ""},
          {"{.vms[*].labels[?(@=='env=test')]}", "env=test"},
          {"{.vms[?(@.labels[?(@=='env=test')])].name}", "web1"});
}

static void test_ranges_and_text(void **state)
{
    CHECK({"{range .vms[*]}{.name}{\"\\t\"}{.cid}{'\\n'}{end}", "web1\t3\nweb2\t4\ndb\t5\n"},
          {"{range .vms[0]}{range .labels[*]}<{.}>{end}{$.kind}{end}!",
           "<tier=front><env=test>List!"},
          {"{range .nothing[*]}x{end}", ""}, {"{range .vms[*]}x{ end }", "xxx"},
          {"a}b{'c\\'\\\\\"d'}\\n{\"\"}", "a}bc'\\\"d\\n"},
          {"{range .vms[*]['cid']}{@},{end}", "3,4,5,"});
}

static void test_nothing_steers_a_terminal(void **state)
{
    json_t *document = json_pack("{s:s}", "a", "\x1b[31m\xc2\x9b\xc3\xbc\x7f\n");
    int r;
    cleanup_free char *text = evaluate("{.a}", document, &r);
    cleanup_free char *json = evaluate("{$}", document, &r);

    assert_string_equal(text, "?[31m?\xc3\xbc?\n");
    assert_string_equal(json, "{\"a\":\"\\u001B[31m\\u009b\xc3\xbc\\u007f\\n\"}");
    json_decref(document);
}

/* ---- what is none ---- */

static void test_what_is_refused(void **state)
{
    /* And part of what is said of it. */
    static const char *const wrong[][2] = {
        {"", "no expression"},
        {".kind", "write {.kind}"},
        {"kind", "write {.kind}"},
        {"{", "nothing in the braces"},
        {"{}", "{.} is all there is"},
        {"{ }", "{.} is all there is"},
        {"{.kind", "not closed by }"},
        {"{kind}", "begins with a dot"},
        {"{ends}", "begins with a dot"},
        {"{.kind kind}", "at \"kind}\""},
        {"{.a=b}", "at \"=b}\""},
        {"{.a..}{.a...b}", "a field has a name"},
        {"{.a.}", "a field has a name"},
        {"{.a['']}", "a field has a name"},
        {"{.a['b}", "the quote is not closed"},
        {"{.a['b'}", "not closed by ]"},
        {"{.a[0}", "not closed by ]"},
        {"{.a[}", "write [0]"},
        {"{.a[]}", "write [0]"},
        {"{.a[b]}", "write [0]"},
        {"{.a[0,]}", "write [0]"},
        {"{.a[0,}", "write [0]"},
        {"{.a[1:2:0]}", "goes forward"},
        {"{.a[1:2:-1]}", "goes forward"},
        {"{.a[1:2:3:4]}", "not closed by ]"},
        {"{.a[12345678901]}", "write [0]"},
        {"{.a[-]}", "write [0]"},
        {"{\"a}", "the quote is not closed"},
        {"{\"\\d\"}", "there are \\n"},
        {"{\"a\" \"b\"}", "close it with }"},
        {"{.a[?(@.b]}", "there are =="},
        {"{.a[?(@.b=1)]}", "there are =="},
        {"{.a[?(@.b=~'x')]}", "there are =="},
        {"{.a[?(@.b==)]}", "write @.NAME"},
        {"{.a[?(@.b==x)]}", "write @.NAME"},
        {"{.a[?(@.b==null)]}", "write @.NAME"},
        {"{.a[?()]}", "write @.NAME"},
        {"{.a[?(@.b==1 && @.c==2)]}", "jq(1)"},
        {"{.a[?(@.b=='x')}", "not closed by ]"},
        {"{.a[?(@.b=='\xff')]}", "no UTF-8"},
        {"{range .a[*]}{.b}", "has no {end}"},
        {"{range .a[*]}{range .b[*]}{end}", "at \"{range .a[*]}"},
        {"{range}{end}", "write {range"},
        {"{.a}{end}", "no {range ...} before"},
        {"{range .a[*]", "not closed by }"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct error error = {""};
        struct jsonpath *jsonpath;

        if (jsonpath_parse(wrong[i][0], &jsonpath, &error) != -EINVAL)
            fail_msg("\"%s\" was taken", wrong[i][0]);
        if (strstr(error.text, wrong[i][1]) == NULL)
            fail_msg("\"%s\": \"%s\" lacks \"%s\"", wrong[i][0], error.text, wrong[i][1]);
    }
}

/* Whatever it is cut to, it is taken or refused in words. */
static void test_every_beginning(void **state)
{
    static const char whole[] =
        "a{range .vms[?(@.w.cache >= 9)]['name','a\\.b',0:2:1]}{\"\\n\"}{..*}"
        "{range .labels[-1:]}{@}{end}{$.kind}{end}";
    json_t *document = load(document_text);

    for (size_t end = 0; end < sizeof(whole); end++) {
        cleanup_free char *cut = strndup(whole, end);
        struct error error = {""};
        struct jsonpath *jsonpath = NULL;
        int r = jsonpath_parse(cut, &jsonpath, &error);
        cleanup_free char *text = NULL;
        size_t length;

        assert_true(r == 0 || (r == -EINVAL && error.text[0] != '\0'));
        assert_true(r == 0 || jsonpath == NULL);
        if (r == 0)
            assert_int_equal(jsonpath_evaluate(jsonpath, document, &text, &length), 0);
        jsonpath_destroy(jsonpath);
    }
    json_decref(document);
}

/* ---- limits ---- */

/* `count` times the one, the middle, and `count` times the other. */
static char *nest(size_t count, const char *before, const char *middle, const char *after)
{
    char *text = calloc(count * (strlen(before) + strlen(after)) + strlen(middle) + 1, 1);
    char *to = text;

    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, before);
    to = stpcpy(to, middle);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, after);
    return text;
}

static int parse_nested(size_t count, const char *before, const char *middle, const char *after,
                        struct error *error)
{
    cleanup_free char *template = nest(count, before, middle, after);
    struct jsonpath *jsonpath = NULL;
    int r = jsonpath_parse(template, &jsonpath, error);

    jsonpath_destroy(jsonpath);
    return r;
}

static void test_what_nests(void **state)
{
    struct error error = {""};

    assert_int_equal(parse_nested(JSONPATH_NESTED_MAX, "{range .a}", "{.b}", "{end}", &error), 0);
    assert_int_equal(parse_nested(JSONPATH_NESTED_MAX + 1, "{range .a}", "{.b}", "{end}", &error),
                     -EINVAL);
    assert_non_null(strstr(error.text, "within each other"));
    assert_int_equal(parse_nested(1000, "{.a[?(@", "", ")]}", &error), -EINVAL);
    assert_int_equal(parse_nested(5000, ".a[?(@", "{", ")]", &error), -EINVAL);
    assert_int_equal(parse_nested(3000, "{.a}", "", "{.b.c[0,1]}", &error), 0);
    assert_int_equal(parse_nested(JSONPATH_TEMPLATE_MAX, "{.a}", "", "", &error), -EINVAL);
    assert_non_null(strstr(error.text, "bytes"));
}

/* An array of `count` times the same text. */
static json_t *make_array(size_t count, size_t length)
{
    cleanup_free char *text = malloc(length);
    json_t *array = json_array();

    assert_non_null(text);
    memset(text, 'x', length);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(json_array_append_new(array, json_stringn(text, length)), 0);
    return array;
}

static int code_of(const char *template, const json_t *document)
{
    int r;
    cleanup_free char *text = evaluate(template, document, &r);

    assert_true(r == 0 || text == NULL);
    return r;
}

static void test_how_much_is_printed(void **state)
{
    json_t *document = make_array(65, 1 << 20);

    assert_int_equal(code_of("{[0:63]}", document), 0);
    assert_int_equal(code_of("{[*]}", document), -E2BIG);
    json_decref(document);
}

static void test_how_much_is_looked_at(void **state)
{
    json_t *document = make_array(3000, 1);

    assert_int_equal(code_of("{range [*]}{end}", document), 0);
    assert_int_equal(code_of("{range [*]}{range $[*]}{end}{end}", document), -E2BIG);
    assert_int_equal(code_of("{[?($[*]==$[*])]}", document), -E2BIG);
    assert_int_equal(code_of("{[*,*,*]}", document), 0);
    json_decref(document);
}

static void test_how_deep_a_document_is(void **state)
{
    cleanup_free char *text = nest(JSONPATH_LEVELS_MAX, "[", "", "]");
    cleanup_free char *deeper = nest(JSONPATH_LEVELS_MAX + 2, "[", "", "]");
    json_t *document = load(text);

    assert_int_equal(code_of("{..[0]}", document), 0);
    json_decref(document);
    document = load(deeper);
    assert_int_equal(code_of("{..[0]}", document), -E2BIG);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_whatever_is_below),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_ranges_and_text),
        cmocka_unit_test(test_nothing_steers_a_terminal),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_every_beginning),
        cmocka_unit_test(test_what_nests),
        cmocka_unit_test(test_how_much_is_printed),
        cmocka_unit_test(test_how_much_is_looked_at),
        cmocka_unit_test(test_how_deep_a_document_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
