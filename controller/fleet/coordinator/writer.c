/* get the newest -> change one entry -> sign -> put where nothing newer is. */
#include "controller/fleet/coordinator/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "common/message/copy.h"
#include "controller/fleet/coordinator/entry.h"

struct write {
    struct list link;
    struct writer *writer;
    Rollout *rollout; /* a copy; NULL: all stays */
    enum rollout_write write;
    uint64_t epoch;
    uint64_t expected; /* sequence of what is there */
    uint8_t *signed_bytes;
    size_t size;
    char host[FLEET_HOST_ID_SIZE];
    char subject[FLEET_HOST_ID_SIZE + sizeof(WRITER_SUBJECT)];
};

static void destroy(struct write *write)
{
    list_remove(&write->link);
    write->writer->count--;
    vmreclaim__fleet__v1__rollout__free_unpacked(write->rollout, NULL);
    free(write->signed_bytes);
    free(write);
}

/* Of all hosts that have it, one is in the log. */
static void fail(struct write *write, const char *why)
{
    struct writer *writer = write->writer;
    const char *said = strstr(writer->problem, ": ");

    if (said == NULL || strcmp(said + 2, why) != 0) {
        text_format(writer->problem, sizeof(writer->problem), "host %s is not written to: %s",
                    write->host, why);
        log_warning("%s; trying again", writer->problem);
    }
    destroy(write);
}

/* ---- keeping ---- */

static void keep(struct write *write, uint64_t sequence)
{
    struct writer *writer = write->writer;

    fleet_hosts_take_wanted(writer->hosts, write->host, write->signed_bytes, write->size, sequence);
    writer->problem[0] = '\0';
    destroy(write);
    if (!writer->is_full || writer->count > WRITES_MAX / 2)
        return;
    writer->is_full = false;
    writer->on_room(writer->userdata);
}

static void on_put(const struct bus_answer *answer, void *userdata)
{
    struct write *write = userdata;

    if (answer->status == 0)
        keep(write, answer->sequence);
    else if (answer->status == -ESTALE) /* the newer one comes by itself */
        destroy(write);
    else if (answer->status == -ENOSPC)
        fail(write, "stream " WRITER_STREAM " is full; give it more bytes");
    else
        fail(write, answer->problem);
}

static void put(struct write *write, DesiredState *state)
{
    struct writer *writer = write->writer;
    const struct host_entry *host = fleet_hosts_find(writer->hosts, write->host);
    int r;

    if (host != NULL) /* it takes none below, also where the bus has lost it */
        state->generation = max_of(state->generation, host_entry_generation(host));
    state->generation++;
    state->epoch = write->epoch;
    state->issued_ns = time_realtime();
    state->expires_ns = state->issued_ns + WRITER_EXPIRES;
    r = signed_state_sign(state, writer->key, &write->signed_bytes, &write->size);
    if (r == 0)
        r = bus_put(writer->bus, write->subject, write->signed_bytes, write->size, write->expected,
                    on_put, write);
    if (r < 0)
        fail(write, strerror(-r));
}

/* ---- changing ---- */

static int change(struct write *write, DesiredState *state)
{
    if (write->rollout == NULL)
        return 0;
    return write->write == ROLLOUT_APPLY ? entry_apply(state, write->rollout)
                                         : entry_revert(state, write->rollout);
}

/* Nothing in it has changed, and it is written all the same: to be renewed; for an earlier
 * coordinator may be about to write what is taken back; or because a host takes nothing below what
 * it has. */
static bool is_written_again(const struct write *write, const DesiredState *state)
{
    const struct host_entry *host = fleet_hosts_find(write->writer->hosts, write->host);

    if (write->rollout == NULL || (write->write == ROLLOUT_REVERT && state->epoch < write->epoch))
        return true;
    return host != NULL && host_entry_generation(host) > state->generation;
}

/* What is there is as it is to be. */
static void leave(struct write *write, const struct bus_answer *newest)
{
    fleet_hosts_take_wanted(write->writer->hosts, write->host, newest->data, newest->length,
                            newest->sequence);
    destroy(write);
}

/* `newest`: what the state was read from; NULL: the bus has another one, or none. */
static void change_and_put(struct write *write, DesiredState *state,
                           const struct bus_answer *newest)
{
    int r;

    if (state->epoch > write->epoch) {
        struct writer *writer = write->writer;

        fail(write, "a coordinator of a later epoch has written it");
        writer->on_fenced(state->epoch, writer->userdata);
        return;
    }
    r = change(write, state);
    if (r < 0)
        fail(write, strerror(-r));
    else if (r == 0 && newest != NULL && !is_written_again(write, state))
        leave(write, newest);
    else
        put(write, state);
}

/* What the bus had before it lost it, or has an older one; else an empty one. NULL: no memory. */
static DesiredState *lost_state(const struct fleet_hosts *hosts, const char *host)
{
    const struct host_entry *entry = fleet_hosts_find(hosts, host);
    DesiredState *state;

    if (entry != NULL && entry->wanted != NULL)
        return (DesiredState *)message_copy(&entry->wanted->base);
    state = calloc(1, sizeof(*state));
    if (state == NULL)
        return NULL;
    vmreclaim__fleet__v1__desired_state__init(state);
    state->host = strdup(host);
    if (state->host != NULL)
        return state;
    free(state);
    return NULL;
}

static bool is_known(const struct write *write)
{
    const struct host_entry *entry = fleet_hosts_find(write->writer->hosts, write->host);

    return entry != NULL && entry->wanted != NULL;
}

static void change_lost(struct write *write)
{
    DesiredState *state = lost_state(write->writer->hosts, write->host);

    if (state == NULL) {
        fail(write, strerror(ENOMEM));
        return;
    }
    change_and_put(write, state, NULL);
    vmreclaim__fleet__v1__desired_state__free_unpacked(state, NULL);
}

/* An older one is replaced by what is known here. */
static void change_known(struct write *write, DesiredState *there, const struct bus_answer *newest)
{
    const struct host_entry *entry = fleet_hosts_find(write->writer->hosts, write->host);

    if (strcmp(there->host, write->host) != 0)
        fail(write, "what is there is another host's");
    else if (entry == NULL || !host_entry_is_past(entry, there))
        change_and_put(write, there, newest);
    else if (entry->wanted != NULL)
        change_lost(write);
    else
        fail(write, "what is there is older than what was");
}

/* Nothing is signed that did not come from the fleet itself. */
static void change_signed(struct write *write, const struct bus_answer *answer)
{
    const struct fleet_hosts *hosts = write->writer->hosts;
    struct signed_state state;
    struct error error;

    if (signed_state_open(answer->data, answer->length, hosts->keys, hosts->key_count, &state,
                          &error) < 0) {
        fail(write, error.text);
        return;
    }
    change_known(write, state.state, answer);
    signed_state_finish(&state);
}

static void on_newest(const struct bus_answer *answer, void *userdata)
{
    struct write *write = userdata;

    write->expected = answer->status == 0 ? answer->sequence : BUS_NOTHING;
    if (answer->status == -ENOENT && write->rollout == NULL && !is_known(write))
        destroy(write); /* there is nothing to renew */
    else if (answer->status == -ENOENT)
        change_lost(write);
    else if (answer->status < 0)
        fail(write, answer->problem);
    else
        change_signed(write, answer);
}

/* ---- the whole ---- */

bool writer_may_write(const struct writer *writer, const char *host)
{
    if (writer->count >= WRITES_MAX)
        return false;
    list_for_each (link, &writer->writes)
        if (strcmp(list_entry(link, struct write, link)->host, host) == 0)
            return false;
    return true;
}

/* What is written of it, without its long lists. */
static Rollout *copy_rollout(const Rollout *whole)
{
    Rollout slim = *whole;

    slim.n_hosts = slim.n_late = slim.n_history = slim.n_gate_states = 0;
    return (Rollout *)message_copy(&slim.base);
}

/* Takes the rollout. */
static int begin(struct writer *writer, const char *host, Rollout *rollout, enum rollout_write kind,
                 uint64_t epoch)
{
    struct write *write = calloc(1, sizeof(*write));
    int r;

    if (write == NULL) {
        vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
        return -ENOMEM;
    }
    write->writer = writer;
    write->write = kind;
    write->epoch = epoch;
    write->rollout = rollout;
    snprintf(write->host, sizeof(write->host), "%s", host);
    snprintf(write->subject, sizeof(write->subject), WRITER_SUBJECT "%s", host);
    list_append(&writer->writes, &write->link);
    writer->count++;
    writer->is_full = writer->is_full || writer->count >= WRITES_MAX;
    r = bus_get(writer->bus, WRITER_STREAM, write->subject, on_newest, write);
    if (r < 0)
        destroy(write);
    return r;
}

int writer_write(struct writer *writer, const char *host, const Rollout *rollout,
                 enum rollout_write kind, uint64_t epoch)
{
    Rollout *copy = copy_rollout(rollout);

    return copy == NULL ? -ENOMEM : begin(writer, host, copy, kind, epoch);
}

int writer_renew(struct writer *writer, const char *host, uint64_t epoch)
{
    return begin(writer, host, NULL, ROLLOUT_APPLY, epoch);
}

void writer_init(struct writer *writer, struct fleet_hosts *hosts, const struct signing_key *key,
                 void (*on_fenced)(uint64_t epoch, void *userdata), void (*on_room)(void *userdata),
                 void *userdata)
{
    *writer = (struct writer){.hosts = hosts,
                              .key = key,
                              .on_fenced = on_fenced,
                              .on_room = on_room,
                              .userdata = userdata};
    list_init(&writer->writes);
}

void writer_finish(struct writer *writer)
{
    list_for_each_safe (link, following, &writer->writes)
        destroy(list_entry(link, struct write, link));
}
