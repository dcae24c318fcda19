/* Requests of any service, made by the names of their fields, which it has. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_REQUESTS_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_REQUESTS_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "common/ttrpc/ttrpc.h"

/* Of a service's method, with its defaults and a text in the field; free() it. NULL: no memory. The
 * text stays the caller's. */
ProtobufCMessage *top_make_request(const ProtobufCServiceDescriptor *service, const char *method,
                                   const char *field, const char *text);

/* A text or a message, of which the field has the pointer. */
void top_set_field(ProtobufCMessage *message, const char *name, ProtobufCType type,
                   const void *value);
void top_set_number(ProtobufCMessage *message, const char *name, uint32_t value);

/* Of a page; "": it is the last one. */
const char *top_next_page(const ProtobufCMessage *page);

/* Why it failed. */
const char *top_result_words(const struct ttrpc_result *result);

#endif
