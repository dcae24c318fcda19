/* timer -> records of the daemon -> the bus -> the cursor's file. */
#include "controller/fleet/bridge/teller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"

#define TIMEOUT    (30 * NSEC_PER_SEC) /* the store may be large */
#define SAVE_AGAIN (1 * NSEC_PER_SEC)  /* while much is told */

static void go_on(struct teller *teller);

/* One answer is enough in the log. */
static void say(struct teller *teller, const char *problem)
{
    if (strcmp(teller->said, problem) == 0)
        return;
    text_copy(teller->said, sizeof(teller->said), problem);
    if (problem[0] != '\0')
        log_warning("the fleet is not told what happened: %s; trying again", problem);
}

/* ---- the file ---- */

static void save_it(uv_work_t *work)
{
    struct teller *teller = work->data;

    teller->save_status = cursor_write(teller->path, &teller->saving);
}

static void on_saved(uv_work_t *work, int status)
{
    struct teller *teller = work->data;
    int r = status < 0 ? status : teller->save_status;

    teller->is_saving = false;
    teller->saved = teller->saving;
    if (r < 0 && !teller->cannot_save)
        log_warning("%s cannot be written: %s; after a restart the last day is told again",
                    teller->path, strerror(-r));
    teller->cannot_save = r < 0;
}

/* What was told is written when all is, else once a second. */
static void save(struct teller *teller, nsec_t now)
{
    const struct cursor *cursor = &teller->catch_up.cursor;

    bool is_saved =
        cursor->number == teller->saved.number && strcmp(cursor->store, teller->saved.store) == 0;

    if (teller->is_saving || is_saved || cursor->number == 0 ||
        (teller->catch_up.count > 0 && now < teller->save_due))
        return;
    teller->saving = *cursor;
    teller->save_due = now + SAVE_AGAIN;
    teller->is_saving = uv_queue_work(teller->timer.loop, &teller->save, save_it, on_saved) == 0;
}

static void load(struct teller *teller)
{
    int r = cursor_read(teller->path, &teller->saved);

    if (r < 0 && r != -ENOENT)
        log_warning("%s cannot be read: %s; the last day is told again", teller->path,
                    r == -EUCLEAN ? "it is damaged" : strerror(-r));
}

/* ---- asking ---- */

static void on_answer(const struct ttrpc_result *result, void *userdata)
{
    struct teller *teller = userdata;

    teller->fetch = NULL;
    say(teller, result->code == TTRPC_OK ? "" : result->message);
    catch_up_answered(&teller->catch_up,
                      result->code == TTRPC_OK ? (const void *)result->response : NULL,
                      time_boottime(), time_realtime());
    go_on(teller);
}

static void ask(struct teller *teller)
{
    ChangesRequest message;
    const struct fetch_request request = {
        .method = "ListActionChanges",
        .form = FETCH_ONE,
        .message = &message.base,
        .timeout = TIMEOUT,
        .on_end = on_answer,
        .userdata = teller,
    };

    catch_up_ask(&teller->catch_up, time_realtime(), &message);
    if (fetch_start(teller->fetcher, &request, &teller->fetch) < 0)
        catch_up_answered(&teller->catch_up, NULL, time_boottime(), time_realtime());
}

/* ---- telling ---- */

static const char *in_words(const struct bus_answer *answer)
{
    if (answer->status == -ENOTCONN)
        return "no stream keeps it, or the bus went: a coordinator makes the stream";
    if (answer->status == -ETIMEDOUT)
        return "the bus does not answer; may this host publish to vmr.v1.event.HOST.>?";
    return answer->problem;
}

/* What is too large is never taken. */
static void on_told(const struct bus_answer *answer, void *userdata)
{
    struct teller *teller = userdata;

    say(teller, answer->status == 0 ? "" : in_words(answer));
    catch_up_told(&teller->catch_up, answer->status == 0 || answer->status == -EMSGSIZE,
                  time_boottime());
    go_on(teller);
}

static void tell(struct teller *teller)
{
    const struct told_event *event = catch_up_event(&teller->catch_up);
    char subject[128];

    snprintf(subject, sizeof(subject), "vmr.v1.event.%s.%s", teller->config->host, event->kind);
    if (bus_put(teller->bus, subject, event->packed, event->length, BUS_ANYTHING, on_told, teller) <
        0)
        catch_up_told(&teller->catch_up, false, time_boottime());
}

/* ---- when ---- */

static void on_timer(uv_timer_t *timer)
{
    go_on(timer->data);
}

static void rest(struct teller *teller, nsec_t now)
{
    nsec_t due = teller->catch_up.due;

    if (!teller->catch_up.is_under_way)
        (void)uv_timer_start(&teller->timer, on_timer,
                             due <= now ? 0 : (uint64_t)((due - now) / NSEC_PER_MSEC + 1), 0);
}

static void go_on(struct teller *teller)
{
    nsec_t now = time_boottime();
    enum catch_up_step step = CATCH_UP_REST;

    save(teller, now);
    if (!teller->bus_is_there || teller->fetcher->upstream->connection == NULL)
        return;
    step = catch_up_begin(&teller->catch_up, now);
    if (step == CATCH_UP_ASK)
        ask(teller);
    else if (step == CATCH_UP_TELL)
        tell(teller);
    rest(teller, now);
}

static void on_event(const Vmreclaim__Controller__V1__Event *event, void *userdata)
{
    struct teller *teller = userdata;

    catch_up_happened(&teller->catch_up, event, time_boottime());
    go_on(teller);
}

void teller_on_status(struct teller *teller,
                      const Vmreclaim__Controller__V1__GetStatusResponse *status)
{
    health_look(&teller->health, status, time_realtime(), &teller->catch_up.news);
    go_on(teller);
}

static void on_upstream(void *userdata)
{
    go_on(userdata);
}

void teller_on_bus(struct teller *teller, bool is_there)
{
    teller->bus_is_there = is_there;
    if (is_there)
        catch_up_bus_came(&teller->catch_up);
    go_on(teller);
}

void teller_init(struct teller *teller, uv_loop_t *loop, const struct fleet_config *config,
                 struct fetcher *fetcher)
{
    *teller = (struct teller){.config = config,
                              .fetcher = fetcher,
                              .listener = {.on_change = on_upstream, .userdata = teller}};
    snprintf(teller->path, sizeof(teller->path), "%s/cursor", config->state_directory);
    load(teller);
    catch_up_init(&teller->catch_up, config->host, &teller->saved);
    teller->save.data = teller;
    (void)uv_timer_init(loop, &teller->timer);
    teller->timer.data = teller;
    upstream_listen(fetcher->upstream, &teller->listener);
    watch_init(&teller->watch, loop, fetcher->upstream, on_event, teller);
}

void teller_stop(struct teller *teller)
{
    if (teller->fetch != NULL)
        fetch_cancel(teller->fetch);
    watch_stop(&teller->watch);
    catch_up_finish(&teller->catch_up);
    list_remove(&teller->listener.link);
    uv_close((uv_handle_t *)&teller->timer, NULL);
}
