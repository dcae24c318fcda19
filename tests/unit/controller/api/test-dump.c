/* Dumps of the daemon's state: in slices over turns of the loop, one of all of them in each. */
#include "looks.h"
#include "rooms.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VMS      600
#define TEXT_MAX (4u << 20)

/* Before anything is written. */
#define SUM_TURNS (VMS / LOOKS_PER_SLICE + 1)

/* A VM of the test's takes about 700 bytes. */
#define SLICE_MAX (64u * 1024)

/* A reader. */
struct reader {
    struct api_call call;
    char *text;
    size_t length;
    unsigned room; /* for so many pieces; then it is slow */
    unsigned waits;
    bool is_finished;
    bool is_released;
    int failed;
};

static struct reader *reader_of(struct api_call *call)
{
    return container_of(call, struct reader, call);
}

static int door_send(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__DumpStateResponse *piece = (const void *)message;
    struct reader *reader = reader_of(call);

    if (reader->room == 0)
        return -EAGAIN;
    reader->room--;
    assert_true(reader->length + piece->text.len < TEXT_MAX);
    memcpy(reader->text + reader->length, piece->text.data, piece->text.len);
    reader->length += piece->text.len;
    return 0;
}

static void door_await_drain(struct api_call *call)
{
    reader_of(call)->waits++;
}

static void door_finish(struct api_call *call, const ProtobufCMessage *response)
{
    reader_of(call)->is_finished = true;
}

static void door_fail(struct api_call *call, int status, const char *why)
{
    reader_of(call)->failed = status;
}

static void door_release(struct api_call *call)
{
    reader_of(call)->is_released = true;
}

static const struct api_door door = {.send = door_send,
                                     .await_drain = door_await_drain,
                                     .finish = door_finish,
                                     .fail = door_fail,
                                     .release = door_release};

static int set_up(void **state)
{
    rooms_set_up();
    for (unsigned i = 0; i < VMS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "vm-%03u", i);
        add_vm(name);
    }
    return 0;
}

static int tear_down(void **state)
{
    rooms_tear_down();
    return 0;
}

static void begin_call(struct reader *reader, unsigned room, struct ttrpc_share *share, uid_t uid)
{
    const Vmreclaim__Controller__V1__DumpStateRequest request =
        VMRECLAIM__CONTROLLER__V1__DUMP_STATE_REQUEST__INIT;

    *reader = (struct reader){
        .call = {.door = &door,
                 .api = &api,
                 .user = &user,
                 .share = share,
                 .caller = {.uid = uid, .may_read = true}},
        .text = calloc(1, TEXT_MAX),
        .room = room,
    };
    assert_non_null(reader->text);
    api_dispatch(&reader->call, api_method_of(request.base.descriptor), &request.base);
}

/* Root's. */
static void begin(struct reader *reader, unsigned room)
{
    begin_call(reader, room, NULL, 0);
}

static size_t count_vms(const struct reader *reader)
{
    json_t *document = json_loadb(reader->text, reader->length, JSON_REJECT_DUPLICATES, NULL);
    size_t count;

    assert_non_null(document);
    assert_non_null(json_object_get(json_object_get(document, "status"), "version"));
    assert_true(json_is_array(json_object_get(document, "leases")));
    assert_true(json_is_integer(
        json_object_get(json_object_get(document, "counters"), "vms{state=discovered}")));
    assert_true(json_is_integer(json_object_get(document, "records_under_way")));
    count = json_array_size(json_object_get(document, "vms"));
    json_decref(document);
    return count;
}

/* However many VMs there are, the others wait for a few of them only. */
static void test_a_turn_makes_a_slice(void **state)
{
    struct reader reader;
    size_t before;

    begin(&reader, UINT_MAX);
    assert_int_equal(reader.length, 0);
    for (unsigned turns = 0; !reader.is_finished; turns++) {
        assert_in_range(turns, 0, VMS);
        before = reader.length;
        turn(&loop);
        assert_in_range(reader.length - before, turns < SUM_TURNS ? 0 : 1, SLICE_MAX);
    }
    assert_true(reader.is_released);
    assert_int_equal(count_vms(&reader), VMS);
    free(reader.text);
}

static void test_dumps_take_turns(void **state)
{
    struct reader first;
    struct reader second;
    size_t before;

    begin(&first, UINT_MAX);
    begin(&second, UINT_MAX);
    while (!first.is_finished || !second.is_finished) {
        before = first.length + second.length;
        turn(&loop);
        assert_in_range(first.length + second.length - before, 0, SLICE_MAX);
    }
    assert_int_equal(count_vms(&first), VMS);
    assert_int_equal(count_vms(&second), VMS);
    free(first.text);
    free(second.text);
}

/* Nothing is made for a reader that does not read; VMs go meanwhile. */
static void test_a_slow_reader_is_waited_for(void **state)
{
    struct reader reader;
    struct vm *vm;

    begin(&reader, 2);
    for (unsigned i = 0; i < 20; i++)
        turn(&loop);
    assert_int_equal(reader.waits, 1);
    assert_false(uv_is_active((uv_handle_t *)&api.slices.idle));
    assert_int_equal(registry_find(&supervisor.registry, "vm-400", &vm, NULL), 0);
    vm_remove(vm);
    reader.room = UINT_MAX;
    api_call_drained(&reader.call);
    while (!reader.is_finished)
        turn(&loop);
    assert_int_equal(count_vms(&reader), VMS - 1);
    free(reader.text);
}

/* Whoever does not read makes the daemon hold the leases of one dump, and all of them of a few. */
static void test_dumps_for_others_are_few(void **state)
{
    static struct ttrpc_share share = {.permyriad = 10000, .debt_max = NSEC_PER_SEC};
    struct reader readers[4];
    struct reader late;

    for (unsigned i = 0; i < ARRAY_SIZE(readers); i++)
        begin_call(&readers[i], 0, &share, 1000 + i);
    begin_call(&late, 0, &share, 1000);
    assert_int_equal(late.failed, -EBUSY);
    free(late.text);
    begin_call(&late, 0, &share, 2000);
    assert_int_equal(late.failed, -EBUSY);
    free(late.text);
    begin(&late, UINT_MAX); /* root's */
    while (!late.is_finished)
        turn(&loop);
    free(late.text);
    readers[0].room = UINT_MAX;
    api_call_drained(&readers[0].call);
    while (!readers[0].is_finished)
        turn(&loop);
    begin_call(&late, UINT_MAX, &share, 1000);
    while (!late.is_finished)
        turn(&loop);
    assert_int_equal(count_vms(&late), VMS);
    free(late.text);
    for (unsigned i = 0; i < ARRAY_SIZE(readers); i++) {
        if (!readers[i].is_finished) {
            api_call_abandon(&readers[i].call);
            turn(&loop);
        }
        assert_true(readers[i].is_released);
        free(readers[i].text);
    }
    assert_true(list_is_empty(&api.other_dumps));
}

static void test_who_goes_away_gets_no_more(void **state)
{
    struct reader gone;
    struct reader stopped;

    begin(&gone, UINT_MAX);
    turn(&loop);
    api_call_abandon(&gone.call);
    turn(&loop);
    assert_true(gone.is_released);
    assert_false(gone.is_finished);
    begin(&stopped, UINT_MAX);
    turn(&loop);
    api_stop(&api);
    assert_true(stopped.is_released);
    free(gone.text);
    free(stopped.text);
}

#define dump_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        dump_test(test_a_turn_makes_a_slice),        dump_test(test_dumps_take_turns),
        dump_test(test_a_slow_reader_is_waited_for), dump_test(test_dumps_for_others_are_few),
        dump_test(test_who_goes_away_gets_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
