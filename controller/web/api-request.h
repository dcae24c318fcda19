/* From a path and its arguments to a request of the operators' API, or of a fleet's. Pure: what it
 * takes comes from browsers. */
#ifndef VMRECLAIM_CONTROLLER_WEB_API_REQUEST_H
#define VMRECLAIM_CONTROLLER_WEB_API_REQUEST_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "common/base/error.h"
#include "controller/client/fetch.h"

#define API_ARGUMENTS_MAX 6

/* A path that is answered. */
struct api_path {
    const char *path;                          /* behind /api/ */
    const ProtobufCServiceDescriptor *service; /* the daemon's, or a coordinator's */
    const char *method;
    enum fetch_form form;
    const ProtobufCMessageDescriptor *request;
    const char *needed;                       /* an argument that must be there; NULL: none */
    const char *arguments[API_ARGUMENTS_MAX]; /* those that may be, also `needed` */
    const char *part; /* a message in the request, which has the arguments that it has not itself */
};

/* NULL: there is none. */
const struct api_path *api_path_find(const char *path);

/* A request without arguments, to be freed with protobuf_c_message_free_unpacked. NULL: no memory.
 */
ProtobufCMessage *api_request_create(const struct api_path *path);

/* Puts an argument in. -EINVAL: the path has no such argument, or it has another form, which
 * `error` says; -ENOMEM. */
int api_request_set(const struct api_path *path, ProtobufCMessage *request, const char *name,
                    const char *value, struct error *error);

/* -EINVAL: what is needed is not there. */
int api_request_check(const struct api_path *path, const ProtobufCMessage *request,
                      struct error *error);

/* How many entries of a list are wanted; 0: all. */
uint64_t api_request_wanted(const ProtobufCMessage *request);

#endif
