/* Records of what happened: a queue in memory, written in one transaction. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

#include "controller/store/batch.h"
#include "controller/store/database.h"
#include "controller/store/record.h"

static const struct {
    const char *sql;
    const char *doing;
} kinds[] = {
    [RECORD_ACTION] = {"INSERT OR REPLACE INTO action (id, vm, time, record, number) "
                       "VALUES (?,?,?,?,(SELECT newest + 1 FROM numbering))",
                       "writing an action"},
    [RECORD_WATERFALL] = {"INSERT OR REPLACE INTO waterfall (vm, time, record) VALUES (?1,?3,?4)",
                          "writing a waterfall"},
    [RECORD_AUDIT] = {"INSERT INTO audit (who, method, time, request, allowed) VALUES (?,?,?,?,?)",
                      "writing the audit"},
};

void store_queue_init(struct store *store)
{
    list_init(&store->queue);
    list_init(&store->writing);
}

static size_t size_of(const struct record *record)
{
    return sizeof(*record) + record->length;
}

/* With the lock, or without a thread. */
static void drop(struct store *store, struct record *record)
{
    assert(store->queue_count > 0 && store->queue_bytes >= size_of(record));
    list_remove(&record->link);
    store->queue_count--;
    store->queue_bytes -= size_of(record);
    free(record);
}

static void drop_all(struct store *store, struct list *list)
{
    list_for_each_safe (link, following, list)
        drop(store, list_entry(link, struct record, link));
}

void store_queue_finish(struct store *store)
{
    drop_all(store, &store->queue);
    assert(store->queue_count == 0 && store->queue_bytes == 0);
}

/* ---- writing ---- */

static int write_record(struct store *store, const struct record *record, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store, kinds[record->kind].sql, NULL, 0, &statement, error);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, record->key, -1, SQLITE_STATIC);
    if (record->kind != RECORD_WATERFALL)
        (void)sqlite3_bind_text(statement, 2, record->second, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 3, record->time);
    if (record->kind == RECORD_AUDIT) {
        (void)sqlite3_bind_text(statement, 4, (const char *)record->data, (int)record->length,
                                SQLITE_STATIC);
        (void)sqlite3_bind_int(statement, 5, record->allowed);
    } else {
        (void)sqlite3_bind_blob(statement, 4, record->data, (int)record->length, SQLITE_STATIC);
    }
    return store_step(store, statement, kinds[record->kind].doing, error);
}

/* Puts all of `from` before all of `to`. */
static void move_before(struct list *from, struct list *to)
{
    while (!list_is_empty(from)) {
        struct list *last = from->previous;

        list_remove(last);
        list_prepend(to, last);
    }
}

bool store_take_waiting(struct store *store)
{
    assert(list_is_empty(&store->writing));
    uv_mutex_lock(&store->lock);
    move_before(&store->queue, &store->writing);
    uv_mutex_unlock(&store->lock);
    return !list_is_empty(&store->writing);
}

int store_write_waiting(struct store *store, struct error *error)
{
    int r = 0;

    list_for_each (link, &store->writing) {
        r = write_record(store, list_entry(link, struct record, link), error);
        if (r < 0)
            break;
    }
    return r;
}

void store_end_waiting(struct store *store, bool written)
{
    uv_mutex_lock(&store->lock);
    if (written)
        drop_all(store, &store->writing);
    else
        move_before(&store->writing, &store->queue);
    uv_mutex_unlock(&store->lock);
}

int store_flush(struct store *store)
{
    struct list nothing;

    list_init(&nothing);
    return store->database == NULL ? -EIO : store_write(store, &nothing);
}

/* ---- queueing ---- */

/* The oldest waterfall goes first, then the oldest record. False: those that wait are being
 * written. */
static bool drop_one(struct store *store)
{
    struct list *oldest = store->queue.next;

    list_for_each (link, &store->queue) {
        if (list_entry(link, struct record, link)->kind != RECORD_WATERFALL)
            continue;
        oldest = link;
        break;
    }
    if (oldest == &store->queue)
        return false;
    drop(store, list_entry(oldest, struct record, link));
    store->dropped++;
    return true;
}

static bool has_room(const struct store *store, const struct record *record)
{
    return store->queue_count < STORE_PENDING_MAX && size_of(record) <= STORE_PENDING_BYTES &&
           store->queue_bytes <= STORE_PENDING_BYTES - size_of(record);
}

static struct record *record_create(enum record_kind kind, int64_t time, const char *key,
                                    const char *second, size_t length)
{
    struct record *record = malloc(sizeof(*record) + length);

    if (record == NULL)
        return NULL;
    *record = (struct record){.kind = kind, .time = time, .length = length};
    list_init(&record->link);
    text_copy(record->key, sizeof(record->key), key);
    text_copy(record->second, sizeof(record->second), second);
    return record;
}

/* Takes the record over. */
static void enqueue(struct store *store, struct record *record)
{
    uv_mutex_lock(&store->lock);
    while (!has_room(store, record) && drop_one(store))
        ;
    if (has_room(store, record)) {
        list_append(&store->queue, &record->link);
        store->queue_count++;
        store->queue_bytes += size_of(record);
        assert(store->queue_count <= STORE_PENDING_MAX);
        assert(store->queue_bytes <= STORE_PENDING_BYTES);
    } else {
        store->dropped++;
        free(record);
    }
    uv_mutex_unlock(&store->lock);
}

/* What waits is to be written now. */
static void write_soon(struct store *store)
{
    if (store->worker == NULL)
        (void)store_flush(store);
    else
        store_wake(store);
}

int store_put_action(struct store *store, const Vmreclaim__Controller__V1__Action *action)
{
    struct record *record =
        record_create(RECORD_ACTION, action->started_ns, action->id, action->vm,
                      vmreclaim__controller__v1__action__get_packed_size(action));

    if (record == NULL)
        return -ENOMEM;
    (void)vmreclaim__controller__v1__action__pack(action, record->data);
    enqueue(store, record);
    write_soon(store);
    return 0;
}

int store_put_waterfall(struct store *store, const char *vm,
                        const Vmreclaim__Controller__V1__Waterfall *waterfall)
{
    Vmreclaim__Controller__V1__Waterfall lean = *waterfall;

    lean.guest = NULL;
    struct record *record =
        record_create(RECORD_WATERFALL, waterfall->time_ns, vm, "",
                      vmreclaim__controller__v1__waterfall__get_packed_size(&lean));
    if (record == NULL)
        return -ENOMEM;
    (void)vmreclaim__controller__v1__waterfall__pack(&lean, record->data);
    enqueue(store, record);
    return 0;
}

int store_put_audit(struct store *store, int64_t time, const char *who, const char *method,
                    const char *request, bool allowed)
{
    size_t length = strlen(request);
    size_t kept = text_fit(request, length, STORE_AUDIT_REQUEST_MAX);
    struct record *record;
    char rest[48] = "";

    if (kept < length)
        snprintf(rest, sizeof(rest), " (%zu bytes more)", length - kept);
    record = record_create(RECORD_AUDIT, time, who, method, kept + strlen(rest));
    if (record == NULL)
        return -ENOMEM;
    memcpy(record->data, request, kept);
    memcpy(record->data + kept, rest, strlen(rest));
    record->allowed = allowed;
    enqueue(store, record);
    write_soon(store);
    return 0;
}
