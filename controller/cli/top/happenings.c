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

static void add_part(struct happening *happening, const char *before, const char *text)
{
    if (text[0] == '\0')
        return;
    text_append_bytes(happening->text, sizeof(happening->text), before, strlen(before));
    text_append_bytes(happening->text, sizeof(happening->text), text, strlen(text));
}

/* What the host got of it. */
static void add_returned(struct happening *happening, const Action *action)
{
    bool grew = action->host_returned < 0;
    uint64_t size = grew ? 0 - (uint64_t)action->host_returned : (uint64_t)action->host_returned;

    if (!action->finished || action->footprint_before == 0)
        return;
    add_part(happening, grew ? ", returned -" : ", returned ", BYTES_TEXT(size));
}

void happenings_take(struct happenings *happenings, const Event *event)
{
    struct happening *happening;

    if (strcmp(event->kind, "sample") == 0)
        return;
    happening = next(happenings, event->time_ns);
    happening->is_bad = strcmp(event->kind, "warning") == 0 || strcmp(event->kind, "alarm") == 0 ||
                        strcmp(event->kind, "lost") == 0;
    text_copy(happening->text, sizeof(happening->text), event->vm);
    add_part(happening, happening->text[0] == '\0' ? "" : " ", event->kind);
    add_part(happening, ": ", event->text);
    if (event->action != NULL)
        add_returned(happening, event->action);
}

const struct happening *happenings_get(const struct happenings *happenings, size_t back)
{
    if (back >= min_of(happenings->count, (uint64_t)HAPPENINGS_MAX))
        return NULL;
    return &happenings->list[(happenings->count - 1 - back) % HAPPENINGS_MAX];
}
