/* libvirt as a peer: the driver's module finds the scripted library in this program. */
#include <libvirt/libvirt.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/hypervisors/table.h"
#include "tests/component/drivers/fake-libvirt.h"
#include "tests/component/drivers/peer.h"

struct peer {
    char nothing;
};

static struct peer *create(uv_loop_t *loop)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        abort();
    driver_set_directory(PEER_DRIVER_DIRECTORY);
    return peer;
}

/* What hangs returns, and the domain runs no more. */
static void stop(struct peer *peer)
{
    fake_libvirt_set(FAKE_WORKS);
    fake_libvirt_stop(false);
}

static void destroy(struct peer *peer)
{
    free(peer);
}

static void start(struct peer *peer, enum peer_fault fault, char *address, size_t size)
{
    snprintf(address, size, "libvirt:%s#%s", FAKE_LIBVIRT_URI, FAKE_LIBVIRT_UUID);
    fake_libvirt_reset();
    if (fault == PEER_ABSENT)
        fake_libvirt_set(FAKE_ABSENT);
    if (fault == PEER_GARBAGE)
        fake_libvirt_set(FAKE_GARBLES);
}

static void arm(struct peer *peer, enum peer_fault fault)
{
    static const enum fake_fault faults[] = {
        [PEER_REFUSES] = FAKE_REFUSES, [PEER_DEAF] = FAKE_HANGS,      [PEER_LATE] = FAKE_HANGS,
        [PEER_CLOSES] = FAKE_STOPS,    [PEER_GARBLES] = FAKE_GARBLES,
    };

    fake_libvirt_set(faults[fault]);
}

static void release(struct peer *peer)
{
    fake_libvirt_set(FAKE_WORKS);
}

/* Whoever has a session with a domain has it for as long as that runs. */
static void cut(struct peer *peer)
{
    fake_libvirt_stop(true);
}

static void cause(struct peer *peer, enum driver_event event)
{
    switch (event) {
    case DRIVER_EVENT_RESET:
        fake_libvirt_event(VIR_DOMAIN_EVENT_ID_REBOOT);
        break;
    case DRIVER_EVENT_PAUSED:
        fake_libvirt_lifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED);
        break;
    case DRIVER_EVENT_RESUMED:
        fake_libvirt_lifecycle(VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED);
        break;
    case DRIVER_EVENT_SHUTDOWN:
        fake_libvirt_lifecycle(VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED);
        break;
    case DRIVER_EVENT_BALLOON:
        fake_libvirt_event(VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE);
        break;
    case DRIVER_EVENT_RESTORED:
        fake_libvirt_lifecycle(VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT);
        break;
    default:
        abort();
    }
}

const struct peer_kind peer_kind = {
    .driver = "libvirt",
    .faults = 1u << PEER_WORKS | 1u << PEER_ABSENT | 1u << PEER_GARBAGE | 1u << PEER_REFUSES |
              1u << PEER_DEAF | 1u << PEER_LATE | 1u << PEER_CLOSES | 1u << PEER_GARBLES,
    .events = 1u << DRIVER_EVENT_RESET | 1u << DRIVER_EVENT_PAUSED | 1u << DRIVER_EVENT_RESUMED |
              1u << DRIVER_EVENT_SHUTDOWN | 1u << DRIVER_EVENT_BALLOON |
              1u << DRIVER_EVENT_RESTORED,
    .capabilities = DRIVER_TELLS_EVENTS | DRIVER_CAN_SET_MARK | DRIVER_CAN_SET_BALLOON |
                    DRIVER_CAN_READ_STATISTICS | DRIVER_CAN_SET_STATISTICS_INTERVAL,
    .is_there = true,
    .asks_in_turn = true,
    .create = create,
    .stop = stop,
    .destroy = destroy,
    .start = start,
    .arm = arm,
    .release = release,
    .cut = cut,
    .cause = cause,
};
