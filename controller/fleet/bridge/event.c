/* Texts are bounded here, whatever the daemon has. */
#include "controller/fleet/bridge/event.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "controller/fleet/events/kinds.h"

#define CHECKED_AFTER ((int64_t)600 * (int64_t)NSEC_PER_SEC) /* the daemon's TRACK_LATER */

typedef Vmreclaim__Fleet__V1__FleetEvent Event;
typedef Vmreclaim__Controller__V1__Action Action;

struct texts {
    char id[128];
    char vm[96];
    char line[320];
    char action[64];
    char kind[32];
    char asked_by[96];
    char asked_with[32];
    char why[192];
    char outcome[32];
    char reason_code[64];
    char reason[320];
};

#define CUT(texts, member, from)                                                                   \
    (text_copy((texts)->member, sizeof((texts)->member), from), (texts)->member)

/* Of another kind no host may tell. */
static bool may_be_told(const char *kind)
{
#define NAME(name, help) name,
    static const char *const kinds[] = {FLEET_EVENT_KINDS(NAME)};

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i], kind) == 0)
            return true;
    return false;
}

static int pack(const Event *event, struct told_event *ret_event)
{
    uint8_t *packed = malloc(EVENT_BYTES_MAX);

    assert(may_be_told(event->kind));
    assert(vmreclaim__fleet__v1__fleet_event__get_packed_size(event) <= EVENT_BYTES_MAX);
    if (packed == NULL)
        return -ENOMEM;
    ret_event->packed = packed;
    ret_event->length = vmreclaim__fleet__v1__fleet_event__pack(event, packed);
    return 0;
}

static bool is_measured(const Action *action)
{
    return action->footprint_before != 0;
}

/* ---- in words ---- */

static void say(const Action *action, char *text, size_t size)
{
    int64_t bytes = action->checked_again ? action->host_returned_later : action->host_returned;
    uint64_t amount = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    const char *by = action->asked_by[0] == '\0' ? "the guest" : action->asked_by;
    char number[32];

    (void)bytes_format_short(amount, number, sizeof(number));
    if (!is_measured(action))
        text_format(text, size, "%s by %s: %s", action->kind, by,
                    action->reason[0] == '\0' ? "what the host got is not known" : action->reason);
    else if (action->checked_again)
        text_format(text, size, "%s by %s, ten minutes later: the host %s %s", action->kind, by,
                    bytes < 0 ? "holds more by" : "still has", number);
    else
        text_format(text, size, "%s by %s: the host %s %s%s%s", action->kind, by,
                    bytes < 0 ? "gave" : "got back", number,
                    action->reason_code[0] == '\0' ? "" : ", ", action->reason_code);
}

/* ---- of actions ---- */

static void fill_action(const Action *action, struct texts *texts,
                        Vmreclaim__Fleet__V1__FleetAction *told)
{
    vmreclaim__fleet__v1__fleet_action__init(told);
    told->id = CUT(texts, action, action->id);
    told->kind = CUT(texts, kind, action->kind);
    told->asked_by = CUT(texts, asked_by, action->asked_by);
    told->asked_with = CUT(texts, asked_with, action->asked_with);
    told->why = CUT(texts, why, action->why);
    told->outcome = CUT(texts, outcome, action->outcome);
    told->reason_code = CUT(texts, reason_code, action->reason_code);
    told->reason = CUT(texts, reason, action->reason);
    told->started_ns = action->started_ns;
    told->duration_ns = action->duration_ns;
    told->bytes_asked = action->bytes_asked;
    told->returned_is_known = is_measured(action);
    told->returned = is_measured(action) ? action->host_returned : 0;
    told->returned_later = action->checked_again ? action->host_returned_later : 0;
}

int event_of_action(const char *host, const Action *action, struct told_event *ret_event)
{
    Vmreclaim__Fleet__V1__FleetAction told;
    struct texts texts;
    Event event;

    *ret_event = (struct told_event){.packed = NULL};
    if (!action->finished)
        return 0;
    ret_event->kind = action->checked_again ? "checked" : "action";
    vmreclaim__fleet__v1__fleet_event__init(&event);
    fill_action(action, &texts, &told);
    text_format(texts.id, sizeof(texts.id), "%s/%s/%s", host, told.id,
                action->checked_again ? "checked" : "ended");
    event.id = texts.id;
    event.time_ns = action->started_ns + (int64_t)action->duration_ns +
                    (action->checked_again ? CHECKED_AFTER : 0);
    event.kind = (char *)ret_event->kind;
    event.vm = CUT(&texts, vm, action->vm);
    say(action, texts.line, sizeof(texts.line));
    text_make_safe(texts.line, TEXT_ONE_LINE);
    event.text = texts.line;
    event.action = &told;
    return pack(&event, ret_event);
}

/* ---- of what is lost ---- */

int event_of_gap(const char *host, const char *store, uint64_t number, int64_t time,
                 const char *text, struct told_event *ret_event)
{
    struct texts texts;
    Event event;

    *ret_event = (struct told_event){.kind = "gap"};
    vmreclaim__fleet__v1__fleet_event__init(&event);
    text_format(texts.id, sizeof(texts.id), "%s/gap/%s-%" PRIu64, host, store, number);
    event.id = texts.id;
    event.time_ns = time;
    event.kind = (char *)ret_event->kind;
    event.text = CUT(&texts, line, text);
    return pack(&event, ret_event);
}

/* ---- of what has no record ---- */

/* One of no VM is about the daemon's stream itself: it says what it left out. */
static const char *kind_of(const Vmreclaim__Controller__V1__Event *event)
{
    if (event->vm[0] == '\0')
        return "gap";
    if (strcmp(event->kind, "alarm") == 0)
        return "alarm";
    return strcmp(event->kind, "policy") == 0 ? "policy" : "vm";
}

int event_of_news(const char *host, const Vmreclaim__Controller__V1__Event *event,
                  struct told_event *ret_event)
{
    struct texts texts;
    Event told;

    *ret_event = (struct told_event){.kind = kind_of(event)};
    vmreclaim__fleet__v1__fleet_event__init(&told);
    text_format(texts.id, sizeof(texts.id), "%s/%s/%" PRId64 "-%" PRIu64, host, ret_event->kind,
                event->time_ns, event->sequence);
    told.id = texts.id;
    told.time_ns = event->time_ns;
    told.kind = (char *)ret_event->kind;
    told.vm = CUT(&texts, vm, event->vm);
    told.text = CUT(&texts, line, event->text[0] == '\0' ? event->kind : event->text);
    text_make_safe(told.text, TEXT_ONE_LINE);
    return pack(&told, ret_event);
}

int event_of_daemon(const char *host, const char *part, const char *text, int64_t time,
                    struct told_event *ret_event)
{
    struct texts texts;
    Event told;

    *ret_event = (struct told_event){.kind = "daemon"};
    vmreclaim__fleet__v1__fleet_event__init(&told);
    text_format(texts.id, sizeof(texts.id), "%s/daemon/%" PRId64 "-%s", host, time, part);
    told.id = texts.id;
    told.time_ns = time;
    told.kind = (char *)ret_event->kind;
    told.text = CUT(&texts, line, text);
    text_make_safe(told.text, TEXT_ONE_LINE);
    return pack(&told, ret_event);
}
