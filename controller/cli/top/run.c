/* The loop between the peer, the terminal and the person. */
#include "controller/cli/top/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "common/base/util.h"
#include "controller/cli/color.h"
#include "controller/cli/top/layout.h"
#include "controller/cli/top/screen.h"

#define TICK 1000 /* ms */

enum { SIGNALS = 7 };

struct top {
    struct top_model *model;
    struct top_session session;
    struct screen *screen;
    struct page page;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[SIGNALS];
    bool is_stale; /* the screen */
    bool quits;
    int signal; /* that ended it; 0: none */
};

/* ---- the screen ---- */

static void fit_page(struct top *top)
{
    size_t rows;
    size_t columns;

    screen_resize(top->screen, &rows, &columns);
    if (page_resize(&top->page, rows, columns) < 0)
        top->quits = true;
    top->is_stale = true;
}

static void draw(struct top *top)
{
    top->is_stale = top->session.is_urgent = false;
    top_model_arrange(top->model, time_realtime());
    layout_draw(top->model, &top->page);
    screen_draw(top->screen, &top->page);
}

/* ---- keys ---- */

static void take_key(struct top *top, struct top_key key)
{
    struct top_intention intention = top_model_key(top->model, key);

    if (intention.wish == TOP_WISH_QUIT)
        top->quits = true;
    else if (intention.wish != TOP_WISH_NOTHING)
        top_session_do(&top->session, &intention);
}

static void take_keys(struct top *top)
{
    struct top_key key;

    while (!top->quits && screen_key(top->screen, &key))
        take_key(top, key);
    top->is_stale = true; /* Ctrl-L is no key of ours */
}

/* ---- signals ---- */

static void on_end(uv_signal_t *handle, int number)
{
    struct top *top = handle->data;

    top->signal = number;
    top->quits = true;
}

/* Where nobody could wake us, the kernel does not stop us. */
static void on_stop(uv_signal_t *handle, int number)
{
    struct top *top = handle->data;

    screen_suspend(top->screen);
    uv_signal_stop(handle);
    (void)raise(number);
    (void)uv_signal_start(handle, on_stop, number);
    screen_resume(top->screen);
    fit_page(top);
}

static void on_continue(uv_signal_t *handle, int number)
{
    screen_resume(((struct top *)handle->data)->screen);
    fit_page(handle->data);
}

static void on_resize(uv_signal_t *handle, int number)
{
    fit_page(handle->data);
}

static void watch_signals(struct top *top)
{
    static const struct {
        int number;
        uv_signal_cb callback;
    } watched[SIGNALS] = {
        {SIGINT, on_end},   {SIGTERM, on_end},      {SIGHUP, on_end},      {SIGQUIT, on_end},
        {SIGTSTP, on_stop}, {SIGCONT, on_continue}, {SIGWINCH, on_resize},
    };

    for (size_t i = 0; i < SIGNALS; i++) {
        (void)uv_signal_init(&top->loop, &top->signals[i]);
        top->signals[i].data = top;
        (void)uv_signal_start(&top->signals[i], watched[i].callback, watched[i].number);
    }
}

/* ---- the loop ---- */

static void on_tick(uv_timer_t *timer)
{
    struct top *top = timer->data;

    /* else it is drawn when the page that is asked for now is there */
    top->is_stale = !top_session_hears(&top->session);
    top_session_tick(&top->session);
}

/* Waits for the loop or a key. libuv would make standard input non-blocking for everybody who
 * shares it, so its own descriptor is waited for instead. */
static void wait_for_more(struct top *top)
{
    struct pollfd ready[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = uv_backend_fd(&top->loop), .events = POLLIN}};

    if (poll(ready, ARRAY_SIZE(ready), uv_backend_timeout(&top->loop)) <= 0)
        return;
    if ((ready[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
        top->quits = true;
    else if (ready[0].revents != 0)
        take_keys(top);
}

static void run_screen(struct top *top)
{
    watch_signals(top);
    (void)uv_timer_init(&top->loop, &top->timer);
    top->timer.data = top;
    (void)uv_timer_start(&top->timer, on_tick, TICK, TICK);
    fit_page(top);
    while (!top->quits) {
        (void)uv_run(&top->loop, UV_RUN_NOWAIT);
        if (!top->quits && (top->is_stale || top->session.is_urgent))
            draw(top);
        if (!top->quits)
            wait_for_more(top);
    }
    uv_close((uv_handle_t *)&top->timer, NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&top->signals[i], NULL);
}

static void close_all(struct top *top)
{
    top_session_end(&top->session);
    (void)uv_run(&top->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&top->loop);
    page_finish(&top->page);
    top_model_finish(top->model);
}

/* The terminal is taken when the daemon has answered: until then ssh may ask for a password. */
static int show(struct top *top)
{
    struct error error = {""};
    size_t acting;

    while (!top->session.has_answered && top->session.code == EXIT_DONE)
        (void)uv_run(&top->loop, UV_RUN_ONCE);
    if (top->session.code != EXIT_DONE)
        return top->session.code;
    if (screen_create(color_is_on(), &top->screen, &error) < 0)
        return fail(EXIT_USAGE, "%s", error.text);
    run_screen(top);
    screen_destroy(top->screen);
    acting = top->session.acting;
    if (acting > 0)
        fprintf(stderr, "vmreclaim: %zu action%s on; see: vmreclaim actions\n", acting,
                acting == 1 ? " goes" : "s go");
    return EXIT_DONE;
}

/* Each time that another host is dialled anew there is an ssh; nobody waits for the last one. */
static void leave_children(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};

    (void)sigaction(SIGCHLD, &action, NULL);
}

int top_run(struct cli *cli, const struct top_peer *peer, const struct top_kind *kind)
{
    struct top top = {.model = calloc(1, sizeof(*top.model))};
    int code;

    if (top.model == NULL || uv_loop_init(&top.loop) < 0) {
        free(top.model);
        return fail(EXIT_FAILED, "out of memory");
    }
    leave_children();
    top_model_init(top.model, kind);
    top_session_start(&top.session, peer, cli, &top.loop, top.model);
    code = show(&top);
    close_all(&top);
    free(top.model);
    if (top.signal != 0)
        (void)raise(top.signal); /* as it would have ended us without a screen */
    return code;
}

bool top_may_run(const struct cli *cli)
{
    return !cli->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}
