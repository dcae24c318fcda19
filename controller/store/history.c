/* Reading records back. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/queries.h"

/* ---- actions ---- */

static int visit_action(const struct store *store, sqlite3_stmt *statement, int column,
                        action_visitor visit, void *userdata, struct error *error)
{
    Vmreclaim__Controller__V1__Action *action = vmreclaim__controller__v1__action__unpack(
        NULL, (size_t)sqlite3_column_bytes(statement, column),
        sqlite3_column_blob(statement, column));

    if (action == NULL)
        return error_set(error, -EUCLEAN, "%s: an action's record cannot be read", store->path);
    int r = visit(action, userdata);
    if (r <= 0)
        vmreclaim__controller__v1__action__free_unpacked(action, NULL);
    return min_of(r, 0);
}

/* After all texts there are. */
#define LAST_TEXT "\xf4\x8f\xbf\xbf"

struct action_walk action_walk_down(const char *vm, int64_t since, int64_t until)
{
    return (struct action_walk){.vm = vm, .place = {until, LAST_TEXT}, .end = since};
}

struct action_walk action_walk_up(const char *vm, int64_t since, int64_t until)
{
    return (struct action_walk){.vm = vm, .is_ascending = true, .place = {since, ""}, .end = until};
}

/* The place alone says where the index is entered: beside a second bound of its end SQLite would
 * step over all that lies before. */
#define WALK_DOWN "(time, id) < (?2, ?3) AND time >= ?4 ORDER BY time DESC, id DESC"
#define WALK_UP   "(time, id) > (?2, ?3) AND time <= ?4 ORDER BY time, id"

static int prepare_walk(struct store *store, const struct action_walk *walk,
                        sqlite3_stmt **ret_statement, struct error *error)
{
    static const char *const sql[2][2] = {
        {"SELECT record FROM action WHERE " WALK_DOWN,
         "SELECT record FROM action WHERE vm = ?1 AND " WALK_DOWN},
        {"SELECT record FROM action WHERE " WALK_UP,
         "SELECT record FROM action WHERE vm = ?1 AND " WALK_UP},
    };
    const struct store_value values[] = {{.text = walk->vm},
                                         {.number = walk->place.time},
                                         {.text = walk->place.id},
                                         {.number = walk->end}};

    return store_prepare(store, sql[walk->is_ascending][walk->vm != NULL], values,
                         ARRAY_SIZE(values), ret_statement, error);
}

int store_walk_actions(struct store *store, const struct action_walk *walk, action_visitor visit,
                       void *userdata, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = prepare_walk(store, walk, &statement, error);

    if (r < 0)
        return r;
    while ((r = store_step(store, statement, "reading the actions", error)) > 0) {
        r = visit_action(store, statement, 0, visit, userdata, error);
        if (r < 0)
            return r;
    }
    return r;
}

int store_skip_actions(struct store *store, struct action_walk *walk, uint32_t count,
                       struct error *error)
{
    const struct store_value values[] = {
        {.text = walk->vm}, {.number = walk->place.time}, {.number = walk->end}, {.number = count}};
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store,
                          "SELECT time, id FROM action WHERE vm = ?1 AND time BETWEEN ?2 AND ?3 "
                          "ORDER BY time DESC, id DESC LIMIT 1 OFFSET ?4",
                          values, ARRAY_SIZE(values), &statement, error);

    if (r == 0)
        r = store_step(store, statement, "reading the actions", error);
    if (r > 0)
        record_place_set(&walk->place, sqlite3_column_int64(statement, 0),
                         store_text(statement, 1));
    return r;
}

/* A range of the primary key: nothing that begins with ?1 comes after ?1 and the last character
 * there is. */
#define BEGINS_WITH "id >= ?1 AND id < ?1 || char(1114111)"

int store_action(struct store *store, const char *prefix, action_visitor visit, void *userdata,
                 struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store,
                          "SELECT record, (SELECT count(*) FROM (SELECT 1 FROM action "
                          "WHERE " BEGINS_WITH " LIMIT 2)) FROM action "
                          "WHERE " BEGINS_WITH " ORDER BY id LIMIT 1",
                          &(struct store_value){.text = prefix}, 1, &statement, error);

    if (r == 0 && prefix[0] != '\0')
        r = store_step(store, statement, "reading an action", error);
    if (r < 0)
        return r;
    if (r == 0)
        return error_set(error, -ENOENT, "no action \"%s\"; see: vmreclaim actions", prefix);
    if (sqlite3_column_int64(statement, 1) > 1)
        return error_set(error, -EEXIST, "several actions begin with \"%s\"; write more of the id",
                         prefix);
    return visit_action(store, statement, 0, visit, userdata, error);
}

/* ---- waterfalls ---- */

/* Binds for what is there up to `until`. */
static void bind_scan(sqlite3_stmt *statement, const struct waterfall_scan *scan, int64_t until)
{
    const struct store_value values[] = {
        {.text = scan->vm}, {.number = scan->next}, {.number = until}};

    store_bind(statement, values, ARRAY_SIZE(values));
}

/* The time of the VM's first or last waterfall of the span. 1: there is one. */
static int find_time(struct store *store, const struct waterfall_scan *scan, const char *sql,
                     int64_t *ret_time, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store, sql, NULL, 0, &statement, error);

    if (r < 0)
        return r;
    bind_scan(statement, scan, scan->until);
    r = store_step(store, statement, "reading the history", error);
    *ret_time = r > 0 ? sqlite3_column_int64(statement, 0) : 0;
    return r;
}

#define OF_SPAN "FROM waterfall WHERE vm = ?1 AND time BETWEEN ?2 AND ?3 ORDER BY time "

int waterfall_scan_begin(struct store *store, struct waterfall_scan *scan, uint32_t points,
                         struct error *error)
{
    int64_t last;
    int r = find_time(store, scan, "SELECT time " OF_SPAN "LIMIT 1", &scan->first, error);

    if (r > 0)
        r = find_time(store, scan, "SELECT time " OF_SPAN "DESC LIMIT 1", &last, error);
    scan->is_over = r <= 0;
    if (r <= 0)
        return r;
    scan->width = (last - scan->first) / (int64_t)max_of(points, 1u) + 1;
    assert(scan->first <= last && scan->width > 0);
    scan->next = scan->first;
    scan->until = last;
    return 0;
}

static Vmreclaim__Controller__V1__Waterfall *unpack(sqlite3_stmt *statement)
{
    return vmreclaim__controller__v1__waterfall__unpack(
        NULL, (size_t)sqlite3_column_bytes(statement, 1), sqlite3_column_blob(statement, 1));
}

/* The row that the statement is at, and where to go on. */
static int visit_row(const struct store *store, struct waterfall_scan *scan,
                     sqlite3_stmt *statement, waterfall_visitor visit, void *userdata,
                     struct error *error)
{
    Vmreclaim__Controller__V1__Waterfall *waterfall = unpack(statement);
    int64_t part = (sqlite3_column_int64(statement, 0) - scan->first) / scan->width + 1;
    int r;

    if (waterfall == NULL)
        return error_set(error, -EUCLEAN, "%s: a record of %s cannot be read", store->path,
                         scan->vm);
    scan->is_over = part > (scan->until - scan->first) / scan->width;
    if (!scan->is_over)
        scan->next = scan->first + part * scan->width;
    assert(part > 0 && scan->first <= scan->next && scan->next <= scan->until);
    r = visit(waterfall, userdata);
    if (r <= 0)
        vmreclaim__controller__v1__waterfall__free_unpacked(waterfall, NULL);
    return min_of(r, 0);
}

int waterfall_scan_page(struct store *store, struct waterfall_scan *scan, uint32_t rows,
                        int64_t horizon, waterfall_visitor visit, void *userdata,
                        struct error *error)
{
    int64_t until = min_of(horizon, scan->until);
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r =
        store_prepare(store, "SELECT time, record " OF_SPAN "LIMIT 1", NULL, 0, &statement, error);

    if (r < 0)
        return r;
    for (; !scan->is_over && rows > 0; rows--) {
        bind_scan(statement, scan, until);
        r = store_step(store, statement, "reading the history", error);
        if (r > 0)
            r = visit_row(store, scan, statement, visit, userdata, error);
        else if (r == 0 && until == scan->until)
            scan->is_over = true;
        else
            return r;
        if (r < 0)
            return r;
        (void)sqlite3_reset(statement);
    }
    return !scan->is_over && scan->next <= until;
}
