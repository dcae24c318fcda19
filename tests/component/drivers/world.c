/* The world of the contract test. */
#include "tests/component/drivers/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const operation_names[DRIVER_OPERATIONS] = {
    "read_facts",      "read_balloon", "read_statistics",
    "read_memory_map", "set_balloon",  "set_statistics_interval",
    "set_mark",
};

void skip_because(const char *why)
{
    print_message("skipped: the peer of %s %s\n", peer_kind.driver, why);
    skip();
}

/* ---- the loop ---- */

static void on_ticker(uv_timer_t *ticker)
{
    struct world *world = container_of(ticker, struct world, ticker);

    list_for_each_safe (link, following, &world->probes) {
        struct probe *probe = list_entry(link, struct probe, link);

        if (probe->session != NULL)
            probe->driver->tick(probe->session, time_monotonic());
    }
}

int world_set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    if (world == NULL || uv_loop_init(&world->loop) < 0 ||
        uv_timer_init(&world->loop, &world->ticker) < 0)
        return -1;
    uv_timer_start(&world->ticker, on_ticker, 1, 1);
    list_init(&world->probes);
    world->peer = peer_kind.create(&world->loop);
    *state = world;
    return 0;
}

/* Whatever a test did, all is closed and freed, and nobody was called afterwards. */
int world_tear_down(void **state)
{
    struct world *world = *state;

    list_for_each (link, &world->probes)
        probe_close(list_entry(link, struct probe, link));
    peer_kind.stop(world->peer);
    world_turn(world, 20);
    uv_close((uv_handle_t *)&world->ticker, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&world->loop) != 0) {
        uv_print_all_handles(&world->loop, stderr);
        return -1;
    }
    while (!list_is_empty(&world->probes)) {
        struct probe *probe = list_entry(world->probes.next, struct probe, link);

        assert_int_equal(probe->after_close, 0);
        assert_int_equal(probe->open, 0);
        list_remove(&probe->link);
        free(probe);
    }
    peer_kind.destroy(world->peer);
    free(world);
    return 0;
}

void world_turn(struct world *world, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        uv_run(&world->loop, UV_RUN_ONCE);
}

/* ---- sessions ---- */

static void note(struct probe *probe)
{
    probe->after_close += probe->session == NULL;
}

static void on_ready(const struct driver_facts *facts, void *userdata)
{
    struct probe *probe = userdata;

    note(probe);
    probe->ready++;
    probe->facts = *facts;
    if (probe->close_on_ready)
        probe_close(probe);
}

static void on_event(enum driver_event event, void *userdata)
{
    struct probe *probe = userdata;

    note(probe);
    probe->events[event]++;
}

static void on_failed(int status, const struct error *error, void *userdata)
{
    struct probe *probe = userdata;

    note(probe);
    assert_true(status < 0);
    assert_non_null(error);
    assert_true(error->text[0] != '\0');
    assert_int_equal(probe->open, 0); /* operations end first */
    probe->failed++;
    probe->status = status;
    probe->error = *error;
    if (probe->close_on_failed)
        probe_close(probe);
}

static const struct driver_callbacks callbacks = {on_ready, on_event, on_failed};

void probe_close(struct probe *probe)
{
    struct driver_session *session = probe->session;

    if (session == NULL)
        return;
    probe->driver->close(session);
    assert_int_equal(probe->open, 0); /* all that was pending has ended */
    probe->session = NULL;
}

struct probe *world_open_again(struct world *world, nsec_t timeout)
{
    struct probe *probe = calloc(1, sizeof(*probe));

    assert_non_null(probe);
    probe->world = world;
    probe->driver = world->address.driver;
    list_append(&world->probes, &probe->link);
    assert_int_equal(probe->driver->open(&world->loop, hypervisor_address_where(&world->address),
                                         timeout, &callbacks, probe, &probe->session),
                     0);
    assert_int_equal(probe->ready + probe->failed, 0);
    return probe;
}

struct probe *world_open(struct world *world, enum peer_fault fault, nsec_t timeout)
{
    char text[HYPERVISOR_ADDRESS_SIZE];
    struct error error = {""};

    if ((peer_kind.faults & 1u << fault) == 0)
        skip_because("cannot play this fault");
    peer_kind.start(world->peer, fault, text, sizeof(text));
    if (hypervisor_address_parse(text, &world->address, &error) < 0)
        fail_msg("%s", error.text);
    return world_open_again(world, timeout);
}

struct probe *world_open_ready(struct world *world, enum peer_fault fault)
{
    struct probe *probe = world_open(world, fault, LONG);

    world_run_until(world, probe->ready == 1 || probe->failed > 0);
    if (probe->failed > 0)
        fail_msg("%s", probe->error.text);
    if (fault != PEER_WORKS && peer_kind.arm != NULL)
        peer_kind.arm(world->peer, fault);
    return probe;
}

struct probe *world_open_able(struct world *world, enum peer_fault fault,
                              enum driver_operation kind)
{
    struct probe *probe = world_open_ready(world, fault);
    char why[64];

    snprintf(why, sizeof(why), "cannot %s", operation_names[kind]);
    if (!probe_can(probe, kind))
        skip_because(why);
    return probe;
}

/* ---- operations ---- */

static void on_done(const struct driver_result *result, void *userdata)
{
    struct operation *operation = userdata;
    struct probe *probe = operation->probe;

    note(probe);
    assert_true(probe->open > 0);
    probe->open--;
    operation->done++;
    operation->was_in_call = probe->in_call;
    operation->was_failed = probe->failed > 0;
    operation->status = result->status;
    operation->outcome = result->outcome;
    assert_true(result->status <= 0);
    if (result->status < 0) {
        assert_non_null(result->error);
        assert_int_not_equal(result->outcome, DRIVER_OUTCOME_DONE);
        operation->error = *result->error;
    }
    if (result->facts != NULL)
        operation->facts = *result->facts;
    if (result->statistics != NULL)
        operation->statistics = *result->statistics;
    if (result->memory_map != NULL)
        operation->memory_map = *result->memory_map;
    operation->balloon_actual = result->balloon_actual;
    operation->balloon_maximum = result->balloon_maximum;
    if (operation->then != NULL)
        operation->then(operation);
}

bool probe_can(const struct probe *probe, enum driver_operation kind)
{
    const uint32_t capabilities = probe->facts.capabilities;

    switch (kind) {
    case DRIVER_READ_FACTS:
        return true;
    case DRIVER_READ_BALLOON:
        return probe->facts.balloon == ANSWER_YES;
    case DRIVER_READ_STATISTICS:
        return (capabilities & DRIVER_CAN_READ_STATISTICS) != 0;
    case DRIVER_READ_MEMORY_MAP:
        return (capabilities & DRIVER_TELLS_MEMORY_MAP) != 0;
    case DRIVER_SET_BALLOON:
        return (capabilities & DRIVER_CAN_SET_BALLOON) != 0;
    case DRIVER_SET_MARK:
        return (capabilities & DRIVER_CAN_SET_MARK) != 0;
    default:
        return (capabilities & DRIVER_CAN_SET_STATISTICS_INTERVAL) != 0;
    }
}

int probe_start(struct probe *probe, struct operation *operation, enum driver_operation kind,
                uint64_t value, nsec_t timeout)
{
    int r;

    operation->probe = probe;
    operation->kind = kind;
    operation->done = 0;
    if (peer_kind.unanswered != NULL)
        operation->unanswered = peer_kind.unanswered(probe->world->peer);
    probe->open++;
    probe->in_call = true;
    r = probe->driver->start(probe->session, kind, value, timeout, on_done, operation);
    probe->in_call = false;
    assert_int_equal(operation->done, 0);
    if (r < 0)
        probe->open--;
    return r;
}

void probe_run(struct probe *probe, struct operation *operation, enum driver_operation kind,
               uint64_t value, nsec_t timeout)
{
    assert_int_equal(probe_start(probe, operation, kind, value, timeout), 0);
    world_run_until(probe->world, operation->done > 0);
    assert_int_equal(operation->done, 1);
}

int probe_read(struct probe *probe, struct operation *operation, nsec_t timeout)
{
    return probe_start(probe, operation, DRIVER_READ_FACTS, 0, timeout);
}
