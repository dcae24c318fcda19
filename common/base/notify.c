/* sd_notify without the library: a dozen lines of socket code against nine shared objects. */
#include "common/base/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"

/* A path, or a name in the abstract namespace behind '@'. */
static int connect_to(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    int descriptor;

    if ((name[0] != '/' && name[0] != '@') || length >= sizeof(address.sun_path))
        return -1;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -1;
    if (connect(descriptor, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/* $WATCHDOG_USEC, when it is meant for this process. */
static nsec_t read_watchdog(void)
{
    const char *period = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t value;

    if (period == NULL)
        return 0;
    if (pid != NULL && (number_parse(pid, &value) < 0 || value != (uint64_t)getpid()))
        return 0;
    if (number_parse(period, &value) < 0 || value > UINT64_MAX / NSEC_PER_USEC)
        return 0;
    return value * NSEC_PER_USEC;
}

void notify_init(struct notify *notify, nsec_t now)
{
    const char *name = getenv("NOTIFY_SOCKET");

    notify->descriptor = name != NULL ? connect_to(name) : -1;
    notify->watchdog = notify->descriptor >= 0 ? read_watchdog() : 0;
    notify->watchdog_due = notify->watchdog > 0 ? now : NSEC_INFINITY;
}

void notify_finish(struct notify *notify)
{
    if (notify->descriptor >= 0)
        close(notify->descriptor);
    notify->descriptor = -1;
}

void notify_send(const struct notify *notify, const char *message)
{
    if (notify->descriptor >= 0)
        (void)send(notify->descriptor, message, strlen(message), MSG_NOSIGNAL);
}

void notify_watchdog(struct notify *notify, nsec_t now)
{
    /* A quarter early: the caller is awake, and would have to wake up again. */
    if (notify->watchdog_due == NSEC_INFINITY || now + notify->watchdog / 4 < notify->watchdog_due)
        return;
    notify_send(notify, "WATCHDOG=1");
    notify->watchdog_due = now + notify->watchdog / 2;
}
