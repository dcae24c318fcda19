/* Watching directories. */
#include "controller/directory-watches.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <sys/inotify.h>
#include <unistd.h>

#define CHANGES                                                                                    \
    (IN_ATTRIB | IN_CREATE | IN_MODIFY | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |               \
     IN_MOVED_FROM | IN_MOVED_TO)

void directory_watches_init(struct directory_watches *watches, void (*on_change)(void *userdata),
                            void *userdata)
{
    *watches =
        (struct directory_watches){.descriptor = -1, .on_change = on_change, .userdata = userdata};
    for (size_t i = 0; i < DIRECTORY_WATCHES_MAX; i++)
        watches->numbers[i] = -1;
}

/* That a watch is no more is no change. */
static bool has_change(const char *events, size_t length)
{
    const struct inotify_event *event;

    for (size_t i = 0; i < length; i += sizeof(*event) + event->len) {
        event = (const void *)(events + i);
        if (event->mask != IN_IGNORED)
            return true;
    }
    return false;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct directory_watches *watches = poll->data;
    alignas(struct inotify_event) char buffer[16 * 1024];
    bool is_changed = false;
    ssize_t length;

    while ((length = read(watches->descriptor, buffer, sizeof(buffer))) > 0)
        is_changed = has_change(buffer, (size_t)length) || is_changed;
    if (is_changed)
        watches->on_change(watches->userdata);
}

int directory_watches_open(struct directory_watches *watches, uv_loop_t *loop)
{
    int descriptor;
    int r;

    if (watches->descriptor >= 0)
        return 0;
    descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    r = uv_poll_init(loop, &watches->poll, descriptor);
    if (r < 0) {
        close(descriptor);
        return r;
    }
    watches->descriptor = descriptor;
    watches->poll.data = watches;
    return uv_poll_start(&watches->poll, UV_READABLE, on_readable);
}

int directory_watches_put(struct directory_watches *watches, size_t index, const char *path)
{
    int before = watches->numbers[index];
    int number = inotify_add_watch(watches->descriptor, path, CHANGES);
    int r = number < 0 ? -errno : 0;

    assert(index < DIRECTORY_WATCHES_MAX);
    watches->numbers[index] = number;
    for (size_t i = 0; i < DIRECTORY_WATCHES_MAX; i++)
        if (watches->numbers[i] == before)
            return r; /* the same one, or another place has it too */
    (void)inotify_rm_watch(watches->descriptor, before);
    return r;
}

void directory_watches_stop(struct directory_watches *watches)
{
    if (watches->descriptor >= 0)
        uv_close((uv_handle_t *)&watches->poll, NULL);
}

void directory_watches_finish(struct directory_watches *watches)
{
    if (watches->descriptor >= 0)
        close(watches->descriptor);
    watches->descriptor = -1;
}
