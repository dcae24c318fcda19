/* A table by name; of each name a few texts by digest. */
#include "controller/fleet/coordinator/policy-tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"

#define STATE(name) VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_##name

int policy_tally_init(struct policy_tally *tally, const char *only)
{
    *tally = (struct policy_tally){.count = 0};
    hash_table_init(&tally->table);
    if (only == NULL)
        return 0;
    tally->only = strdup(only);
    tally->exceptions = calloc(POLICY_EXCEPTIONS_MAX, sizeof(*tally->exceptions));
    return tally->only == NULL || tally->exceptions == NULL ? -ENOMEM : 0;
}

void policy_tally_finish(struct policy_tally *tally)
{
    for (size_t i = 0; i < tally->count; i++) {
        hash_table_remove(&tally->table, &tally->list[i]->link);
        free(tally->list[i]->message.name);
        free(tally->list[i]);
    }
    free(tally->list);
    free(tally->only);
    free(tally->exceptions);
    hash_table_finish(&tally->table);
}

/* ---- names ---- */

static struct policy_count *find(const struct policy_tally *tally, const char *name)
{
    for (struct hash_link *link = hash_table_first(&tally->table, hash_text(name)); link != NULL;
         link = hash_table_next(link)) {
        struct policy_count *count = container_of(link, struct policy_count, link);

        if (strcmp(count->message.name, name) == 0)
            return count;
    }
    return NULL;
}

static int make_room(struct policy_tally *tally)
{
    size_t room = tally->room == 0 ? 16 : 2 * tally->room;
    struct policy_count **list;

    if (tally->count < tally->room)
        return 0;
    list = realloc(tally->list, room * sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    tally->list = list;
    tally->room = room;
    return 0;
}

static int add_name(struct policy_tally *tally, const char *name, struct policy_count **ret_count)
{
    struct policy_count *count = calloc(1, sizeof(*count));

    if (count == NULL || make_room(tally) < 0) {
        free(count);
        return -ENOMEM;
    }
    vmreclaim__fleet__v1__fleet_policy__init(&count->message);
    count->message.name = strdup(name);
    if (count->message.name == NULL ||
        hash_table_add(&tally->table, &count->link, hash_text(name)) < 0) {
        free(count->message.name);
        free(count);
        return -ENOMEM;
    }
    tally->list[tally->count++] = *ret_count = count;
    return 0;
}

/* 0: it is not counted. */
static int find_or_add(struct policy_tally *tally, const HostPolicy *policy,
                       struct policy_count **ret_count)
{
    bool is_wanted = policy->wanted_digest.len > 0;
    int r;

    if (tally->only != NULL && strcmp(policy->name, tally->only) != 0)
        return 0;
    *ret_count = find(tally, policy->name);
    if (*ret_count != NULL)
        return 1;
    if (!is_wanted && tally->left_count == POLICY_LEFT_MAX)
        return 0;
    r = add_name(tally, policy->name, ret_count);
    if (r < 0)
        return r;
    tally->left_count += !is_wanted;
    return 1;
}

/* ---- a host ---- */

static void count_text(struct policy_count *count, const HostPolicy *policy,
                       const struct host_entry *entry)
{
    size_t i = 0;

    while (i < count->text_count && memcmp(count->texts[i].digest.bytes, policy->wanted_digest.data,
                                           sizeof(count->texts[i].digest.bytes)) != 0)
        i++;
    if (i == POLICY_TEXTS_MAX)
        return;
    if (i == count->text_count) {
        count->texts[i].first = entry;
        memcpy(count->texts[i].digest.bytes, policy->wanted_digest.data,
               sizeof(count->texts[i].digest.bytes));
        count->text_count++;
    }
    count->texts[i].hosts++;
}

static void count_state(FleetPolicy *message, Vmreclaim__Fleet__V1__HostPolicyState state)
{
    message->in_force += state == STATE(IN_FORCE);
    message->waits += state == STATE(WAITS);
    message->pinned += state == STATE(PINNED);
    message->refused += state == STATE(REFUSED);
    message->left += state == STATE(LEFT);
}

static void add_exception(struct policy_tally *tally, const HostPolicy *policy,
                          const struct host_entry *entry)
{
    struct policy_exception *exception;

    if (tally->only == NULL || policy->state == STATE(IN_FORCE) ||
        tally->exception_count == POLICY_EXCEPTIONS_MAX)
        return;
    exception = &tally->exceptions[tally->exception_count++];
    exception->host = entry;
    exception->state = policy->state;
    text_copy_line(exception->reason, sizeof(exception->reason), policy->reason);
}

int policy_tally_add(struct policy_tally *tally, const struct host_entry *entry)
{
    HostPolicy policy;
    size_t place = 0;
    int looked = 0;

    while (host_policy_next(entry, &place, &policy)) {
        struct policy_count *count;
        int r = find_or_add(tally, &policy, &count);

        if (r < 0)
            return r;
        looked++;
        if (r == 0)
            continue;
        count_state(&count->message, policy.state);
        add_exception(tally, &policy, entry);
        if (policy.wanted_digest.len == 0)
            continue;
        count->message.wanted++;
        count_text(count, &policy, entry);
    }
    return looked;
}

/* ---- all of them ---- */

static int compare_names(const void *left, const void *right)
{
    const struct policy_count *a = *(struct policy_count *const *)left;
    const struct policy_count *b = *(struct policy_count *const *)right;

    return strcmp(a->message.name, b->message.name);
}

static int compare_texts(const void *left, const void *right)
{
    const struct policy_text *a = left;
    const struct policy_text *b = right;

    if (a->hosts != b->hosts)
        return a->hosts > b->hosts ? -1 : 1;
    return memcmp(a->digest.bytes, b->digest.bytes, sizeof(a->digest.bytes));
}

static void fill(struct policy_count *count)
{
    const Vmreclaim__Fleet__V1__DesiredPolicy *wanted;
    const struct text_digest *digest;

    qsort(count->texts, count->text_count, sizeof(count->texts[0]), compare_texts);
    count->message.texts = (uint32_t)count->text_count;
    count->message.rollout = count->rollout;
    if (count->text_count == 0)
        return;
    count->message.digest.data = count->texts[0].digest.bytes;
    count->message.digest.len = sizeof(count->texts[0].digest.bytes);
    wanted = host_policy_wanted(count->texts[0].first, count->message.name, &digest);
    if (wanted != NULL)
        text_copy_line(count->rollout, sizeof(count->rollout), wanted->rollout);
}

void policy_tally_sort(struct policy_tally *tally)
{
    if (tally->count > 0)
        qsort(tally->list, tally->count, sizeof(tally->list[0]), compare_names);
    for (size_t i = 0; i < tally->count; i++)
        fill(tally->list[i]);
}
