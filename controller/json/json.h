/* Any protobuf message as JSON, driven by its descriptor: one form for the command line, events,
 * audit and the state dump.
 *
 * Fields keep their names from the .proto file. Scalars are there when they are known, also when
 * zero (absence.h). An absent message and the unset arms of a oneof are left out. 64-bit numbers
 * are JSON integers (above 2^63 - 1 they become reals, still numbers). Enums are lower-case names
 * without their type's prefix, numbers when unknown. `bytes` are hexadecimal text. */
#ifndef VMRECLAIM_CONTROLLER_JSON_JSON_H
#define VMRECLAIM_CONTROLLER_JSON_JSON_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

/* -ENOMEM. The caller owns the reference. */
int json_from_message(const ProtobufCMessage *message, json_t **ret_json);

/* A JSON string of any bytes: what is not UTF-8 becomes '?'. NULL when out of memory. */
json_t *json_text(const char *text, size_t length);

/* "OUTCOME_NOT_SUPPORTED" of enum Outcome as "not_supported". `size` >= 64 fits every name of
 * ours; longer ones are cut. NULL: the enum has no such value. */
const char *json_enum_name(const ProtobufCEnumDescriptor *descriptor, int value, char *buffer,
                           size_t size);

#endif
