/* Lists whose entries are packed one by one. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/message/copy.h"
#include "common/ttrpc/wire.h"
#include "controller/api/entries.h"
#include "controller/messages/text.h"
#include "controller/messages/vm.h"

/* Every field of the message, and of those in it, as large as it can be. */
static void fill(ProtobufCMessage *message)
{
    static char text[200];
    static char *texts[] = {text, text, text};

    memset(text, 't', sizeof(text) - 1);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        void *value = (char *)message + field->offset;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            assert_int_equal(field->type, PROTOBUF_C_TYPE_STRING);
            *(char ***)value = texts;
            *(size_t *)(void *)((char *)message + field->quantifier_offset) = 3;
        } else if (field->type == PROTOBUF_C_TYPE_STRING)
            *(char **)value = text;
        else if (field->type == PROTOBUF_C_TYPE_BOOL)
            *(protobuf_c_boolean *)value = 1;
        else if (field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_INT32)
            *(uint32_t *)value = UINT32_MAX;
        else if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage **)value != NULL)
            fill(*(ProtobufCMessage **)value);
        else if (field->type == PROTOBUF_C_TYPE_SINT64)
            *(int64_t *)value = INT64_MIN;
        else if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            *(uint64_t *)value = UINT64_MAX;
    }
}

static void make_full(struct vm_message *message)
{
    memset(message, 0, sizeof(*message));
    vmreclaim__controller__v1__vm__init(&message->message);
    vmreclaim__controller__v1__waterfall__init(&message->waterfall.message);
    vmreclaim__controller__v1__host_facts__init(&message->host);
    vmreclaim__controller__v1__balloon_statistics__init(&message->statistics);
    message->message.waterfall = &message->waterfall.message;
    message->message.host = &message->host;
    message->message.statistics = &message->statistics;
    fill(&message->message.base);
}

/* It is packed into what the look at it allowed for, whatever is in it. */
static void test_the_room_of_a_message(void **state)
{
    struct vm_message message;
    struct wire_look look;

    make_full(&message);
    look = wire_look_at(&message.message.base);
    assert_true(look.room >= protobuf_c_message_get_packed_size(&message.message.base));
    assert_true(look.is_utf8);
    message.host.foreign_balloon_owner = message_text("\xff");
    assert_false(wire_look_at(&message.message.base).is_utf8);
}

/* What a client makes of a page of them. */
static Vmreclaim__Controller__V1__ListVmsResponse *send_page(struct packed_entries *entries)
{
    Vmreclaim__Controller__V1__ListVmsResponse page =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_RESPONSE__INIT;
    ProtobufCMessage *read;

    page.next_page_token = message_text("next");
    packed_entries_carry(entries, &page.base);
    read = message_copy(&page.base);
    assert_non_null(read);
    return (Vmreclaim__Controller__V1__ListVmsResponse *)read;
}

static void test_entries_are_packed_one_by_one(void **state)
{
    Vmreclaim__Controller__V1__ListVmsResponse *page;
    struct packed_entries entries;
    struct vm_message message;

    packed_entries_init(&entries, 1, 1 << 20);
    page = send_page(&entries);
    assert_int_equal(page->n_vms, 0);
    message_free(&page->base);
    make_full(&message);
    assert_int_equal(packed_entries_add(&entries, &message.message.base), 1);
    vmreclaim__controller__v1__vm__init(&message.message);
    message.message.name = message_text("a\xff");
    assert_int_equal(packed_entries_add(&entries, &message.message.base), 1);
    page = send_page(&entries);
    assert_int_equal(page->n_vms, 2);
    assert_int_equal(page->vms[0]->pid, -1);
    assert_int_equal(page->vms[0]->host->vfio_devices, UINT32_MAX);
    assert_int_equal(strlen(page->vms[0]->unsupported_keys[2]), 199);
    assert_string_equal(page->vms[1]->name, "a?");
    assert_string_equal(page->next_page_token, "next");
    assert_int_equal(page->base.n_unknown_fields, 0);
    message_free(&page->base);
    packed_entries_finish(&entries);
}

/* But for the first, however long it is: else a list could not go on. */
static void test_entries_are_bounded_in_bytes(void **state)
{
    Vmreclaim__Controller__V1__ListVmsResponse *page;
    struct packed_entries entries;
    struct vm_message message;
    size_t count = 0;

    make_full(&message);
    packed_entries_init(&entries, 1, 10);
    assert_int_equal(packed_entries_add(&entries, &message.message.base), 1);
    assert_int_equal(packed_entries_add(&entries, &message.message.base), 0);
    packed_entries_finish(&entries);
    packed_entries_init(&entries, 1, 100 * 1024);
    while (packed_entries_add(&entries, &message.message.base) > 0)
        count++;
    assert_in_range(count, 2, 1000);
    assert_true(entries.length <= 100 * 1024);
    page = send_page(&entries);
    assert_int_equal(page->n_vms, count);
    message_free(&page->base);
    packed_entries_finish(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_room_of_a_message),
        cmocka_unit_test(test_entries_are_packed_one_by_one),
        cmocka_unit_test(test_entries_are_bounded_in_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
