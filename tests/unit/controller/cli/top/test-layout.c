/* Where everything stands, at many sizes. */
#include "tests/unit/controller/cli/top/made.h"

#include <locale.h>

struct drawn {
    struct top_model *model;
    struct page page;
};

static int set_up(void **state)
{
    static struct drawn drawn;

    drawn = (struct drawn){.model = made_model()};
    *state = &drawn;
    return page_resize(&drawn.page, 24, 80);
}

static int tear_down(void **state)
{
    struct drawn *drawn = *state;

    page_finish(&drawn->page);
    made_free(drawn->model);
    return 0;
}

static void draw(struct drawn *drawn, size_t rows, size_t columns)
{
    assert_int_equal(page_resize(&drawn->page, rows, columns), 0);
    layout_draw(drawn->model, &drawn->page);
}

static void expect(struct drawn *drawn, const char *words)
{
    if (row_with(&drawn->page, words) != SIZE_MAX)
        return;
    for (size_t i = 0; i < drawn->page.rows; i++)
        print_error("%s\n", row_text(&drawn->page, i));
    fail_msg("\"%s\" is not on the page", words);
}

static void test_the_usual_size(void **state)
{
    struct drawn *drawn = *state;
    Event event = VMRECLAIM__CONTROLLER__V1__EVENT__INIT;

    event.vm = made_text("a");
    event.kind = made_text("warning");
    event.text = made_text("it has no agent");
    event.time_ns = NOON;
    top_model_take_event(drawn->model, &event);
    draw(drawn, 24, 80);
    assert_string_equal(row_text(&drawn->page, 0),
                        "vmreclaim top  12:00:00  3 VMs hold 9.0 GiB, 1.2 GiB could come back");
    assert_string_equal(row_text(&drawn->page, 1),
                        "memory 64.0 GiB, available 16.0 GiB | arbiter off");
    expect(drawn, "host  VVV");
    expect(drawn, "VM        HOLDS     RETURN  HOW         MEMORY ON THE HOST, BY USE");
    expect(drawn, "c       2.0 GiB    1.0 GiB  reclaim     not known");
    expect(drawn, "b       6.0 GiB          -  -           not known");
    expect(drawn, "12:00:00  a warning: it has no agent");
    expect(drawn, "?:help q:quit Enter:explain r:reclaim c:compact p:pulse s:sort /:filter");
    assert_true(row_with(&drawn->page, "-- what happens --") < 24);
    assert_true(page_cell(&drawn->page, row_with(&drawn->page, "c       2.0"), 0)->is_chosen);
    assert_false(page_cell(&drawn->page, row_with(&drawn->page, "b       6.0"), 0)->is_chosen);
}

static void test_a_bar(void **state)
{
    struct drawn *drawn = *state;
    Event event = VMRECLAIM__CONTROLLER__V1__EVENT__INIT;
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    size_t row;
    size_t column = 0;

    event.vm = made_text("c");
    event.kind = made_text("sample");
    event.waterfall = &waterfall;
    waterfall.guest_is_known = waterfall.host_is_known = 1;
    waterfall.vm_ram = 8 * GIB;
    waterfall.in_use = 4 * GIB;
    waterfall.cache = 2 * GIB;
    top_model_take_event(drawn->model, &event);
    draw(drawn, 24, 80);
    row = row_with(&drawn->page, "UUUUUUUUUUUUUUUUUUUUCCCCCCCCCC..........");
    assert_true(row < 24);
    while (page_cell(&drawn->page, row, column)->text[0] != L'C')
        column++;
    assert_int_equal(page_cell(&drawn->page, row, column)->style, STYLE_CACHE);
    assert_int_equal(page_cell(&drawn->page, row, column - 1)->style, STYLE_IN_USE);
}

static void test_too_small(void **state)
{
    struct drawn *drawn = *state;

    draw(drawn, 9, 80);
    assert_string_equal(row_text(&drawn->page, 0), "too small: 80x9, top needs 40x10");
    assert_string_equal(row_text(&drawn->page, 1), "");
    draw(drawn, 24, 20);
    assert_string_equal(row_text(&drawn->page, 0), "too small: 20x24,");
    assert_string_equal(row_text(&drawn->page, 1), "top needs 40x10");
}

/* In every mode, nothing is written elsewhere: the sanitizers look. */
static void test_every_size(void **state)
{
    struct drawn *drawn = *state;

    top_model_set_away(drawn->model, "connection refused");
    for (size_t rows = 0; rows < 40; rows++)
        for (size_t columns = 0; columns < 130; columns += 3) {
            drawn->model->mode = TOP_LIST;
            draw(drawn, rows, columns);
            (void)press(drawn->model, L'r');
            draw(drawn, rows, columns);
            (void)press(drawn->model, L'n');
            (void)press(drawn->model, L'?');
            draw(drawn, rows, columns);
            (void)press_key(drawn->model, TOP_KEY_END);
            draw(drawn, rows, columns);
        }
}

static void test_the_smallest(void **state)
{
    struct drawn *drawn = *state;

    draw(drawn, 10, 40);
    expect(drawn, "c       2.0 GiB    1.0 GiB");
    expect(drawn, "a       1.0 GiB  200.0 MiB");
    expect(drawn, "b       6.0 GiB");
    expect(drawn, "c: managed");
    expect(drawn, "?:help q:quit Enter:explain r:reclaim");
    assert_string_equal(row_text(&drawn->page, 0), "3 VMs hold 9.0 GiB, 1.2 GiB could come …");
}

/* Of many, those around the chosen one. */
static void test_the_chosen_one_is_seen(void **state)
{
    struct drawn *drawn = *state;
    struct made_vm vms[16];
    char names[16][8];

    for (size_t i = 0; i < ARRAY_SIZE(vms); i++) {
        snprintf(names[i], sizeof(names[i]), "vm-%02zu", i);
        made_vm(&vms[i], names[i], GIB, "reclaim", GIB - i);
    }
    made_page(drawn->model, vms, ARRAY_SIZE(vms));
    draw(drawn, 24, 80);
    expect(drawn, "vm-00");
    assert_true(drawn->model->fit.list_rows < 16);
    assert_int_equal(row_with(&drawn->page, "vm-15"), SIZE_MAX);
    (void)press_key(drawn->model, TOP_KEY_PAGE_DOWN);
    (void)press_key(drawn->model, TOP_KEY_PAGE_DOWN);
    layout_draw(drawn->model, &drawn->page);
    expect(drawn, "vm-15");
    assert_int_equal(row_with(&drawn->page, "vm-00"), SIZE_MAX);
    draw(drawn, 10, 80);
    expect(drawn, "vm-15");
    (void)press(drawn->model, L'g');
    layout_draw(drawn->model, &drawn->page);
    expect(drawn, "vm-00");
}

static void test_a_question_is_whole(void **state)
{
    struct drawn *drawn = *state;

    (void)press(drawn->model, L'r');
    draw(drawn, 24, 44);
    expect(drawn, "reclaim c: could bring back 1.0 GiB, file");
    expect(drawn, "(y/n)");
}

static void test_the_daemon_is_away(void **state)
{
    struct drawn *drawn = *state;

    top_model_set_away(drawn->model, "connection refused");
    draw(drawn, 24, 80);
    expect(drawn,
           "THE DAEMON DOES NOT ANSWER (figures of 12:00:00; it is tried again): connection");
    expect(drawn, "refused");
    expect(drawn, "c       2.0 GiB");
}

static void test_reading(void **state)
{
    struct drawn *drawn = *state;

    (void)press(drawn->model, L'?');
    draw(drawn, 12, 80);
    expect(drawn, "keys, and letters of the bars");
    expect(drawn, "Up, Down, j, k   choose another one");
    expect(drawn, "lines 1-9 of ");
    assert_int_equal(row_with(&drawn->page, "not on the host"), SIZE_MAX);
    (void)press(drawn->model, L'G');
    layout_draw(drawn->model, &drawn->page);
    expect(drawn, ".                not on the host");
    expect(drawn, "q, Esc or Enter lead back to the list.");
    (void)press(drawn->model, L'g');
    (void)press(drawn->model, L'j');
    layout_draw(drawn->model, &drawn->page);
    assert_int_equal(row_with(&drawn->page, "Up, Down"), SIZE_MAX);
    expect(drawn, "PgUp, PgDn");
}

/* A paragraph of which the first lines are above the page. */
static void test_reading_begins_within_a_paragraph(void **state)
{
    struct drawn *drawn = *state;
    struct top_text *text = &drawn->model->text;

    *text = (struct top_text){.title = "c"};
    for (unsigned i = 0; i < 6; i++)
        top_text_add(text, TOP_PARAGRAPH_ITEM, "one two three four five six seven eight nine ten");
    drawn->model->mode = TOP_READING;
    draw(drawn, 10, 40);
    assert_string_equal(row_text(&drawn->page, 2), "  - one two three four five six seven");
    assert_string_equal(row_text(&drawn->page, 3), "    eight nine ten");
    (void)press(drawn->model, L'j');
    layout_draw(drawn->model, &drawn->page);
    assert_string_equal(row_text(&drawn->page, 2), "    eight nine ten");
    assert_string_equal(row_text(&drawn->page, 3), "  - one two three four five six seven");
}

static void test_a_filter_is_shown(void **state)
{
    struct drawn *drawn = *state;

    (void)press(drawn->model, L'/');
    (void)press(drawn->model, L'x');
    draw(drawn, 24, 80);
    expect(drawn, "/x_   Enter: keep it");
    expect(drawn, "No VM's name has this in it");
    (void)press_key(drawn->model, TOP_KEY_ENTER);
    layout_draw(drawn->model, &drawn->page);
    expect(drawn, "; 0 shown: x");
}

#define layout_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        layout_test(test_the_usual_size),
        layout_test(test_a_bar),
        layout_test(test_too_small),
        layout_test(test_every_size),
        layout_test(test_the_smallest),
        layout_test(test_the_chosen_one_is_seen),
        layout_test(test_a_question_is_whole),
        layout_test(test_the_daemon_is_away),
        layout_test(test_reading),
        layout_test(test_reading_begins_within_a_paragraph),
        layout_test(test_a_filter_is_shown),
    };

    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
