/* Which zeroes of our messages are no figures. In proto3, as protobuf-c has it, a field that is 0
 * looks like one that was not set. The .proto files say which fields are not known then, and so
 * does this table. */
#ifndef VMRECLAIM_CONTROLLER_JSON_ABSENCE_H
#define VMRECLAIM_CONTROLLER_JSON_ABSENCE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Fields of one message that are not known when they are 0 and `unless` is 0 or false as well. */
struct absence {
    const char *message; /* full name */
    const char *unless;  /* another of its fields; NULL: 0 is never a figure */
    const char *const *fields;
};

/* The scalar field is 0 and not known. */
bool absence_holds(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* The table; NULL past its end. */
const struct absence *absence_get(size_t index);

#endif
