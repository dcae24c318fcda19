/* What the screen of VMs makes of answers, events and keys. */
#include "tests/unit/controller/cli/top/made.h"

static int set_up(void **state)
{
    *state = made_model();
    return 0;
}

static int tear_down(void **state)
{
    made_free(*state);
    return 0;
}

static void expect_order(const struct top_model *model, const char *names)
{
    char shown[32] = "";

    for (size_t i = 0; i < model->vms.shown_count; i++)
        strcat(shown, model->vms.shown[i]->name);
    assert_string_equal(shown, names);
}

static void test_who_wastes_most_is_first(void **state)
{
    struct top_model *model = *state;

    expect_order(model, "cab");
    (void)press(model, L's');
    expect_order(model, "bca");
    (void)press(model, L's');
    expect_order(model, "abc");
    (void)press(model, L's');
    expect_order(model, "cab");
    assert_int_equal(model->vms.footprint, 9 * GIB);
    assert_int_equal(model->vms.could_return, GIB + 200 * MIB);
}

static void test_the_chosen_one_stays_chosen(void **state)
{
    struct top_model *model = *state;

    assert_string_equal(model->chosen, "c");
    (void)press(model, L'j');
    assert_string_equal(model->chosen, "a");
    (void)press(model, L's');
    assert_string_equal(top_model_chosen(model)->name, "a");
    (void)press_key(model, TOP_KEY_HOME);
    assert_string_equal(model->chosen, "b");
    (void)press_key(model, TOP_KEY_UP);
    assert_string_equal(model->chosen, "b");
    (void)press_key(model, TOP_KEY_END);
    assert_string_equal(model->chosen, "a");
    (void)press_key(model, TOP_KEY_DOWN);
    assert_string_equal(model->chosen, "a");
}

/* A pass over the pages without it: it is gone. Its neighbour takes its place. */
static void test_who_is_on_no_page_is_gone(void **state)
{
    struct top_model *model = *state;
    struct made_vm vms[2];

    (void)press(model, L'j');
    made_vm(&vms[0], "b", GIB, "reclaim", 0);
    made_vm(&vms[1], "c", GIB, "reclaim", GIB);
    made_page(model, vms, 2);
    expect_order(model, "cb");
    assert_string_equal(model->chosen, "b");
    made_page(model, vms, 0);
    expect_order(model, "");
    assert_string_equal(model->chosen, "");
    assert_null(top_model_chosen(model));
    (void)press(model, L'j');
    assert_int_equal(press_key(model, TOP_KEY_ENTER).wish, TOP_WISH_NOTHING);
    assert_int_equal(press(model, L'r').wish, TOP_WISH_NOTHING);
    assert_int_equal(model->mode, TOP_LIST);
}

static void test_pages_in_turn(void **state)
{
    struct top_model *model = *state;
    struct made_vm vm;
    HostVm *pointer = &vm.vm;

    /* the first page of the next pass; nobody is gone before the last one */
    made_vm(&vm, "a", GIB, "reclaim", 0);
    assert_int_equal(top_vms_take(&model->vms, &pointer, 1, false), 0);
    top_model_arrange(model, NOON);
    expect_order(model, "cba");
    made_vm(&vm, "d", GIB, "reclaim", 0);
    assert_int_equal(top_vms_take(&model->vms, &pointer, 1, true), 0);
    top_model_arrange(model, NOON);
    expect_order(model, "ad");
}

/* A key that comes before the page is drawn is about what is there now. */
static void test_a_key_between_two_pages(void **state)
{
    struct top_model *model = *state;
    struct made_vm vms[2];
    HostVm *pointers[] = {&vms[0].vm, &vms[1].vm};
    struct top_key key = {TOP_KEY_CHARACTER, L'r'};

    made_vm(&vms[0], "c", GIB, "reclaim", GIB);
    made_vm(&vms[1], "d", GIB, "reclaim", 0);
    assert_int_equal(top_vms_take(&model->vms, pointers, 2, true), 0);
    assert_string_equal(top_model_key(model, key).vm, "c");
}

/* The daemon has none that is longer; whoever says so is not believed for ever. */
static void test_a_name_that_is_too_long(void **state)
{
    struct top_model *model = *state;
    char name[TOP_NAME_SIZE * 2];
    struct made_vm vm;
    HostVm *pointer = &vm.vm;

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    made_vm(&vm, name, GIB, "reclaim", 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(top_vms_take(&model->vms, &pointer, 1, false), 0);
    assert_int_equal(model->vms.count, 4);
}

static void test_many(void **state)
{
    struct top_model *model = *state;
    struct made_vm vm;
    HostVm *pointer = &vm.vm;
    char name[16];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "vm-%u", (i * 7919) % 1000);
        made_vm(&vm, name, GIB, "reclaim", i);
        assert_int_equal(top_vms_take(&model->vms, &pointer, 1, i == 999), 0);
    }
    top_model_arrange(model, NOON);
    assert_int_equal(model->vms.shown_count, 1000);
    assert_string_equal(model->vms.list[0]->name, "vm-0");
    assert_non_null(top_vms_find(&model->vms, "vm-999"));
    assert_int_equal(model->vms.shown[0]->could_return, 999);
}

static void test_a_filter(void **state)
{
    struct top_model *model = *state;

    (void)press(model, L'/');
    assert_int_equal(model->mode, TOP_FILTER);
    (void)press(model, L'q'); /* is typed */
    expect_order(model, "");
    (void)press_key(model, TOP_KEY_BACKSPACE);
    (void)press(model, L'[');
    (void)press(model, L'B');
    (void)press(model, L'c');
    (void)press(model, L']');
    expect_order(model, "cb");
    (void)press_key(model, TOP_KEY_ENTER);
    assert_int_equal(model->mode, TOP_LIST);
    expect_order(model, "cb");
    /* one that is typed and given up */
    (void)press(model, L'/');
    (void)press(model, L'a');
    expect_order(model, "a");
    (void)press_key(model, TOP_KEY_ESCAPE);
    expect_order(model, "cb");
    (void)press_key(model, TOP_KEY_ESCAPE);
    expect_order(model, "cab");
}

static void test_an_action_is_confirmed(void **state)
{
    struct top_model *model = *state;
    struct top_intention intention = press(model, L'r');

    assert_int_equal(intention.wish, TOP_WISH_PLAN);
    assert_string_equal(intention.vm, "c");
    assert_int_equal(model->mode, TOP_CONFIRM);
    assert_string_equal(model->question, "reclaim c: could bring back 1.0 GiB, file cache that the "
                                         "guest does not need. Do it?");
    intention = press(model, L'y');
    assert_int_equal(intention.wish, TOP_WISH_ACT);
    assert_string_equal(intention.vm, "c");
    assert_string_equal(intention.action->method, "Reclaim");
    assert_int_equal(model->mode, TOP_LIST);
}

/* Whatever is not yes is no, and keys of the list do nothing meanwhile. */
static void test_an_action_is_not_confirmed(void **state)
{
    const wchar_t others[] = {L'n', L'q', L'r', L' ', L'\u00e9'};
    struct top_model *model = *state;

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        (void)press(model, L'c');
        assert_int_equal(model->mode, TOP_CONFIRM);
        assert_int_equal(press(model, others[i]).wish, TOP_WISH_NOTHING);
        assert_int_equal(model->mode, TOP_LIST);
        assert_string_equal(model->message, "nothing was done");
    }
    (void)press(model, L'p');
    (void)press_key(model, TOP_KEY_DOWN);
    assert_int_equal(model->mode, TOP_CONFIRM);
    assert_string_equal(model->chosen, "c");
    assert_int_equal(press_key(model, TOP_KEY_ENTER).wish, TOP_WISH_NOTHING);
    assert_int_equal(model->mode, TOP_LIST);
}

/* The question is about the VM that was chosen then, whatever the list does meanwhile. */
static void test_the_list_changes_under_a_question(void **state)
{
    struct top_model *model = *state;
    struct made_vm vms[1];

    (void)press(model, L'r');
    made_vm(&vms[0], "z", GIB, "reclaim", 0);
    made_page(model, vms, 1);
    assert_string_equal(model->chosen, "z");
    assert_string_equal(press(model, L'y').vm, "c");
}

static void test_nothing_to_gain_is_said(void **state)
{
    struct top_model *model = *state;
    struct made_vm vms[1];

    made_vm(&vms[0], "b", GIB, "reclaim", 0);
    vms[0].vm.reason = made_text("it is halted");
    made_page(model, vms, 1);
    (void)press(model, L'c');
    assert_string_equal(model->question, "compact b: it seems that nothing would come back: it is "
                                         "halted. Do it anyway?");
}

/* The daemon has looked at the guest meanwhile. */
static void test_a_plan_makes_the_question(void **state)
{
    struct top_model *model = *state;
    Vmreclaim__Controller__V1__PlanActionResponse plan =
        VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_RESPONSE__INIT;
    PlannedStep step = VMRECLAIM__CONTROLLER__V1__PLANNED_STEP__INIT;
    PlannedStep *steps[] = {&step};
    struct top_intention asked = press(model, L'r');

    plan.steps = steps;
    plan.n_steps = 1;
    step.gain_is_known = 1;
    step.gain = 900 * MIB;
    top_model_take_plan(model, &asked, &plan);
    assert_string_equal(model->question, "reclaim c: would bring back 900.0 MiB, file cache that "
                                         "the guest does not need. Do it?");
    step.refused = made_text("a compact is under way");
    top_model_take_plan(model, &asked, &plan);
    assert_string_equal(model->question, "reclaim c would be refused: a compact is under way. "
                                         "Try it anyway?");
    step.refused = made_text("");
    step.gain_is_known = 0;
    step.note = made_text("the guest does not report");
    top_model_take_plan(model, &asked, &plan);
    assert_string_equal(model->question, "reclaim c: nobody knows what it would bring back; the "
                                         "guest does not report. Do it?");
    /* another question was asked meanwhile, or none */
    (void)press(model, L'n');
    (void)press(model, L'c');
    top_model_take_plan(model, &asked, &plan);
    assert_non_null(strstr(model->question, "compact c: it seems"));
    (void)press(model, L'n');
    top_model_take_plan(model, &asked, &plan);
    assert_int_equal(model->mode, TOP_LIST);
}

static void test_a_refusal_is_said(void **state)
{
    struct top_model *model = *state;
    const struct happening *happening;

    top_model_begun(model, "c", &top_actions[0]);
    assert_string_equal(top_model_chosen(model)->acting, "reclaim");
    top_model_ended(model, "c", &top_actions[0], TOP_END_REFUSED, "c: a compact is under way");
    assert_string_equal(top_model_chosen(model)->acting, "");
    assert_string_equal(model->message, "c reclaim not done: c: a compact is under way");
    assert_true(model->message_is_bad);
    happening = happenings_get(&model->happenings, 0);
    assert_string_equal(happening->text, model->message);
    assert_int_equal(happening->time, NOON);
}

static void test_events(void **state)
{
    struct top_model *model = *state;
    Event event = VMRECLAIM__CONTROLLER__V1__EVENT__INIT;
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

    event.vm = made_text("a");
    event.kind = made_text("sample");
    event.waterfall = &waterfall;
    waterfall.guest_is_known = waterfall.host_is_known = 1;
    waterfall.vm_ram = 8 * GIB;
    waterfall.in_use = GIB;
    top_model_take_event(model, &event);
    assert_int_equal(model->happenings.count, 0);
    assert_int_equal(top_vms_find(&model->vms, "a")->whole, 8 * GIB);
    assert_int_equal(top_vms_find(&model->vms, "a")->parts[0].bytes, GIB);
    event.waterfall = NULL;
    event.kind = made_text("action");
    event.text = made_text("compact: done");
    event.action = &action;
    action.kind = made_text("compact");
    action.asked_by = made_text("root");
    action.reason = made_text("it was free before");
    action.finished = 1;
    action.footprint_before = GIB;
    action.host_returned = -(int64_t)MIB;
    top_model_take_event(model, &event);
    assert_string_equal(happenings_get(&model->happenings, 0)->text,
                        "a compact by root: returned -1.0 MiB; it was free before");
    for (unsigned i = 0; i < HAPPENINGS_MAX + 10; i++)
        top_model_take_event(model, &event);
    assert_non_null(happenings_get(&model->happenings, HAPPENINGS_MAX - 1));
    assert_null(happenings_get(&model->happenings, HAPPENINGS_MAX));
}

static void test_an_explanation_is_read(void **state)
{
    struct top_model *model = *state;
    Vmreclaim__Controller__V1__ExplainResponse explanation =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_RESPONSE__INIT;
    Finding findings[2] = {VMRECLAIM__CONTROLLER__V1__FINDING__INIT,
                           VMRECLAIM__CONTROLLER__V1__FINDING__INIT};
    Finding *pointers[] = {&findings[0], &findings[1]};
    Vm vm = VMRECLAIM__CONTROLLER__V1__VM__INIT;
    struct top_intention intention = press_key(model, TOP_KEY_ENTER);

    assert_int_equal(intention.wish, TOP_WISH_EXPLAIN);
    assert_string_equal(intention.vm, "c");
    vm.name = made_text("c");
    vm.state = made_text("managed");
    findings[0].kind = VMRECLAIM__CONTROLLER__V1__FINDING_KIND__FINDING_KIND_CAN_DO;
    findings[0].sentence = made_text("Cache could go.");
    findings[0].command = made_text("vmreclaim reclaim c");
    findings[1].kind = VMRECLAIM__CONTROLLER__V1__FINDING_KIND__FINDING_KIND_HOLDS;
    findings[1].sentence = made_text("Cache holds it.");
    explanation.vm = &vm;
    explanation.findings = pointers;
    explanation.n_findings = 2;
    top_model_take_explanation(model, &explanation);
    assert_int_equal(model->mode, TOP_READING);
    assert_string_equal(model->text.title, "c");
    assert_string_equal(model->text.list[2].text, "What holds the memory");
    assert_string_equal(model->text.list[3].text, "Cache holds it.");
    assert_string_equal(model->text.list[6].text, "Cache could go.");
    assert_string_equal(model->text.list[7].text, "vmreclaim reclaim c");
    assert_int_equal(press(model, L'q').wish, TOP_WISH_NOTHING);
    assert_int_equal(model->mode, TOP_LIST);
    assert_int_equal(press(model, L'q').wish, TOP_WISH_QUIT);
}

/* It comes late: who is asked something is not interrupted. */
static void test_an_explanation_waits_for_nobody(void **state)
{
    struct top_model *model = *state;
    Vmreclaim__Controller__V1__ExplainResponse explanation =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_RESPONSE__INIT;

    (void)press(model, L'r');
    top_model_take_explanation(model, &explanation);
    assert_int_equal(model->mode, TOP_CONFIRM);
}

static void test_the_daemon_comes_and_goes(void **state)
{
    struct top_model *model = *state;

    top_model_set_away(model, "connection refused");
    assert_string_equal(model->away, "connection refused");
    assert_int_equal(model->happenings.count, 0);
    top_model_set_away(model, "");
    top_model_set_away(model, "");
    assert_int_equal(model->happenings.count, 1);
    assert_string_equal(happenings_get(&model->happenings, 0)->text, "the daemon answers again");
}

#define model_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        model_test(test_who_wastes_most_is_first),
        model_test(test_the_chosen_one_stays_chosen),
        model_test(test_who_is_on_no_page_is_gone),
        model_test(test_pages_in_turn),
        model_test(test_a_key_between_two_pages),
        model_test(test_a_name_that_is_too_long),
        model_test(test_many),
        model_test(test_a_filter),
        model_test(test_an_action_is_confirmed),
        model_test(test_an_action_is_not_confirmed),
        model_test(test_the_list_changes_under_a_question),
        model_test(test_nothing_to_gain_is_said),
        model_test(test_a_plan_makes_the_question),
        model_test(test_a_refusal_is_said),
        model_test(test_events),
        model_test(test_an_explanation_is_read),
        model_test(test_an_explanation_waits_for_nobody),
        model_test(test_the_daemon_comes_and_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
