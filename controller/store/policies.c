/* Policy revisions, an append-only history per name, and who runs which. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/queries.h"

#define LABEL   "label:"
#define COLUMNS "name, revision, author, time, hash, source_name, rolled_back_to"

static void read_revision(sqlite3_stmt *statement, bool with_text, struct policy_revision *revision)
{
    *revision = (struct policy_revision){
        .name = store_text(statement, 0),
        .revision = (uint64_t)sqlite3_column_int64(statement, 1),
        .author = store_text(statement, 2),
        .time = sqlite3_column_int64(statement, 3),
        .hash = store_text(statement, 4),
        .source_name = store_text(statement, 5),
        .rolled_back_to = (uint64_t)sqlite3_column_int64(statement, 6),
        .text = with_text ? store_text(statement, 7) : "",
    };
}

/* Rows of a statement that selects COLUMNS. Returns their number. */
static int visit_rows(struct store *store, sqlite3_stmt *statement, bool with_text,
                      policy_visitor visit, void *userdata, struct error *error)
{
    struct policy_revision revision;
    int count = 0;
    int r;

    while ((r = store_step(store, statement, "reading the policies", error)) > 0) {
        read_revision(statement, with_text, &revision);
        r = visit(&revision, userdata);
        if (r < 0)
            return r;
        count++;
    }
    return r < 0 ? r : count;
}

/* Number and hash of the newest revision; 0: there is none. */
static int newest(struct store *store, const char *name, uint64_t *ret_revision, char *hash,
                  size_t size, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store,
                          "SELECT revision, hash FROM policy WHERE name = ? "
                          "ORDER BY revision DESC LIMIT 1",
                          &(struct store_value){.text = name}, 1, &statement, error);

    if (r == 0)
        r = store_step(store, statement, "reading the policies", error);
    if (r < 0)
        return r;
    *ret_revision = r == 0 ? 0 : (uint64_t)sqlite3_column_int64(statement, 0);
    snprintf(hash, size, "%s", r == 0 ? "" : store_text(statement, 1));
    return 0;
}

static int insert(struct store *store, const struct policy_revision *revision, uint64_t number,
                  struct error *error)
{
    const struct store_value values[] = {
        {.text = revision->name},
        {.number = (int64_t)number},
        {.text = revision->author},
        {.number = revision->time},
        {.text = revision->hash},
        {.text = revision->source_name},
        {.number = (int64_t)revision->rolled_back_to},
        {.text = revision->text},
    };

    return store_run(store, "INSERT INTO policy (" COLUMNS ", text) VALUES (?,?,?,?,?,?,?,?)",
                     values, ARRAY_SIZE(values), "writing a policy", error);
}

/* -EBUSY: the newest revision is not the one that this was made from. */
static int check_origin(const struct policy_revision *revision, uint64_t number, const char *hash,
                        struct error *error)
{
    const char *made_from = revision->made_from_hash;

    if (revision->revision == 0)
        return 0;
    if (number == 0)
        return error_set(error, -EBUSY,
                         "policy \"%s\" is there no more, and this was made from its revision "
                         "%" PRIu64 ": somebody else deleted it meanwhile",
                         revision->name, revision->revision);
    if (revision->revision != number)
        return error_set(error, -EBUSY,
                         "policy \"%s\" has revision %" PRIu64 " now, and this was made from "
                         "revision %" PRIu64 ": somebody else changed it meanwhile",
                         revision->name, number, revision->revision);
    if (made_from[0] != '\0' && strcmp(made_from, hash) != 0)
        return error_set(error, -EBUSY,
                         "policy \"%s\" was deleted and made anew meanwhile: its revision %" PRIu64
                         " is not the one that this was made from",
                         revision->name, number);
    return 0;
}

int store_policy_add(struct store *store, const struct policy_revision *revision,
                     uint64_t *ret_revision, struct error *error)
{
    uint64_t number;
    char hash[128];
    int r = newest(store, revision->name, &number, hash, sizeof(hash), error);

    if (r < 0)
        return r;
    r = check_origin(revision, number, hash, error);
    if (r < 0)
        return r;
    if (number == 0 || strcmp(hash, revision->hash) != 0) {
        r = insert(store, revision, number + 1, error);
        if (r < 0)
            return r;
        number++;
    }
    *ret_revision = number;
    return 0;
}

int store_policy_get(struct store *store, const char *name, uint64_t revision, policy_visitor visit,
                     void *userdata, struct error *error)
{
    const struct store_value values[] = {{.text = name}, {.number = (int64_t)revision}};
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store,
                          "SELECT " COLUMNS ", text FROM policy WHERE name = ?1 AND "
                          "(revision = ?2 OR ?2 = 0) ORDER BY revision DESC LIMIT 1",
                          values, ARRAY_SIZE(values), &statement, error);

    if (r == 0)
        r = visit_rows(store, statement, true, visit, userdata, error);
    if (r == 0 && revision == 0)
        return error_set(error, -ENOENT, "no policy \"%s\"; see: vmreclaim policy list", name);
    if (r == 0)
        return error_set(error, -ENOENT,
                         "policy \"%s\" has no revision %llu; see: vmreclaim policy history %s",
                         name, (unsigned long long)revision, name);
    return r < 0 ? r : 0;
}

int store_policy_list(struct store *store, const char *after, policy_visitor visit, void *userdata,
                      struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store,
                          "SELECT " COLUMNS " FROM policy AS p WHERE name > ?1 AND revision = "
                          "(SELECT max(revision) FROM policy WHERE name = p.name) ORDER BY name",
                          &(struct store_value){.text = after}, 1, &statement, error);

    if (r == 0)
        r = visit_rows(store, statement, false, visit, userdata, error);
    return r < 0 ? r : 0;
}

int store_policy_revisions(struct store *store, const char *name, uint64_t before,
                           policy_visitor visit, void *userdata, struct error *error)
{
    int64_t most = before == 0 || before > INT64_MAX ? INT64_MAX : (int64_t)before - 1;
    const struct store_value values[] = {{.text = name}, {.number = most}};
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store,
                          "SELECT " COLUMNS " FROM policy WHERE name = ?1 AND revision <= ?2 "
                          "ORDER BY revision DESC",
                          values, ARRAY_SIZE(values), &statement, error);

    if (r == 0)
        r = visit_rows(store, statement, false, visit, userdata, error);
    if (r == 0 && before == 0)
        return error_set(error, -ENOENT, "no policy \"%s\"; see: vmreclaim policy list", name);
    return r < 0 ? r : 0;
}

/* ---- roll back ---- */

struct rollback {
    struct store *store;
    const char *author;
    int64_t time;
    uint64_t newest;
    struct error *error;
};

static int repeat(const struct policy_revision *old, void *userdata)
{
    const struct rollback *rollback = userdata;
    struct policy_revision revision = *old;

    revision.author = rollback->author;
    revision.time = rollback->time;
    revision.rolled_back_to = old->revision;
    return insert(rollback->store, &revision, rollback->newest + 1, rollback->error);
}

int store_policy_roll_back(struct store *store, const char *name, uint64_t revision,
                           const char *author, int64_t time, uint64_t *ret_revision,
                           struct error *error)
{
    struct rollback rollback = {.store = store, .author = author, .time = time, .error = error};
    char hash[128];
    int r = newest(store, name, &rollback.newest, hash, sizeof(hash), error);

    if (r < 0)
        return r;
    if (rollback.newest == 1 && revision == 0)
        return error_set(error, -ENOENT, "policy \"%s\" has one revision only", name);
    if (revision == 0 && rollback.newest > 1)
        revision = rollback.newest - 1;
    r = store_policy_get(store, name, revision, repeat, &rollback, error);
    if (r < 0)
        return r;
    *ret_revision = rollback.newest + 1;
    return 0;
}

/* ---- assignments ---- */

int store_assign(struct store *store, const struct policy_assignment *assignment,
                 struct error *error)
{
    const struct store_value values[] = {{.text = assignment->selector},
                                         {.text = assignment->policy},
                                         {.text = assignment->author},
                                         {.number = assignment->time}};
    uint64_t revision;
    char hash[128];
    int r = newest(store, assignment->policy, &revision, hash, sizeof(hash), error);

    if (r < 0)
        return r;
    if (revision == 0)
        return error_set(error, -ENOENT, "no policy \"%s\"; see: vmreclaim policy list",
                         assignment->policy);
    return store_run(store,
                     "INSERT OR REPLACE INTO assignment (selector, policy, author, time) "
                     "VALUES (?,?,?,?)",
                     values, ARRAY_SIZE(values), "assigning a policy", error);
}

int store_policy_order(struct store *store, const struct policy_revision *revision,
                       const struct policy_assignment *assignment, uint64_t *ret_revision,
                       struct error *error)
{
    int r = store_policy_add(store, revision, ret_revision, error);

    return r < 0 || assignment->selector[0] == '\0' ? r : store_assign(store, assignment, error);
}

int store_unassign(struct store *store, const char *selector, struct error *error)
{
    int r = store_run(store, "DELETE FROM assignment WHERE selector = ?",
                      &(struct store_value){.text = selector}, 1, "removing an assignment", error);

    if (r == 0 && sqlite3_changes(store->database) == 0)
        return error_set(
            error, -ENOENT,
            "nothing is assigned to \"%s\" itself; see: vmreclaim policy list, or of a VM: "
            "vmreclaim policy why VM",
            selector);
    return r;
}

static struct policy_assignment read_assignment(sqlite3_stmt *statement)
{
    return (struct policy_assignment){.selector = store_text(statement, 0),
                                      .policy = store_text(statement, 1),
                                      .author = store_text(statement, 2),
                                      .time = sqlite3_column_int64(statement, 3)};
}

int store_assignments(struct store *store, const char *after, assignment_visitor visit,
                      void *userdata, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store,
                          "SELECT selector, policy, author, time FROM assignment "
                          "WHERE selector > ?1 ORDER BY selector",
                          &(struct store_value){.text = after}, 1, &statement, error);
    if (r < 0)
        return r;
    while ((r = store_step(store, statement, "reading the assignments", error)) > 0) {
        struct policy_assignment assignment = read_assignment(statement);

        r = visit(&assignment, userdata);
        if (r < 0)
            return r;
    }
    return r;
}

/* ---- deleting ---- */

/* Whom a policy is assigned to, for a message. */
struct holders {
    const char *policy;
    size_t count;
    char text[256];
};

static int add_holder(const struct policy_assignment *assignment, void *userdata)
{
    struct holders *holders = userdata;
    size_t used = strlen(holders->text);

    if (strcmp(assignment->policy, holders->policy) != 0)
        return 0;
    if (holders->count++ < 4)
        text_format(holders->text + used, sizeof(holders->text) - used, "%s%s",
                    used == 0 ? "" : ", ", assignment->selector);
    return 0;
}

static int refuse_assigned(const struct holders *holders, struct error *error)
{
    char more[32] = "";

    if (holders->count > 4)
        snprintf(more, sizeof(more), " and %zu more", holders->count - 4);
    return error_set(error, -EBUSY,
                     "policy \"%s\" is assigned to %s%s; unassign it first, or do both: vmreclaim "
                     "policy delete %s --unassign",
                     holders->policy, holders->text, more, holders->policy);
}

int store_policy_delete(struct store *store, const char *name, bool unassign, struct error *error)
{
    const struct store_value value = {.text = name};
    struct holders holders = {.policy = name};
    int r = store_assignments(store, "", add_holder, &holders, error);

    if (r == 0 && holders.count > 0 && !unassign)
        return refuse_assigned(&holders, error);
    if (r == 0)
        r = store_run(store, "DELETE FROM policy WHERE name = ?", &value, 1, "deleting a policy",
                      error);
    if (r == 0 && sqlite3_changes(store->database) == 0)
        return error_set(error, -ENOENT, "no policy \"%s\"; see: vmreclaim policy list", name);
    if (r == 0)
        r = store_run(store, "DELETE FROM assignment WHERE policy = ?", &value, 1,
                      "removing assignments", error);
    return r;
}

/* ---- whose policy ---- */

/* The one whose selector is `prefix` and `rest` together, found by key. */
static int visit_assigned(struct store *store, const char *prefix, const char *rest,
                          assignment_visitor visit, void *userdata, struct error *error)
{
    const struct store_value values[] = {{.text = prefix}, {.text = rest}};
    cleanup_statement sqlite3_stmt *statement = NULL;
    struct policy_assignment assignment;
    int r = store_prepare(store,
                          "SELECT selector, policy, author, time FROM assignment "
                          "WHERE selector = ?1 || ?2",
                          values, ARRAY_SIZE(values), &statement, error);

    if (r == 0)
        r = store_step(store, statement, "reading the assignments", error);
    if (r <= 0)
        return r;
    assignment = read_assignment(statement);
    return visit(&assignment, userdata);
}

/* Only selectors with a character that is special to fnmatch are read, by an index of their own. Of
 * the others there may be one for each VM. */
static int visit_globs(struct store *store, const char *vm, assignment_visitor visit,
                       void *userdata, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store,
                          "SELECT selector, policy FROM assignment "
                          "WHERE selector GLOB '*[*?[\\]*' "
                          "ORDER BY length(selector) DESC, selector",
                          NULL, 0, &statement, error);

    if (r < 0)
        return r;
    while ((r = store_step(store, statement, "reading the assignments", error)) > 0) {
        const char *selector = store_text(statement, 0);

        if (strncmp(selector, LABEL, sizeof(LABEL) - 1) == 0 || fnmatch(selector, vm, 0) != 0)
            continue;
        r = visit_assigned(store, "", selector, visit, userdata, error);
        if (r != 0)
            return r;
    }
    return r;
}

static int visit_matching(struct store *store, const struct policy_subject *subject,
                          assignment_visitor visit, void *userdata, struct error *error)
{
    int r = visit_assigned(store, "", subject->vm, visit, userdata, error);

    for (size_t i = 0; i < subject->label_count && r == 0; i++)
        r = visit_assigned(store, LABEL, subject->labels[i], visit, userdata, error);
    if (r == 0)
        r = visit_globs(store, subject->vm, visit, userdata, error);
    return r;
}

/* One walk of two: over what the host's operators have assigned, then what a fleet has. */
struct ranked {
    bool wants_fleet;
    bool has_others; /* it came past one that is of the other walk */
    assignment_visitor visit;
    void *userdata;
};

bool store_is_by_fleet(const char *author)
{
    return strncmp(author, STORE_FLEET, strlen(STORE_FLEET)) == 0;
}

static int visit_ranked(const struct policy_assignment *assignment, void *userdata)
{
    struct ranked *ranked = userdata;

    if (store_is_by_fleet(assignment->author) == ranked->wants_fleet)
        return ranked->visit(assignment, ranked->userdata);
    ranked->has_others = true;
    return 0;
}

int store_assignments_of(struct store *store, const struct policy_subject *subject,
                         assignment_visitor visit, void *userdata, struct error *error)
{
    struct ranked ranked = {.visit = visit, .userdata = userdata};
    int r = visit_matching(store, subject, visit_ranked, &ranked, error);

    if (r == 0 && ranked.has_others) {
        ranked.wants_fleet = true;
        r = visit_matching(store, subject, visit_ranked, &ranked, error);
    }
    return r < 0 ? r : 0;
}

static int hold(const struct policy_assignment *assignment, void *userdata)
{
    struct store_holder *holder = userdata;

    text_copy_line(holder->policy, sizeof(holder->policy), assignment->policy);
    text_copy_line(holder->selector, sizeof(holder->selector), assignment->selector);
    return 1;
}

int store_policy_of(struct store *store, const struct policy_subject *subject,
                    struct store_holder *ret_holder, struct error *error)
{
    struct store_holder holder = {"", ""};
    int r = store_assignments_of(store, subject, hold, &holder, error);

    if (r == 0 && holder.policy[0] == '\0')
        return error_set(error, -ENOENT, "no policy is assigned to %s", subject->vm);
    if (r == 0)
        *ret_holder = holder;
    return r;
}
