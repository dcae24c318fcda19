/* The PSI trigger as a libuv poll handle. */
#include "agent/sensors/pressure-trigger.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"

/* A trigger must only be written to the kernel's own file, never into a copy of one. */
static int open_trigger(int root, int *ret_descriptor)
{
    cleanup_close int descriptor =
        openat(root, "proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct statfs filesystem;

    if (descriptor < 0)
        return errno == ENOENT ? -ENOTSUP : -errno;
    if (fstatfs(descriptor, &filesystem) < 0)
        return -errno;
    if (filesystem.f_type != PROC_SUPER_MAGIC)
        return -ENOTSUP;
    *ret_descriptor = take_descriptor(descriptor);
    return 0;
}

static int write_trigger(int descriptor, nsec_t window)
{
    unsigned long long microseconds = window / NSEC_PER_USEC;
    char text[64];
    int length = snprintf(text, sizeof(text), "some %llu %llu",
                          microseconds * PRESSURE_SOME_PERMYRIAD / PERMYRIAD_ONE, microseconds);

    /* The kernel wants the final zero too. */
    return write(descriptor, text, (size_t)length + 1) < 0 ? -errno : 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct pressure_trigger *trigger = poll->data;

    if (status < 0)
        (void)uv_poll_stop(poll); /* the trigger is gone with its file; the samples still show it */
    else
        trigger->on_pressure(trigger->userdata);
}

int pressure_trigger_init(struct pressure_trigger *trigger, uv_loop_t *loop, int root,
                          void (*on_pressure)(void *userdata), void *userdata)
{
    cleanup_close int descriptor = -1;
    int r;

    memset(trigger, 0, sizeof(*trigger));
    trigger->on_pressure = on_pressure;
    trigger->userdata = userdata;
    r = open_trigger(root, &descriptor);
    if (r < 0)
        return r;
    trigger->window = NSEC_PER_SEC;
    r = write_trigger(descriptor, trigger->window);
    if (r == -EINVAL) { /* the unprivileged get windows of two seconds */
        trigger->window = 2 * NSEC_PER_SEC;
        r = write_trigger(descriptor, trigger->window);
    }
    if (r < 0)
        return r;
    r = uv_poll_init(loop, &trigger->poll, descriptor);
    if (r < 0)
        return r;
    trigger->poll.data = trigger;
    trigger->descriptor = take_descriptor(descriptor);
    trigger->is_armed = true;
    return uv_poll_start(&trigger->poll, UV_PRIORITIZED, on_poll);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct pressure_trigger *trigger = handle->data;

    close(trigger->descriptor);
    trigger->is_armed = false;
    trigger->on_closed(trigger->userdata);
}

void pressure_trigger_close(struct pressure_trigger *trigger, void (*on_closed)(void *userdata))
{
    trigger->on_closed = on_closed;
    if (!trigger->is_armed)
        on_closed(trigger->userdata);
    else
        uv_close((uv_handle_t *)&trigger->poll, on_poll_closed);
}
