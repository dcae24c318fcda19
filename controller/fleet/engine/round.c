/* What the states' steps are made of. */
#include "controller/fleet/engine/round.h"

#include <string.h>

#include "common/base/text.h"
#include "controller/fleet/engine/waves.h"

/* A host takes what it is to run within two statuses. */
#define ROUND_REFUSAL_AFTER (30 * NSEC_PER_SEC)

/* ---- times ---- */

/* A clock that was set back holds nothing up. */
nsec_t round_elapsed(const struct round *round)
{
    nsec_t here = round->view->now - round->engine->since;

    return max_of(here, time_realtime_between(round->rollout->since_ns, round->view->time_ns));
}

nsec_t round_soak(const struct round *round)
{
    const Rollout *rollout = round->rollout;

    return (nsec_t)(rollout->wave == 0 ? rollout->canary_soak_ns : rollout->soak_ns);
}

/* ---- hosts ---- */

const struct fleet_host *round_host(const struct round *round, size_t index)
{
    return fleet_view_find(round->view, round->rollout->hosts[index]);
}

static enum fleet_applied applied(const struct round *round, const struct fleet_host *host)
{
    const char *reason;

    return fleet_applied(host, round->rollout->policy, round->rollout->id, &reason);
}

static void count_host(const struct round *round, const struct fleet_host *host,
                       struct round_progress *progress)
{
    enum fleet_applied state = host == NULL ? FLEET_NOT_APPLIED : applied(round, host);

    if (state == FLEET_PINNED)
        return;
    progress->wanted++;
    if (state == FLEET_IN_FORCE && fleet_presence(round->view, host) == FLEET_PRESENT)
        progress->in_force++;
}

struct round_progress round_progress(const struct round *round, size_t begin)
{
    struct round_progress progress = {.wanted = 0};

    for (size_t i = begin; i < round->rollout->n_hosts; i++)
        count_host(round, round_host(round, i), &progress);
    return progress;
}

bool round_is_through(struct round_progress progress)
{
    return progress.in_force * 10 >= progress.wanted * 9;
}

/* A host's words of what it has taken last: what it said before it was written to is older. */
static const char *refusal_of(const struct round *round, const struct fleet_host *host)
{
    const Vmreclaim__Fleet__V1__Applied *said =
        host == NULL || host->status == NULL ? NULL : host->status->applied;

    if (said == NULL || said->refused[0] == '\0' || applied(round, host) == FLEET_IN_FORCE ||
        applied(round, host) == FLEET_PINNED)
        return "";
    return said->refused;
}

void round_find_refusal(const struct round *round, char ret_text[ROUND_REFUSAL_SIZE])
{
    const Rollout *rollout = round->rollout;
    const char *refusal = "";
    size_t i = rollout->wave_begin;

    while (i < rollout->n_hosts && (refusal = refusal_of(round, round_host(round, i)))[0] == '\0')
        i++;
    ret_text[0] = '\0';
    if (refusal[0] != '\0')
        text_format(ret_text, ROUND_REFUSAL_SIZE, "host %s refuses what it gets: %s",
                    rollout->hosts[i], refusal);
    text_make_safe(ret_text, TEXT_ONE_LINE);
}

/* ---- edits ---- */

int round_note_refusal(struct round *round)
{
    char text[ROUND_REFUSAL_SIZE];

    if (round_elapsed(round) < ROUND_REFUSAL_AFTER)
        return 0;
    round_find_refusal(round, text);
    if (text[0] == '\0' || strcmp(text, round->rollout->reason) == 0)
        return 0;
    round->result->changed = true;
    return document_set_text(&round->rollout->reason, text);
}

int round_move(struct round *round, RolloutState state, const char *reason)
{
    round->result->changed = true;
    return document_move(round->rollout, state, round->view->time_ns, reason);
}

int round_pause(struct round *round, const char *reason)
{
    round->rollout->resumes_to = document_going_on(round->rollout);
    return round_move(round, ROLLOUT_STATE(PAUSED), reason);
}

static bool has_room(const struct round *round, const struct wave_members *members)
{
    size_t bytes = 0;

    for (size_t i = 0; i < members->count; i++)
        bytes += document_host_bytes(round->view->hosts[members->present[i]].id);
    return bytes <= document_room(round->rollout);
}

static int freeze(struct round *round, uint32_t wave, const struct wave_members *members)
{
    Rollout *rollout = round->rollout;
    int r;

    if (!has_room(round, members))
        return round_pause(round, "there is no room in its document for the hosts of the next "
                                  "wave; roll out to fewer");
    r = round_keep_past(round, members->present, members->count);

    rollout->wave = wave;
    rollout->wave_begin = (uint32_t)rollout->n_hosts;
    rollout->resumes_to = ROLLOUT_STATE(UNSPECIFIED);
    document_forget_failures(rollout);
    for (size_t i = 0; r == 0 && i < members->count; i++)
        r = document_add_host(rollout, round->view->hosts[members->present[i]].id);
    return r < 0 ? r : round_move(round, ROLLOUT_STATE(WRITING), NULL);
}

/* Who is lost now gets it on return, whether the wave has others or not. */
static int note_late(struct round *round, const struct wave_members *members)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < members->late_count; i++) {
        r = document_add_late(round->rollout, round->view->hosts[members->late[i]].id);
        round->result->changed = true;
    }
    return r;
}

int round_open(struct round *round, uint32_t wave, bool *ret_opened)
{
    uint32_t count = wave_count(round->rollout);
    int r = 0;

    *ret_opened = false;
    for (; r == 0 && !*ret_opened && wave < count; wave++) {
        struct wave_members members;

        r = wave_members_find(round->rollout, wave, round->view, round->engine->is_treated,
                              &members);
        if (r == 0)
            r = note_late(round, &members);
        if (r == 0 && members.count > 0) {
            *ret_opened = true;
            r = freeze(round, wave, &members);
        }
        wave_members_finish(&members);
        /* The canary is not left out. */
        if (round->rollout->n_hosts == 0)
            break;
    }
    return r;
}

int round_take_late(struct round *round)
{
    Rollout *rollout = round->rollout;
    int r = 0;

    for (size_t i = rollout->n_late; r == 0 && i > 0; i--) {
        const struct fleet_host *host = fleet_view_find(round->view, rollout->late[i - 1]);

        if (host == NULL || fleet_presence(round->view, host) != FLEET_PRESENT)
            continue;
        r = document_add_host(rollout, host->id);
        round->result->changed = true;
    }
    return r;
}

/* Once. */
static int note_full(struct round *round)
{
    static const char text[] = "there is no room in its document for more hosts; those that came "
                               "last have not the policy";

    if (strcmp(round->rollout->reason, text) == 0)
        return 0;
    round->result->changed = true;
    return document_set_text(&round->rollout->reason, text);
}

int round_take_newcomers(struct round *round)
{
    const struct fleet_view *view = round->view;
    size_t room = document_room(round->rollout);
    int r = 0;

    for (size_t i = 0; r == 0 && i < view->count; i++) {
        const struct fleet_host *host = &view->hosts[i];

        if (round->engine->is_treated[i] || fleet_presence(view, host) != FLEET_PRESENT ||
            !wave_means(round->rollout, host))
            continue;
        if (document_host_bytes(host->id) > room)
            return note_full(round);
        room -= document_host_bytes(host->id);
        r = document_add_host(round->rollout, host->id);
        round->result->changed = true;
    }
    return r;
}

/* ---- results ---- */

static bool has_ours(const struct round *round, const struct fleet_host *host)
{
    return host->wanted_rollout != NULL && strcmp(host->wanted_rollout, round->rollout->id) == 0;
}

static void name(struct round *round, enum rollout_write write, const char *host)
{
    round->result->write = write;
    round->result->hosts = round->engine->hosts;
    round->engine->hosts[round->result->count++] = host;
}

void round_name_unwritten(struct round *round, size_t begin)
{
    for (size_t i = begin; i < round->rollout->n_hosts; i++) {
        const struct fleet_host *host = round_host(round, i);

        if (host != NULL && host->wanted_is_known && has_ours(round, host))
            continue;
        name(round, ROLLOUT_APPLY, round->rollout->hosts[i]);
    }
}

/* What a coordinator of an earlier epoch may still write is fenced, too. */
static bool is_reverted(const struct round *round, const struct fleet_host *host)
{
    return host != NULL && host->wanted_is_known && !has_ours(round, host) &&
           host->wanted_epoch >= round->rollout->epoch;
}

void round_name_unreverted(struct round *round, size_t most)
{
    for (size_t i = 0; i < round->rollout->n_hosts && round->result->count < most; i++)
        if (!is_reverted(round, round_host(round, i)))
            name(round, ROLLOUT_REVERT, round->rollout->hosts[i]);
}
