/* Protobuf messages as JSON. Depth is bounded by the schema: no message contains itself. */
#include "controller/json/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/json/absence.h"

json_t *json_text(const char *text, size_t length)
{
    json_t *json = json_stringn(text, length);
    if (json != NULL)
        return json;

    cleanup_free char *mended = malloc(length + 1);
    if (mended == NULL)
        return NULL;
    memcpy(mended, text, length);
    text_mend(mended, length);
    return json_stringn(mended, length);
}

static json_t *json_hexadecimal(const ProtobufCBinaryData *data)
{
    static const char digits[] = "0123456789abcdef";
    cleanup_free char *text = malloc(2 * data->len + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < data->len; i++) {
        text[2 * i] = digits[data->data[i] >> 4];
        text[2 * i + 1] = digits[data->data[i] & 15];
    }
    return json_stringn(text, 2 * data->len);
}

/* Length of the prefix that all values of the enum share by convention: "ActionKind" gives
 * "ACTION_KIND_"; 0 when `name` does not follow it. */
static size_t enum_prefix_length(const char *type, const char *name)
{
    size_t length = 0;

    for (const char *c = type; *c != '\0'; c++) {
        if (isupper((unsigned char)*c) && c != type && name[length++] != '_')
            return 0;
        if (name[length++] != toupper((unsigned char)*c))
            return 0;
    }
    return name[length] == '_' ? length + 1 : 0;
}

const char *json_enum_name(const ProtobufCEnumDescriptor *descriptor, int value, char *buffer,
                           size_t size)
{
    const ProtobufCEnumValue *entry = protobuf_c_enum_descriptor_get_value(descriptor, value);
    if (entry == NULL || size == 0)
        return NULL;

    const char *name = entry->name + enum_prefix_length(descriptor->short_name, entry->name);
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < size; i++)
        buffer[i] = (char)tolower((unsigned char)name[i]);
    buffer[i] = '\0';
    return buffer;
}

static json_t *json_enum(const ProtobufCEnumDescriptor *descriptor, int value)
{
    char buffer[64];
    const char *name = json_enum_name(descriptor, value, buffer, sizeof(buffer));
    return name == NULL ? json_integer(value) : json_string(name);
}

static json_t *json_unsigned(uint64_t value)
{
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

static json_t *json_message(const ProtobufCMessage *message);

/* One value of a field's type at `value`. */
static json_t *json_value(const ProtobufCFieldDescriptor *field, const void *value)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_integer(*(const int32_t *)value);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_integer(*(const uint32_t *)value);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return json_integer(*(const int64_t *)value);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return json_unsigned(*(const uint64_t *)value);
    case PROTOBUF_C_TYPE_FLOAT:
        return json_real((double)*(const float *)value);
    case PROTOBUF_C_TYPE_DOUBLE:
        return json_real(*(const double *)value);
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)value);
    case PROTOBUF_C_TYPE_ENUM:
        return json_enum(field->descriptor, *(const int *)value);
    case PROTOBUF_C_TYPE_BYTES:
        return json_hexadecimal(value);
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(const char *const *)value;
        return text == NULL ? json_string("") : json_text(text, strlen(text));
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        return json_message(*(const ProtobufCMessage *const *)value);
    }
    return NULL;
}

/* Bytes between two elements of a repeated field. */
static size_t element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    }
    return 0;
}

static json_t *json_repeated(const ProtobufCFieldDescriptor *field, const char *elements,
                             size_t count)
{
    size_t size = element_size(field->type);
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < count; i++) {
        if (json_array_append_new(array, json_value(field, elements + i * size)) == 0)
            continue;
        json_decref(array);
        return NULL;
    }
    return array;
}

/* Whether a field that is not repeated is there. */
static bool field_is_present(const ProtobufCFieldDescriptor *field, const char *message)
{
    if (absence_holds((const ProtobufCMessage *)(const void *)message, field))
        return false;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *)(const void *)(message + field->quantifier_offset) == field->id;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(const void *const *)(const void *)(message + field->offset) != NULL;
    return true;
}

static json_t *json_field(const ProtobufCFieldDescriptor *field, const char *message)
{
    const void *value = message + field->offset;

    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return json_value(field, value);
    return json_repeated(field, *(const char *const *)value,
                         *(const size_t *)(const void *)(message + field->quantifier_offset));
}

static json_t *json_message(const ProtobufCMessage *message)
{
    json_t *object = json_object();

    for (unsigned i = 0; object != NULL && i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->label != PROTOBUF_C_LABEL_REPEATED &&
            !field_is_present(field, (const char *)message))
            continue;
        if (json_object_set_new(object, field->name, json_field(field, (const char *)message)) == 0)
            continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

int json_from_message(const ProtobufCMessage *message, json_t **ret_json)
{
    json_t *json = json_message(message);
    if (json == NULL)
        return -ENOMEM;
    *ret_json = json;
    return 0;
}
