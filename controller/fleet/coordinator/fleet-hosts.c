/* Entries are made when something of a host comes, and stay. */
#include "controller/fleet/coordinator/fleet-hosts.h"

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "common/ttrpc/wire.h"

/* Beyond it no fleet comes. */
#define GENERATION_MAX (UINT64_C(1) << 62)

typedef Vmreclaim__Fleet__V1__Applied Applied;

struct host_entry *fleet_hosts_find(const struct fleet_hosts *hosts, const char *id)
{
    for (struct hash_link *link = hash_table_first(&hosts->table, hash_text(id)); link != NULL;
         link = hash_table_next(link)) {
        struct host_entry *entry = container_of(link, struct host_entry, link);

        if (strcmp(entry->id, id) == 0)
            return entry;
    }
    return NULL;
}

static bool make_room(struct fleet_hosts *hosts)
{
    size_t room = hosts->room == 0 ? 64 : 2 * hosts->room;
    struct host_entry **sorted;

    if (hosts->count < hosts->room)
        return true;
    if (hosts->count >= FLEET_HOSTS_MAX) {
        if (!hosts->crowd_is_said)
            log_error("more than %d hosts: others are left out", FLEET_HOSTS_MAX);
        hosts->crowd_is_said = true;
        return false;
    }
    sorted = realloc(hosts->sorted, room * sizeof(*sorted));
    if (sorted == NULL)
        return false;
    hosts->sorted = sorted;
    hosts->room = room;
    return true;
}

/* NULL: no memory, too many, or no id that a host can have. */
static struct host_entry *get(struct fleet_hosts *hosts, const char *id)
{
    struct host_entry *entry = fleet_hosts_find(hosts, id);

    if (entry != NULL || strlen(id) >= FLEET_HOST_ID_SIZE || id[0] == '\0' || !make_room(hosts))
        return entry;
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return NULL;
    snprintf(entry->id, sizeof(entry->id), "%s", id);
    if (hash_table_add(&hosts->table, &entry->link, hash_text(id)) < 0) {
        free(entry);
        return NULL;
    }
    hosts->sorted[hosts->count++] = entry;
    hosts->is_sorted = false;
    return entry;
}

/* NULL: it cannot be read, unfolds into more than a host has to say, or there is no memory. */
static HostStatus *read_status(const uint8_t *data, size_t length)
{
    const ProtobufCMessageDescriptor *descriptor = &vmreclaim__fleet__v1__host_status__descriptor;

    if (wire_check_message(descriptor, (struct slice){data, length}, STATUS_ELEMENTS_MAX) < 0)
        return NULL;
    return vmreclaim__fleet__v1__host_status__unpack(NULL, length, data);
}

/* NULL is one that was never heard of. */
static bool says_too_much(struct fleet_hosts *hosts, struct host_entry *entry, nsec_t heard)
{
    unsigned suppressed;

    if (entry == NULL || heard == 0)
        return false;
    entry->spent = max_of(entry->spent, heard);
    if (entry->spent < heard + STATUS_BURST * STATUS_GAP) {
        entry->spent += STATUS_GAP;
        return false;
    }
    if (log_limit_pass(&hosts->floods, heard, &suppressed))
        log_warning("host %s floods the bus: some statuses are left out; revoke it, or stop it",
                    entry->id);
    return true;
}

void fleet_hosts_take_status(struct fleet_hosts *hosts, const char *id, const uint8_t *data,
                             size_t length, uint64_t sequence, nsec_t heard)
{
    struct host_entry *entry = fleet_hosts_find(hosts, id);
    HostStatus *status = says_too_much(hosts, entry, heard) ? NULL : read_status(data, length);

    entry = status == NULL ? NULL : get(hosts, id);
    if (entry == NULL || sequence <= entry->status_sequence) {
        if (status != NULL)
            vmreclaim__fleet__v1__host_status__free_unpacked(status, NULL);
        return;
    }
    if (entry->status != NULL)
        vmreclaim__fleet__v1__host_status__free_unpacked(entry->status, NULL);
    entry->status = status;
    entry->status_sequence = sequence;
    if (heard != 0)
        entry->heard = heard;
}

static void forget_wanted(struct host_entry *entry)
{
    if (entry->wanted != NULL)
        vmreclaim__fleet__v1__desired_state__free_unpacked(entry->wanted, NULL);
    free(entry->wanted_digests);
    entry->wanted = NULL;
    entry->wanted_digests = NULL;
}

/* Once, when it comes: who lists policies looks at all of them. NULL: no memory. */
static struct text_digest *digest_texts(const DesiredState *state)
{
    struct text_digest *digests = calloc(state->n_policies + 1, sizeof(*digests));

    for (size_t i = 0; digests != NULL && i < state->n_policies; i++) {
        const char *text = state->policies[i]->text;
        SHA2_CTX context;

        SHA256Init(&context);
        SHA256Update(&context, (const uint8_t *)text, strlen(text));
        SHA256Final(digests[i].bytes, &context);
    }
    return digests;
}

static void refuse_wanted(struct host_entry *entry, const char *why)
{
    text_copy_line(entry->wanted_problem, sizeof(entry->wanted_problem), why);
    log_warning("host %s: its desired state on the bus is not the fleet's: %s", entry->id, why);
}

bool host_entry_is_past(const struct host_entry *entry, const DesiredState *state)
{
    return state->epoch < entry->newest_epoch ||
           (state->epoch == entry->newest_epoch && state->generation < entry->newest_generation);
}

/* Takes it. */
static void keep_wanted(struct host_entry *entry, DesiredState *wanted)
{
    forget_wanted(entry);
    entry->newest_epoch = wanted->epoch;
    entry->newest_generation = wanted->generation;
    entry->wanted_digests = digest_texts(wanted);
    if (entry->wanted_digests != NULL) {
        entry->wanted = wanted;
        return;
    }
    text_copy_line(entry->wanted_problem, sizeof(entry->wanted_problem), "out of memory");
    vmreclaim__fleet__v1__desired_state__free_unpacked(wanted, NULL);
}

/* What is older stays what is newer here, which is to be written again. */
static void take_opened(struct host_entry *entry, struct signed_state *state)
{
    if (strcmp(state->state->host, entry->id) != 0) {
        forget_wanted(entry);
        refuse_wanted(entry, "it is another host's");
    } else if (!host_entry_is_past(entry, state->state)) {
        entry->is_formers = state->key != 0;
        keep_wanted(entry, state->state);
        state->state = NULL;
    } else if (entry->wanted != NULL)
        entry->is_older_there = true;
    else
        refuse_wanted(entry, "it is older than one before");
}

/* Only what was signed with a key of the fleet, for this host, is built upon. */
void fleet_hosts_take_wanted(struct fleet_hosts *hosts, const char *id, const uint8_t *data,
                             size_t length, uint64_t sequence)
{
    struct host_entry *entry = get(hosts, id);
    struct signed_state state;
    struct error error;

    if (entry == NULL || sequence <= entry->wanted_sequence)
        return;
    entry->wanted_sequence = sequence;
    entry->wanted_problem[0] = '\0';
    entry->is_older_there = false;
    if (signed_state_open(data, length, hosts->keys, hosts->key_count, &state, &error) < 0) {
        forget_wanted(entry);
        refuse_wanted(entry, error.text);
        return;
    }
    hosts->epoch = max_of(hosts->epoch, state.state->epoch);
    take_opened(entry, &state);
    signed_state_finish(&state);
}

void fleet_hosts_on_statuses_remade(struct fleet_hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        hosts->sorted[i]->status_sequence = 0;
}

void fleet_hosts_on_wanted_remade(struct fleet_hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        hosts->sorted[i]->wanted_sequence = 0;
}

/* A host may say anything. */
static uint64_t believed(uint64_t generation)
{
    return generation < GENERATION_MAX ? generation : 0;
}

static const Applied *applied_of(const struct host_entry *entry)
{
    return entry->status == NULL ? NULL : entry->status->applied;
}

uint64_t host_entry_generation(const struct host_entry *entry)
{
    const Applied *applied = applied_of(entry);

    return applied == NULL
               ? 0
               : max_of(believed(applied->generation), believed(applied->refused_generation));
}

/* The host, or who asks, has a newer one than the stream: that was put back from a copy, and has it
 * no more. */
static bool is_behind(const struct host_entry *entry)
{
    const Applied *applied = applied_of(entry);

    return entry->is_older_there || (entry->wanted != NULL && applied != NULL &&
                                     believed(applied->generation) > entry->wanted->generation);
}

static int compare(const void *left, const void *right)
{
    const struct host_entry *a = *(struct host_entry *const *)left;
    const struct host_entry *b = *(struct host_entry *const *)right;

    return strcmp(a->id, b->id);
}

struct host_entry **fleet_hosts_all(struct fleet_hosts *hosts)
{
    if (!hosts->is_sorted && hosts->count > 0)
        qsort(hosts->sorted, hosts->count, sizeof(struct host_entry *), compare);
    hosts->is_sorted = true;
    return hosts->sorted;
}

size_t fleet_hosts_behind(struct fleet_hosts *hosts, const char *token)
{
    struct host_entry **all = fleet_hosts_all(hosts);
    size_t low = 0, high = hosts->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(all[middle]->id, token) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const char *rollout_of(const struct host_entry *entry, const char *policy)
{
    for (size_t i = 0; entry->wanted != NULL && i < entry->wanted->n_policies; i++)
        if (strcmp(entry->wanted->policies[i]->name, policy) == 0)
            return entry->wanted->policies[i]->rollout;
    return NULL;
}

struct fleet_host *fleet_hosts_view(struct fleet_hosts *hosts, const char *policy,
                                    bool wanted_is_whole)
{
    struct host_entry **all = fleet_hosts_all(hosts);
    struct fleet_host *view = calloc(hosts->count + 1, sizeof(*view));

    for (size_t i = 0; i < hosts->count && view != NULL; i++) {
        const struct host_entry *entry = all[i];

        view[i] = (struct fleet_host){
            .id = entry->id,
            .status = entry->status,
            .heard = entry->heard,
            .wanted_is_known = entry->wanted_problem[0] == '\0' && !is_behind(entry) &&
                               (wanted_is_whole || entry->wanted_sequence != 0),
            .wanted_rollout = rollout_of(entry, policy),
            .wanted_generation = entry->wanted == NULL ? 0 : entry->wanted->generation,
            .wanted_epoch = entry->wanted == NULL ? 0 : entry->wanted->epoch,
        };
    }
    return view;
}

bool fleet_hosts_all_heard(const struct fleet_hosts *hosts, nsec_t since)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (hosts->sorted[i]->heard < since)
            return false;
    return hosts->count > 0;
}

void fleet_hosts_init(struct fleet_hosts *hosts)
{
    *hosts = (struct fleet_hosts){.floods = {.interval = 60 * NSEC_PER_SEC, .burst = 5}};
    hash_table_init(&hosts->table);
}

void fleet_hosts_finish(struct fleet_hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        struct host_entry *entry = hosts->sorted[i];

        hash_table_remove(&hosts->table, &entry->link);
        if (entry->status != NULL)
            vmreclaim__fleet__v1__host_status__free_unpacked(entry->status, NULL);
        forget_wanted(entry);
        free(entry);
    }
    free(hosts->sorted);
    hash_table_finish(&hosts->table);
}
