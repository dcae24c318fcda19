/* What is said where an action cannot be started. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/arbiter/act.h"

static struct arbiter_keeper keeper;
static struct vm *vm;
static struct vm_arbiter kept;
static int refusal; /* 0: actions start */
static char said[512];
static unsigned said_count;

int __wrap_action_start(struct actions *actions, struct vm *acted,
                        const struct action_request *request, const char *asked_by,
                        action_done done, void *userdata, struct action **ret_action,
                        struct error *error);
void __wrap_vm_emit(struct vm *emitter, enum vm_event_kind kind, const char *text);

int __wrap_action_start(struct actions *actions, struct vm *acted,
                        const struct action_request *request, const char *asked_by,
                        action_done done, void *userdata, struct action **ret_action,
                        struct error *error)
{
    if (refusal != 0)
        return error_set(error, refusal, "no means today");
    free(userdata); /* nobody will be told */
    return 0;
}

void __wrap_vm_emit(struct vm *emitter, enum vm_event_kind kind, const char *text)
{
    assert_int_equal(kind, VM_EVENT_ARBITER);
    snprintf(said, sizeof(said), "%s", text);
    said_count++;
}

static int set_up(void **state)
{
    keeper = (struct arbiter_keeper){.supervisor = NULL};
    kept = (struct vm_arbiter){.pressed = 0};
    refusal = 0;
    said_count = 0;
    if (vm_create("web", VM_SOURCE_FILE, &vm) < 0)
        return -1;
    vm->arbiter = &kept;
    return 0;
}

static int tear_down(void **state)
{
    vm->arbiter = NULL;
    vm_destroy(vm);
    return 0;
}

/* It is asked back again and again: that is said once. */
static void test_what_is_not_given_back(void **state)
{
    refusal = -EBUSY;
    arbiter_give_all(&keeper, vm, "the arbiter is off");
    assert_string_equal(said, "the arbiter is off: refused: no means today");
    arbiter_give_all(&keeper, vm, "the arbiter is off");
    assert_int_equal(said_count, 1);
    assert_int_equal(keeper.acting_count, 0);
}

/* No need of its guest's. */
static void test_what_is_given_back(void **state)
{
    kept.memory.is_known = true;
    kept.memory.lease = kept.memory.lease_asked = 64 * MIB;
    kept.memory.past.direction = ARBITER_TOOK;
    kept.was_refused = true;
    arbiter_give_all(&keeper, vm, "the arbiter is off");
    assert_string_equal(said, "the arbiter is off");
    assert_false(kept.was_refused);
    memory_look(&(struct arbiter_vm){.memory = &kept.memory, .ram = GIB, .size = GIB},
                NSEC_PER_SEC);
    assert_int_equal(kept.memory.spared, 0);
    assert_int_equal(kept.memory.past.direction, ARBITER_GAVE);
}

static void test_what_is_not_taken(void **state)
{
    const struct arbiter_vm facts = {.memory = &kept.memory, .ram = GIB, .size = GIB};
    const struct arbiter_request request = {.step = ARBITER_LEASE,
                                            .bytes = 64 * MIB,
                                            .size = GIB - 64 * MIB,
                                            .reason = ARBITER_OVER_SHARE};

    refusal = -EBUSY;
    arbiter_act(&keeper, vm, &facts, &request);
    assert_non_null(strstr(said, ": refused: no means today"));
    assert_int_equal(kept.memory.barren[ARBITER_LEASE], 1);
    assert_int_equal(keeper.acting_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_not_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_taken, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
