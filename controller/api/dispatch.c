/* Dispatching calls. */
#include "controller/api/dispatch.h"

#include <assert.h>
#include <errno.h>

#include "common/base/util.h"
#include "controller/store/requests.h"

/* Of refusals as many as a few persons can bring about: whoever can connect can ask. */
static bool is_refusal_audited(const struct api_call *call)
{
    nsec_t now = time_boottime();
    unsigned suppressed;

    return log_limit_pass(&call->user->refusals, now, &suppressed) &&
           log_limit_pass(&call->api->users.refusals, now, &suppressed);
}

/* Every change. */
static bool is_audited(const struct api_call *call, bool allowed)
{
    if (call->api->audit == NULL)
        return false;
    return allowed ? (call->method->flags & API_CONTROLS) != 0 : is_refusal_audited(call);
}

/* Bytes that a change leaves on disk besides its request: an action's record, the audit's row. */
#define KEPT_BESIDE 2048

bool api_may_keep(struct api_call *call, uint64_t size)
{
    struct kept_share *kept = &call->user->kept;
    char text[48];
    nsec_t wait;

    if (call->share == NULL)
        return true;
    wait = kept_share_take(kept, min_of(size, kept->burst), time_boottime());
    if (wait == 0)
        return true;
    api_call_fail(call, -ENOSPC, "%s changes so much that its record is full; try again in %s",
                  call->caller.name, time_format_duration(wait, text, sizeof(text)));
    return false;
}

static bool is_allowed(const struct api_call *call, const struct api_method *method)
{
    if (method->flags & API_READS)
        return call->caller.may_read;
    return method->flags & API_CARRIES ? call->caller.may_carry : call->caller.may_control;
}

static const char *group_of(const struct api_method *method)
{
    if (method->flags & API_READS)
        return "read";
    return method->flags & API_CARRIES ? "fleet" : "control";
}

void api_dispatch(struct api_call *call, const struct api_method *method,
                  const ProtobufCMessage *request)
{
    bool controls = (method->flags & API_CONTROLS) != 0;
    bool allowed = is_allowed(call, method);
    struct api *api = call->api;

    assert(call->state == API_CALL_OPEN && call->method == NULL && call->action[0] == '\0');
    assert(!call->caller.may_control || call->caller.may_carry);
    assert(!call->caller.may_carry || call->caller.may_read);
    assert(api_method_of(request->descriptor) == method);
    call->method = method;
    call->method_index = api_method_index(request->descriptor);
    call->begun = time_monotonic();
    call->times = &api->times;
    if (controls && allowed &&
        !api_may_keep(call, protobuf_c_message_get_packed_size(request) + KEPT_BESIDE))
        return;
    if (controls)
        action_id_make(call->action);
    if (is_audited(call, allowed))
        api->audit(call, request, allowed, api->audit_userdata);
    if (allowed)
        method->handler(call, request);
    else
        api_call_fail(call, -EPERM,
                      "%s is for root and the %s_group of vmreclaimd, and '%s' is neither; "
                      "'usermod -aG' adds a user to that group, from the next login on",
                      method->name, group_of(method), call->caller.name);
}

/* ---- for handlers ---- */

struct store *api_store(const struct api_call *call)
{
    struct store *store = call->api->rooms.store;

    return call->share != NULL ? store_for_others(store) : store;
}

/* The user of a call that nobody waits for may be gone. */
void api_charge(struct api_call *call, nsec_t used)
{
    if (call->state == API_CALL_OPEN && call->share != NULL)
        (void)ttrpc_share_charge(call->share, used, time_monotonic());
}

struct vm *api_find_vm(struct api_call *call, const char *name)
{
    struct error error;
    struct vm *vm;
    int r = registry_find(&call->api->rooms.supervisor->registry, name, &vm, &error);

    if (r == 0)
        return vm;
    api_call_fail_error(call, r, &error);
    return NULL;
}

struct vm *api_find_vm_with_agent(struct api_call *call, const char *name)
{
    struct vm *vm = api_find_vm(call, name);

    if (vm == NULL || vm->links.agent != NULL)
        return vm;
    api_call_fail(call, -ENOTCONN,
                  "no agent of VM '%s' is connected; start vmreclaim-agent in the guest", vm->name);
    return NULL;
}
