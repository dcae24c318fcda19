/* The metrics as a file, for the textfile collector of node_exporter: nothing listens. */
#ifndef VMRECLAIM_CONTROLLER_WEB_TEXTFILE_H
#define VMRECLAIM_CONTROLLER_WEB_TEXTFILE_H

#include "controller/client/fetch.h"
#include "controller/web/metrics.h"

struct textfile {
    struct fetcher *fetcher;
    const char *path;
    nsec_t interval; /* 0: once */
    enum metrics_scope scope;
    struct fetch *fetch; /* NULL: none is under way */
    uv_timer_t timer;
    bool was_said; /* in the log: it cannot be written */
    /* It was written, or could not be, which the log says; only of one that is written once. */
    void (*on_done)(int r, void *userdata);
    void *userdata;
};

/* The members down to `scope`, and the callback, are set before. Closes its handle on the loop's
 * next turns after textfile_stop(). */
void textfile_start(struct textfile *textfile, uv_loop_t *loop);
void textfile_stop(struct textfile *textfile);

#endif
