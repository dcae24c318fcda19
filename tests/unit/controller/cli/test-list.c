/* One list in every form, with what is not known and in any order. */
#include "controller/cli/list.h" /* before cmocka, whose macro fail() it would meet */

#include "tests/lib/test.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller.pb-c.h"
#include "controller/cli/document.h"
#include "tests/unit/controller/cli/capture.h"

typedef Vmreclaim__Controller__V1__HostVm HostVm;
typedef Vmreclaim__Controller__V1__GetHostResponse Response;

static void get_shout(const struct list_row *row, struct list_value *value)
{
    const HostVm *vm = (const HostVm *)row->message;

    list_text(value, "%s!", vm->name);
    value->color = COLOR_BAD;
}

static const struct list_column columns[] = {
    {"name", "NAME", LIST_TEXT, LIST_NAME | LIST_SHORTEN, "name", NULL, "its name"},
    {"holds", "HOLDS", LIST_BYTES, LIST_SUM, "footprint", NULL, "its footprint"},
    {"lease", "LEASE", LIST_BYTES, LIST_WIDE, "balloon_lease", NULL, "its lease"},
    {"observed", "OBSERVED", LIST_TEXT, LIST_BY_KEY, "only_observed", NULL, "only"},
    {"shout", "SHOUT", LIST_TEXT, LIST_BY_KEY, NULL, get_shout, "loud"},
    {"note", "NOTE", LIST_TEXT, LIST_CUT, "reason", NULL, "why not"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "vms", .columns = columns, .total = "VMs", .empty = "Nobody."};

/* An answer of three, of which one is not known. */
struct answer {
    Response message;
    HostVm vms[3];
    HostVm *pointers[3];
};

static void fill(struct answer *answer)
{
    static const char *const names[] = {"web1", "db", "silent"};

    vmreclaim__controller__v1__get_host_response__init(&answer->message);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        vmreclaim__controller__v1__host_vm__init(&answer->vms[i]);
        answer->vms[i].name = (char *)names[i];
        answer->pointers[i] = &answer->vms[i];
    }
    answer->vms[0].footprint = 2 * GIB;
    answer->vms[1].footprint = 6 * GIB;
    answer->vms[0].footprint_is_known = answer->vms[1].footprint_is_known = 1;
    answer->vms[1].balloon_lease = GIB;
    answer->vms[2].reason = (char *)"no agent";
    answer->message.vms = answer->pointers;
    answer->message.n_vms = 3;
}

/* What is printed in this form. */
static const char *shown(const char *output, const char *sort, bool no_headings)
{
    static char buffer[4096];
    struct captured captured;
    struct list_view view;
    struct answer answer;

    fill(&answer);
    assert_int_equal(list_view_parse(&list, "", output, sort, &view), EXIT_DONE);
    view.has_no_headings = no_headings;
    document_choose_yaml(output != NULL && strcmp(output, "yaml") == 0);
    capture_begin(&captured);
    assert_int_equal(list_print(&list, &view, &answer.message.base), EXIT_DONE);
    capture_end(&captured, buffer, sizeof(buffer));
    return buffer;
}

static void test_the_table(void **state)
{
    static const char table[] = "NAME     HOLDS NOTE\n"
                                "web1   2.0 GiB -\n"
                                "db     6.0 GiB -\n"
                                "silent       - no agent\n"
                                "3 VMs  8.0 GiB\n";

    assert_string_equal(shown(NULL, NULL, false), table);
    assert_string_equal(shown("table", NULL, false), table);
    assert_string_equal(shown("table", NULL, true), "web1   2.0 GiB -\n"
                                                    "db     6.0 GiB -\n"
                                                    "silent       - no agent\n");
}

static void test_one_row(void **state)
{
    char buffer[4096];
    struct captured captured;
    struct list_view view;
    struct answer answer;

    fill(&answer);
    answer.message.n_vms = 1;
    assert_int_equal(list_view_parse(&list, "", NULL, NULL, &view), EXIT_DONE);
    capture_begin(&captured);
    assert_int_equal(list_print(&list, &view, &answer.message.base), EXIT_DONE);
    capture_end(&captured, buffer, sizeof(buffer));
    assert_non_null(strstr(buffer, "\n1 VM 2.0 GiB\n"));
}

static void test_wide(void **state)
{
    assert_string_equal(shown("wide", NULL, true), "web1   2.0 GiB     0 B -\n"
                                                   "db     6.0 GiB 1.0 GiB -\n"
                                                   "silent       -     0 B no agent\n");
}

static void test_columns(void **state)
{
    assert_string_equal(shown("columns=holds,NAME,observed,shout", NULL, false),
                        "  HOLDS NAME   OBSERVED SHOUT\n"
                        "2.0 GiB web1   no       web1!\n"
                        "6.0 GiB db     no       db!\n"
                        "      - silent no       silent!\n"
                        "8.0 GiB\n");
}

static void test_names(void **state)
{
    assert_string_equal(shown("name", NULL, false), "web1\ndb\nsilent\n");
}

/* What is not known is last, either way. */
static void test_sorted(void **state)
{
    assert_string_equal(shown("name", "name", false), "db\nsilent\nweb1\n");
    assert_string_equal(shown("name", "-name", false), "web1\nsilent\ndb\n");
    assert_string_equal(shown("name", "holds", false), "web1\ndb\nsilent\n");
    assert_string_equal(shown("name", "-holds", false), "db\nweb1\nsilent\n");
    assert_string_equal(shown("name", "note", false), "silent\nweb1\ndb\n");
}

static void test_documents(void **state)
{
    static const char first[] = "{\"vms\":[{\"name\":\"web1\",\"state\":\"\",";
    const char *text = shown("json", NULL, false);

    assert_memory_equal(text, first, strlen(first));
    assert_non_null(strstr(text, "\"footprint\":2147483648"));
    assert_null(strstr(text, "\"footprint\":0")); /* it is not known */
    text = shown("json", "-holds", false);
    assert_true(strstr(text, "\"db\"") < strstr(text, "\"web1\""));
    text = shown("yaml", NULL, false);
    assert_ptr_equal(strstr(text, "---\nvms:\n- name: web1\n  state: ''\n"), text);
    assert_non_null(strstr(text, "\n  footprint: 2147483648\n"));
    assert_null(strstr(text, "footprint: 0"));
}

static void test_an_empty_list(void **state)
{
    Response response = VMRECLAIM__CONTROLLER__V1__GET_HOST_RESPONSE__INIT;
    struct captured captured;
    struct list_view view;
    char buffer[64];

    for (int no_headings = 0; no_headings < 2; no_headings++) {
        assert_int_equal(list_view_parse(&list, "", NULL, "name", &view), EXIT_DONE);
        view.has_no_headings = no_headings;
        capture_begin(&captured);
        assert_int_equal(list_print(&list, &view, &response.base), EXIT_DONE);
        capture_end(&captured, buffer, sizeof(buffer));
        assert_string_equal(buffer, no_headings ? "" : "Nobody.\n");
    }
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *output;
        const char *sort;
    } wrong[] = {{"xml", NULL},         {"", NULL},    {"columns=", NULL}, {"columns=name,", NULL},
                 {"columns=foo", NULL}, {NULL, "foo"}, {NULL, "-"},        {NULL, "--name"},
                 {"Table", NULL}};
    struct list_view view;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(list_view_parse(&list, "", wrong[i].output, wrong[i].sort, &view),
                         EXIT_USAGE);
}

/* Every path of every list leads to a field; each has one name at most, and keys of their own. */
static void test_the_columns_of_all_commands(void **state)
{
    size_t lists = 0;

    for (size_t i = 0; commands[i] != NULL; i++) {
        const struct list *of = commands[i]->list;
        size_t names = 0;

        if (of == NULL)
            continue;
        lists++;
        for (const struct list_column *column = of->columns; column->key != NULL; column++) {
            names += (column->flags & LIST_NAME) != 0;
            assert_true((column->path == NULL) != (column->get == NULL));
            assert_non_null(column->help);
            for (const struct list_column *other = of->columns; other != column; other++)
                assert_string_not_equal(other->key, column->key);
        }
        assert_true(names <= 1);
    }
    assert_true(lists > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_one_row),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_sorted),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_an_empty_list),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_the_columns_of_all_commands),
    };

    (void)setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
