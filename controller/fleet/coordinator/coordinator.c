/* The parts put together; and what of the bus is for whom. */
#include "controller/fleet/coordinator/coordinator.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"

#define MIB  ((int64_t)1 << 20)
#define DAYS ((uint64_t)24 * 3600 * 1000000000)

#define STATUS_SUBJECT "vmr.v1.status." /* of STATUS_STREAM */

/* ---- what comes ---- */

/* "vmr.v1.status.H" -> "H"; NULL: it does not begin so. */
static const char *host_of(const char *subject, const char *prefix)
{
    return strncmp(subject, prefix, strlen(prefix)) == 0 ? subject + strlen(prefix) : NULL;
}

static void on_message(const struct bus_message *message, void *userdata)
{
    struct coordinator *coordinator = userdata;
    const char *status = host_of(message->subject, STATUS_SUBJECT);
    const char *wanted = host_of(message->subject, WRITER_SUBJECT);

    if (status != NULL)
        fleet_hosts_take_status(&coordinator->hosts, status, message->data, message->length,
                                message->sequence, message->is_kept ? 0 : time_boottime());
    else if (wanted != NULL) {
        fleet_hosts_take_wanted(&coordinator->hosts, wanted, message->data, message->length,
                                message->sequence);
        lease_note_epoch(&coordinator->lease, coordinator->hosts.epoch);
    } else {
        fleet_events_on_message(&coordinator->events, message);
        rollout_history_on_message(&coordinator->history, message);
        lease_on_message(&coordinator->lease, message);
        rollouts_on_message(&coordinator->rollouts, message);
    }
}

static void on_whole(const char *stream, void *userdata)
{
    struct coordinator *coordinator = userdata;

    rollouts_on_whole(&coordinator->rollouts, stream);
}

static void on_remade(const char *stream, void *userdata)
{
    struct coordinator *coordinator = userdata;

    log_warning("the bus has lost %s, which is there again and empty", stream);
    if (strcmp(stream, STATUS_STREAM) == 0)
        fleet_hosts_on_statuses_remade(&coordinator->hosts);
    else if (strcmp(stream, WRITER_STREAM) == 0)
        fleet_hosts_on_wanted_remade(&coordinator->hosts);
    else if (strcmp(stream, ROLLOUTS_STREAM) == 0)
        rollouts_on_remade(&coordinator->rollouts);
    else if (strcmp(stream, EVENTS_STREAM) == 0)
        fleet_events_on_remade(&coordinator->events);
    else if (strcmp(stream, AUDIT_STREAM) == 0)
        rollout_history_on_remade(&coordinator->history);
}

static void on_state(bool is_connected, const char *problem, void *userdata)
{
    struct coordinator *coordinator = userdata;

    if (is_connected)
        log_notice("connected to the fleet's bus");
    else
        log_warning("no connection to the fleet's bus (%s): %s; trying again for ever",
                    coordinator->config.servers, problem);
    lease_on_bus(&coordinator->lease, is_connected);
    rollouts_on_bus(&coordinator->rollouts, is_connected);
    service_on_bus(&coordinator->service, is_connected, problem);
}

static void on_fenced(uint64_t epoch, void *userdata)
{
    struct coordinator *coordinator = userdata;

    lease_note_epoch(&coordinator->lease, epoch);
}

static void on_room(void *userdata)
{
    struct coordinator *coordinator = userdata;

    rollouts_hurry(&coordinator->rollouts);
}

/* ---- starting ---- */

void coordinator_streams(nsec_t lease_time, struct bus_stream ret_streams[COORDINATOR_STREAMS])
{
    const struct bus_stream streams[COORDINATOR_STREAMS] = {
        {STATUS_STREAM, STATUS_SUBJECT "*", NULL, 256 * MIB, 64 << 10, 1, 7 * DAYS, false, false},
        {EVENTS_STREAM, EVENTS_SUBJECTS, NULL, 1024 * MIB, EVENTS_MESSAGE_MAX + 512, 256, 30 * DAYS,
         false, false},
        {WRITER_STREAM, WRITER_SUBJECT "*", "vmr.v1.live.policy.{{wildcard(1)}}", 256 * MIB,
         512 << 10, 2, 0, true, false},
        {ROLLOUTS_STREAM, ROLLOUTS_SUBJECT ">", NULL, 256 * MIB, 1 << 20, 2, 0, true, false},
        {LEASE_STREAM, "$KV.VMR_LEAD.>", NULL, MIB, 4096, 1, lease_time, false, false},
        {AUDIT_STREAM, AUDIT_SUBJECTS, NULL, 64 * MIB, AUDIT_MESSAGE_MAX, 0, 400 * DAYS, false,
         true},
    };

    memcpy(ret_streams, streams, sizeof(streams));
}

static int start_bus(struct coordinator *coordinator, uv_loop_t *loop, struct error *error)
{
    const struct fleet_config *config = &coordinator->config;
    const struct bus_options options = {
        .servers = config->servers,
        .name = config->name,
        .nkey = config->nkey[0] == '\0' ? NULL : config->nkey,
        .authority = config->authority[0] == '\0' ? NULL : config->authority,
        .streams = coordinator->streams,
        .stream_count = COORDINATOR_STREAMS,
        .replicas = strchr(config->servers, ',') == NULL ? 1 : 3,
        .on_state = on_state,
        .on_message = on_message,
        .on_whole = on_whole,
        .on_remade = on_remade,
        .userdata = coordinator,
    };
    int r = bus_create(loop, &options, &coordinator->bus, error);

    if (r < 0)
        return r;
    if (bus_follow(coordinator->bus, STATUS_STREAM, STATUS_SUBJECT "*") < 0 ||
        bus_follow(coordinator->bus, WRITER_STREAM, WRITER_SUBJECT "*") < 0 ||
        bus_follow(coordinator->bus, ROLLOUTS_STREAM, ROLLOUTS_SUBJECT ">") < 0 ||
        bus_follow(coordinator->bus, LEASE_STREAM, "$KV.VMR_LEAD.>") < 0 ||
        bus_follow_newest(coordinator->bus, EVENTS_STREAM, EVENTS_SUBJECT ">", EVENTS_MAX) < 0 ||
        bus_follow_newest(coordinator->bus, AUDIT_STREAM, AUDIT_SUBJECT ">", HISTORY_MAX) < 0)
        return error_set(error, -ENOMEM, "out of memory");
    coordinator->lease.bus = coordinator->bus;
    coordinator->writer.bus = coordinator->bus;
    coordinator->rollouts.bus = coordinator->bus;
    coordinator->rollouts.name = coordinator->config.name;
    return bus_start(coordinator->bus, error);
}

static int read_key(struct coordinator *coordinator, struct error *error)
{
    struct fleet_hosts *hosts = &coordinator->hosts;
    int r;

    if (coordinator->config.signing_key[0] == '\0')
        return error_set(error, -EINVAL,
                         "'signing_key' is missing: a coordinator signs what hosts are to run");
    r = signing_key_read(coordinator->config.signing_key, &coordinator->key, error);
    if (r < 0)
        return error_prefix(error, r, "signing_key");
    signing_key_public(&coordinator->key, &hosts->keys[0]);
    hosts->key_count = 1;
    if (coordinator->config.former_key[0] == '\0')
        return 0;
    r = signing_public_key_parse(coordinator->config.former_key, &hosts->keys[1], error);
    hosts->key_count = 2;
    return r < 0 ? error_prefix(error, r, "former_key") : 0;
}

int coordinator_start(struct coordinator *coordinator, uv_loop_t *loop,
                      const struct fleet_config *config, struct error *error)
{
    int r;

    *coordinator = (struct coordinator){.config = *config};
    fleet_hosts_init(&coordinator->hosts);
    fleet_events_init(&coordinator->events);
    rollout_history_init(&coordinator->history);
    r = read_key(coordinator, error);
    if (r < 0)
        return r;
    lease_init(&coordinator->lease, loop, config->name, config->lease_time);
    writer_init(&coordinator->writer, &coordinator->hosts, &coordinator->key, on_fenced, on_room,
                coordinator);
    rollouts_init(&coordinator->rollouts, loop, &coordinator->hosts, &coordinator->writer,
                  &coordinator->lease);
    renewal_init(&coordinator->renewal, loop, &coordinator->hosts, &coordinator->writer,
                 &coordinator->lease);
    coordinator_streams(config->lease_time, coordinator->streams);
    r = service_start(&coordinator->service, loop,
                      &(struct service_addresses){config->listen, config->listen_read},
                      &coordinator->hosts, &coordinator->rollouts, &coordinator->lease, error);
    coordinator->service.events = &coordinator->events;
    coordinator->service.history = &coordinator->history;
    if (r == 0)
        r = start_bus(coordinator, loop, error);
    if (r < 0)
        coordinator_stop(coordinator);
    return r;
}

void coordinator_stop(struct coordinator *coordinator)
{
    service_stop(&coordinator->service);
    bus_stop(coordinator->bus);
    renewal_stop(&coordinator->renewal);
    orders_stop(&coordinator->rollouts);
    rollouts_stop(&coordinator->rollouts);
    writer_finish(&coordinator->writer);
    lease_stop(&coordinator->lease);
}

void coordinator_finish(struct coordinator *coordinator)
{
    rollout_history_finish(&coordinator->history);
    fleet_events_finish(&coordinator->events);
    fleet_hosts_finish(&coordinator->hosts);
    signing_key_forget(&coordinator->key);
}
