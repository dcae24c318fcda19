/* Streams that the bus makes where they are not there. */
#include "controller/fleet/bus/streams.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECTS_MAX 16

/* The texts are in `copy`. */
static int split(char *copy, const char *list[SUBJECTS_MAX])
{
    char *rest = NULL;
    int count = 0;

    for (char *subject = strtok_r(copy, " ", &rest); subject != NULL;
         subject = strtok_r(NULL, " ", &rest)) {
        assert(count < SUBJECTS_MAX);
        list[count++] = subject;
    }
    return count;
}

/* Looked for first: a server refuses to make what is there already, where it has no room for it
 * twice. NATS_NOT_FOUND. */
static natsStatus find_stream(struct bus_link *link, const char *name)
{
    jsStreamInfo *info = NULL;
    natsStatus s = js_GetStreamInfo(&info, link->stream, name, NULL, NULL);

    jsStreamInfo_Destroy(info);
    return s;
}

/* One that is there is left as it is, whatever its limits are. */
static natsStatus make_stream(struct bus_link *link, const struct bus_stream *wanted,
                              unsigned replicas)
{
    char *copy = strdup(wanted->subject);
    const char *subjects[SUBJECTS_MAX];
    jsRePublish republish = {.Source = wanted->subject, .Destination = wanted->republished};
    jsStreamConfig config;
    jsErrCode code = 0;
    natsStatus s = jsStreamConfig_Init(&config);

    config.Name = wanted->name;
    if (copy == NULL)
        return NATS_NO_MEMORY;
    config.Subjects = subjects;
    config.SubjectsLen = split(copy, subjects);
    config.MaxBytes = wanted->bytes;
    config.MaxMsgSize = wanted->message_bytes;
    config.MaxMsgsPerSubject = wanted->per_subject;
    config.MaxAge = (int64_t)wanted->age_ns;
    config.Replicas = replicas;
    config.AllowDirect = true;
    config.DenyDelete = wanted->is_never_deleted || wanted->is_record;
    config.DenyPurge = wanted->is_record;
    config.Discard = wanted->is_never_deleted ? js_DiscardNew : js_DiscardOld;
    if (wanted->republished != NULL)
        config.RePublish = &republish;
    TRY(s, js_AddStream(NULL, link->stream, &config, NULL, &code));
    free(copy);
    return code == JSStreamNameExistErr ? NATS_OK : s;
}

natsStatus streams_make(struct bus *bus, struct bus_link *link)
{
    natsStatus s = NATS_OK;

    for (size_t i = 0; i < bus->options.stream_count && s == NATS_OK; i++) {
        s = find_stream(link, bus->options.streams[i].name);
        if (s == NATS_NOT_FOUND)
            s = make_stream(link, &bus->options.streams[i], bus->options.replicas);
    }
    return s;
}
