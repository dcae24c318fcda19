/* Small things that must outlive the daemon, by kind and key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/request.h"

struct note_request {
    struct store_request base;
    struct store_answer answer;
    struct store_note note;
    struct store_note *found;
    size_t count;
    store_note_done done;
    store_notes_loaded loaded; /* instead */
    void *userdata;
};

static struct note_request *request_of(struct store_request *base)
{
    return container_of(base, struct note_request, base);
}

static int run_put(struct store_request *base, struct error *error)
{
    const struct store_note *note = &request_of(base)->note;
    const struct store_value values[] = {
        {.text = note->kind}, {.text = note->key}, {.text = note->value}};

    return store_run(base->store, "INSERT OR REPLACE INTO note (kind, key, value) VALUES (?,?,?)",
                     values, ARRAY_SIZE(values), "writing a note", error);
}

static int run_remove(struct store_request *base, struct error *error)
{
    const struct store_note *note = &request_of(base)->note;
    const struct store_value values[] = {{.text = note->kind}, {.text = note->key}};

    return store_run(base->store, "DELETE FROM note WHERE kind = ? AND key = ?", values,
                     ARRAY_SIZE(values), "removing a note", error);
}

static int keep(struct note_request *request, sqlite3_stmt *statement)
{
    struct store_note *more = request->found;
    struct store_note *note;

    if ((request->count & (request->count - 1)) == 0)
        more = realloc(request->found, max_of(2 * request->count, (size_t)1) * sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    request->found = more;
    note = &more[request->count++];
    *note = request->note;
    text_copy(note->key, sizeof(note->key), store_text(statement, 0));
    text_copy(note->value, sizeof(note->value), store_text(statement, 1));
    return 0;
}

static int run_load(struct store_request *base, struct error *error)
{
    struct note_request *request = request_of(base);
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(base->store, "SELECT key, value FROM note WHERE kind = ? ORDER BY key",
                          &(struct store_value){.text = request->note.kind}, 1, &statement, error);

    if (r < 0)
        return r;
    while ((r = store_step(base->store, statement, "reading notes", error)) > 0) {
        r = keep(request, statement);
        if (r < 0)
            return r;
    }
    return r;
}

static void complete(struct store_request *base)
{
    struct note_request *request = request_of(base);
    const struct store_answer *answer = &request->answer;

    if (request->loaded != NULL)
        request->loaded(answer->status, &answer->error, request->found,
                        answer->status < 0 ? 0 : request->count, request->userdata);
    else if (request->done != NULL)
        request->done(answer->status, &answer->error, request->userdata);
    free(request->found);
    free(request);
}

/* NULL: no memory. */
static struct note_request *create(struct store *store, const struct store_note *note,
                                   int (*run)(struct store_request *base, struct error *error),
                                   void *userdata)
{
    struct note_request *request = calloc(1, sizeof(*request));

    if (request == NULL)
        return NULL;
    request->base = (struct store_request){.store = store,
                                           .answer = &request->answer,
                                           .size = sizeof(*request),
                                           .writes = true,
                                           .run = run,
                                           .complete = complete};
    request->note = *note;
    request->userdata = userdata;
    return request;
}

static void submit(struct note_request *request, store_note_done done, void *userdata)
{
    if (request != NULL) {
        request->done = done;
        store_submit(&request->base);
    } else if (done != NULL)
        done(store_no_memory.status, &store_no_memory.error, userdata);
}

void store_put_note(struct store *store, const struct store_note *note, store_note_done done,
                    void *userdata)
{
    submit(create(store, note, run_put, userdata), done, userdata);
}

void store_remove_note(struct store *store, const struct store_note *note, store_note_done done,
                       void *userdata)
{
    submit(create(store, note, run_remove, userdata), done, userdata);
}

void store_load_notes(struct store *store, const char *kind, store_notes_loaded done,
                      void *userdata)
{
    struct store_note note = {.kind = kind};
    struct note_request *request = create(store, &note, run_load, userdata);

    if (request == NULL) {
        done(store_no_memory.status, &store_no_memory.error, NULL, 0, userdata);
        return;
    }
    request->loaded = done;
    store_submit(&request->base);
}
