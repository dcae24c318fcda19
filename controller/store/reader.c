/* Reading beside the writer. */
#include "controller/store/reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT 50 /* ms */

int store_reader_create(struct store *origin, struct store **ret_reader)
{
    struct store *reader = calloc(1, sizeof(*reader));

    if (reader == NULL)
        return -ENOMEM;
    reader->path = strdup(origin->path);
    if (reader->path == NULL || uv_mutex_init(&reader->lock) < 0) {
        free(reader->path);
        free(reader);
        return -ENOMEM;
    }
    reader->origin = origin;
    store_queue_init(reader);
    *ret_reader = reader;
    return 0;
}

void store_reader_destroy(struct store *reader)
{
    if (reader == NULL)
        return;
    assert(reader->worker == NULL && reader->queue_count == 0);
    if (reader->database != NULL)
        (void)sqlite3_close(reader->database);
    uv_mutex_destroy(&reader->lock);
    free(reader->path);
    free(reader);
}

/* Why the writer has no file; it opens it first. */
static int check_origin(struct store *origin, struct error *error)
{
    char problem[sizeof(origin->shown.problem)];
    uint32_t schema;

    uv_mutex_lock(&origin->lock);
    schema = origin->shown.schema;
    memcpy(problem, origin->shown.problem, sizeof(problem));
    uv_mutex_unlock(&origin->lock);
    if (schema != 0)
        return 0;
    return error_set(error, -EIO, "reading the store: the store is not usable: %s", problem);
}

int store_reader_open(struct store *reader, struct error *error)
{
    int r;

    assert(reader->origin != NULL);
    if (reader->database != NULL)
        return 0;
    r = check_origin(reader->origin, error);
    if (r < 0)
        return r;
    if (sqlite3_open_v2(reader->path, &reader->database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
                        NULL) == SQLITE_OK) {
        (void)sqlite3_busy_timeout(reader->database, BUSY_TIMEOUT);
        return 0;
    }
    r = store_fail(reader, "opening the store", error);
    (void)sqlite3_close(reader->database);
    reader->database = NULL;
    return r;
}
