/* Who ordered what of rollouts, and what they did by themselves: the oldest first. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/fleet/coordinator/service-methods.h"

#define PAGE_MAX 500u

static_assert(PAGE_MAX * (AUDIT_MESSAGE_MAX + 512) <= SERVICE_PAGE_BYTES, "a page fits");

typedef FLEET_CALL(ListRolloutHistory, Request) Request;
typedef FLEET_CALL(ListRolloutHistory, Response) Response;

static bool is_wanted(const Request *request, const struct history_record *record)
{
    return strncmp(record->rollout, request->id, strlen(request->id)) == 0;
}

/* One rollout's records, or all are asked for; else the call has failed. One that nothing is kept
 * of is there all the same. */
static bool is_one(struct ttrpc_call *call, const struct service *service, const Request *request)
{
    const char *found = NULL;
    struct error error;

    if (request->id[0] == '\0')
        return true;
    list_for_each (link, &service->history->records) {
        const struct history_record *record = list_entry(link, struct history_record, link);

        if (!is_wanted(request, record))
            continue;
        if (found != NULL && strcmp(found, record->rollout) != 0) {
            ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT,
                            "several rollouts begin with '%s'; give more of its id", request->id);
            return false;
        }
        found = record->rollout;
    }
    if (found != NULL || rollouts_find(service->rollouts, request->id, &error) != NULL)
        return true;
    ttrpc_call_fail(call, TTRPC_NOT_FOUND, "%s", error.text);
    return false;
}

/* Above the number, as many as a page takes. `token` has room for a number. */
static void fill(const struct service *service, const Request *request, uint64_t above, size_t most,
                 Response *response, char token[24])
{
    uint64_t last = 0;

    list_for_each (link, &service->history->records) {
        const struct history_record *record = list_entry(link, struct history_record, link);
        AuditRecord *read;

        if (record->number <= above || !is_wanted(request, record))
            continue;
        if (response->n_records == most) {
            snprintf(token, 24, "%" PRIu64, last);
            response->next_page_token = token;
            return;
        }
        last = record->number;
        read = history_record_read(record);
        if (read != NULL)
            response->records[response->n_records++] = read;
    }
}

static bool is_good(struct ttrpc_call *call, const Request *request, uint64_t *ret_above)
{
    *ret_above = 0;
    if (request->page_token[0] == '\0' || number_parse(request->page_token, ret_above) == 0)
        return true;
    ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "page_token is not one of ListRolloutHistory");
    return false;
}

void service_list_rollout_history(struct ttrpc_call *call, const ProtobufCMessage *message,
                                  void *userdata)
{
    const Request *request = (const void *)message;
    const struct service *service = service_client_of(call)->service;
    size_t most = request->page_size == 0 ? PAGE_MAX : min_of(request->page_size, PAGE_MAX);
    Response response = VMRECLAIM__FLEET__V1__LIST_ROLLOUT_HISTORY_RESPONSE__INIT;
    uint64_t above;
    char token[24];

    if (!is_good(call, request, &above) || !is_one(call, service, request))
        return;
    response.records = calloc(most, sizeof(AuditRecord *));
    if (response.records == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    fill(service, request, above, most, &response, token);
    ttrpc_call_finish(call, &response.base);
    for (size_t i = 0; i < response.n_records; i++)
        vmreclaim__fleet__v1__audit_record__free_unpacked(response.records[i], NULL);
    free((void *)response.records);
}
