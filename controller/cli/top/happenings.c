/* What happened. */
#include "controller/cli/top/happenings.h"

#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

static struct happening *next(struct happenings *happenings, int64_t time)
{
    struct happening *happening = &happenings->list[happenings->count++ % HAPPENINGS_MAX];

    *happening = (struct happening){.time = time};
    return happening;
}

void happenings_add(struct happenings *happenings, int64_t time, bool is_bad, const char *text)
{
    struct happening *happening = next(happenings, time);

    happening->is_bad = is_bad;
    text_copy(happening->text, sizeof(happening->text), text);
}

/* An action that was measured: what the host got of it. */
static void describe_action(const Event *event, char *text, size_t size)
{
    const Action *action = event->action;
    bool grew = action->host_returned < 0;
    uint64_t bytes = grew ? 0 - (uint64_t)action->host_returned : (uint64_t)action->host_returned;

    text_format(text, size, "%s %s%s%s: returned %s%s%s%s", event->vm, action->kind,
                action->asked_by[0] == '\0' ? "" : " by ", action->asked_by, grew ? "-" : "",
                BYTES_TEXT(bytes), action->reason[0] == '\0' ? "" : "; ", action->reason);
}

void happenings_take(struct happenings *happenings, const Event *event)
{
    const Action *action = event->action;
    struct happening *happening;

    if (strcmp(event->kind, "sample") == 0)
        return;
    happening = next(happenings, event->time_ns);
    happening->is_bad = strcmp(event->kind, "warning") == 0 || strcmp(event->kind, "alarm") == 0 ||
                        strcmp(event->kind, "lost") == 0;
    if (action != NULL && action->finished && action->footprint_before != 0)
        describe_action(event, happening->text, sizeof(happening->text));
    else
        text_format(happening->text, sizeof(happening->text), "%s%s%s%s%s", event->vm,
                    event->vm[0] == '\0' ? "" : " ", event->kind,
                    event->text[0] == '\0' ? "" : ": ", event->text);
}

const struct happening *happenings_get(const struct happenings *happenings, size_t back)
{
    if (back >= min_of(happenings->count, (uint64_t)HAPPENINGS_MAX))
        return NULL;
    return &happenings->list[(happenings->count - 1 - back) % HAPPENINGS_MAX];
}
