/* Parts are told apart by their names. */
#include "controller/fleet/bridge/health.h"

#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

typedef Vmreclaim__Controller__V1__GetStatusResponse Status;

static bool was_degraded(const struct health *health, const char *part)
{
    for (size_t i = 0; i < health->count; i++)
        if (strcmp(health->parts[i], part) == 0)
            return true;
    return false;
}

static void tell(struct news *news, const char *part, const char *text, int64_t time)
{
    struct told_event event;

    if (event_of_daemon(news->host, part, text, time, &event) == 0)
        news_put(news, &event, time);
}

void health_look(struct health *health, const Status *status, int64_t time, struct news *news)
{
    struct health now = {.count = 0};
    char text[320];

    for (size_t i = 0; i < status->n_degraded && now.count < HEALTH_PARTS_MAX; i++) {
        char *part = now.parts[now.count++];

        text_copy(part, HEALTH_PART_SIZE, status->degraded[i]->part);
        if (was_degraded(health, part))
            continue;
        text_format(text, sizeof(text), "%s: %s", part, status->degraded[i]->reason);
        tell(news, part, text, time);
    }
    for (size_t i = 0; i < health->count; i++) {
        if (was_degraded(&now, health->parts[i]))
            continue;
        text_format(text, sizeof(text), "%s: works again", health->parts[i]);
        tell(news, health->parts[i], text, time);
    }
    *health = now;
}
