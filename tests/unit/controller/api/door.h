/* A door of the test's own, and what it was told. A test defines door_see(). */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_API_DOOR_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_API_DOOR_H

#include "tests/lib/test.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/api/call.h"

static unsigned room; /* for so many messages; then the reader is slow */
static unsigned waits_for_room;
static unsigned sent;
static unsigned finished;
static unsigned released;
static int failed; /* with which status; 0: it did not */
static char text[512];

/* Looks at a message that is sent. */
static void door_see(const ProtobufCMessage *message);

static int door_send(struct api_call *call, const ProtobufCMessage *message)
{
    if (room == 0)
        return -EAGAIN;
    room--;
    sent++;
    door_see(message);
    return 0;
}

static void door_await_drain(struct api_call *call)
{
    waits_for_room++;
}

static void door_finish(struct api_call *call, const ProtobufCMessage *response)
{
    finished++;
}

static void door_fail(struct api_call *call, int status, const char *why)
{
    failed = status;
    snprintf(text, sizeof(text), "%s", why);
}

static void door_release(struct api_call *call)
{
    assert_int_equal(call->state, API_CALL_ENDED);
    released++;
    free(call);
}

static const struct api_door door = {.send = door_send,
                                     .await_drain = door_await_drain,
                                     .finish = door_finish,
                                     .fail = door_fail,
                                     .release = door_release};

/* Nothing was told, and the reader has room for all. */
static void door_reset(void)
{
    room = UINT_MAX;
    waits_for_room = sent = finished = released = 0;
    failed = 0;
}

#endif
