/* Hosts, page by page. */
#include <stdlib.h>

#include "controller/fleet/coordinator/service-methods.h"

#define PAGE_MAX 500

void service_list_hosts(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const FLEET_CALL(ListHosts, Request) *request = (const void *)message;
    FLEET_CALL(ListHosts, Response) response = VMRECLAIM__FLEET__V1__LIST_HOSTS_RESPONSE__INIT;
    struct service *service = service_client_of(call)->service;
    struct host_entry **all = fleet_hosts_all(service->hosts);
    size_t most =
        request->page_size == 0 ? PAGE_MAX : min_of((size_t)request->page_size, (size_t)PAGE_MAX);
    FleetHost *hosts = calloc(most, sizeof(*hosts));
    HostStatus *slim = calloc(most, sizeof(*slim));
    FleetHost **list = calloc(most, sizeof(FleetHost *));
    size_t i = fleet_hosts_behind(service->hosts, request->page_token);
    size_t bytes = 0;

    if (!service_selector_is_good(call, request->selector))
        ;
    else if (hosts == NULL || slim == NULL || list == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else {
        for (; i < service->hosts->count && response.n_hosts < most; i++) {
            if (!service_selects(request->selector, all[i]))
                continue;
            service_fill_host(service, all[i], &slim[response.n_hosts], &hosts[response.n_hosts]);
            if (!service_page_takes(&bytes, &hosts[response.n_hosts].base))
                break;
            list[response.n_hosts] = &hosts[response.n_hosts];
            response.n_hosts++;
        }
        response.hosts = list;
        if (i < service->hosts->count)
            response.next_page_token = all[i - 1]->id;
        ttrpc_call_finish(call, &response.base);
    }
    free(hosts);
    free(slim);
    free(list);
}
