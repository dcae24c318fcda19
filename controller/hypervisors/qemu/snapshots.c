/* What QEMU's jobs say of snapshots. */
#include "controller/hypervisors/qemu/snapshots.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

static void start(struct qmp_job *job, const char *id)
{
    *job = (struct qmp_job){0};
    snprintf(job->id, sizeof(job->id), "%s", id);
}

static struct qmp_job *watch(struct qmp_snapshots *snapshots, const char *id)
{
    struct qmp_job *job;

    for (size_t i = 0; i < QMP_JOBS_WATCHED; i++)
        if (strcmp(snapshots->jobs[i].id, id) == 0)
            return &snapshots->jobs[i];
    assert(snapshots->next < QMP_JOBS_WATCHED);
    job = &snapshots->jobs[snapshots->next];
    snapshots->next = (snapshots->next + 1) % QMP_JOBS_WATCHED;
    start(job, id);
    return job;
}

bool qmp_snapshots_event(struct qmp_snapshots *snapshots, const json_t *data)
{
    const char *id = text_of(data, "id");
    const char *status = text_of(data, "status");
    struct qmp_job *job;
    bool begins;
    bool runs;
    bool concluded;

    if (id[0] == '\0' || strlen(id) >= QMP_JOB_ID_SIZE)
        return false;
    job = watch(snapshots, id);
    begins = strcmp(status, "created") == 0;
    runs = strcmp(status, "running") == 0;
    concluded = strcmp(status, "concluded") == 0;
    /* The id of a job that was dismissed may be used again. */
    if (begins || (runs && job->is_concluded))
        start(job, id);
    job->is_aborting = job->is_aborting || strcmp(status, "aborting") == 0;
    job->is_concluded = job->is_concluded || concluded;
    return begins || runs || concluded;
}

static const json_t *find(const json_t *jobs, const char *id)
{
    for (size_t i = 0; i < json_array_size(jobs); i++)
        if (strcmp(text_of(json_array_get(jobs, i), "id"), id) == 0)
            return json_array_get(jobs, i);
    return NULL;
}

static void read_job(struct qmp_job *job, const json_t *listed)
{
    if (strcmp(text_of(listed, "type"), "snapshot-load") != 0)
        return;
    job->is_load = true;
    job->is_concluded = job->is_concluded || strcmp(text_of(listed, "status"), "concluded") == 0;
    job->is_aborting = job->is_aborting || json_object_get(listed, "error") != NULL;
}

bool qmp_snapshots_answer(struct qmp_snapshots *snapshots, const json_t *jobs)
{
    bool restored = false;

    for (size_t i = 0; i < QMP_JOBS_WATCHED; i++) {
        struct qmp_job *job = &snapshots->jobs[i];
        const json_t *listed = job->id[0] == '\0' ? NULL : find(jobs, job->id);

        if (listed != NULL)
            read_job(job, listed);
        if (!job->is_load || !job->is_concluded || job->is_over)
            continue;
        job->is_over = true;
        restored = restored || !job->is_aborting;
    }
    return restored;
}
