/* One list in the order of the stream. */
#include "controller/fleet/coordinator/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/ttrpc/wire.h"

#define FIELDS_MAX 64u /* of a message: a record has twelve */

static size_t size_of(const struct history_record *record)
{
    return sizeof(*record) + record->length + strlen(record->rollout) + 1;
}

static void drop_oldest(struct rollout_history *history)
{
    struct history_record *record = list_entry(history->records.next, struct history_record, link);

    assert(history->count > 0 && history->bytes >= size_of(record));
    list_remove(&record->link);
    history->bytes -= size_of(record);
    history->count--;
    free(record);
}

/* NULL: no memory. */
static struct history_record *make(const struct bus_message *message, const char *rollout)
{
    size_t id_size = strlen(rollout) + 1;
    struct history_record *record = malloc(sizeof(*record) + message->length + id_size);

    if (record == NULL)
        return NULL;
    record->length = message->length;
    record->rollout = (char *)record->packed + message->length;
    memcpy(record->packed, message->data, message->length);
    memcpy(record->packed + message->length, rollout, id_size);
    return record;
}

/* Takes it. */
static void add(struct rollout_history *history, struct history_record *record)
{
    while (history->count == HISTORY_MAX || history->bytes + size_of(record) > HISTORY_BYTES_MAX)
        drop_oldest(history);
    record->number = ++history->last;
    list_append(&history->records, &record->link);
    history->bytes += size_of(record);
    history->count++;
}

/* It is a record, and of the rollout that its subject names. */
static bool is_good(const struct bus_message *message, const char *rollout)
{
    const struct slice packed = {message->data, message->length};
    AuditRecord *record;
    bool is_its_own;

    if (rollout[0] == '\0' || message->length > AUDIT_MESSAGE_MAX ||
        wire_check_message(&vmreclaim__fleet__v1__audit_record__descriptor, packed, FIELDS_MAX) < 0)
        return false;
    record = vmreclaim__fleet__v1__audit_record__unpack(NULL, message->length, message->data);
    is_its_own = record != NULL && strcmp(record->rollout, rollout) == 0;
    if (record != NULL)
        vmreclaim__fleet__v1__audit_record__free_unpacked(record, NULL);
    return is_its_own;
}

void rollout_history_on_message(struct rollout_history *history, const struct bus_message *message)
{
    static const char prefix[] = AUDIT_SUBJECT;
    const char *rollout = message->subject + strlen(prefix);
    struct history_record *record;

    if (strncmp(message->subject, prefix, strlen(prefix)) != 0)
        return;
    /* After a connection the newest come again. */
    if (message->is_kept && message->sequence <= history->newest)
        return;
    history->newest = message->sequence;
    if (!is_good(message, rollout))
        return;
    record = make(message, rollout);
    if (record != NULL)
        add(history, record);
}

void rollout_history_on_remade(struct rollout_history *history)
{
    history->newest = 0;
}

AuditRecord *history_record_read(const struct history_record *record)
{
    return vmreclaim__fleet__v1__audit_record__unpack(NULL, record->length, record->packed);
}

void rollout_history_init(struct rollout_history *history)
{
    *history = (struct rollout_history){.count = 0};
    list_init(&history->records);
}

void rollout_history_finish(struct rollout_history *history)
{
    while (!list_is_empty(&history->records))
        drop_oldest(history);
    assert(history->count == 0 && history->bytes == 0);
}
