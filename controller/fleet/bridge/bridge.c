/* The parts of a host's bridge put together. */
#include "controller/fleet/bridge/bridge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"

static void on_state(bool is_connected, const char *problem, void *userdata)
{
    struct bridge *bridge = userdata;

    if (is_connected)
        log_notice("connected to the fleet's bus");
    else
        log_warning("no connection to the fleet's bus (%s): %s; trying again for ever",
                    bridge->config.servers, problem);
    reporter_on_bus(&bridge->reporter, is_connected);
    desired_on_bus(&bridge->desired, is_connected);
    teller_on_bus(&bridge->teller, is_connected);
}

static void on_message(const struct bus_message *message, void *userdata)
{
    struct bridge *bridge = userdata;

    desired_on_message(&bridge->desired, message);
}

/* What is in force is told at once. */
static void on_applied(void *userdata)
{
    struct bridge *bridge = userdata;

    reporter_hurry(&bridge->reporter);
}

/* What does not work there is news, too. */
static void on_status(const Vmreclaim__Controller__V1__GetStatusResponse *status, void *userdata)
{
    struct bridge *bridge = userdata;

    teller_on_status(&bridge->teller, status);
}

static int start_bus(struct bridge *bridge, uv_loop_t *loop, struct error *error)
{
    const struct fleet_config *config = &bridge->config;
    char inbox[FLEET_HOST_SIZE + 16];
    struct bus_options options = {
        .servers = config->servers,
        .name = config->name,
        .inbox = inbox,
        .nkey = config->nkey[0] == '\0' ? NULL : config->nkey,
        .authority = config->authority[0] == '\0' ? NULL : config->authority,
        .on_state = on_state,
        .on_message = on_message,
        .userdata = bridge,
    };
    int r;

    snprintf(inbox, sizeof(inbox), "_INBOX_%s", config->host);
    r = bus_create(loop, &options, &bridge->bus, error);
    if (r == 0 && bus_subscribe(bridge->bus, bridge->desired.live) < 0)
        r = error_set(error, -ENOMEM, "out of memory");
    if (r == 0)
        r = bus_start(bridge->bus, error);
    bridge->reporter.bus = bridge->bus;
    bridge->desired.bus = bridge->bus;
    bridge->teller.bus = bridge->bus;
    return r;
}

int bridge_start(struct bridge *bridge, uv_loop_t *loop, const struct fleet_config *config,
                 struct error *error)
{
    int r;

    *bridge = (struct bridge){.config = *config};
    if (config->host[0] == '\0')
        return error_set(error, -EINVAL, "'host' is missing: this host has no id in the fleet");
    r = upstream_init(&bridge->upstream, loop, &upstream_daemon, config->api, "fleet", error);
    if (r < 0)
        return r;
    fetcher_init(&bridge->fetcher, &bridge->upstream);
    desired_init(&bridge->desired, loop, config->host, &bridge->fetcher, on_applied, bridge);
    reporter_init(&bridge->reporter, loop, &bridge->config, &bridge->fetcher);
    bridge->reporter.on_status = on_status;
    bridge->reporter.userdata = bridge;
    teller_init(&bridge->teller, loop, &bridge->config, &bridge->fetcher);
    r = start_bus(bridge, loop, error);
    if (r < 0) {
        bridge_stop(bridge);
        return r;
    }
    return 0;
}

void bridge_stop(struct bridge *bridge)
{
    reporter_stop(&bridge->reporter);
    desired_stop(&bridge->desired);
    teller_stop(&bridge->teller);
    upstream_stop(&bridge->upstream);
    bus_stop(bridge->bus);
}
