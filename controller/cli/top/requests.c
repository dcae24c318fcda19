/* Requests of any service, made by the names of their fields. */
#include "controller/cli/top/requests.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void top_set_field(ProtobufCMessage *message, const char *name, ProtobufCType type,
                   const void *value)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    assert(field != NULL && field->type == type);
    memcpy((char *)message + field->offset, &value, sizeof(value));
}

ProtobufCMessage *top_make_request(const ProtobufCServiceDescriptor *service, const char *method,
                                   const char *field, const char *text)
{
    const ProtobufCMethodDescriptor *row =
        protobuf_c_service_descriptor_get_method_by_name(service, method);
    ProtobufCMessage *message = malloc(row->input->sizeof_message);

    if (message == NULL)
        return NULL;
    protobuf_c_message_init(row->input, message);
    top_set_field(message, field, PROTOBUF_C_TYPE_STRING, text);
    return message;
}

void top_set_number(ProtobufCMessage *message, const char *name, uint32_t value)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    assert(field != NULL && field->type == PROTOBUF_C_TYPE_UINT32);
    memcpy((char *)message + field->offset, &value, sizeof(value));
}

const char *top_next_page(const ProtobufCMessage *page)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(page->descriptor, "next_page_token");
    const char *token;

    assert(field != NULL && field->type == PROTOBUF_C_TYPE_STRING);
    memcpy(&token, (const char *)page + field->offset, sizeof(token));
    return token;
}

const char *top_result_words(const struct ttrpc_result *result)
{
    return result->message[0] != '\0' ? result->message : ttrpc_code_name(result->code);
}
