/* One pass over all hosts: who is lost, has another clock, another key, or refuses. */
#include "controller/cli/fleet/fleet-view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

void fleet_view_coordinator(struct fleet_view *view, const Coordinator *coordinator,
                            fleet_add_check add, void *userdata)
{
    char text[320];

    view->key_length = min_of(coordinator->key.len, sizeof(view->key));
    if (view->key_length > 0)
        memcpy(view->key, coordinator->key.data, view->key_length);
    if (!coordinator->bus_is_there)
        add("failure", "coordinator", coordinator->problem, userdata);
    else if (coordinator->leads || coordinator->leader[0] != '\0') {
        text_format(text, sizeof(text), "%s leads, epoch %" PRIu64,
                    coordinator->leads ? "this one" : coordinator->leader, coordinator->epoch);
        add("ok", "coordinator", text, userdata);
    } else
        add("failure", "coordinator",
            coordinator->problem[0] != '\0'
                ? coordinator->problem
                : "nobody leads, so no rollout goes on: see the log of each coordinator",
            userdata);
    if (coordinator->bus_is_there && coordinator->problem[0] != '\0')
        add("warning", "problem", coordinator->problem, userdata);
}

static void count_in(struct fleet_crowd *crowd, const FleetHost *host, const char *why)
{
    size_t used = strlen(crowd->names);
    const char *separator = why != NULL ? "; " : ", ";

    if (crowd->count++ < 5)
        text_format(crowd->names + used, sizeof(crowd->names) - used, "%s%s%s%s",
                    used == 0 ? "" : separator, host->host, why != NULL ? ": " : "",
                    why != NULL ? why : "");
}

static bool has_other_clock(const FleetHost *host, int64_t now)
{
    int64_t ahead;

    if (!host->age_is_known)
        return false;
    ahead = (int64_t)((uint64_t)host->status->time_ns + host->age_ns - (uint64_t)now);
    return ahead > FLEET_CLOCK_SLACK || ahead < -FLEET_CLOCK_SLACK;
}

static bool has_other_key(const struct fleet_view *view,
                          const Vmreclaim__Fleet__V1__Applied *applied)
{
    return applied->generation > 0 && view->key_length > 0 &&
           (applied->key.len < view->key_length ||
            memcmp(applied->key.data, view->key, view->key_length) != 0);
}

static void look_at(struct fleet_view *view, const FleetHost *host, int64_t now)
{
    const Vmreclaim__Fleet__V1__HostStatus *status = host->status;

    view->hosts++;
    if (strcmp(host->presence, "lost") == 0)
        count_in(&view->lost, host, NULL);
    if (status == NULL)
        return;
    if (has_other_clock(host, now))
        count_in(&view->clocks, host, NULL);
    if (status->problem[0] != '\0')
        count_in(&view->silent, host, NULL);
    if (status->applied == NULL)
        return;
    if (has_other_key(view, status->applied))
        count_in(&view->keys, host, NULL);
    if (status->applied->refused[0] != '\0')
        count_in(&view->refusing, host, status->applied->refused);
}

void fleet_view_hosts(struct fleet_view *view, const HostPage *page, int64_t now)
{
    for (size_t i = 0; i < page->n_hosts; i++)
        look_at(view, page->hosts[i], now);
}

static void tell(const struct fleet_crowd *crowd, const char *name, const char *words,
                 const char *advice, fleet_add_check add, void *userdata)
{
    char text[512];

    if (crowd->count == 0)
        return;
    text_format(text, sizeof(text), "%u %s %s (%s%s): %s", crowd->count,
                crowd->count == 1 ? "host" : "hosts", words, crowd->names,
                crowd->count > 5 ? ", ..." : "", advice);
    add("warning", name, text, userdata);
}

void fleet_view_end(const struct fleet_view *view, fleet_add_check add, void *userdata)
{
    char text[64];

    snprintf(text, sizeof(text), "%u known, %u lost", view->hosts, view->lost.count);
    if (view->lost.count == 0)
        add("ok", "hosts", text, userdata);
    tell(&view->lost, "hosts", "not heard of", "vmreclaim fleet doctor there says why", add,
         userdata);
    tell(&view->silent, "daemons", "without figures", "is vmreclaimd there up?", add, userdata);
    tell(&view->clocks, "clocks", "with another clock than this machine's by a minute or more",
         "run an NTP client there and here", add, userdata);
    tell(&view->refusing, "refused", "with a state refused", "see vmreclaim status there", add,
         userdata);
    tell(&view->keys, "keys", "running what another key has signed",
         "keep former_key, and their fleet_keys, until there is none", add, userdata);
}
