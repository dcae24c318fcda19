/* asking -> a page -> telling one after another -> asking. */
#include "controller/fleet/bridge/catch-up.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"

static void drop_page(struct catch_up *catch_up)
{
    for (size_t i = 0; i < catch_up->count; i++)
        free(catch_up->page[i].event.packed);
    catch_up->count = catch_up->next = 0;
}

void catch_up_init(struct catch_up *catch_up, const char *host, const struct cursor *cursor)
{
    *catch_up = (struct catch_up){.host = host, .cursor = *cursor, .page_end = cursor->number};
    news_init(&catch_up->news, host);
}

void catch_up_finish(struct catch_up *catch_up)
{
    drop_page(catch_up);
    news_finish(&catch_up->news);
}

static bool is_new(const struct catch_up *catch_up)
{
    return catch_up->cursor.number == 0;
}

void catch_up_bus_came(struct catch_up *catch_up)
{
    catch_up->due = catch_up->news_due = 0;
}

enum catch_up_step catch_up_begin(struct catch_up *catch_up, nsec_t now)
{
    if (catch_up->is_under_way || now < catch_up->due)
        return CATCH_UP_REST;
    catch_up->is_under_way = true;
    catch_up->is_news = now >= catch_up->news_due && news_first(&catch_up->news) != NULL;
    if (catch_up->is_news)
        return CATCH_UP_TELL;
    return catch_up->next < catch_up->count ? CATCH_UP_TELL : CATCH_UP_ASK;
}

void catch_up_ask(const struct catch_up *catch_up, int64_t time, ChangesRequest *request)
{
    vmreclaim__controller__v1__list_action_changes_request__init(request);
    request->after = catch_up->cursor.number;
    request->limit = CATCH_UP_PAGE;
    request->since_ns = is_new(catch_up) ? max_of(time - CATCH_UP_DAY, (int64_t)1) : 0;
}

/* ---- an answer ---- */

/* Without memory it is asked for again. */
static bool add(struct catch_up *catch_up, int r, const struct told_event *event, uint64_t number)
{
    assert(catch_up->count < ARRAY_SIZE(catch_up->page));
    if (r == 0 && event->packed != NULL)
        catch_up->page[catch_up->count++] =
            (struct catch_up_entry){.event = *event, .number = number};
    return r == 0;
}

static bool add_gap(struct catch_up *catch_up, uint64_t number, int64_t time, const char *text)
{
    struct told_event event;
    int r = event_of_gap(catch_up->host, catch_up->cursor.store, number, time, text, &event);

    return add(catch_up, r, &event, catch_up->cursor.number);
}

static void adopt(struct catch_up *catch_up, const ChangesResponse *response)
{
    snprintf(catch_up->cursor.store, sizeof(catch_up->cursor.store), "%s", response->store);
}

/* Numbers of one store say nothing of another one, nor those of one that was put back. */
static bool take_other_store(struct catch_up *catch_up, const ChangesResponse *response,
                             int64_t time)
{
    bool was_known = !is_new(catch_up);

    adopt(catch_up, response);
    catch_up->cursor.number = catch_up->page_end = catch_up->gap_told = 0;
    return !was_known ||
           add_gap(catch_up, 0, time,
                   "the daemon has another store, or an older copy of it: what was recorded "
                   "before, and not told yet, is told of the last day only");
}

static bool add_lost(struct catch_up *catch_up, uint64_t lost, int64_t time)
{
    catch_up->gap_told = lost;
    return add_gap(catch_up, lost, time,
                   "this host was away from the bus for longer than its daemon keeps records: "
                   "some were let go before they were told");
}

/* One without a record in it, or out of order, ends the page: the daemon is not believed. */
static bool add_records(struct catch_up *catch_up, const ChangesResponse *response)
{
    for (size_t i = 0; i < response->n_changes && i < CATCH_UP_PAGE; i++) {
        const Vmreclaim__Controller__V1__ActionChange *change = response->changes[i];
        struct told_event event;
        int r;

        if (change->action == NULL || change->number <= catch_up->page_end)
            break;
        r = event_of_action(catch_up->host, change->action, &event);
        if (!add(catch_up, r, &event, change->number))
            return false;
        catch_up->page_end = change->number;
    }
    return true;
}

static bool is_other_store(const struct catch_up *catch_up, const ChangesResponse *response)
{
    return strcmp(catch_up->cursor.store, response->store) != 0 ||
           response->newest < catch_up->cursor.number;
}

static bool take(struct catch_up *catch_up, const ChangesResponse *response, int64_t time)
{
    if (catch_up->cursor.store[0] == '\0')
        adopt(catch_up, response);
    if (is_other_store(catch_up, response))
        return take_other_store(catch_up, response, time);
    if (!is_new(catch_up) && response->lost > max_of(catch_up->cursor.number, catch_up->gap_told) &&
        !add_lost(catch_up, response->lost, time))
        return false;
    if (response->n_changes == 0)
        catch_up->page_end = response->newest; /* older than a day, or gone */
    return add_records(catch_up, response);
}

static void end_page(struct catch_up *catch_up)
{
    drop_page(catch_up);
    catch_up->cursor.number = catch_up->page_end;
}

void catch_up_answered(struct catch_up *catch_up, const ChangesResponse *response, nsec_t now,
                       int64_t time)
{
    uint64_t before = catch_up->cursor.number;

    assert(catch_up->is_under_way && catch_up->count == 0);
    catch_up->is_under_way = false;
    if (response == NULL || !take(catch_up, response, time)) {
        drop_page(catch_up);
        catch_up->page_end = catch_up->cursor.number;
        catch_up->due = now + CATCH_UP_RETRY;
        return;
    }
    if (catch_up->count > 0)
        return;
    /* Nothing of it is to be told; where it led on, more may follow. */
    end_page(catch_up);
    if (catch_up->cursor.number == before)
        catch_up->due = now + CATCH_UP_AGAIN;
}

/* ---- telling ---- */

void catch_up_happened(struct catch_up *catch_up, const Vmreclaim__Controller__V1__Event *event,
                       nsec_t now)
{
    news_add(&catch_up->news, event);
    if (now >= catch_up->news_due)
        catch_up->due = min_of(catch_up->due, now + CATCH_UP_GAP);
}

const struct told_event *catch_up_event(struct catch_up *catch_up)
{
    if (catch_up->is_news)
        return news_first(&catch_up->news);
    assert(catch_up->next < catch_up->count);
    return &catch_up->page[catch_up->next].event;
}

void catch_up_told(struct catch_up *catch_up, bool is_done, nsec_t now)
{
    assert(catch_up->is_under_way);
    catch_up->is_under_way = false;
    catch_up->due = now + (is_done || catch_up->is_news ? CATCH_UP_GAP : CATCH_UP_RETRY);
    if (catch_up->is_news) {
        if (is_done)
            news_pop(&catch_up->news);
        else
            catch_up->news_due = now + CATCH_UP_NEWS;
        return;
    }
    if (!is_done)
        return;
    assert(catch_up->next < catch_up->count);
    catch_up->cursor.number = catch_up->page[catch_up->next++].number;
    if (catch_up->next == catch_up->count)
        end_page(catch_up);
}
