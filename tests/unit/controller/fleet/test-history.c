/* What a coordinator keeps of the audit of rollouts, and how it is listed. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/fleet/coordinator/service-methods.h"
#include "tests/unit/controller/fleet/memory-bus.h"

typedef FLEET_CALL(ListRolloutHistory, Request) Request;
typedef FLEET_CALL(ListRolloutHistory, Response) Response;

void *__wrap_ttrpc_call_connection_userdata(const struct ttrpc_call *call);
void __wrap_ttrpc_call_finish(struct ttrpc_call *call, const ProtobufCMessage *response);
void __wrap_ttrpc_call_fail(struct ttrpc_call *call, enum ttrpc_code code, const char *format, ...)
    printf_like(3, 4);

static struct rollout_history history;
static struct rollouts rollouts;
static struct service service = {.rollouts = &rollouts, .history = &history};
static struct service_client client = {.service = &service};
static Response *answer;  /* NULL: there is none */
static char failure[512]; /* "": there was none */

void *__wrap_ttrpc_call_connection_userdata(const struct ttrpc_call *call)
{
    return &client;
}

void __wrap_ttrpc_call_finish(struct ttrpc_call *call, const ProtobufCMessage *response)
{
    uint8_t packed[16384];
    size_t size = protobuf_c_message_get_packed_size(response);

    assert_true(size <= sizeof(packed));
    (void)protobuf_c_message_pack(response, packed);
    answer = (Response *)protobuf_c_message_unpack(response->descriptor, NULL, size, packed);
    assert_non_null(answer);
}

void __wrap_ttrpc_call_fail(struct ttrpc_call *call, enum ttrpc_code code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_format_list(failure, sizeof(failure), format, arguments);
    va_end(arguments);
}

static void forget(void)
{
    if (answer != NULL)
        protobuf_c_message_free_unpacked(&answer->base, NULL);
    answer = NULL;
    failure[0] = '\0';
}

static int set_up(void **state)
{
    memory_bus_begin();
    rollout_history_init(&history);
    documents_init(&rollouts.documents);
    return 0;
}

static int tear_down(void **state)
{
    forget();
    rollout_history_finish(&history);
    memory_bus_begin();
    return 0;
}

/* ---- the audit ---- */

static void hear(const char *rollout, bool is_kept)
{
    char subject[64];
    struct bus_message message;

    snprintf(subject, sizeof(subject), AUDIT_SUBJECT "%s", rollout);
    assert_non_null(memory_bus_newest(subject));
    message = *memory_bus_newest(subject);
    message.is_kept = is_kept;
    rollout_history_on_message(&history, &message);
}

/* As a coordinator does, and hears from the stream. */
static void note(const char *rollout, const char *order, const char *reason)
{
    Rollout document = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;
    AuditRecord record;

    document.id = (char *)rollout;
    document.state = ROLLOUT_STATE(WRITING);
    record = audit_record(order[0] == '\0' ? AUDIT(STEP) : AUDIT(INTENT), &document);
    record.order = (char *)order;
    record.author = (char *)(order[0] == '\0' ? "" : "ann");
    record.reason = (char *)reason;
    assert_int_equal(audit_put(memory_bus(), &record, NULL, NULL), 0);
    memory_bus_run();
    hear(rollout, false);
}

static void list(const char *id, uint32_t page_size, const char *token)
{
    Request request = VMRECLAIM__FLEET__V1__LIST_ROLLOUT_HISTORY_REQUEST__INIT;
    char copy[32];

    snprintf(copy, sizeof(copy), "%s", token);
    forget();
    request.id = (char *)id;
    request.page_size = page_size;
    request.page_token = copy;
    service_list_rollout_history(NULL, &request.base, NULL);
}

static void check_orders(const char *orders)
{
    char all[256] = "";

    assert_string_equal(failure, "");
    assert_non_null(answer);
    for (size_t i = 0; i < answer->n_records; i++)
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i == 0 ? "" : " ",
                 answer->records[i]->order[0] == '\0' ? "step" : answer->records[i]->order);
    assert_string_equal(all, orders);
}

/* ---- tests ---- */

static void test_who_ordered_what(void **state)
{
    note("4f3a", "start", "it is night");
    note("77aa", "start", "");
    note("4f3a", "", "");
    note("4f3a", "pause", "");
    list("4f", 0, "");
    check_orders("start step pause");
    assert_string_equal(answer->next_page_token, "");
    assert_string_equal(answer->records[0]->author, "ann");
    assert_string_equal(answer->records[0]->reason, "it is night");
    assert_int_equal(answer->records[1]->state, ROLLOUT_STATE(WRITING));
    list("", 0, "");
    check_orders("start start step pause");
}

static void test_pages(void **state)
{
    char token[32];

    note("4f3a", "start", "");
    note("4f3a", "pause", "");
    note("77aa", "start", "");
    note("4f3a", "abort", "");
    list("4f3a", 2, "");
    check_orders("start pause");
    snprintf(token, sizeof(token), "%s", answer->next_page_token);
    list("4f3a", 2, token);
    check_orders("abort");
    assert_string_equal(answer->next_page_token, "");
    list("4f3a", 3, "");
    assert_string_equal(answer->next_page_token, "");
    list("4f3a", 2, "x");
    assert_non_null(strstr(failure, "page_token"));
}

static void test_which_rollout(void **state)
{
    note("4f3a", "start", "");
    note("4f99", "start", "");
    list("4f", 0, "");
    assert_non_null(strstr(failure, "several rollouts begin with '4f'"));
    list("4f9", 0, "");
    check_orders("start");
    list("5", 0, "");
    assert_non_null(strstr(failure, "there is no rollout '5'"));
}

/* After a connection the newest come again; of a stream that was lost all are new. */
static void test_each_once(void **state)
{
    note("4f3a", "start", "");
    hear("4f3a", true);
    list("4f3a", 0, "");
    check_orders("start");
    memory_bus_remake(AUDIT_SUBJECT);
    rollout_history_on_remade(&history);
    note("4f3a", "pause", "");
    list("4f3a", 0, "");
    check_orders("start pause");
}

/* Neither a record of another rollout than its subject says, nor anything else. */
static void test_what_is_no_record(void **state)
{
    struct bus_message message;

    note("4f3a", "start", "");
    message = *memory_bus_newest(AUDIT_SUBJECT "4f3a");
    message.subject = AUDIT_SUBJECT "77aa";
    rollout_history_on_message(&history, &message);
    message.subject = AUDIT_SUBJECT "4f3a";
    message.length--;
    rollout_history_on_message(&history, &message);
    message.subject = "vmr.v1.audit.other.4f3a";
    rollout_history_on_message(&history, &message);
    list("", 0, "");
    check_orders("start");
}

/* In number and in bytes. */
static void test_the_oldest_go(void **state)
{
    static char reason[400];

    for (unsigned i = 0; i < HISTORY_MAX; i++) {
        struct bus_message message;

        if (i == 0)
            note("4f3a", "start", "");
        message = *memory_bus_newest(AUDIT_SUBJECT "4f3a");
        rollout_history_on_message(&history, &message);
    }
    assert_int_equal(history.count, HISTORY_MAX);
    memset(reason, 'x', sizeof(reason) - 1);
    note("77aa", "abort", reason);
    for (unsigned i = 0; i < 3 * HISTORY_MAX; i++) {
        hear("77aa", false);
        assert_true(history.count <= HISTORY_MAX && history.bytes <= HISTORY_BYTES_MAX);
    }
    list("", 1, "");
    check_orders("abort");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_ordered_what, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_which_rollout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_oldest_go, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
