/* Made VMs to explain. */
#include "tests/unit/controller/explain/made.h"

#include <string.h>

#include "common/base/number.h"
#include "controller/explain/view.h"

void make_healthy(struct made *made)
{
    memset(made, 0, sizeof(*made));
    vmreclaim__controller__v1__vm__init(&made->vm);
    vmreclaim__controller__v1__waterfall__init(&made->w);
    vmreclaim__controller__v1__host_facts__init(&made->host);
    vmreclaim__agent__v1__memory_sample__init(&made->guest);
    vmreclaim__agent__v1__get_info_response__init(&made->info);
    vmreclaim__agent__v1__feature__init(&made->feature);
    vmreclaim__agent__v1__feature__init(&made->second_feature);
    vmreclaim__controller__v1__action__init(&made->action);
    vmreclaim__agent__v1__action_result__init(&made->result);
    vmreclaim__controller__v1__action_sample__init(&made->before);
    vmreclaim__controller__v1__action_sample__init(&made->after);
    made->vm.name = (char *)"web1";
    made->vm.state = (char *)"managed";
    made->vm.reporting = (char *)"on";
    made->vm.agent_connected = 1;
    made->vm.announced = 1;
    made->vm.driver_state = (char *)"ready";
    made->vm.balloon_target = 4 * GIB;
    made->vm.balloon_baseline = 4 * GIB;
    made->vm.balloon_maximum = 4 * GIB;
    made->vm.waterfall = &made->w;
    made->vm.host = &made->host;
    made->w.guest = &made->guest;
    made->w.guest_is_known = 1;
    made->w.host_is_known = 1;
    made->w.reported_is_known = 1;
    made->w.balloon_is_known = 1;
    made->w.vm_ram = 4 * GIB;
    made->w.footprint = 512 * MIB;
    made->w.in_use = 400 * MIB;
    made->w.unmanaged = 100 * MIB;
    made->w.cache = 8 * MIB;
    made->w.percpu = 4 * MIB;
    made->w.reported = 4 * GIB - 512 * MIB;
    made->guest.anon = 390 * MIB;
    made->guest.available = 3596 * MIB;
    made->host.backing = (char *)"memfd";
    made->host.deflate_on_oom = 1;
    made->host.backing_page_size = 4 * KIB;
    made->host.lowest_useful_order_is_known = 1;
    made->info.page_size = 4 * KIB;
    made->info.reporting_order_is_known = 1;
    made->info.reporting_order = 9;
    made->info.pageblock_order = 9;
    made->policy.profile = POLICY_BALANCED;
    (void)strcpy(made->policy.name, "balanced");
    made->policy.cache_method = POLICY_CACHE_GRADUAL;
    made->policy.cache_floor = 128 * MIB;
    made->policy.refault_rate = 250;
    made->policy.cache_step = 256 * MIB;
    made->policy.allow_commands = true;
    made->policy.compact = true;
    made->policy.compact_min_gain = 64 * MIB;
    made->policy.compact_time_limit = 30 * NSEC_PER_SEC;
    made->policy.compact_interval = 600 * NSEC_PER_SEC;
    made->policy.idle_window = 120 * NSEC_PER_SEC;
    made->policy.idle_cpu = 50;
    made->action.kind = (char *)"compact";
    made->action.guest = &made->result;
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;
    made->before.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE;
    made->after.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER;
    made->before.guest_is_known = 1;
    made->after.guest_is_known = 1;
    made->samples[0] = &made->before;
    made->samples[1] = &made->after;
    made->action.samples = made->samples;
    made->action.n_samples = 2;
    made->features[0] = &made->feature;
    made->subject = (struct explain_subject){
        .vm = &made->vm, .info = &made->info, .policy = &made->policy, .action = &made->action};
}

void lack(struct made *made, const char *feature, const char *reason)
{
    made->feature.name = (char *)feature;
    made->feature.reason = (char *)reason;
    made->info.features = made->features;
    made->info.n_features = 1;
}

void reporting_off(struct made *made)
{
    made->vm.reporting = (char *)"off: start the VM with free-page-reporting=on";
}

void resident(struct made *made)
{
    made->w.footprint = 1536 * MIB;
    made->w.remainder = (int64_t)GIB;
}

void swapped(struct made *made)
{
    made->w.swapped = GIB;
}

const struct finding *find(const struct explanation *explanation, const char *code)
{
    for (size_t i = 0; i < explanation->count; i++)
        if (strcmp(explanation->findings[i].code, code) == 0)
            return &explanation->findings[i];
    return NULL;
}

bool is_reason(const char *code)
{
    const char *known;
    for (size_t i = 0; (known = explain_reason_code(i)) != NULL; i++)
        if (strcmp(known, code) == 0)
            return true;
    return false;
}

size_t count_reasons(const struct explanation *explanation)
{
    size_t count = 0;
    for (size_t i = 0; i < explanation->count; i++)
        count += is_reason(explanation->findings[i].code);
    return count;
}
