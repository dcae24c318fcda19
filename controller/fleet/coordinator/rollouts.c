/* documents -> a step each second -> a document, or hosts that are written to */
#include "controller/fleet/coordinator/rollouts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"

#define STEP_MS        1000
#define UNSTORED_TURNS 30u /* so long a document that failed is told; more than a try takes */
#define COMPLETE_STEPS 8u  /* in a turn; one over 10,000 hosts takes 7 ms */

struct rollout_entry *rollouts_find(const struct rollouts *rollouts, const char *id,
                                    struct error *error)
{
    struct rollout_entry *found = NULL;

    list_for_each (link, &rollouts->documents.list) {
        struct rollout_entry *entry = list_entry(link, struct rollout_entry, link);

        if (strncmp(entry->document->id, id, strlen(id)) != 0)
            continue;
        if (found != NULL) {
            error_set(error, -EINVAL, "several rollouts begin with '%s'; give more of its id", id);
            return NULL;
        }
        found = entry;
    }
    if (found == NULL || id[0] == '\0') {
        error_set(error, -ENOENT, "there is no rollout '%s'; see 'vmreclaim fleet rollout status'",
                  id);
        return NULL;
    }
    return found;
}

static struct rollouts *rollouts_of(const struct rollout_entry *entry)
{
    return container_of(entry->documents, struct rollouts, documents);
}

/* ---- steps ---- */

/* What it has done by itself. */
static void audit_step(const struct rollouts *rollouts, const Rollout *before,
                       const Rollout *document)
{
    AuditRecord record = audit_record(AUDIT(STEP), document);

    if (before->state == document->state && before->wave == document->wave &&
        before->since_ns == document->since_ns)
        return;
    record.coordinator = (char *)rollouts->name;
    record.reason = document->reason;
    if (audit_put(rollouts->bus, &record, NULL, NULL) < 0)
        log_warning("rollout %s: a step is not in the audit: too much is asked of the bus",
                    document->id);
}

/* Of all rollouts that have it, one is in the log: each is tried again within a second. */
static void note_unstored(struct rollouts *rollouts, const Rollout *document,
                          const struct bus_answer *answer)
{
    const char *said = strstr(rollouts->unstored, ": ");
    const char *why = answer->status == -ENOSPC ? "stream " ROLLOUTS_STREAM
                                                  " is full; give it more bytes"
                                                : answer->problem;

    rollouts->unstored_turn = rollouts->turn;
    if (said != NULL && strcmp(said + 2, why) == 0)
        return;
    text_format(rollouts->unstored, sizeof(rollouts->unstored), "rollout %s is not stored: %s",
                document->id, why);
    log_warning("%s; trying again", rollouts->unstored);
}

static void on_stored(const struct bus_answer *answer, void *userdata)
{
    struct rollout_entry *entry = userdata;
    Rollout *document = entry->stored;

    entry->stored = NULL;
    if (answer->status == 0)
        audit_step(rollouts_of(entry), entry->document, document);
    if (answer->status < 0 && answer->status != -ESTALE)
        note_unstored(rollouts_of(entry), document, answer);
    if (answer->status == 0 && entry->revision != 0)
        log_notice("rollout %s of policy %s: %s%s%s", document->id, document->policy,
                   rollout_state_name(document->state), document->reason[0] != '\0' ? ": " : "",
                   document->reason);
    if (answer->status == 0)
        documents_put(entry->documents, document, answer->sequence);
    else
        document_destroy(document); /* the next step begins at what is there */
}

/* Takes the document. */
static void store(struct rollout_entry *entry, Rollout *document)
{
    char subject[SUBJECT_SIZE];
    size_t length = 0;
    uint8_t *packed = document_pack(document, &length);

    snprintf(subject, sizeof(subject), ROLLOUTS_SUBJECT DOCUMENT_KEY "%s", document->id);
    if (packed != NULL && bus_put(rollouts_of(entry)->bus, subject, packed, length, entry->revision,
                                  on_stored, entry) == 0)
        entry->stored = document;
    else
        document_destroy(document);
    free(packed);
}

static void write_hosts(struct rollouts *rollouts, const Rollout *document,
                        const struct rollout_result *result)
{
    for (size_t i = 0; i < result->count && rollouts->writer->count < WRITES_MAX; i++)
        if (writer_may_write(rollouts->writer, result->hosts[i]) &&
            writer_write(rollouts->writer, result->hosts[i], document, result->write,
                         rollouts->lease->epoch) < 0)
            return;
}

/* Once in the log, and for whoever asks. */
static void say(struct rollouts *rollouts, const Rollout *document, const char *why)
{
    char problem[sizeof(rollouts->problem)];

    text_format(problem, sizeof(problem), "rollout %s cannot go on: %s", document->id, why);
    if (strcmp(rollouts->problem, problem) == 0)
        return;
    text_copy_line(rollouts->problem, sizeof(rollouts->problem), problem);
    log_error("%s", rollouts->problem);
}

/* -EINVAL, -ESTALE, -ENOMEM. */
static int step_with(struct rollout_entry *entry, struct fleet_host *hosts)
{
    struct rollouts *rollouts = rollouts_of(entry);
    const struct fleet_view view = {
        .now = time_boottime(),
        .time_ns = time_realtime(),
        .listening = rollouts->listening,
        .all_were_heard = rollouts->statuses_are_whole &&
                          fleet_hosts_all_heard(rollouts->hosts, rollouts->listening),
        .epoch = rollouts->lease->epoch,
        .hosts = hosts,
        .count = rollouts->hosts->count,
    };
    struct rollout_result result;
    Rollout *document = document_copy(entry->document);
    int r = document == NULL ? -ENOMEM : rollout_step(entry->engine, document, &view, &result);

    if (r == 0 && result.changed) {
        store(entry, document);
        return 0;
    }
    if (r == 0)
        write_hosts(rollouts, document, &result);
    document_destroy(document);
    return r;
}

/* All VMs of a fleet are much. A pause goes on with them. */
static void forget_measured(struct rollout_entry *entry)
{
    if (entry->document->state == ROLLOUT_STATE(PAUSED))
        return;
    rollout_engine_destroy(entry->engine);
    entry->engine = NULL;
}

static int step(struct rollout_entry *entry)
{
    struct rollouts *rollouts = rollouts_of(entry);
    struct fleet_host *hosts;
    int r = -ENOMEM;

    if (rollout_rests(entry->document))
        forget_measured(entry);
    if (entry->stored != NULL || rollout_rests(entry->document))
        return 0;
    if (entry->engine == NULL)
        entry->engine = rollout_engine_create();
    hosts = fleet_hosts_view(rollouts->hosts, entry->document->policy, rollouts->wanted_is_whole);
    if (hosts != NULL && entry->engine != NULL)
        r = step_with(entry, hosts);
    free(hosts);
    return r;
}

/* The document of a later epoch ends ours, so that a greater one is taken. */
static void note_failure(struct rollout_entry *entry, int status)
{
    if (status == -ESTALE)
        lease_note_epoch(rollouts_of(entry)->lease, entry->document->epoch);
    else
        say(rollouts_of(entry), entry->document,
            status == -EINVAL ? "its document makes no sense; abort it, and start another one"
                              : strerror(-status));
}

/* What comes from the bus before is newer. */
static void put_back(struct rollout_entry *entry)
{
    struct rollouts *rollouts = rollouts_of(entry);
    Rollout *document = entry->stored == NULL ? document_copy(entry->document) : NULL;
    char subject[SUBJECT_SIZE];

    if (document == NULL)
        return;
    snprintf(subject, sizeof(subject), ROLLOUTS_SUBJECT POLICY_KEY "%s", document->policy);
    if (document_is_under_way(document) || document_is_in_force(document))
        (void)bus_put(rollouts->bus, subject, document->id, strlen(document->id), BUS_NOTHING, NULL,
                      NULL);
    store(entry, document);
}

static bool is_complete(const struct rollout_entry *entry)
{
    return entry->document->state == ROLLOUT_STATE(COMPLETE);
}

/* A complete one waits for newcomers alone, and looks at all hosts for them: of many some are
 * stepped in a turn, and all in so many turns. */
static size_t turns_of_all(const struct rollouts *rollouts)
{
    size_t count = 0;

    list_for_each (link, &rollouts->documents.list)
        count += is_complete(list_entry(link, struct rollout_entry, link));
    return count / COMPLETE_STEPS + 1;
}

/* A failure is told until all went on without one. */
static void note_turn(struct rollouts *rollouts, bool all_go_on, size_t turns)
{
    rollouts->good_turns = all_go_on ? rollouts->good_turns + 1 : 0;
    if (rollouts->good_turns >= turns)
        rollouts->problem[0] = '\0';
    if (rollouts->turn - rollouts->unstored_turn > UNSTORED_TURNS)
        rollouts->unstored[0] = '\0';
}

void rollouts_turn(struct rollouts *rollouts)
{
    size_t turns = turns_of_all(rollouts), complete = 0;
    bool all_go_on = true;

    if (rollouts->listening == 0 || !rollouts->documents_are_whole ||
        !lease_is_held(rollouts->lease))
        return;
    rollouts->turn++;
    list_for_each_safe (link, following, &rollouts->documents.list) {
        struct rollout_entry *entry = list_entry(link, struct rollout_entry, link);
        int r = 0;

        if (entry->revision == 0)
            put_back(entry);
        else if (!is_complete(entry) || complete++ % turns == rollouts->turn % turns)
            r = step(entry);
        if (r < 0 && all_go_on)
            note_failure(entry, r);
        all_go_on = all_go_on && r == 0;
    }
    note_turn(rollouts, all_go_on, turns);
}

static void on_timer(uv_timer_t *timer)
{
    rollouts_turn(timer->data);
}

void rollouts_hurry(struct rollouts *rollouts)
{
    (void)uv_timer_start(&rollouts->timer, on_timer, 0, STEP_MS);
}

/* ---- the bus ---- */

/* Streams that were whole stay it: what is missed meanwhile comes after, and whoever writes by what
 * is old is refused. */
void rollouts_on_bus(struct rollouts *rollouts, bool is_there)
{
    rollouts->listening = is_there ? time_boottime() : 0;
}

void rollouts_on_whole(struct rollouts *rollouts, const char *stream)
{
    if (strcmp(stream, ROLLOUTS_STREAM) == 0)
        rollouts->documents_are_whole = true;
    else if (strcmp(stream, WRITER_STREAM) == 0)
        rollouts->wanted_is_whole = true;
    else
        rollouts->statuses_are_whole |= strcmp(stream, STATUS_STREAM) == 0;
}

void rollouts_on_remade(struct rollouts *rollouts)
{
    list_for_each (link, &rollouts->documents.list)
        list_entry(link, struct rollout_entry, link)->revision = 0;
}

void rollouts_on_message(struct rollouts *rollouts, const struct bus_message *message)
{
    static const char prefix[] = ROLLOUTS_SUBJECT DOCUMENT_KEY;
    const char *id = message->subject + strlen(prefix);
    Rollout *document;

    if (strncmp(message->subject, prefix, strlen(prefix)) != 0)
        return;
    document = vmreclaim__fleet__v1__rollout__unpack(NULL, message->length, message->data);
    if (document == NULL || strcmp(document->id, id) != 0) {
        log_error("rollout %s on the bus cannot be read", id);
        document_destroy(document);
        return;
    }
    lease_note_epoch(rollouts->lease, document->epoch);
    documents_put(&rollouts->documents, document, message->sequence);
}

/* ---- the whole ---- */

void rollouts_init(struct rollouts *rollouts, uv_loop_t *loop, struct fleet_hosts *hosts,
                   struct writer *writer, struct lease *lease)
{
    *rollouts = (struct rollouts){.name = "", .hosts = hosts, .writer = writer, .lease = lease};
    documents_init(&rollouts->documents);
    list_init(&rollouts->orders);
    (void)uv_timer_init(loop, &rollouts->timer);
    rollouts->timer.data = rollouts;
    (void)uv_timer_start(&rollouts->timer, on_timer, STEP_MS, STEP_MS);
}

void rollouts_stop(struct rollouts *rollouts)
{
    uv_close((uv_handle_t *)&rollouts->timer, NULL);
    list_for_each_safe (link, following, &rollouts->documents.list)
        documents_forget(list_entry(link, struct rollout_entry, link));
}
