/* Asking for a sample. The VM is kept by its serial: its record may go or merge, and be called
 * otherwise, while the agent works. */
#include "controller/vms/fresh-sample.h"

#include <assert.h>
#include <errno.h>

#include "controller/vms/agent.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/measured.h"

#define ANSWER_TIMEOUT (2 * NSEC_PER_SEC)

static void take(struct vm *vm, const struct ttrpc_result *result, nsec_t latency)
{
    const Vmreclaim__Agent__V1__GetMemoryResponse *response =
        (const Vmreclaim__Agent__V1__GetMemoryResponse *)result->response;

    if (result->code == TTRPC_OK && response->sample != NULL)
        (void)vm_take_sample(vm, response->sample, latency);
    else
        (void)vm_measure(vm);
}

void fresh_sample_take(struct vm *vm, const struct ttrpc_result *result, nsec_t latency)
{
    vm_calibrate(vm);
    take(vm, result, latency);
}

static void on_statistics(int status, void *userdata)
{
    struct fresh_sample *sample = userdata;
    struct vm *vm = registry_find_serial(&sample->supervisor->registry, sample->vm);

    if (vm != NULL)
        (void)vm_measure(vm);
    sample->done(vm, sample->userdata);
}

static int ask_driver(struct fresh_sample *sample, struct vm *vm)
{
    return sample->is_reading ? vm_statistics_ask(vm, &sample->statistics, on_statistics, sample)
                              : -ENOTCONN;
}

static void on_answer(const struct ttrpc_result *result, void *userdata)
{
    struct fresh_sample *sample = userdata;
    struct vm *vm = registry_find_serial(&sample->supervisor->registry, sample->vm);

    assert(sample->client != NULL); /* it is answered once, and not after it was cancelled */
    sample->client = NULL;
    if (vm != NULL && result->code != TTRPC_OK && ask_driver(sample, vm) == 0)
        return;
    if (vm != NULL && sample->is_reading)
        take(vm, result, time_monotonic() - sample->asked);
    else if (vm != NULL)
        fresh_sample_take(vm, result, time_monotonic() - sample->asked);
    sample->done(vm, sample->userdata);
}

static int ask_agent(struct fresh_sample *sample, struct vm *vm)
{
    Vmreclaim__Agent__V1__GetMemoryRequest request = VMRECLAIM__AGENT__V1__GET_MEMORY_REQUEST__INIT;

    if (vm->links.agent == NULL)
        return -ENOTCONN;
    request.brief = sample->is_reading;
    return agent_link_call(vm->links.agent, "GetMemory", &request.base, ANSWER_TIMEOUT, NULL,
                           on_answer, sample, &sample->client) < 0
               ? -ENOTCONN
               : 0;
}

static int start(struct fresh_sample *sample, struct vm *vm, bool is_reading,
                 void (*done)(struct vm *vm, void *userdata), void *userdata)
{
    *sample = (struct fresh_sample){
        .supervisor = vm->supervisor,
        .vm = vm->serial,
        .asked = time_monotonic(),
        .is_reading = is_reading,
        .done = done,
        .userdata = userdata,
    };
    if (ask_agent(sample, vm) == 0 || ask_driver(sample, vm) == 0)
        return 0;
    return -ENOTCONN;
}

int fresh_sample_start(struct fresh_sample *sample, struct vm *vm,
                       void (*done)(struct vm *vm, void *userdata), void *userdata)
{
    return start(sample, vm, false, done, userdata);
}

int fresh_reading_start(struct fresh_sample *sample, struct vm *vm,
                        void (*done)(struct vm *vm, void *userdata), void *userdata)
{
    return start(sample, vm, true, done, userdata);
}

void fresh_sample_cancel(struct fresh_sample *sample)
{
    if (sample->client != NULL)
        ttrpc_client_call_cancel(sample->client);
    sample->client = NULL;
    if (sample->statistics.link.next != NULL)
        vm_statistics_cancel(&sample->statistics);
}
