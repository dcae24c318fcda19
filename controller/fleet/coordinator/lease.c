/* asking -> ours, without an epoch -> held -> (renewed) -> lost */
#include "controller/fleet/coordinator/lease.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/util.h"

#define NONCE_BYTES 16
/* A renewal, one after a look at whose it is, and one more where nobody has it. */
#define TRIES_MAX 3

bool lease_is_held(const struct lease *lease)
{
    return lease->epoch != 0 && time_boottime() < lease->held_until;
}

/* Once in the log, and for whoever asks. */
static void say(struct lease *lease, const char *what, const char *why)
{
    char problem[sizeof(lease->problem)];

    text_format(problem, sizeof(problem), "%s: %s", what, why);
    if (strcmp(lease->problem, problem) == 0)
        return;
    text_copy_line(lease->problem, sizeof(lease->problem), problem);
    log_warning("%s", lease->problem);
}

static void give_up(struct lease *lease, const char *why)
{
    if (lease->epoch != 0)
        say(lease, "this coordinator does not lead any more", why);
    lease->epoch = 0;
}

void lease_note_epoch(struct lease *lease, uint64_t epoch)
{
    char why[64];

    lease->seen = max_of(lease->seen, epoch);
    if (epoch <= lease->epoch)
        return;
    snprintf(why, sizeof(why), "something on the bus is of epoch %" PRIu64, epoch);
    give_up(lease, why);
}

/* ---- an epoch ---- */

static void on_epoch_taken(const struct bus_answer *answer, void *userdata)
{
    struct lease *lease = userdata;

    lease->is_asking = false;
    if (answer->status < 0) {
        say(lease, "this coordinator has the lease, and no epoch", answer->problem);
        return;
    }
    if (lease->taken <= lease->seen)
        return; /* a greater one was seen meanwhile: the next turn takes one above it */
    lease->epoch = lease->taken;
    lease->problem[0] = '\0';
    log_notice("this coordinator leads, epoch %" PRIu64, lease->epoch);
}

static void on_epoch_read(const struct bus_answer *answer, void *userdata)
{
    struct lease *lease = userdata;
    char text[24];

    lease->is_asking = false;
    if (answer->status < 0 && answer->status != -ENOENT) {
        say(lease, "this coordinator has the lease, and no epoch", answer->problem);
        return;
    }
    snprintf(text, sizeof(text), "%.*s", (int)answer->length, (const char *)answer->data);
    lease->taken = max_of(lease->seen, (uint64_t)strtoull(text, NULL, 10)) + 1;
    snprintf(text, sizeof(text), "%" PRIu64, lease->taken);
    lease->is_asking =
        bus_put(lease->bus, LEASE_EPOCH_SUBJECT, text, strlen(text),
                answer->status == 0 ? answer->sequence : BUS_NOTHING, on_epoch_taken, lease) == 0;
}

/* ---- the key ---- */

static void ask(struct lease *lease);

static void hold(struct lease *lease, uint64_t revision)
{
    lease->revision = revision;
    lease->held_until = lease->begun + lease->time / 10 * 8;
    if (lease->epoch == 0)
        lease->is_asking =
            bus_get(lease->bus, LEASE_EPOCH_STREAM, LEASE_EPOCH_SUBJECT, on_epoch_read, lease) == 0;
}

/* How old it is, where it is ours, is known once it is renewed. */
static void on_holder(const struct bus_answer *answer, void *userdata)
{
    struct lease *lease = userdata;
    bool is_ours = answer->status == 0 && answer->length == strlen(lease->value) &&
                   memcmp(answer->data, lease->value, answer->length) == 0;

    lease->is_asking = false;
    if (answer->status < 0 && answer->status != -ENOENT)
        return;
    lease->revision = is_ours ? answer->sequence : 0;
    if (!is_ours)
        give_up(lease, answer->status == 0 ? "the lease is another's" : "the lease was forgotten");
    if (is_ours || answer->status == -ENOENT)
        ask(lease);
    else
        lease->problem[0] = '\0';
}

/* What timed out may hold or not: the next one finds out. */
static void on_answer(const struct bus_answer *answer, void *userdata)
{
    struct lease *lease = userdata;

    lease->is_asking = false;
    if (answer->status == 0)
        hold(lease, answer->sequence);
    else if (answer->status == -ESTALE)
        lease->is_asking = bus_get(lease->bus, LEASE_STREAM, LEASE_SUBJECT, on_holder, lease) == 0;
    else if (lease->epoch == 0 && lease->bus_is_there)
        say(lease, "nobody is known to lead, and the lease cannot be had", answer->problem);
}

static void ask(struct lease *lease)
{
    uint64_t expected = lease->revision != 0 ? lease->revision : BUS_NOTHING;

    if (lease->tries++ >= TRIES_MAX)
        return;
    lease->begun = time_boottime();
    lease->is_asking = bus_put(lease->bus, LEASE_SUBJECT, lease->value, strlen(lease->value),
                               expected, on_answer, lease) == 0;
}

void lease_turn(struct lease *lease)
{
    if (lease->epoch != 0 && !lease_is_held(lease))
        give_up(lease, "the lease could not be renewed in time");
    if (!lease->bus_is_there || lease->is_asking)
        return;
    lease->tries = 0;
    ask(lease);
}

static void on_timer(uv_timer_t *timer)
{
    lease_turn(timer->data);
}

void lease_on_bus(struct lease *lease, bool is_there)
{
    lease->bus_is_there = is_there;
}

/* The name is what comes before the line feed. */
void lease_on_message(struct lease *lease, const struct bus_message *message)
{
    if (strcmp(message->subject, LEASE_SUBJECT) != 0)
        return;
    text_copy_bytes(lease->leader, sizeof(lease->leader), (const char *)message->data,
                    message->length);
    lease->leader[strcspn(lease->leader, "\n")] = '\0';
}

void lease_init(struct lease *lease, uv_loop_t *loop, const char *name, nsec_t time)
{
    uint64_t third = time / 3 / NSEC_PER_MSEC;
    uint8_t nonce[NONCE_BYTES];
    char text[2 * NONCE_BYTES + 1];

    *lease = (struct lease){.time = time};
    randombytes_buf(nonce, sizeof(nonce));
    (void)sodium_bin2hex(text, sizeof(text), nonce, sizeof(nonce));
    snprintf(lease->value, sizeof(lease->value), "%s\n%s", name, text);
    (void)uv_timer_init(loop, &lease->timer);
    lease->timer.data = lease;
    (void)uv_timer_start(&lease->timer, on_timer, third / 10, third);
}

void lease_stop(struct lease *lease)
{
    uv_close((uv_handle_t *)&lease->timer, NULL);
}
