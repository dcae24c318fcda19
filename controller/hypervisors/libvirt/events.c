/* libvirt's events. */
#include "controller/hypervisors/libvirt/events.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/text.h"
#include "common/base/thread.h"
#include "common/base/util.h"

/* ---- libvirt's loop ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int started;

static void *run_events(void *userdata)
{
    const struct timespec pause = {.tv_nsec = 100000000};

    for (;;)
        if (virEventRunDefaultImpl() < 0)
            (void)nanosleep(&pause, NULL);
    return NULL;
}

/* libvirt prints its errors otherwise. */
static void say_nothing(void *userdata, virErrorPtr failure)
{
}

static void start(void)
{
    /* A session's daemon is not started because we look whether it runs. */
    (void)setenv("LIBVIRT_AUTOSTART", "0", 0);
    virSetErrorFunc(NULL, say_nothing);
    if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0) {
        started = -ENOTSUP;
        return;
    }
    started = thread_start(run_events, NULL);
}

int events_start(void)
{
    (void)pthread_once(&once, start);
    return started;
}

/* ---- letters ---- */

/* Whom a registration notifies; each has its own. */
struct listener {
    struct mailbox *mailbox;
    unsigned connection;
    void (*open)(struct letter *letter, void *userdata);
    bool drops;              /* the callback's: that was said, and no event was sent since */
    atomic_bool is_released; /* of the end: by libvirt, which was to forget it, or by us */
};

static void discard_notice(struct letter *letter)
{
    free(container_of(letter, struct notice, letter));
}

static void send_notice(struct listener *listener, enum notice_kind kind, virDomainPtr domain,
                        const char *reason)
{
    /* Lanes send, too: it may pass the bound between two events. */
    bool is_full =
        kind != NOTICE_CLOSED && mailbox_waiting(listener->mailbox) >= EVENTS_WAITING_MAX;
    struct notice *notice;

    if (is_full && listener->drops)
        return;
    notice = calloc(1, sizeof(*notice));
    if (notice == NULL)
        return;
    listener->drops = is_full;
    *notice = (struct notice){
        .letter = {.open = listener->open, .discard = discard_notice},
        .connection = listener->connection,
        .kind = is_full ? NOTICE_DROPPED : kind,
        .reason = reason,
    };
    if (domain != NULL)
        (void)virDomainGetUUIDString(domain, notice->uuid);
    mailbox_send(listener->mailbox, &notice->letter);
}

static void free_listener(void *userdata)
{
    struct listener *listener = userdata;

    mailbox_unref(listener->mailbox);
    free(listener);
}

/* The second of two frees it. */
static void release(struct listener *listener)
{
    if (atomic_exchange(&listener->is_released, true))
        free_listener(listener);
}

static struct listener *create_listener(struct mailbox *mailbox, unsigned connection,
                                        void (*open)(struct letter *letter, void *userdata))
{
    struct listener *listener = calloc(1, sizeof(*listener));

    if (listener == NULL)
        return NULL;
    listener->mailbox = mailbox_ref(mailbox);
    listener->connection = connection;
    listener->open = open;
    return listener;
}

/* ---- events ---- */

static enum notice_kind lifecycle_kind(int event, int detail)
{
    switch (event) {
    case VIR_DOMAIN_EVENT_STARTED:
        return NOTICE_STARTED;
    case VIR_DOMAIN_EVENT_STOPPED:
        return NOTICE_STOPPED;
    case VIR_DOMAIN_EVENT_SUSPENDED:
    case VIR_DOMAIN_EVENT_PMSUSPENDED:
    case VIR_DOMAIN_EVENT_CRASHED:
        return NOTICE_PAUSED;
    case VIR_DOMAIN_EVENT_RESUMED:
        return detail == VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT ? NOTICE_RESTORED : NOTICE_RESUMED;
    case VIR_DOMAIN_EVENT_SHUTDOWN:
        return NOTICE_SHUTDOWN;
    default:
        return NOTICE_CHANGED;
    }
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
                        void *userdata)
{
    send_notice(userdata, lifecycle_kind(event, detail), domain, NULL);
    return 0;
}

static void on_reboot(virConnectPtr connection, virDomainPtr domain, void *userdata)
{
    send_notice(userdata, NOTICE_RESET, domain, NULL);
}

static void on_balloon(virConnectPtr connection, virDomainPtr domain, unsigned long long kibibytes,
                       void *userdata)
{
    send_notice(userdata, NOTICE_BALLOON, domain, NULL);
}

static void on_device(virConnectPtr connection, virDomainPtr domain, const char *alias,
                      void *userdata)
{
    send_notice(userdata, NOTICE_MEMORY, domain, NULL);
}

static void on_device_size(virConnectPtr connection, virDomainPtr domain, const char *alias,
                           unsigned long long size, void *userdata)
{
    send_notice(userdata, NOTICE_MEMORY, domain, NULL);
}

static void on_job(virConnectPtr connection, virDomainPtr domain, virTypedParameterPtr parameters,
                   int count, void *userdata)
{
    send_notice(userdata, NOTICE_JOB_ENDED, domain, NULL);
}

static void on_metadata(virConnectPtr connection, virDomainPtr domain, int type, const char *uri,
                        void *userdata)
{
    send_notice(userdata, NOTICE_CHANGED, domain, NULL);
}

static void on_closed(virConnectPtr connection, int reason, void *userdata)
{
    static const char *const reasons[] = {
        [VIR_CONNECT_CLOSE_REASON_ERROR] = "the connection broke",
        [VIR_CONNECT_CLOSE_REASON_EOF] = "it has ended",
        [VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "it does not answer",
        [VIR_CONNECT_CLOSE_REASON_CLIENT] = "we have closed it",
    };
    bool is_known = reason >= 0 && (size_t)reason < ARRAY_SIZE(reasons);

    send_notice(userdata, NOTICE_CLOSED, NULL, is_known ? reasons[reason] : reasons[0]);
    release(userdata); /* libvirt calls once */
}

/* ---- registration ---- */

#define CALLBACK(function) ((virConnectDomainEventGenericCallback)(void (*)(void))(function))

static const struct {
    int event;
    virConnectDomainEventGenericCallback callback;
} events[] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, CALLBACK(on_lifecycle)},
    {VIR_DOMAIN_EVENT_ID_REBOOT, CALLBACK(on_reboot)},
    {VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, CALLBACK(on_balloon)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, CALLBACK(on_device)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, CALLBACK(on_device)},
    {VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, CALLBACK(on_device_size)},
    {VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, CALLBACK(on_job)},
    {VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, CALLBACK(on_metadata)},
};
_Static_assert(ARRAY_SIZE(events) <= CONNECTION_EVENTS_MAX, "there is room for all");

/* False: memory is short. */
static bool register_one(struct connection *connection, struct listener *listener, size_t index)
{
    int number;

    if (listener == NULL)
        return false;
    number = virConnectDomainEventRegisterAny(connection->handle, NULL, events[index].event,
                                              events[index].callback, listener, free_listener);
    if (number < 0)
        free_listener(listener);
    else
        connection->events[connection->event_count++] = number;
    return true;
}

/* A driver without a daemon takes it and forgets it: so it is freed by us. */
static int register_end(struct connection *connection, struct listener *listener,
                        struct error *error)
{
    if (listener == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    if (virConnectRegisterCloseCallback(connection->handle, on_closed, listener, NULL) < 0) {
        free_listener(listener);
        return error_set(error, -ENOTCONN, "it has ended");
    }
    connection->closed = listener;
    return 0;
}

int events_register(struct connection *connection, struct mailbox *mailbox, unsigned number,
                    void (*open)(struct letter *letter, void *userdata), struct error *error)
{
    int r = register_end(connection, create_listener(mailbox, number, open), error);

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(events); i++)
        if (!register_one(connection, create_listener(mailbox, number, open), i))
            r = error_set(error, -ENOMEM, "out of memory");
    return r;
}

/* Where libvirt cannot forget it, as when the daemon is gone, it may call it yet. Then, and after
 * it has called, the second of us frees it. */
static void deregister_end(struct connection *connection)
{
    struct listener *listener = connection->closed;

    connection->closed = NULL;
    if (listener == NULL)
        return;
    if (virConnectUnregisterCloseCallback(connection->handle, on_closed) == 0)
        free_listener(listener);
    else
        release(listener);
}

void events_deregister(struct connection *connection)
{
    if (connection->handle == NULL)
        return;
    for (size_t i = 0; i < connection->event_count; i++)
        (void)virConnectDomainEventDeregisterAny(connection->handle, connection->events[i]);
    connection->event_count = 0;
    deregister_end(connection);
}
