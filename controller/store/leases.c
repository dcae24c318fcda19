/* The journal of leases: every change is on disk before it is answered. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/request.h"

struct lease_request {
    struct store_request base;
    struct store_answer answer;
    struct lease lease; /* to be put; of one to be removed, the id */
    struct lease *found;
    size_t count;
    lease_written written;
    leases_loaded loaded; /* instead */
    void *asker;
};

static struct lease_request *request_of(struct store_request *base)
{
    return container_of(base, struct lease_request, base);
}

/* ---- running ---- */

static int run_put(struct store_request *base, struct error *error)
{
    const struct lease *lease = &request_of(base)->lease;
    const struct store_value values[] = {
        {.number = (int64_t)lease->id},
        {.number = lease->state},
        {.text = lease->vm},
        {.text = lease->uuid},
        {.text = lease->owner},
        {.number = (int64_t)lease->bytes},
        {.number = (int64_t)lease->baseline},
        {.number = (int64_t)lease->floor},
        {.number = lease->created},
        {.number = lease->expires},
        {.text = lease->boot_id},
        {.number = lease->pid},
        {.number = (int64_t)lease->start_time},
        {.text = lease->driver},
        {.text = lease->address},
        {.number = (int64_t)lease->maximum},
        {.number = (int64_t)lease->due},
        {.text = lease->host_boot_id},
    };

    return store_run(base->store,
                     "INSERT OR REPLACE INTO lease (id, state, vm, uuid, owner, bytes, "
                     "baseline, floor, created, expires, boot_id, pid, start_time, "
                     "driver, address, maximum, due, host_boot_id) VALUES "
                     "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                     values, ARRAY_SIZE(values), "writing a lease", error);
}

static int run_remove(struct store_request *base, struct error *error)
{
    const struct store_value id = {.number = (int64_t)request_of(base)->lease.id};

    return store_run(base->store, "DELETE FROM lease WHERE id = ?", &id, 1, "removing a lease",
                     error);
}

static void copy_column(char *to, size_t size, sqlite3_stmt *statement, int column)
{
    text_copy_line(to, size, store_text(statement, column));
}

static void read_lease(sqlite3_stmt *statement, struct lease *lease)
{
    *lease = (struct lease){
        .id = (uint64_t)sqlite3_column_int64(statement, 0),
        .state = (enum lease_state)sqlite3_column_int(statement, 1),
        .bytes = (uint64_t)sqlite3_column_int64(statement, 5),
        .baseline = (uint64_t)sqlite3_column_int64(statement, 6),
        .floor = (uint64_t)sqlite3_column_int64(statement, 7),
        .created = sqlite3_column_int64(statement, 8),
        .expires = sqlite3_column_int64(statement, 9),
        .pid = (pid_t)sqlite3_column_int64(statement, 11),
        .start_time = (uint64_t)sqlite3_column_int64(statement, 12),
        .maximum = (uint64_t)sqlite3_column_int64(statement, 15),
        .due = (nsec_t)sqlite3_column_int64(statement, 16),
    };
    copy_column(lease->vm, sizeof(lease->vm), statement, 2);
    copy_column(lease->uuid, sizeof(lease->uuid), statement, 3);
    copy_column(lease->owner, sizeof(lease->owner), statement, 4);
    copy_column(lease->boot_id, sizeof(lease->boot_id), statement, 10);
    copy_column(lease->host_boot_id, sizeof(lease->host_boot_id), statement, 17);
    copy_column(lease->driver, sizeof(lease->driver), statement, 13);
    /* Bytes, not text: the memory is given back by it. */
    snprintf(lease->address, sizeof(lease->address), "%s", store_text(statement, 14));
}

static int keep(struct lease_request *request, const struct lease *lease)
{
    struct lease *found = request->found;

    if ((request->count & (request->count - 1)) == 0)
        found = realloc(found, max_of(2 * request->count, (size_t)1) * sizeof(*found));
    if (found == NULL)
        return -ENOMEM;
    request->found = found;
    found[request->count++] = *lease;
    return 0;
}

static int run_load(struct store_request *base, struct error *error)
{
    struct store *store = base->store;
    cleanup_statement sqlite3_stmt *statement = NULL;
    struct lease lease;
    int r = store_prepare(store,
                          "SELECT id, state, vm, uuid, owner, bytes, baseline, floor, created, "
                          "expires, boot_id, pid, start_time, driver, address, maximum, "
                          "due, host_boot_id FROM lease ORDER BY id",
                          NULL, 0, &statement, error);
    if (r < 0)
        return r;
    while ((r = store_step(store, statement, "reading the leases", error)) > 0) {
        read_lease(statement, &lease);
        if (lease.state >= LEASE_STATE_COUNT || lease.id == 0 || lease.bytes == 0)
            return error_set(error, -EUCLEAN, "%s: what is kept as lease %llu cannot be one",
                             store->path, (unsigned long long)lease.id);
        r = keep(request_of(base), &lease);
        if (r < 0)
            return r;
    }
    return r;
}

/* ---- asking ---- */

static void complete(struct store_request *base)
{
    struct lease_request *request = request_of(base);
    const struct store_answer *answer = &request->answer;

    if (request->loaded != NULL)
        request->loaded(answer->status, &answer->error, request->found,
                        answer->status < 0 ? 0 : request->count, request->asker);
    else
        request->written(answer->status, &answer->error, request->asker);
    free(request->found);
    free(request);
}

/* NULL: no memory. */
static struct lease_request *create(struct store *store,
                                    int (*run)(struct store_request *base, struct error *error),
                                    void *asker)
{
    struct lease_request *request = calloc(1, sizeof(*request));

    if (request == NULL)
        return NULL;
    request->base = (struct store_request){.store = store,
                                           .answer = &request->answer,
                                           .size = sizeof(*request),
                                           .writes = run != run_load,
                                           .run = run,
                                           .complete = complete};
    request->asker = asker;
    return request;
}

static void submit(struct lease_request *request, lease_written done, void *asker)
{
    if (request == NULL) {
        done(store_no_memory.status, &store_no_memory.error, asker);
        return;
    }
    request->written = done;
    store_submit(&request->base);
}

static void put(void *userdata, const struct lease *lease, lease_written done, void *asker)
{
    struct lease_request *request = create(userdata, run_put, asker);

    if (request != NULL)
        request->lease = *lease;
    submit(request, done, asker);
}

static void remove_lease(void *userdata, uint64_t id, lease_written done, void *asker)
{
    struct lease_request *request = create(userdata, run_remove, asker);

    if (request != NULL)
        request->lease.id = id;
    submit(request, done, asker);
}

static void load(void *userdata, leases_loaded done, void *asker)
{
    struct lease_request *request = create(userdata, run_load, asker);

    if (request == NULL) {
        done(store_no_memory.status, &store_no_memory.error, NULL, 0, asker);
        return;
    }
    request->loaded = done;
    store_submit(&request->base);
}

void store_lease_journal(struct store *store, struct lease_journal *ret_journal)
{
    *ret_journal =
        (struct lease_journal){.userdata = store, .put = put, .remove = remove_lease, .load = load};
}
