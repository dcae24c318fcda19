/* Names of users. */
#include "common/transport/names.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

#include "common/base/text.h"

#define ENTRY_BYTES_MIN 1024
#define ENTRY_BYTES_MAX (256 * 1024)

struct name_lookup {
    uv_work_t work;
    uid_t uid;
    char name[64]; /* the thread's until it is done; empty: none */
    name_found on_found;
    void *userdata;
    bool is_forgotten;
};

/* ERANGE: `size` bytes are not enough. */
static int ask(struct name_lookup *lookup, size_t size)
{
    char *buffer = malloc(size);
    struct passwd entry;
    struct passwd *found = NULL;
    int r;

    if (buffer == NULL)
        return ENOMEM;
    r = getpwuid_r(lookup->uid, &entry, buffer, size, &found);
    if (r == 0 && found != NULL)
        text_copy_line(lookup->name, sizeof(lookup->name), found->pw_name);
    free(buffer);
    return r;
}

/* On a thread of the pool. */
static void run(uv_work_t *work)
{
    size_t size = ENTRY_BYTES_MIN;

    while (ask(work->data, size) == ERANGE && size < ENTRY_BYTES_MAX)
        size *= 4;
}

static void on_done(uv_work_t *work, int status)
{
    struct name_lookup *lookup = work->data;

    if (!lookup->is_forgotten)
        lookup->on_found(status == 0 && lookup->name[0] != '\0' ? lookup->name : NULL,
                         lookup->userdata);
    free(lookup);
}

int name_look_up(uv_loop_t *loop, uid_t uid, name_found on_found, void *userdata,
                 struct name_lookup **ret_lookup)
{
    struct name_lookup *lookup = calloc(1, sizeof(*lookup));
    int r;

    if (lookup == NULL)
        return -ENOMEM;
    lookup->uid = uid;
    lookup->on_found = on_found;
    lookup->userdata = userdata;
    lookup->work.data = lookup;
    r = uv_queue_work(loop, &lookup->work, run, on_done);
    if (r < 0)
        free(lookup);
    else
        *ret_lookup = lookup;
    return r;
}

void name_forget(struct name_lookup *lookup)
{
    lookup->is_forgotten = true;
    (void)uv_cancel((uv_req_t *)&lookup->work);
}
