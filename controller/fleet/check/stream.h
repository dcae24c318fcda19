/* What a server says of a stream, in JSON: nats-server, server/jetstream_api.go. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_CHECK_STREAM_H
#define VMRECLAIM_CONTROLLER_FLEET_CHECK_STREAM_H

#include "controller/fleet/check/report.h"

/* `text`: the answer to $JS.API.STREAM.INFO.NAME. */
void check_stream(struct report *report, const char *name, const char *text);

#endif
