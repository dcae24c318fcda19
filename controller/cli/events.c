/* vmreclaim events */
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "controller/cli/cli.h"
#include "controller/cli/event-kinds.h"
#include "controller/cli/messages.h"
#include "controller/cli/waterfall.h"
#include "controller/cli/when.h"

static const char *vm = "";
static bool follow;
static const char *kind;
static bool samples;

static struct event_kinds kinds;
static bool as_json;

static void print_numbers(const Event *event)
{
    char footprint[32];
    char cache[32];
    char trapped[32];
    const Waterfall *w = event->waterfall;

    if (event->action != NULL && event->action->finished && event->action->footprint_before != 0) {
        bool grew = event->action->host_returned < 0;
        uint64_t size = grew ? 0 - (uint64_t)event->action->host_returned
                             : (uint64_t)event->action->host_returned;
        printf("  returned %s%s", grew ? "-" : "",
               bytes_format_short(size, footprint, sizeof(footprint)));
    }
    if (w == NULL)
        return;
    printf("  footprint %s", waterfall_host_is_known(w)
                                 ? bytes_format_short(w->footprint, footprint, sizeof(footprint))
                                 : "-");
    if (w->guest_is_known)
        printf(", cache %s, trapped %s", bytes_format_short(w->cache, cache, sizeof(cache)),
               bytes_format_short(w->trapped, trapped, sizeof(trapped)));
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Event *event = (const void *)message;
    char time[32];

    /* A daemon of before sends all; and what is of no VM is about the stream itself. */
    if (event->vm[0] != '\0' && !event_kinds_have(&kinds, event->kind))
        return EXIT_DONE;
    if (as_json)
        return print_json(message);
    printf("%s  ", when_format_moment(event->time_ns, time, sizeof(time)));
    print_text(event->vm[0] == '\0' ? "-" : event->vm);
    fputs("  ", stdout);
    print_text(event->kind);
    if (event->text[0] != '\0') {
        fputs("  ", stdout);
        print_text(event->text);
    }
    print_numbers(event);
    putchar('\n');
    return EXIT_DONE;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;
    cleanup_free char *asked = kind == NULL ? NULL : strdup(kind);
    struct cli plain = *cli;

    if (kind != NULL && asked == NULL)
        return fail(EXIT_FAILED, "out of memory");
    if (asked != NULL && event_kinds_parse(asked, &kinds) != EXIT_DONE)
        return EXIT_USAGE;
    if (!follow)
        return fail(EXIT_USAGE, "events: only the present can be followed: vmreclaim events -f\n"
                                "For the past: vmreclaim actions, vmreclaim history VM");
    kinds.samples = samples;
    if (samples && kinds.count > 0 && kinds.count < EVENT_KINDS_MAX)
        kinds.names[kinds.count++] = (char *)"sample";
    request.vm = (char *)vm;
    request.kinds = kinds.names;
    request.n_kinds = kinds.count;
    request.without_samples = !samples;
    as_json = cli->json;
    plain.json = false;
    return client_stream(&plain, "WatchEvents", &request.base, print, NULL);
}

static const struct command_option options[] = {
    {"follow", 'f', OPTION_FLAG, NULL, "go on until interrupted", &follow, NULL},
    {"vm", 0, OPTION_TEXT, "VM", "of this VM only", &vm, NULL},
    {"kind", 'k', OPTION_TEXT, "KIND", "of this kind only, or of several: action,policy", &kind,
     NULL},
    {"samples", 0, OPTION_FLAG, NULL, "measurements, too: every few seconds of each VM", &samples,
     NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_events = {
    .name = "events",
    .operands = "-f",
    .summary = "what happens, as it happens",
    .description =
        "Prints one line per event: agents that come and go, memory pressure, what the policy\n"
        "decides, actions and what they returned, warnings. With --json, one document per line.\n"
        "Kinds: state (or one of discovered, connected, managed, paused, migrating, stalled,\n"
        "lost, gone), action, pressure, engine, policy, balloon, arbiter, alarm, warning,\n"
        "hypervisor, reset, restored, renamed, removed; and sample, only where it is asked for.",
    .example = "vmreclaim events -f --vm web1 --kind action,pressure",
    .see_also = "actions and history, for the past",
    .options = options,
    .timeout = NSEC_INFINITY,
    .run = run,
};
