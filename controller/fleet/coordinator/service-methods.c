/* What the methods share. */
#include "controller/fleet/coordinator/service-methods.h"

#include "controller/selectors/host-selector.h"

struct service_client *service_client_of(struct ttrpc_call *call)
{
    return ttrpc_call_connection_userdata(call);
}

bool service_page_takes(size_t *bytes, const ProtobufCMessage *entry)
{
    *bytes += protobuf_c_message_get_packed_size(entry) + 8; /* with its tag and length */
    return *bytes <= SERVICE_PAGE_BYTES;
}

const char *service_presence_of(const struct service *service, const struct host_entry *entry)
{
    const struct fleet_view view = {.now = time_boottime(),
                                    .listening = service->rollouts->listening};
    const struct fleet_host host = {.status = entry->status, .heard = entry->heard};
    static const char *const names[] = {
        [FLEET_UNKNOWN] = "unknown", [FLEET_PRESENT] = "present", [FLEET_LOST] = "lost"};

    return service->rollouts->listening == 0 ? names[FLEET_UNKNOWN]
                                             : names[fleet_presence(&view, &host)];
}

void service_fill_host(const struct service *service, const struct host_entry *entry,
                       HostStatus *slim, FleetHost *host)
{
    vmreclaim__fleet__v1__fleet_host__init(host);
    host->host = (char *)entry->id;
    host->status = entry->status;
    if (slim != NULL && entry->status != NULL) {
        *slim = *entry->status;
        slim->n_vms = 0;
        host->status = slim;
    }
    host->age_is_known = entry->heard != 0;
    host->age_ns = entry->heard == 0 ? 0 : time_boottime() - entry->heard;
    host->presence = (char *)service_presence_of(service, entry);
    host->wanted_is_known = entry->wanted_problem[0] == '\0';
    host->wanted_generation = entry->wanted == NULL ? 0 : entry->wanted->generation;
}

bool service_selector_is_good(struct ttrpc_call *call, const char *selector)
{
    struct error error;

    if (selector[0] == '\0' || host_selector_check(selector, &error) == 0)
        return true;
    ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "%s", error.text);
    return false;
}

bool service_selects(const char *selector, const struct host_entry *entry)
{
    const HostStatus *status = entry->status;
    const struct host_subject subject = {
        .id = entry->id,
        .name = status == NULL ? NULL : status->name,
        .labels = status == NULL ? NULL : status->labels,
        .label_count = status == NULL ? 0 : status->n_labels,
    };

    return selector[0] == '\0' || host_selector_matches(selector, &subject);
}
