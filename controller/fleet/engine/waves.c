/* Waves by hash. */
#include "controller/fleet/engine/waves.h"

#include <assert.h>
#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "controller/selectors/host-selector.h"

uint64_t wave_place(const char *rollout, const char *host)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    uint64_t place = 0;
    SHA2_CTX context;

    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)rollout, strlen(rollout) + 1);
    SHA256Update(&context, (const uint8_t *)host, strlen(host));
    SHA256Final(digest, &context);
    for (size_t i = 0; i < sizeof(place); i++)
        place = place << 8 | digest[i];
    return place;
}

uint32_t wave_permyriad(uint64_t place)
{
    uint64_t high = (place >> 32) * PERMYRIAD;
    uint64_t low = (place & UINT32_MAX) * PERMYRIAD;

    return (uint32_t)((high + (low >> 32)) >> 32);
}

static bool has_canary_selector(const Rollout *rollout)
{
    return rollout->canary_selector[0] != '\0';
}

/* Before the waves of parts there is one of a few hosts. */
static bool has_canary(const Rollout *rollout)
{
    return has_canary_selector(rollout) || rollout->canary_hosts > 0;
}

uint32_t wave_count(const Rollout *rollout)
{
    return (uint32_t)rollout->n_waves_permyriad + (has_canary(rollout) ? 1 : 0);
}

/* What part of the fleet has the policy once the wave is through. */
static uint32_t end_of(const Rollout *rollout, uint32_t wave)
{
    uint32_t index = has_canary(rollout) ? wave - 1 : wave;

    if (has_canary(rollout) && wave == 0)
        return 0;
    assert(index < rollout->n_waves_permyriad);
    return rollout->waves_permyriad[index];
}

static struct host_subject subject_of(const struct fleet_host *host)
{
    return (struct host_subject){
        .id = host->id,
        .name = host->status->name,
        .labels = host->status->labels,
        .label_count = host->status->n_labels,
    };
}

bool wave_means(const Rollout *rollout, const struct fleet_host *host)
{
    struct host_subject subject = subject_of(host);

    return host_selector_matches(rollout->host_selector, &subject);
}

static bool is_canary(const Rollout *rollout, const struct fleet_host *host)
{
    struct host_subject subject = subject_of(host);

    return host_selector_matches(rollout->canary_selector, &subject);
}

/* A newcomer whose wave is closed waits for the last one. Who was lost then does not. */
static bool is_member(const Rollout *rollout, uint32_t wave, const struct fleet_host *host)
{
    uint32_t begin = wave == 0 ? 0 : end_of(rollout, wave - 1);
    uint32_t end = end_of(rollout, wave);
    uint32_t permyriad = wave_permyriad(wave_place(rollout->id, host->id));

    if (wave == 0 && has_canary(rollout))
        return has_canary_selector(rollout) && is_canary(rollout, host);
    if (end == PERMYRIAD)
        return true;
    return (permyriad >= begin && permyriad < end) || document_is_late(rollout, host->id);
}

/* ---- the canary has some hosts at least ---- */

struct candidate {
    uint64_t place;
    size_t index;
};

static int compare_places(const void *a, const void *b)
{
    uint64_t first = ((const struct candidate *)a)->place;
    uint64_t second = ((const struct candidate *)b)->place;

    return first < second ? -1 : first > second;
}

/* Those with the lowest places are the first: members are among them. */
static void fill_up(struct wave_members *members, struct candidate candidates[], size_t count,
                    size_t least)
{
    if (members->count >= least || members->count >= count)
        return;
    qsort(candidates, count, sizeof(candidates[0]), compare_places);
    members->count = min_of(least, count);
    for (size_t i = 0; i < members->count; i++)
        members->present[i] = candidates[i].index;
}

static size_t least_of(const Rollout *rollout, uint32_t wave)
{
    if (wave > 0)
        return 0;
    return has_canary(rollout) ? rollout->canary_hosts : 1;
}

static void sort_out(const Rollout *rollout, uint32_t wave, const struct fleet_view *view,
                     const bool is_treated[], struct candidate candidates[],
                     struct wave_members *members)
{
    size_t count = 0;

    for (size_t i = 0; i < view->count; i++) {
        const struct fleet_host *host = &view->hosts[i];
        bool is_present = fleet_presence(view, host) == FLEET_PRESENT;

        if (is_treated[i] || host->status == NULL || !wave_means(rollout, host))
            continue;
        if (is_present)
            candidates[count++] = (struct candidate){wave_place(rollout->id, host->id), i};
        if (!is_member(rollout, wave, host))
            continue;
        if (is_present)
            members->present[members->count++] = i;
        else if (!document_is_late(rollout, host->id))
            members->late[members->late_count++] = i;
    }
    fill_up(members, candidates, count, least_of(rollout, wave));
}

int wave_members_find(const Rollout *rollout, uint32_t wave, const struct fleet_view *view,
                      const bool is_treated[], struct wave_members *ret)
{
    struct candidate *candidates = calloc(view->count + 1, sizeof(*candidates));

    *ret = (struct wave_members){
        .present = calloc(view->count + 1, sizeof(*ret->present)),
        .late = calloc(view->count + 1, sizeof(*ret->late)),
    };
    if (candidates == NULL || ret->present == NULL || ret->late == NULL) {
        free(candidates);
        return -ENOMEM;
    }
    sort_out(rollout, wave, view, is_treated, candidates, ret);
    free(candidates);
    return 0;
}

void wave_members_finish(struct wave_members *members)
{
    free(members->present);
    free(members->late);
    *members = (struct wave_members){.count = 0};
}
