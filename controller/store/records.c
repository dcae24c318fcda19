/* Records of what happened: a queue in memory, written in one transaction. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

#include "controller/store/database.h"
#include "controller/store/queries.h"

enum record_kind {
    RECORD_ACTION,
    RECORD_WATERFALL,
    RECORD_AUDIT,
};

/* One row to be. */
struct record {
    struct list link;
    enum record_kind kind;
    int64_t time;
    bool allowed;
    char key[96];    /* id or VM; who */
    char second[96]; /* VM of an action; method */
    size_t length;
    uint8_t data[];
};

static const struct {
    const char *sql;
    const char *doing;
} kinds[] = {
    [RECORD_ACTION] = {"INSERT OR REPLACE INTO action (id, vm, time, record) VALUES (?,?,?,?)",
                       "writing an action"},
    [RECORD_WATERFALL] = {"INSERT OR REPLACE INTO waterfall (vm, time, record) VALUES (?1,?3,?4)",
                          "writing a waterfall"},
    [RECORD_AUDIT] = {"INSERT INTO audit (who, method, time, request, allowed) VALUES (?,?,?,?,?)",
                      "writing the audit"},
};

void store_queue_init(struct store *store)
{
    list_init(&store->queue);
}

static void drop(struct store *store, struct record *record)
{
    list_remove(&record->link);
    store->queue_count--;
    free(record);
}

void store_queue_finish(struct store *store)
{
    list_for_each_safe (link, following, &store->queue)
        drop(store, list_entry(link, struct record, link));
}

/* ---- writing ---- */

static int write_record(struct store *store, const struct record *record)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store, kinds[record->kind].sql, &statement, NULL);

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
    return store_step(store, statement, kinds[record->kind].doing, NULL);
}

static int write_queue(struct store *store)
{
    int r = store_execute(store, "BEGIN IMMEDIATE", "writing records", NULL);

    if (r < 0)
        return r;
    list_for_each (link, &store->queue) {
        r = write_record(store, list_entry(link, struct record, link));
        if (r < 0)
            break;
    }
    if (r == 0)
        r = store_execute(store, "COMMIT", "writing records", NULL);
    if (r < 0)
        (void)sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

int store_flush(struct store *store)
{
    if (store->database == NULL)
        return -EIO;
    if (list_is_empty(&store->queue))
        return 0;
    int r = write_queue(store);
    if (r < 0)
        return r;
    store_queue_finish(store);
    store->problem[0] = '\0';
    return 0;
}

/* ---- queueing ---- */

/* Makes room: the oldest waterfall goes first, then the oldest record. */
static void make_room(struct store *store)
{
    if (store->queue_count < STORE_PENDING_MAX)
        return;
    store->dropped++;
    list_for_each (link, &store->queue) {
        struct record *record = list_entry(link, struct record, link);
        if (record->kind != RECORD_WATERFALL)
            continue;
        drop(store, record);
        return;
    }
    drop(store, list_entry(store->queue.next, struct record, link));
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

static void enqueue(struct store *store, struct record *record)
{
    make_room(store);
    list_append(&store->queue, &record->link);
    store->queue_count++;
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
    (void)store_flush(store);
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
    struct record *record = record_create(RECORD_AUDIT, time, who, method, length);

    if (record == NULL)
        return -ENOMEM;
    memcpy(record->data, request, length);
    record->allowed = allowed;
    enqueue(store, record);
    (void)store_flush(store);
    return 0;
}
