/* The library that the driver for libvirt is tested with. */
#include "tests/component/drivers/fake-libvirt.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_KIB    (1024u * 1024)
#define CALLBACKS_MAX 64
#define EVENTS_MAX    64

struct _virConnect {
    int nothing;
};

struct _virDomain {
    int id;
};

struct callback {
    int number; /* 0: free */
    virConnectPtr connection;
    int event;
    virConnectDomainEventGenericCallback call;
    void *opaque;
    virFreeCallback free_opaque;
};

struct event {
    int event;
    int type;
    int detail;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum fake_fault fault;
static bool runs;
static int domain_id = 1;
static unsigned long left = MEMORY_KIB;
static int period;
static char mark[256]; /* its element; "": none */
static struct callback callbacks[CALLBACKS_MAX];
static int last_number;
static struct event events[EVENTS_MAX];
static unsigned event_count;

static _Thread_local virError failure;

static int fail(int code, const char *message)
{
    failure = (virError){.code = code, .message = (char *)(uintptr_t)message};
    return -1;
}

/* ---- the script ---- */

static void add_event(int event, int type, int detail)
{
    if (event_count < EVENTS_MAX)
        events[event_count++] = (struct event){event, type, detail};
    pthread_cond_broadcast(&changed);
}

void fake_libvirt_reset(void)
{
    pthread_mutex_lock(&lock);
    fault = FAKE_WORKS;
    runs = true;
    domain_id++;
    left = MEMORY_KIB;
    period = 0;
    mark[0] = '\0';
    event_count = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void fake_libvirt_set(enum fake_fault value)
{
    pthread_mutex_lock(&lock);
    fault = value;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void stop(bool again)
{
    if (!runs)
        return;
    runs = again;
    domain_id++;
    add_event(VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_STOPPED, 0);
    if (again)
        add_event(VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_STARTED, 0);
}

void fake_libvirt_stop(bool again)
{
    pthread_mutex_lock(&lock);
    stop(again);
    pthread_mutex_unlock(&lock);
}

void fake_libvirt_lifecycle(int type, int detail)
{
    pthread_mutex_lock(&lock);
    add_event(VIR_DOMAIN_EVENT_ID_LIFECYCLE, type, detail);
    pthread_mutex_unlock(&lock);
}

void fake_libvirt_event(int event)
{
    pthread_mutex_lock(&lock);
    add_event(event, 0, 0);
    pthread_mutex_unlock(&lock);
}

/* A call to the monitor: as the fault has it. */
static int monitor(void)
{
    int r = 0;

    pthread_mutex_lock(&lock);
    while (fault == FAKE_HANGS)
        pthread_cond_wait(&changed, &lock);
    if (fault == FAKE_STOPS) {
        fault = FAKE_WORKS;
        stop(false);
    }
    if (!runs)
        r = fail(VIR_ERR_INTERNAL_ERROR, "End of file from qemu monitor");
    else if (fault == FAKE_REFUSES)
        r = fail(VIR_ERR_OPERATION_INVALID, "it is not wanted");
    pthread_mutex_unlock(&lock);
    return r;
}

/* ---- the library ---- */

int virInitialize(void)
{
    return 0;
}

void virSetErrorFunc(void *userdata, virErrorFunc handler)
{
}

virErrorPtr virGetLastError(void)
{
    return &failure;
}

int virEventRegisterDefaultImpl(void)
{
    return 0;
}

/* Calls back for one event; the driver does so in a loop. */
int virEventRunDefaultImpl(void)
{
    static struct _virDomain domain;
    struct callback called[CALLBACKS_MAX];
    struct event event;

    pthread_mutex_lock(&lock);
    while (event_count == 0)
        pthread_cond_wait(&changed, &lock);
    event = events[0];
    memmove(events, events + 1, --event_count * sizeof(events[0]));
    memcpy(called, callbacks, sizeof(called));
    for (size_t i = 0; i < CALLBACKS_MAX; i++) {
        if (called[i].number == 0 || called[i].event != event.event)
            continue;
        if (event.event == VIR_DOMAIN_EVENT_ID_LIFECYCLE)
            (void)((virConnectDomainEventCallback)(void (*)(void))called[i].call)(
                called[i].connection, &domain, event.type, event.detail, called[i].opaque);
        else if (event.event == VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE)
            ((virConnectDomainEventBalloonChangeCallback)(void (*)(void))called[i].call)(
                called[i].connection, &domain, left, called[i].opaque);
        else
            called[i].call(called[i].connection, &domain, called[i].opaque);
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

virConnectPtr virConnectOpen(const char *name)
{
    bool is_absent;

    pthread_mutex_lock(&lock);
    is_absent = fault == FAKE_ABSENT;
    pthread_mutex_unlock(&lock);
    if (!is_absent)
        return calloc(1, sizeof(struct _virConnect));
    (void)fail(VIR_ERR_SYSTEM_ERROR, "Failed to connect socket: No such file or directory");
    return NULL;
}

virConnectPtr virConnectOpenReadOnly(const char *name)
{
    return virConnectOpen(name);
}

int virConnectClose(virConnectPtr connection)
{
    free(connection);
    return 0;
}

int virConnectIsAlive(virConnectPtr connection)
{
    return 1;
}

int virConnectSetKeepAlive(virConnectPtr connection, int interval, unsigned int count)
{
    return 0;
}

int virConnectRegisterCloseCallback(virConnectPtr connection, virConnectCloseFunc call,
                                    void *opaque, virFreeCallback free_opaque)
{
    return 0;
}

int virConnectUnregisterCloseCallback(virConnectPtr connection, virConnectCloseFunc call)
{
    return 0;
}

int virConnectDomainEventRegisterAny(virConnectPtr connection, virDomainPtr domain, int event,
                                     virConnectDomainEventGenericCallback call, void *opaque,
                                     virFreeCallback free_opaque)
{
    int number = -1;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < CALLBACKS_MAX && number < 0; i++) {
        if (callbacks[i].number != 0)
            continue;
        number = ++last_number;
        callbacks[i] = (struct callback){number, connection, event, call, opaque, free_opaque};
    }
    pthread_mutex_unlock(&lock);
    return number;
}

int virConnectDomainEventDeregisterAny(virConnectPtr connection, int number)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < CALLBACKS_MAX; i++) {
        if (callbacks[i].number != number || callbacks[i].connection != connection)
            continue;
        callbacks[i].free_opaque(callbacks[i].opaque);
        callbacks[i].number = 0;
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

static virDomainPtr find(void)
{
    virDomainPtr domain = NULL;

    pthread_mutex_lock(&lock);
    if (runs) {
        domain = calloc(1, sizeof(*domain));
        if (domain != NULL)
            domain->id = domain_id;
    }
    pthread_mutex_unlock(&lock);
    return domain;
}

int virConnectListAllDomains(virConnectPtr connection, virDomainPtr **domains, unsigned int flags)
{
    virDomainPtr domain = find();

    *domains = calloc(2, sizeof(**domains));
    if (*domains == NULL)
        return -1;
    (*domains)[0] = domain;
    return domain != NULL;
}

virDomainPtr virDomainLookupByUUIDString(virConnectPtr connection, const char *uuid)
{
    virDomainPtr domain = strcmp(uuid, FAKE_LIBVIRT_UUID) == 0 ? find() : NULL;

    if (domain == NULL)
        (void)fail(VIR_ERR_NO_DOMAIN, "Domain not found");
    return domain;
}

int virDomainFree(virDomainPtr domain)
{
    free(domain);
    return 0;
}

const char *virDomainGetName(virDomainPtr domain)
{
    return "web-1";
}

int virDomainGetUUIDString(virDomainPtr domain, char *uuid)
{
    strcpy(uuid, FAKE_LIBVIRT_UUID);
    return 0;
}

unsigned int virDomainGetID(virDomainPtr domain)
{
    return (unsigned)domain->id;
}

int virDomainGetControlInfo(virDomainPtr domain, virDomainControlInfoPtr info, unsigned int flags)
{
    *info = (virDomainControlInfo){.state = VIR_DOMAIN_CONTROL_OK};
    return 0;
}

int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned int flags)
{
    *state = VIR_DOMAIN_RUNNING;
    *reason = VIR_DOMAIN_RUNNING_BOOTED;
    return 0;
}

int virDomainGetJobStats(virDomainPtr domain, int *type, virTypedParameterPtr *list, int *count,
                         unsigned int flags)
{
    return fail(VIR_ERR_OPERATION_INVALID, "there is no job");
}

int virTypedParamsGetInt(virTypedParameterPtr list, int count, const char *name, int *value)
{
    return 0;
}

void virTypedParamsFree(virTypedParameterPtr list, int count)
{
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)
{
    char *xml = NULL;
    bool garbles;

    if (monitor() < 0)
        return NULL;
    pthread_mutex_lock(&lock);
    garbles = fault == FAKE_GARBLES;
    if (asprintf(&xml,
                 "%s<name>web-1</name><uuid>" FAKE_LIBVIRT_UUID "</uuid><memory>%u</memory>"
                 "<metadata>%s</metadata><currentMemory>%lu</currentMemory><devices><memballoon "
                 "model='virtio'>"
                 "<stats period='%d'/></memballoon></devices></domain>",
                 garbles ? "" : "<domain>", MEMORY_KIB, mark, left, period) < 0)
        xml = NULL;
    pthread_mutex_unlock(&lock);
    return xml;
}

int virDomainMemoryStats(virDomainPtr domain, virDomainMemoryStatPtr statistics, unsigned int count,
                         unsigned int flags)
{
    if (monitor() < 0)
        return -1;
    pthread_mutex_lock(&lock);
    statistics[0] = (virDomainMemoryStatStruct){VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, left};
    pthread_mutex_unlock(&lock);
    return 1;
}

int virDomainSetMemoryFlags(virDomainPtr domain, unsigned long kibibytes, unsigned int flags)
{
    if (monitor() < 0)
        return -1;
    pthread_mutex_lock(&lock);
    left = kibibytes;
    pthread_mutex_unlock(&lock);
    return 0;
}

/* As libvirt keeps it: under the key, which stands for the namespace. */
int virDomainSetMetadata(virDomainPtr domain, int type, const char *text, const char *key,
                         const char *uri, unsigned int flags)
{
    if (monitor() < 0)
        return -1;
    pthread_mutex_lock(&lock);
    mark[0] = '\0';
    if (text != NULL)
        snprintf(mark, sizeof(mark), "<%s:%.*s xmlns:%s='%s' %s", key, (int)strcspn(text + 1, " "),
                 text + 1, key, uri, text + 1 + strcspn(text + 1, " ") + 1);
    pthread_mutex_unlock(&lock);
    return 0;
}

int virDomainSetMemoryStatsPeriod(virDomainPtr domain, int seconds, unsigned int flags)
{
    if (monitor() < 0)
        return -1;
    pthread_mutex_lock(&lock);
    period = seconds;
    pthread_mutex_unlock(&lock);
    return 0;
}
