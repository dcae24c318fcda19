/* The fleet's model: hosts, guests, streams. */
#include "tests/sim/fleet-model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fleet/engine/tally.h"

#define MIB (UINT64_C(1) << 20)

static const Vmreclaim__Fleet__V1__FigureKind kinds[FLEET_FIGURES] = {
    FIGURE(OOM_KILLS), FIGURE(REFAULTS), FIGURE(MAJOR_FAULTS),
    FIGURE(WAITED_NS), FIGURE(RETURNED), FIGURE(ACTIONS_REFUSED),
};

/* ---- making ---- */

static void init_vm(struct fleet_model_vm *vm, unsigned host, unsigned index)
{
    snprintf(vm->name, sizeof(vm->name), "vm-%u", index);
    snprintf(vm->uuid, sizeof(vm->uuid), "u%u-%u", host, index);
    snprintf(vm->boot, sizeof(vm->boot), "b0");
    vm->has_agent = true;
    vmreclaim__fleet__v1__vm_status__init(&vm->status);
    vm->status.name = vm->name;
    vm->status.uuid = vm->uuid;
    vm->status.boot_id = vm->boot;
    vm->status.figures = vm->figure_list;
    for (unsigned i = 0; i < FLEET_FIGURES; i++) {
        vmreclaim__fleet__v1__figure__init(&vm->figure[i]);
        vm->figure[i].kind = kinds[i];
        vm->figure_list[i] = &vm->figure[i];
    }
}

static void init_host(struct fleet_model_host *host, unsigned index)
{
    *host = (struct fleet_model_host){.exists = true, .is_up = true, .has_figures = true};
    snprintf(host->id, sizeof(host->id), "h%03u", index);
    snprintf(host->name, sizeof(host->name), "rack%u-%u", index / 10, index % 10);
    snprintf(host->label[0], sizeof(host->label[0]), "rack=%u", index / 10);
    snprintf(host->label[1], sizeof(host->label[1]), "index=%u", index);
    for (unsigned i = 0; i < FLEET_LABELS; i++)
        host->labels[i] = host->label[i];
    snprintf(host->stored.rollout, sizeof(host->stored.rollout), FLEET_BEFORE);
    snprintf(host->runs, sizeof(host->runs), FLEET_BEFORE);
    host->stored.generation = host->generation = 1;
    vmreclaim__fleet__v1__host_status__init(&host->status);
    vmreclaim__fleet__v1__applied__init(&host->applied);
    vmreclaim__fleet__v1__applied_policy__init(&host->policy);
    for (unsigned i = 0; i < FLEET_VMS; i++) {
        init_vm(&host->vms[i], index, i);
        host->vm_list[i] = &host->vms[i].status;
    }
    host->status.name = host->name;
    host->status.labels = host->labels;
    host->status.n_labels = FLEET_LABELS;
    host->status.vms = host->vm_list;
    host->status.n_vms = FLEET_VMS;
    host->status.applied = &host->applied;
    host->policy.name = (char *)"gentle";
    host->policies[0] = &host->policy;
    host->applied.policies = host->policies;
    host->applied.n_policies = 1;
}

void fleet_model_init(struct fleet_model *model, unsigned hosts, uint64_t seed)
{
    assert(hosts <= FLEET_HOSTS_MAX);
    *model = (struct fleet_model){.count = hosts, .now = 1000};
    random_init(&model->random, seed);
    for (unsigned i = 0; i < hosts; i++)
        init_host(&model->hosts[i], i);
}

void fleet_model_finish(struct fleet_model *model)
{
    free(model->document);
    model->document = NULL;
}

/* ---- guests ---- */

static bool is_harmed(const struct fleet_model_host *host)
{
    return strcmp(host->runs, FLEET_ID) == 0;
}

static bool happens(struct fleet_model *model, double per_second)
{
    return random_unit(&model->random) < per_second;
}

static bool gives(const struct fleet_model *model, const struct fleet_model_host *host,
                  const struct fleet_harm *harm)
{
    return !harm->keeps_all &&
           (harm->gives_seconds == 0 || model->now - host->runs_since < harm->gives_seconds);
}

static void live(struct fleet_model *model, struct fleet_model_host *host,
                 struct fleet_model_vm *vm)
{
    const struct fleet_harm none = {.oom_seconds = 0};
    const struct fleet_harm *harm = is_harmed(host) ? &model->harm : &none;

    if (happens(model, model->noise / 3600))
        vm->figures[0]++;
    if (harm->oom_seconds != 0 && happens(model, 1.0 / harm->oom_seconds))
        vm->figures[0]++;
    vm->figures[1] += random_below(&model->random, 5) + harm->refaults;
    vm->figures[2] += happens(model, 0.2) ? 1 : 0;
    vm->figures[3] += (uint64_t)((0.002 + host->waits + harm->waited) * (double)NSEC_PER_SEC);
    vm->figures[4] += gives(model, host, harm) ? MIB : 0;
    vm->has_agent = !harm->loses_agents;
}

/* ---- what a host makes of its desired state ---- */

static void take(struct fleet_model *model, struct fleet_model_host *host)
{
    bool is_ours = strcmp(host->stored.rollout, FLEET_ID) == 0;

    if (host->is_deaf)
        return;
    host->refuses = (is_ours && model->harm.is_refused && !host->is_pinned) || host->takes_none ||
                    host->has_no_key;
    if (host->refuses || host->generation == host->stored.generation)
        return;
    host->generation = host->stored.generation;
    if (host->is_pinned || strcmp(host->runs, host->stored.rollout) == 0)
        return;
    memcpy(host->runs, host->stored.rollout, sizeof(host->runs));
    host->runs_since = model->now;
}

static void say(struct fleet_model *model, struct fleet_model_host *host)
{
    host->status.time_ns = (int64_t)(model->now * NSEC_PER_SEC);
    host->applied.generation = host->generation;
    host->applied.refused = (char *)(host->refuses ? "no such key" : "");
    host->applied.refused_generation =
        host->refuses && !host->has_no_key ? host->stored.generation : 0;
    host->applied.takes_none = host->takes_none;
    memcpy(host->said, host->runs, sizeof(host->said));
    host->policy.rollout = host->said;
    host->policy.outcome = host->is_pinned
                               ? VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED
                               : VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE;
    for (unsigned i = 0; i < FLEET_VMS; i++) {
        struct fleet_model_vm *vm = &host->vms[i];

        vm->status.has_agent = vm->has_agent;
        vm->status.n_figures = host->has_figures && vm->has_agent ? FLEET_FIGURES : 0;
        for (unsigned j = 0; j < FLEET_FIGURES; j++)
            vm->figure[j].value = vm->figures[j];
    }
    host->has_status = true;
}

/* ---- seconds ---- */

static nsec_t clock_of(const struct fleet_model *model)
{
    return (model->now + 10000) * NSEC_PER_SEC;
}

static void tell(struct fleet_model *model, unsigned index,
                 struct fleet_coordinator *coordinators[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!model->is_silent && !coordinators[i]->is_dead &&
            !(model->statuses_are_late && random_below(&model->random, 6) == 0))
            coordinators[i]->heard[index] = clock_of(model);
}

void fleet_model_step(struct fleet_model *model, struct fleet_coordinator *coordinators[],
                      unsigned count)
{
    model->now++;
    for (unsigned i = 0; i < model->count; i++) {
        struct fleet_model_host *host = &model->hosts[i];

        for (unsigned j = 0; j < FLEET_VMS; j++)
            live(model, host, &host->vms[j]);
        if (model->harm.loses_hosts && is_harmed(host) && model->now - host->runs_since > 60)
            host->is_up = false;
        if (!host->is_up || !host->exists)
            continue;
        take(model, host);
        if (host->has_status && (model->now + i * 7) % 10 != 0)
            continue;
        say(model, host);
        tell(model, i, coordinators, count);
    }
}

/* On connect it says how it is at once. */
void fleet_model_set_up(struct fleet_model *model, unsigned host, bool is_up)
{
    model->hosts[host].is_up = is_up;
}

void fleet_model_boot(struct fleet_model *model, unsigned host, unsigned vm)
{
    struct fleet_model_vm *booted = &model->hosts[host].vms[vm];

    memset(booted->figures, 0, sizeof(booted->figures));
    snprintf(booted->boot, sizeof(booted->boot), "b%u", (unsigned)model->now);
}

unsigned fleet_model_stored(const struct fleet_model *model)
{
    unsigned count = 0;

    for (unsigned i = 0; i < model->count; i++)
        count += strcmp(model->hosts[i].stored.rollout, FLEET_ID) == 0;
    return count;
}

unsigned fleet_model_running(const struct fleet_model *model)
{
    unsigned count = 0;

    for (unsigned i = 0; i < model->count; i++)
        count += strcmp(model->hosts[i].runs, FLEET_ID) == 0;
    return count;
}

/* ---- the bucket ---- */

Rollout *fleet_model_draft(const uint32_t waves[], size_t count, unsigned canary_soak,
                           unsigned soak)
{
    Rollout draft = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;
    uint8_t buffer[512];

    draft.id = (char *)FLEET_ID;
    draft.policy = (char *)"gentle";
    draft.text = (char *)"name: gentle\n";
    draft.host_selector = (char *)"all";
    draft.waves_permyriad = (uint32_t *)waves;
    draft.n_waves_permyriad = count;
    draft.canary_soak_ns = (int64_t)(canary_soak * NSEC_PER_SEC);
    draft.soak_ns = (int64_t)(soak * NSEC_PER_SEC);
    draft.state = ROLLOUT_STATE(DRAFT);
    assert(vmreclaim__fleet__v1__rollout__get_packed_size(&draft) <= sizeof(buffer));
    return vmreclaim__fleet__v1__rollout__unpack(
        NULL, vmreclaim__fleet__v1__rollout__pack(&draft, buffer), buffer);
}

Rollout *fleet_model_read(const struct fleet_model *model, uint64_t *ret_revision)
{
    *ret_revision = model->revision;
    return vmreclaim__fleet__v1__rollout__unpack(NULL, model->length, model->document);
}

bool fleet_model_store(struct fleet_model *model, const Rollout *rollout, uint64_t revision)
{
    size_t length = vmreclaim__fleet__v1__rollout__get_packed_size(rollout);
    uint8_t *document;

    if (revision != model->revision)
        return false;
    document = malloc(length + 1);
    assert(document != NULL);
    model->length = vmreclaim__fleet__v1__rollout__pack(rollout, document);
    free(model->document);
    model->document = document;
    model->revision++;
    return true;
}

int fleet_model_order(struct fleet_model *model, enum rollout_verb verb, uint64_t epoch)
{
    const struct rollout_order order = {
        .verb = verb,
        .author = "ann",
        .reason = "",
        .time_ns = (int64_t)(model->now * NSEC_PER_SEC),
        .epoch = epoch,
    };
    uint64_t revision;
    Rollout *rollout = fleet_model_read(model, &revision);
    int r = rollout_order(rollout, &order, NULL);

    if (r == 0)
        (void)fleet_model_store(model, rollout, revision);
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    return r;
}
