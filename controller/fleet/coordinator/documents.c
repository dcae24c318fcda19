/* What of the bucket is known here. */
#include "controller/fleet/coordinator/documents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/message/copy.h"

/* ---- messages ---- */

uint8_t *document_pack(const Rollout *document, size_t *ret_length)
{
    return message_pack(&document->base, ret_length);
}

Rollout *document_copy(const Rollout *document)
{
    return (Rollout *)message_copy(&document->base);
}

void document_destroy(Rollout *document)
{
    if (document != NULL)
        message_free(&document->base);
}

bool document_is_under_way(const Rollout *document)
{
    return document->state == ROLLOUT_STATE(PAUSED) ||
           document->state == ROLLOUT_STATE(REVERTING) ||
           (!rollout_rests(document) && document->state != ROLLOUT_STATE(COMPLETE));
}

bool document_is_in_force(const Rollout *document)
{
    return document->state == ROLLOUT_STATE(COMPLETE) || document->state == ROLLOUT_STATE(ABORTED);
}

/* ---- entries ---- */

void documents_init(struct documents *documents)
{
    *documents = (struct documents){.count = 0};
    list_init(&documents->list);
}

struct rollout_entry *documents_find(const struct documents *documents, const char *id)
{
    list_for_each (link, &documents->list) {
        struct rollout_entry *entry = list_entry(link, struct rollout_entry, link);

        if (strcmp(entry->document->id, id) == 0)
            return entry;
    }
    return NULL;
}

void documents_forget(struct rollout_entry *entry)
{
    list_remove(&entry->link);
    entry->documents->count--;
    document_destroy(entry->document);
    document_destroy(entry->stored);
    rollout_engine_destroy(entry->engine);
    free(entry);
}

static bool has_ended(const struct rollout_entry *entry)
{
    RolloutState state = entry->document->state;

    return entry->stored == NULL &&
           (state == ROLLOUT_STATE(REVERTED) || state == ROLLOUT_STATE(ABORTED) ||
            state == ROLLOUT_STATE(SUPERSEDED));
}

/* The bus keeps all there ever were. What ended first makes room for what goes on. */
static bool make_room(struct documents *documents)
{
    list_for_each_safe (link, following, &documents->list) {
        struct rollout_entry *entry = list_entry(link, struct rollout_entry, link);

        if (documents->count < ROLLOUTS_MAX)
            break;
        if (has_ended(entry))
            documents_forget(entry);
    }
    return documents->count < ROLLOUTS_MAX;
}

void documents_put(struct documents *documents, Rollout *document, uint64_t revision)
{
    struct rollout_entry *entry = documents_find(documents, document->id);

    if (entry != NULL && revision <= entry->revision) {
        document_destroy(document);
        return;
    }
    if (entry == NULL) {
        entry = make_room(documents) ? calloc(1, sizeof(*entry)) : NULL;
        if (entry == NULL) {
            log_error("rollout %s is left out: %zu others go on", document->id, documents->count);
            document_destroy(document);
            return;
        }
        entry->documents = documents;
        list_append(&documents->list, &entry->link);
        documents->count++;
    }
    document_destroy(entry->document);
    entry->document = document;
    entry->revision = revision;
}
