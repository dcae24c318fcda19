/* Rollouts. Methods that wait for the bus keep the call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/copy.h"
#include "controller/fleet/coordinator/orders.h"
#include "controller/fleet/coordinator/service-methods.h"
#include "controller/fleet/engine/waves.h"

#define WAVES_MAX 17u /* a canary's, and sixteen parts */
#define VERBS     (sizeof(verbs) / sizeof(verbs[0]))

/* The newest first. */
static int compare_rollouts(const void *left, const void *right)
{
    const Rollout *a = *(Rollout *const *)left;
    const Rollout *b = *(Rollout *const *)right;

    if (a->created_ns != b->created_ns)
        return a->created_ns > b->created_ns ? -1 : 1;
    return strcmp(a->id, b->id);
}

static void slim_down(Rollout *slim, Rollout **list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        slim[i] = *list[i];
        slim[i].n_hosts = slim[i].n_late = 0;
        list[i] = &slim[i];
    }
}

/* As many as a page takes, behind the token; one at least. */
static size_t cut_page(Rollout **list, size_t count, const char *token, size_t *ret_begin)
{
    size_t begin = 0, end, bytes = 0;

    while (token[0] != '\0' && begin < count && strcmp(list[begin]->id, token) != 0)
        begin++;
    if (token[0] != '\0' && begin < count)
        begin++;
    for (end = begin; end < count; end++)
        if (!service_page_takes(&bytes, &list[end]->base) && end > begin)
            break;
    *ret_begin = begin;
    return end - begin;
}

/* Slim but for one that is asked for alone. */
void service_list_rollouts(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const FLEET_CALL(ListRollouts, Request) *request = (const void *)message;
    FLEET_CALL(ListRollouts, Response)
    response = VMRECLAIM__FLEET__V1__LIST_ROLLOUTS_RESPONSE__INIT;
    struct rollouts *rollouts = service_client_of(call)->service->rollouts;
    Rollout **list = calloc(rollouts->documents.count + 1, sizeof(Rollout *));
    Rollout *slim = calloc(rollouts->documents.count + 1, sizeof(*slim));
    size_t count = 0, begin;

    if (list == NULL || slim == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else {
        list_for_each (link, &rollouts->documents.list) {
            Rollout *document = list_entry(link, struct rollout_entry, link)->document;

            if (strncmp(document->id, request->id, strlen(request->id)) == 0)
                list[count++] = document;
        }
        qsort(list, count, sizeof(list[0]), compare_rollouts);
        if (!request->with_hosts || count > 1)
            slim_down(slim, list, count);
        response.n_rollouts = cut_page(list, count, request->page_token, &begin);
        response.rollouts = list + begin;
        if (begin + response.n_rollouts < count)
            response.next_page_token = list[begin + response.n_rollouts - 1]->id;
        ttrpc_call_finish(call, &response.base);
    }
    free(list);
    free(slim);
}

static void on_ordered(int status, const struct error *error, const Rollout *document,
                       void *userdata)
{
    FLEET_CALL(Rollout, Response) response = VMRECLAIM__FLEET__V1__ROLLOUT_RESPONSE__INIT;
    struct ttrpc_call *call = userdata;

    if (status < 0) {
        ttrpc_call_fail(call, ttrpc_code_of_errno(status), "%s", error->text);
        return;
    }
    response.rollout = (Rollout *)document;
    ttrpc_call_finish(call, &response.base);
}

/* The order goes on; nobody hears of it. */
static void on_gone(struct ttrpc_call *call, void *userdata)
{
    rollouts_forget(userdata, call);
}

/* What the operator may set; the rest is ours. */
static Rollout *as_asked(const Rollout *asked)
{
    Rollout fresh = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;

    fresh.policy = asked->policy;
    fresh.text = asked->text;
    fresh.vm_selectors = asked->vm_selectors;
    fresh.n_vm_selectors = asked->n_vm_selectors;
    fresh.host_selector = asked->host_selector;
    fresh.canary_selector = asked->canary_selector;
    fresh.canary_hosts = asked->canary_hosts;
    fresh.waves_permyriad = asked->waves_permyriad;
    fresh.n_waves_permyriad = asked->n_waves_permyriad;
    fresh.canary_soak_ns = asked->canary_soak_ns;
    fresh.soak_ns = asked->soak_ns;
    fresh.gates = asked->gates;
    fresh.n_gates = asked->n_gates;
    return (Rollout *)message_copy(&fresh.base);
}

/* Whom each wave would treat, if it began now. */
static int count_waves(struct service *service, Rollout *rollout, uint32_t *ret_counts,
                       size_t *ret_count)
{
    struct fleet_host *hosts = fleet_hosts_view(service->hosts, rollout->policy, true);
    const struct fleet_view view = {.now = time_boottime(),
                                    .listening = service->rollouts->listening,
                                    .hosts = hosts,
                                    .count = service->hosts->count};
    bool *is_treated = calloc(view.count + 1, sizeof(*is_treated));
    uint32_t waves = min_of(wave_count(rollout), WAVES_MAX);
    int r = hosts == NULL || is_treated == NULL ? -ENOMEM : 0;

    for (uint32_t wave = 0; wave < waves && r == 0; wave++) {
        struct wave_members members = {.count = 0};

        r = wave_members_find(rollout, wave, &view, is_treated, &members);
        for (size_t i = 0; i < members.count && r == 0; i++)
            is_treated[members.present[i]] = true;
        ret_counts[wave] = (uint32_t)members.count;
        wave_members_finish(&members);
    }
    *ret_count = waves;
    free(hosts);
    free(is_treated);
    return r;
}

static void answer_dry(struct ttrpc_call *call, struct service *service, Rollout *rollout)
{
    FLEET_CALL(Rollout, Response) response = VMRECLAIM__FLEET__V1__ROLLOUT_RESPONSE__INIT;
    struct error error = {.text = "out of memory"};
    uint32_t counts[WAVES_MAX];
    int r = document_set_text(&rollout->id, "dry-run");

    if (r == 0)
        r = rollout_set_defaults(rollout);
    if (r == 0)
        r = rollouts_check(service->rollouts, rollout, &error);
    if (r == 0)
        r = count_waves(service, rollout, counts, &response.n_wave_hosts);
    if (r < 0)
        ttrpc_call_fail(call, ttrpc_code_of_errno(r), "%s", error.text);
    else {
        response.rollout = rollout;
        response.wave_hosts = counts;
        ttrpc_call_finish(call, &response.base);
    }
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
}

void service_start_rollout(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const FLEET_CALL(StartRollout, Request) *request = (const void *)message;
    struct service_client *client = service_client_of(call);
    Rollout *rollout = request->rollout == NULL ? NULL : as_asked(request->rollout);

    if (request->rollout == NULL)
        ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "no rollout is given");
    else if (rollout == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else if (request->dry_run)
        answer_dry(call, client->service, rollout);
    else {
        ttrpc_call_on_cancel(call, on_gone, client->service->rollouts);
        rollouts_start(client->service->rollouts, rollout, client->author, on_ordered, call);
    }
}

static const struct {
    Vmreclaim__Fleet__V1__RolloutVerb asked;
    enum rollout_verb verb;
} verbs[] = {
    {VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_PAUSE, ROLLOUT_PAUSE},
    {VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_RESUME, ROLLOUT_RESUME},
    {VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_ABORT, ROLLOUT_ABORT},
    {VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_ROLL_BACK, ROLLOUT_ROLLBACK},
};

void service_order_rollout(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const FLEET_CALL(OrderRollout, Request) *request = (const void *)message;
    struct service_client *client = service_client_of(call);

    for (size_t i = 0; i < VERBS; i++) {
        if (verbs[i].asked != request->verb)
            continue;
        ttrpc_call_on_cancel(call, on_gone, client->service->rollouts);
        rollouts_order(client->service->rollouts, request->id, verbs[i].verb, client->author,
                       request->reason, on_ordered, call);
        return;
    }
    ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "pause, resume, abort or roll back?");
}
