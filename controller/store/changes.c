/* Records in the order in which they were written, for who follows them with a cursor of his own.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/request.h"

typedef Vmreclaim__Controller__V1__Action Action;

struct changes_request {
    struct store_request base;
    struct store_changes_query query;
    Action *actions[STORE_CHANGES_MAX];
    uint64_t numbers[STORE_CHANGES_MAX];
    struct store_changes changes; /* the answer */
    store_changes_done done;
    void *userdata;
};

static struct changes_request *request_of(struct store_request *base)
{
    return container_of(base, struct changes_request, base);
}

/* ---- running ---- */

static int read_numbering(struct store *store, struct store_changes *changes, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store, "SELECT store, newest, lost FROM numbering", NULL, 0, &statement,
                          error);

    if (r == 0)
        r = store_step(store, statement, "reading the actions", error);
    if (r <= 0)
        return r;
    snprintf(changes->store, sizeof(changes->store), "%s", store_text(statement, 0));
    changes->newest = (uint64_t)sqlite3_column_int64(statement, 1);
    changes->lost = (uint64_t)sqlite3_column_int64(statement, 2);
    return 0;
}

static int take_row(struct changes_request *request, sqlite3_stmt *statement, struct error *error)
{
    struct store_changes *changes = &request->changes;
    Action *action = vmreclaim__controller__v1__action__unpack(
        NULL, (size_t)sqlite3_column_bytes(statement, 1), sqlite3_column_blob(statement, 1));

    if (action == NULL)
        return error_set(error, -EUCLEAN, "%s: an action's record cannot be read",
                         request->base.store->path);
    assert(changes->count < STORE_CHANGES_MAX);
    request->numbers[changes->count] = (uint64_t)sqlite3_column_int64(statement, 0);
    request->actions[changes->count++] = action;
    return 0;
}

/* The numbering is read first: what is written between the two is new to both. */
static int run_changes(struct store_request *base, struct error *error)
{
    struct changes_request *request = request_of(base);
    const struct store_changes_query *query = &request->query;
    const struct store_value values[] = {
        {.number = (int64_t)min_of(query->after, (uint64_t)INT64_MAX)},
        {.number = query->since},
        {.number = min_of(query->limit, STORE_CHANGES_MAX + 0u)}};
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = read_numbering(base->store, &request->changes, error);

    if (r == 0)
        r = store_prepare(base->store,
                          "SELECT number, record FROM action WHERE number > ?1 AND +time >= ?2 "
                          "ORDER BY number LIMIT ?3",
                          values, ARRAY_SIZE(values), &statement, error);
    while (r == 0 && (r = store_step(base->store, statement, "reading the actions", error)) > 0)
        r = take_row(request, statement, error);
    return r;
}

/* ---- completing ---- */

static void free_actions(struct changes_request *request)
{
    for (size_t i = 0; i < request->changes.count; i++)
        vmreclaim__controller__v1__action__free_unpacked(request->actions[i], NULL);
    request->changes.count = 0;
}

static void complete(struct store_request *base)
{
    struct changes_request *request = request_of(base);
    struct store_changes *changes = &request->changes;

    if (changes->answer.status < 0)
        free_actions(request);
    changes->actions = request->actions;
    changes->numbers = request->numbers;
    request->done(changes, request->userdata);
    free_actions(request);
    free(request);
}

void store_ask_changes(struct store *store, const struct store_changes_query *query,
                       store_changes_done done, void *userdata)
{
    struct changes_request *request = calloc(1, sizeof(*request));

    if (request == NULL) {
        done(&(struct store_changes){.answer = store_no_memory}, userdata);
        return;
    }
    request->query = *query;
    request->done = done;
    request->userdata = userdata;
    request->base = (struct store_request){.store = store,
                                           .answer = &request->changes.answer,
                                           .size = sizeof(*request),
                                           .run = run_changes,
                                           .complete = complete};
    store_submit(&request->base);
}
