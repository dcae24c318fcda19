/* Sixty hosts with long names, many VMs and much to say: no line of a table is wider than it may
 * be, whatever the form. Without a terminal that is 80 columns. */
#include "controller/cli/list.h" /* before cmocka, whose macro fail() it would meet */

#include "tests/lib/test.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/fleet/messages.h"
#include "controller/cli/text-width.h"
#include "tests/unit/controller/cli/capture.h"

enum { ROWS = 60, SIZE = 256 * 1024 };

static char ids[ROWS][64];
static char long_text[] =
    "a sentence that says at some length why something is as it is, and that would be wider than "
    "any terminal if nobody wrapped it or left out its end, which is not what people want to see";

static const struct list *list_of(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0) {
            assert_non_null(commands[i]->list);
            return commands[i]->list;
        }
    assert_non_null(name); /* never: the command is there */
    return NULL;
}

/* Returns how many there are. */
static size_t check_lines(char *text, size_t columns)
{
    char *rest = NULL;
    size_t count = 0;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        assert_in_range(text_width(line), 1, columns);
        count++;
    }
    return count;
}

/* Returns the lines of the table; it fits, and has all rows as names too. */
static size_t check(const char *name, const ProtobufCMessage *answer)
{
    static char text[SIZE];
    const struct list *list = list_of(name);
    struct captured captured;
    struct list_view view;

    assert_int_equal(list_view_parse(list, "", "name", NULL, &view), EXIT_DONE);
    capture_begin(&captured);
    assert_int_equal(list_print(list, &view, answer), EXIT_DONE);
    capture_end(&captured, text, sizeof(text));
    assert_int_equal(check_lines(text, SIZE), ROWS); /* names are whole */
    assert_int_equal(list_view_parse(list, "", "table", NULL, &view), EXIT_DONE);
    capture_begin(&captured);
    assert_int_equal(list_print(list, &view, answer), EXIT_DONE);
    capture_end(&captured, text, sizeof(text));
    return check_lines(text, 80);
}

static int set_up(void **state)
{
    for (size_t i = 0; i < ROWS; i++)
        snprintf(ids[i], sizeof(ids[i]), "a-datacentre-far-away-row-%zu-rack-%zu-host-%zu", i / 10,
                 i / 4, i);
    return setlocale(LC_ALL, "C.UTF-8") == NULL ? -1 : 0;
}

static void test_hosts(void **state)
{
    static Vmreclaim__Fleet__V1__HostStatus status[ROWS];
    static Vmreclaim__Controller__V1__Host memory[ROWS];
    static FleetHost hosts[ROWS];
    static FleetHost *pointers[ROWS];
    Vmreclaim__Fleet__V1__ListHostsResponse answer =
        VMRECLAIM__FLEET__V1__LIST_HOSTS_RESPONSE__INIT;

    for (size_t i = 0; i < ROWS; i++) {
        vmreclaim__fleet__v1__fleet_host__init(&hosts[i]);
        vmreclaim__fleet__v1__host_status__init(&status[i]);
        vmreclaim__controller__v1__host__init(&memory[i]);
        memory[i].total = memory[i].available = 1023 * GIB;
        status[i].name = ids[i];
        status[i].host = &memory[i];
        status[i].vm_count = 1500;
        status[i].footprint = status[i].could_return = 1023 * GIB;
        hosts[i].host = ids[i];
        hosts[i].presence = (char *)"unknown";
        hosts[i].status = &status[i];
        pointers[i] = &hosts[i];
    }
    answer.hosts = pointers;
    answer.n_hosts = ROWS;
    assert_int_equal(check("fleet hosts", &answer.base), ROWS + 2);
}

static void test_vms(void **state)
{
    static VmStatus status[ROWS];
    static FleetVm vms[ROWS];
    static FleetVm *pointers[ROWS];
    Vmreclaim__Fleet__V1__ListFleetVmsResponse answer =
        VMRECLAIM__FLEET__V1__LIST_FLEET_VMS_RESPONSE__INIT;

    for (size_t i = 0; i < ROWS; i++) {
        vmreclaim__fleet__v1__fleet_vm__init(&vms[i]);
        vmreclaim__fleet__v1__vm_status__init(&status[i]);
        status[i].name = status[i].policy = ids[i];
        status[i].state = (char *)"discovered";
        status[i].has_agent = status[i].footprint_is_known = 1;
        status[i].footprint = status[i].could_return = 1023 * GIB;
        vms[i].host = ids[i];
        vms[i].vm = &status[i];
        pointers[i] = &vms[i];
    }
    answer.vms = pointers;
    answer.n_vms = ROWS;
    assert_int_equal(check("fleet vms", &answer.base), ROWS + 2);
}

static void test_policies(void **state)
{
    static FleetPolicy policies[ROWS];
    static FleetPolicy *pointers[ROWS];
    Vmreclaim__Fleet__V1__ListFleetPoliciesResponse answer =
        VMRECLAIM__FLEET__V1__LIST_FLEET_POLICIES_RESPONSE__INIT;

    for (size_t i = 0; i < ROWS; i++) {
        vmreclaim__fleet__v1__fleet_policy__init(&policies[i]);
        policies[i].name = ids[i];
        policies[i].rollout = (char *)"4f3a4f3a4f3a4f3a";
        policies[i].wanted = policies[i].in_force = policies[i].waits = 20000;
        policies[i].pinned = policies[i].refused = policies[i].left = 20000;
        policies[i].texts = 8;
        pointers[i] = &policies[i];
    }
    answer.policies = pointers;
    answer.n_policies = ROWS;
    assert_int_equal(check("fleet policy list", &answer.base), ROWS + 1);
}

/* What is long goes on below. */
static void test_policies_of_a_host(void **state)
{
    static HostPolicy policies[ROWS];
    static HostPolicy *pointers[ROWS];
    static char *selectors[] = {ids[0], ids[1], ids[2]};
    Vmreclaim__Fleet__V1__GetHostStatusResponse answer =
        VMRECLAIM__FLEET__V1__GET_HOST_STATUS_RESPONSE__INIT;

    for (size_t i = 0; i < ROWS; i++) {
        vmreclaim__fleet__v1__host_policy__init(&policies[i]);
        policies[i].name = ids[i];
        policies[i].state = VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_PINNED;
        policies[i].reason = long_text;
        policies[i].rollout = (char *)"4f3a4f3a4f3a4f3a";
        policies[i].selectors = selectors;
        policies[i].n_selectors = ARRAY_SIZE(selectors);
        pointers[i] = &policies[i];
    }
    answer.policies = pointers;
    answer.n_policies = ROWS;
    assert_true(check("fleet policy why", &answer.base) > ROWS);
}

/* A coordinator without memory answers with some that have nothing in them. */
static void test_an_event_with_nothing_in_it(void **state)
{
    static char text[SIZE];
    Vmreclaim__Fleet__V1__HeardEvent heard = VMRECLAIM__FLEET__V1__HEARD_EVENT__INIT;
    Vmreclaim__Fleet__V1__HeardEvent *events[] = {&heard};
    Vmreclaim__Fleet__V1__ListFleetEventsResponse answer =
        VMRECLAIM__FLEET__V1__LIST_FLEET_EVENTS_RESPONSE__INIT;
    const struct list *list = list_of("fleet events");
    struct captured captured;
    struct list_view view;

    heard.host = ids[0];
    answer.events = events;
    answer.n_events = 1;
    assert_int_equal(list_view_parse(list, "", "wide", NULL, &view), EXIT_DONE);
    capture_begin(&captured);
    assert_int_equal(list_print(list, &view, &answer.base), EXIT_DONE);
    capture_end(&captured, text, sizeof(text));
    assert_non_null(strstr(text, ids[0]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_vms),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_policies_of_a_host),
        cmocka_unit_test(test_an_event_with_nothing_in_it),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
