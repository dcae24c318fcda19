/* Directories whose changes are heard of. To watch one its path is looked up, which may wait for a
 * disk or a server: that is done on the thread that reads the files. */
#ifndef VMRECLAIM_CONTROLLER_DIRECTORY_WATCHES_H
#define VMRECLAIM_CONTROLLER_DIRECTORY_WATCHES_H

#include <stdbool.h>
#include <uv.h>

#define DIRECTORY_WATCHES_MAX 2

struct directory_watches {
    uv_poll_t poll;
    int descriptor;                     /* of inotify(7); -1: not open */
    int numbers[DIRECTORY_WATCHES_MAX]; /* as the kernel has them; -1: not watched */
    void (*on_change)(void *userdata);
    void *userdata;
};

void directory_watches_init(struct directory_watches *watches, void (*on_change)(void *userdata),
                            void *userdata);

/* On the loop, before `put`; once it has worked it does nothing. -errno. */
int directory_watches_open(struct directory_watches *watches, uv_loop_t *loop);

/* On any thread, one at a time: in the place of what was watched there. The directory may be
 * another one of the same name, so each time anew. -errno. */
int directory_watches_put(struct directory_watches *watches, size_t index, const char *path);

/* Hears of nothing any more. */
void directory_watches_stop(struct directory_watches *watches);
/* When no thread puts any more. */
void directory_watches_finish(struct directory_watches *watches);

#endif
