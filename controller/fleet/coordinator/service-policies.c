/* The fleet's policies: all hosts are counted for an answer, some in a turn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/nearest.h"
#include "controller/fleet/coordinator/policy-tally.h"
#include "controller/fleet/coordinator/service-methods.h"

#define PAGE_MAX       500
#define SLICE_HOSTS    500 /* in a turn, or */
#define SLICE_POLICIES 2000

#define SUGGESTING_HOSTS 500 /* are looked at for a name that is near */

typedef Vmreclaim__Fleet__V1__DesiredPolicy DesiredPolicy;
typedef Vmreclaim__Fleet__V1__FleetPolicyText FleetPolicyText;

/* An answer under way. */
struct tallying {
    struct slice_work work;
    struct service *service;
    struct ttrpc_call *call; /* NULL: nobody waits for it any more */
    void (*answer)(struct tallying *tallying);
    char *selector;
    char *token;
    size_t page_size;
    struct policy_tally tally;
    char last[FLEET_HOST_ID_SIZE]; /* host that was counted; "": none yet */
};

static void finish(struct tallying *tallying)
{
    policy_tally_finish(&tallying->tally);
    free(tallying->selector);
    free(tallying->token);
    free(tallying);
}

static void fail_memory(struct ttrpc_call *call)
{
    ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
}

/* ---- counting ---- */

/* Returns whether there is more, or -ENOMEM. Hosts may come meanwhile; none goes. */
static int count_slice(struct tallying *tallying)
{
    struct fleet_hosts *hosts = tallying->service->hosts;
    size_t i = fleet_hosts_behind(hosts, tallying->last);
    size_t end = min_of(hosts->count, i + SLICE_HOSTS);
    size_t looked = 0;

    for (; i < end && looked < SLICE_POLICIES; i++) {
        struct host_entry *entry = hosts->sorted[i];
        int r = service_selects(tallying->selector, entry)
                    ? policy_tally_add(&tallying->tally, entry)
                    : 0;

        if (r < 0)
            return r;
        looked += (size_t)r;
        memcpy(tallying->last, entry->id, sizeof(tallying->last));
    }
    return i < hosts->count;
}

static void make_slice(struct slice_work *work)
{
    struct tallying *tallying = container_of(work, struct tallying, work);
    int r;

    if (tallying->call == NULL) {
        finish(tallying);
        return;
    }
    r = count_slice(tallying);
    if (r > 0) {
        slices_add(&tallying->service->slices, work);
        return;
    }
    if (r < 0)
        fail_memory(tallying->call);
    else {
        policy_tally_sort(&tallying->tally);
        tallying->answer(tallying);
    }
    finish(tallying);
}

static void cancel(struct slice_work *work)
{
    struct tallying *tallying = container_of(work, struct tallying, work);

    if (tallying->call != NULL)
        ttrpc_call_fail(tallying->call, TTRPC_UNAVAILABLE, "the coordinator stops");
    finish(tallying);
}

static void on_gone(struct ttrpc_call *call, void *userdata)
{
    struct tallying *tallying = userdata;

    tallying->call = NULL;
}

/* NULL: the call has failed. */
static struct tallying *begin(struct ttrpc_call *call, const char *only, const char *selector,
                              void (*answer)(struct tallying *tallying))
{
    struct tallying *tallying;

    if (!service_selector_is_good(call, selector))
        return NULL;
    tallying = calloc(1, sizeof(*tallying));
    if (tallying == NULL || policy_tally_init(&tallying->tally, only) < 0 ||
        (tallying->selector = strdup(selector)) == NULL) {
        fail_memory(call);
        if (tallying != NULL)
            finish(tallying);
        return NULL;
    }
    tallying->work = (struct slice_work){.make_slice = make_slice, .cancel = cancel};
    tallying->service = service_client_of(call)->service;
    tallying->call = call;
    tallying->answer = answer;
    return tallying;
}

static void start(struct tallying *tallying)
{
    ttrpc_call_on_cancel(tallying->call, on_gone, tallying);
    slices_add(&tallying->service->slices, &tallying->work);
}

/* ---- ListFleetPolicies ---- */

static void answer_list(struct tallying *tallying)
{
    FLEET_CALL(ListFleetPolicies, Response)
    response = VMRECLAIM__FLEET__V1__LIST_FLEET_POLICIES_RESPONSE__INIT;
    struct policy_tally *tally = &tallying->tally;
    FleetPolicy **list = calloc(tallying->page_size, sizeof(FleetPolicy *));
    size_t i = 0, bytes = 0;

    if (list == NULL) {
        fail_memory(tallying->call);
        return;
    }
    while (i < tally->count && strcmp(tally->list[i]->message.name, tallying->token) <= 0)
        i++;
    for (; i < tally->count && response.n_policies < tallying->page_size; i++) {
        if (!service_page_takes(&bytes, &tally->list[i]->message.base))
            break;
        list[response.n_policies++] = &tally->list[i]->message;
    }
    response.policies = list;
    if (i < tally->count && response.n_policies > 0)
        response.next_page_token = list[response.n_policies - 1]->name;
    ttrpc_call_finish(tallying->call, &response.base);
    free(list);
}

void service_list_fleet_policies(struct ttrpc_call *call, const ProtobufCMessage *message,
                                 void *userdata)
{
    const FLEET_CALL(ListFleetPolicies, Request) *request = (const void *)message;
    struct tallying *tallying = begin(call, NULL, request->selector, answer_list);

    if (tallying == NULL)
        return;
    tallying->token = strdup(request->page_token);
    if (tallying->token == NULL) {
        fail_memory(call);
        finish(tallying);
        return;
    }
    tallying->page_size =
        request->page_size == 0 ? PAGE_MAX : min_of((size_t)request->page_size, (size_t)PAGE_MAX);
    start(tallying);
}

/* ---- GetFleetPolicy ---- */

/* A near one that some hosts have. */
static void fail_name(struct tallying *tallying)
{
    const struct fleet_hosts *hosts = tallying->service->hosts;
    const char *name = tallying->tally.only;
    struct nearest nearest = {.wanted = name};
    const char *before = "";

    for (size_t i = 0; i < min_of(hosts->count, (size_t)SUGGESTING_HOSTS); i++) {
        const Vmreclaim__Fleet__V1__DesiredState *wanted = hosts->sorted[i]->wanted;

        for (size_t k = 0; wanted != NULL && k < wanted->n_policies; k++)
            if (strcmp(wanted->policies[k]->name, before) != 0) {
                before = wanted->policies[k]->name;
                nearest_offer(&nearest, before);
            }
    }
    if (nearest.name != NULL)
        ttrpc_call_fail(tallying->call, TTRPC_NOT_FOUND,
                        "no policy \"%s\" in the fleet; did you mean: %s?", name, nearest.name);
    else
        ttrpc_call_fail(tallying->call, TTRPC_NOT_FOUND,
                        "no policy \"%s\" in the fleet; see 'vmreclaim fleet policy list'", name);
}

/* What its first host wants may be another one now. */
static void fill_text(const struct policy_count *count, const struct policy_text *text,
                      FleetPolicyText *message)
{
    const struct text_digest *digest;
    const DesiredPolicy *wanted = host_policy_wanted(text->first, count->message.name, &digest);

    vmreclaim__fleet__v1__fleet_policy_text__init(message);
    message->digest.data = (uint8_t *)text->digest.bytes;
    message->digest.len = sizeof(text->digest.bytes);
    message->hosts = text->hosts;
    if (wanted == NULL || memcmp(digest->bytes, text->digest.bytes, sizeof(digest->bytes)) != 0)
        return;
    message->rollout = wanted->rollout;
    message->text = wanted->text;
    message->selectors = wanted->selectors;
    message->n_selectors = wanted->n_selectors;
}

static void fill_exception(const struct policy_exception *exception, FleetPolicyHost *message)
{
    vmreclaim__fleet__v1__fleet_policy_host__init(message);
    message->host = (char *)exception->host->id;
    if (exception->host->status != NULL)
        message->host_name = exception->host->status->name;
    message->state = exception->state;
    message->reason = (char *)exception->reason;
}

static void answer_policy(struct tallying *tallying)
{
    FLEET_CALL(GetFleetPolicy, Response)
    response = VMRECLAIM__FLEET__V1__GET_FLEET_POLICY_RESPONSE__INIT;
    const struct policy_tally *tally = &tallying->tally;
    struct policy_count *count = tally->count == 0 ? NULL : tally->list[0];
    FleetPolicyText texts[POLICY_TEXTS_MAX];
    FleetPolicyText *text_list[POLICY_TEXTS_MAX];
    FleetPolicyHost hosts[POLICY_EXCEPTIONS_MAX];
    FleetPolicyHost *host_list[POLICY_EXCEPTIONS_MAX];

    if (count == NULL) {
        fail_name(tallying);
        return;
    }
    for (size_t i = 0; i < count->text_count; i++) {
        fill_text(count, &count->texts[i], &texts[i]);
        text_list[i] = &texts[i];
    }
    for (size_t i = 0; i < tally->exception_count; i++) {
        fill_exception(&tally->exceptions[i], &hosts[i]);
        host_list[i] = &hosts[i];
    }
    response.policy = &count->message;
    response.texts = text_list;
    response.n_texts = count->text_count;
    response.hosts = host_list;
    response.n_hosts = tally->exception_count;
    ttrpc_call_finish(tallying->call, &response.base);
}

void service_get_fleet_policy(struct ttrpc_call *call, const ProtobufCMessage *message,
                              void *userdata)
{
    const FLEET_CALL(GetFleetPolicy, Request) *request = (const void *)message;
    struct tallying *tallying = begin(call, request->name, request->selector, answer_policy);

    if (tallying != NULL)
        start(tallying);
}
