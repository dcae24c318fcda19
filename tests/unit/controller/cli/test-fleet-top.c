/* The screen of a fleet: rows, sums, the key between hosts and VMs, and what is read of one. */
#include "tests/unit/controller/cli/top/made.h"

#include "controller/cli/fleet/top-rows.h"

typedef Vmreclaim__Fleet__V1__HostStatus HostStatus;

enum { HOSTS = 60 };

struct made_host {
    FleetHost host;
    HostStatus status;
    Host memory;
    char id[32];
};

static void make_host(struct made_host *made, size_t index)
{
    vmreclaim__fleet__v1__fleet_host__init(&made->host);
    vmreclaim__fleet__v1__host_status__init(&made->status);
    vmreclaim__controller__v1__host__init(&made->memory);
    snprintf(made->id, sizeof(made->id), "rack%zu-host%zu", index / 10, index);
    made->memory.total = 64 * GIB;
    made->memory.available = 16 * GIB;
    made->memory.pressure_is_known = 1;
    made->memory.pressure_some_permyriad = index == 3 ? 2000 : 120;
    made->memory.arbiter = made_text("on");
    made->status.name = made->id;
    made->status.host = &made->memory;
    made->status.vm_count = 20;
    made->status.footprint = 40 * GIB;
    made->status.could_return = index * 100 * MIB;
    made->status.returned = GIB;
    made->host.host = made->id;
    made->host.status = &made->status;
    made->host.presence = made_text("present");
    made->host.age_is_known = 1;
    made->host.age_ns = 2000000000;
}

static void put(struct top_model *model, const FleetHost *host, struct fleet_top_sums *sums)
{
    struct top_vm row;

    fleet_top_fill_host(host, &row);
    fleet_top_add(sums, host);
    assert_int_equal(top_vms_put(top_model_rows(model, &fleet_top_hosts), &row), 0);
}

/* Hosts 7 and 8 are lost; the latter was never heard. */
static struct top_model *make_model(void)
{
    struct top_model *model = calloc(1, sizeof(*model));
    struct fleet_top_sums sums = {.hosts = 0};

    assert_non_null(model);
    top_model_init(model, &fleet_top_hosts);
    for (size_t i = 0; i < HOSTS; i++) {
        struct made_host made;

        make_host(&made, i);
        if (i == 7 || i == 8)
            made.host.presence = made_text("lost");
        if (i == 8)
            made.host.status = NULL;
        put(model, &made.host, &sums);
    }
    top_vms_end_pass(top_model_rows(model, &fleet_top_hosts));
    fleet_top_show(&sums, model);
    model->has_answered = true;
    top_model_arrange(model, NOON);
    return model;
}

static void put_vm(struct top_model *model, const char *alarm)
{
    FleetVm vm = VMRECLAIM__FLEET__V1__FLEET_VM__INIT;
    VmStatus status = VMRECLAIM__FLEET__V1__VM_STATUS__INIT;
    struct top_vms *rows = top_model_rows(model, &fleet_top_vms);
    struct top_vm row;

    vm.host = made_text("rack1-host17");
    vm.vm = &status;
    status.name = made_text("web1");
    status.state = made_text("managed");
    status.policy = made_text("night");
    status.alarm = made_text(alarm);
    status.vm_ram = 8 * GIB;
    status.footprint_is_known = 1;
    status.footprint = 4 * GIB;
    status.could_return = GIB;
    fleet_top_fill_vm(&vm, &row);
    assert_int_equal(top_vms_put(rows, &row), 0);
    top_vms_end_pass(rows);
    top_model_arrange(model, NOON);
}

static void draw(struct top_model *model, struct page *page, size_t columns, size_t rows)
{
    assert_int_equal(page_resize(page, rows, columns), 0);
    layout_draw(model, page);
}

static void test_what_all_hosts_are_together(void **state)
{
    struct top_model *model = make_model();
    struct page page = {.cells = NULL};

    draw(model, &page, 100, 40);
    assert_non_null(strstr(row_text(&page, 0), "vmreclaim fleet top"));
    assert_non_null(strstr(row_text(&page, 0), "60 hosts, 59 of them hold 2.3 TiB, 172.1 GiB"));
    assert_true(row_with(&page, "memory 3.7 TiB, available 944.0 GiB | VMs 1180 | returned "
                                "59.0 GiB") != SIZE_MAX);
    assert_true(row_with(&page, "lost 2 of 60") != SIZE_MAX);
    assert_true(row_with(&page, "tasks wait for memory on 1") != SIZE_MAX);
    page_finish(&page);
    made_free(model);
}

static void test_those_first_that_could_return_most(void **state)
{
    struct top_model *model = make_model();
    struct page page = {.cells = NULL};

    draw(model, &page, 80, 40);
    assert_string_equal(model->chosen, "rack5-host59");
    assert_true(row_with(&page, "rack5-host59") < row_with(&page, "rack5-host58"));
    assert_true(
        row_with(&page, "rack5-host59: present; 20 VMs, returned 1.0 GiB; pressure 1.2 %") !=
        SIZE_MAX);
    assert_true(row_with(&page, "MEMORY OF THE HOST") != SIZE_MAX);
    assert_true(row_with(&page, "what happens") == SIZE_MAX); /* nobody says so here */
    (void)press(model, L'/');
    for (const char *c = "host[78]"; *c != '\0'; c++)
        (void)press(model, (wchar_t)*c);
    (void)press_key(model, TOP_KEY_ENTER);
    assert_int_equal(model->vms.shown_count, 2);
    draw(model, &page, 80, 24);
    assert_true(row_with(&page, "LOST") != SIZE_MAX);
    (void)press_key(model, TOP_KEY_END);
    draw(model, &page, 80, 24);
    assert_true(row_with(&page, "rack0-host8: lost; never heard") != SIZE_MAX);
    page_finish(&page);
    made_free(model);
}

static void test_a_key_between_hosts_and_vms(void **state)
{
    struct top_model *model = make_model();
    struct page page = {.cells = NULL};

    put_vm(model, "");
    draw(model, &page, 80, 24);
    assert_true(row_with(&page, "web1") == SIZE_MAX);
    (void)press(model, L'v');
    assert_string_equal(model->chosen, "rack1-host17/web1");
    draw(model, &page, 80, 24);
    assert_true(row_with(&page, "1 VM holds 4.0 GiB, 1.0 GiB could come back") == 0);
    assert_true(row_with(&page, "rack1-host17/web1: managed; policy night") != SIZE_MAX);
    /* the bar is all hosts', not the listed VMs' */
    assert_int_equal(model->other.footprint, (uint64_t)59 * 40 * GIB);
    put_vm(model, "it waits for memory");
    draw(model, &page, 80, 24);
    assert_true(row_with(&page, "STARVED") != SIZE_MAX);
    assert_int_equal(press_key(model, TOP_KEY_ENTER).wish, TOP_WISH_EXPLAIN);
    (void)press(model, L'v');
    assert_string_equal(model->chosen, "rack5-host59");
    page_finish(&page);
    made_free(model);
}

/* Nothing is done from here, and no key of the help says so. */
static void test_nothing_is_done_from_here(void **state)
{
    struct top_model *model = make_model();
    struct page page = {.cells = NULL};

    assert_int_equal(press(model, L'r').wish, TOP_WISH_NOTHING);
    assert_int_equal(model->mode, TOP_LIST);
    assert_non_null(strstr(model->message, "vmreclaim -H ssh://HOST top"));
    (void)press(model, L'?');
    draw(model, &page, 80, 40);
    assert_true(row_with(&page, "reclaim its cache") == SIZE_MAX);
    assert_true(row_with(&page, "hosts, or VMs") != SIZE_MAX);
    assert_true(row_with(&page, "what else uses it") != SIZE_MAX);
    page_finish(&page);
    made_free(model);
}

static void test_any_size(void **state)
{
    struct top_model *model = make_model();
    struct page page = {.cells = NULL};

    for (size_t columns = 1; columns < 200; columns += 13)
        for (size_t rows = 1; rows < 80; rows += 7)
            draw(model, &page, columns, rows);
    page_finish(&page);
    made_free(model);
}

static void test_a_host_in_words(void **state)
{
    Vmreclaim__Fleet__V1__GetHostStatusResponse response =
        VMRECLAIM__FLEET__V1__GET_HOST_STATUS_RESPONSE__INIT;
    struct top_model *model = make_model();
    HostPolicy policy = VMRECLAIM__FLEET__V1__HOST_POLICY__INIT;
    HostPolicy *policies[] = {&policy};
    char *selectors[] = {made_text("web-*")};
    struct page page = {.cells = NULL};
    struct made_host made;

    make_host(&made, 1);
    policy.name = made_text("night");
    policy.state = VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_PINNED;
    policy.reason = made_text("root holds it");
    policy.rollout = made_text("4f3a");
    policy.selectors = selectors;
    policy.n_selectors = 1;
    response.host = &made.host;
    response.policies = policies;
    response.n_policies = 1;
    fleet_top_explain(model, &response.base);
    assert_int_equal(model->mode, TOP_READING);
    draw(model, &page, 80, 40);
    assert_true(row_with(&page, "rack0-host1: present, heard 2 s ago") != SIZE_MAX);
    assert_true(row_with(&page, "20 VMs hold 40.0 GiB") != SIZE_MAX);
    assert_true(row_with(&page, "night: pinned, for web-*, by rollout 4f3a: root holds it") !=
                SIZE_MAX);
    page_finish(&page);
    made_free(model);
}

static void test_a_vm_in_words(void **state)
{
    Vmreclaim__Fleet__V1__ExplainFleetVmResponse response =
        VMRECLAIM__FLEET__V1__EXPLAIN_FLEET_VM_RESPONSE__INIT;
    Vmreclaim__Fleet__V1__VmExplanation explanation = VMRECLAIM__FLEET__V1__VM_EXPLANATION__INIT;
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    Vmreclaim__Controller__V1__Returns returns = VMRECLAIM__CONTROLLER__V1__RETURNS__INIT;
    Vmreclaim__Controller__V1__Obstacle obstacle = VMRECLAIM__CONTROLLER__V1__OBSTACLE__INIT;
    Vmreclaim__Controller__V1__Obstacle *obstacles[] = {&obstacle};
    VmStatus vm = VMRECLAIM__FLEET__V1__VM_STATUS__INIT;
    struct top_model *model = make_model();
    struct page page = {.cells = NULL};
    struct made_host made;

    make_host(&made, 1);
    vm.name = made_text("db");
    vm.state = made_text("managed");
    waterfall.guest_is_known = 1;
    waterfall.cache = 300 * MIB;
    obstacle.code = made_text("reporting-off");
    obstacle.bytes = 2 * GIB;
    returns.reason = made_text("it is halted");
    returns.obstacles = obstacles;
    returns.n_obstacles = 1;
    explanation.waterfall = &waterfall;
    explanation.returns = &returns;
    response.host = &made.host;
    response.vm = &vm;
    response.explanation = &explanation;
    fleet_top_explain(model, &response.base);
    draw(model, &page, 80, 40);
    assert_true(row_with(&page, "rack0-host1/db") != SIZE_MAX);
    assert_true(row_with(&page, "300.0 MiB file cache that it could give up") != SIZE_MAX);
    assert_true(row_with(&page, "nothing: it is halted") != SIZE_MAX);
    assert_true(row_with(&page, "2.0 GiB reporting-off: free page reporting is not on;") !=
                SIZE_MAX);
    assert_true(row_with(&page, "no policy of the fleet is wanted here") != SIZE_MAX);
    page_finish(&page);
    made_free(model);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_all_hosts_are_together),
        cmocka_unit_test(test_those_first_that_could_return_most),
        cmocka_unit_test(test_a_key_between_hosts_and_vms),
        cmocka_unit_test(test_nothing_is_done_from_here),
        cmocka_unit_test(test_any_size),
        cmocka_unit_test(test_a_host_in_words),
        cmocka_unit_test(test_a_vm_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
