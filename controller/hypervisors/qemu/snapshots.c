/* What QEMU's jobs say of snapshots. */
#include "controller/hypervisors/qemu/snapshots.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

static bool is_known(const struct qmp_snapshots *snapshots, const char *id)
{
    return strcmp(snapshots->id, id) == 0;
}

bool qmp_snapshots_event(struct qmp_snapshots *snapshots, const json_t *data,
                         char ret_id[QMP_JOB_ID_SIZE], bool *ret_concluded)
{
    const char *id = text_of(data, "id");
    const char *status = text_of(data, "status");
    bool created = strcmp(status, "created") == 0;

    if (id[0] == '\0' || strlen(id) >= QMP_JOB_ID_SIZE)
        return false;
    /* The id of a job that was dismissed may be used again. */
    if (created && is_known(snapshots, id))
        *snapshots = (struct qmp_snapshots){0};
    if (strcmp(status, "aborting") == 0 && is_known(snapshots, id))
        snapshots->is_aborting = true;
    *ret_concluded = strcmp(status, "concluded") == 0;
    if (!created && !*ret_concluded && strcmp(status, "running") != 0)
        return false;
    snprintf(ret_id, QMP_JOB_ID_SIZE, "%s", id);
    return true;
}

static const json_t *find_job(const json_t *jobs, const char *id)
{
    for (size_t i = 0; i < json_array_size(jobs); i++)
        if (strcmp(text_of(json_array_get(jobs, i), "id"), id) == 0)
            return json_array_get(jobs, i);
    return NULL;
}

static void remember(struct qmp_snapshots *snapshots, const char *id)
{
    if (is_known(snapshots, id))
        return;
    *snapshots = (struct qmp_snapshots){0};
    snprintf(snapshots->id, sizeof(snapshots->id), "%s", id);
}

bool qmp_snapshots_answer(struct qmp_snapshots *snapshots, const char *id, bool concluded,
                          const json_t *jobs)
{
    const json_t *job = find_job(jobs, id);

    if (job != NULL) {
        if (strcmp(text_of(job, "type"), "snapshot-load") != 0)
            return false;
        remember(snapshots, id);
        concluded = concluded || strcmp(text_of(job, "status"), "concluded") == 0;
        snapshots->is_aborting = snapshots->is_aborting || json_object_get(job, "error") != NULL;
    }
    if (!is_known(snapshots, id) || !concluded || snapshots->is_over)
        return false;
    snapshots->is_over = true;
    return !snapshots->is_aborting;
}
