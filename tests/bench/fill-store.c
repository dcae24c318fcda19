/* A store with a past: fill-store PATH VM WATERFALLS ACTIONS. A waterfall a minute, and the actions
 * evenly over the same time, each with its samples; the last ones are now. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/time.h"
#include "controller/store/store.h"

#define MINUTE   (60 * (int64_t)NSEC_PER_SEC)
#define SAMPLES  12
#define TOGETHER 1000 /* records in one transaction */

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__ActionSample Sample;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;

static int put_waterfall(struct store *store, const char *vm, int64_t time)
{
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;

    waterfall.time_ns = time;
    waterfall.footprint = (uint64_t)time % ((uint64_t)4 << 30);
    waterfall.reported = waterfall.footprint / 2;
    waterfall.cache = waterfall.footprint / 3;
    waterfall.in_use = waterfall.footprint / 5;
    waterfall.vm_ram = (uint64_t)4 << 30;
    waterfall.guest_is_known = 1;
    waterfall.host_is_known = 1;
    waterfall.footprint_source = (char *)"memfd";
    return store_put_waterfall(store, vm, &waterfall);
}

static int put_action(struct store *store, const char *vm, int64_t time, unsigned number)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    Sample samples[SAMPLES];
    Sample *pointers[SAMPLES];
    char id[32];

    snprintf(id, sizeof(id), "past-%u", number);
    for (unsigned i = 0; i < SAMPLES; i++) {
        vmreclaim__controller__v1__action_sample__init(&samples[i]);
        samples[i].time_ns = time + i * MINUTE;
        samples[i].footprint = (uint64_t)time % ((uint64_t)4 << 30);
        samples[i].cache = samples[i].footprint / 3;
        pointers[i] = &samples[i];
    }
    action.id = id;
    action.vm = (char *)vm;
    action.kind = (char *)"reclaim";
    action.asked_by = (char *)"policy";
    action.why = (char *)"the guest was idle for ten minutes";
    action.started_ns = time;
    action.samples = pointers;
    action.n_samples = SAMPLES;
    action.finished = 1;
    return store_put_action(store, &action);
}

int main(int argc, char **argv)
{
    int64_t now = time_realtime();
    unsigned waterfalls, actions;
    struct store *store;
    int r = 0;

    if (argc != 5) {
        fprintf(stderr, "usage: fill-store PATH VM WATERFALLS ACTIONS\n");
        return 2;
    }
    waterfalls = (unsigned)atoi(argv[3]);
    actions = (unsigned)atoi(argv[4]);
    if (waterfalls == 0 || store_create(argv[1], &store) < 0 || store_problem(store) != NULL)
        return 1;
    for (unsigned i = 0; r == 0 && i < waterfalls; i++) {
        r = put_waterfall(store, argv[2], now - (waterfalls - i) * MINUTE);
        if (i % TOGETHER == 0)
            store_tick(store, time_boottime());
    }
    for (unsigned i = 0; r == 0 && i < actions; i++)
        r = put_action(store, argv[2], now - (int64_t)waterfalls * MINUTE / actions * (actions - i),
                       i);
    if (r < 0)
        fprintf(stderr, "fill-store: %d\n", r);
    store_destroy(store);
    return r < 0;
}
