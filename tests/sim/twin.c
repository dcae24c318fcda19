/* The model of one guest that is never idle, for the lab test beside it: the same memory, load,
 * page cache and policy. Prints what becomes of the cache. usage: twin TOTAL IN-USE HOT COLD CPUS
 * BUSY-PERCENT SECONDS */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/constants.h"
#include "tests/sim/contest.h"

int main(int argc, char **argv)
{
    struct contest contest;
    struct policy policy;
    struct model model;
    double numbers[7];
    double refaults;
    double held;
    double hot;

    for (int i = 1; i < argc && i < 8; i++)
        numbers[i - 1] = strtod(argv[i], NULL);
    if (argc != 8 || numbers[0] < numbers[1] + numbers[2] + numbers[3]) {
        fprintf(stderr, "usage: twin TOTAL IN-USE HOT COLD CPUS BUSY-PERCENT SECONDS; bytes\n");
        return 2;
    }
    model_constants.cache_trapped = MODEL_MIXED_TRAPPED;
    policy_init(&policy, POLICY_BALANCED);
    model_init(&model, numbers[0], numbers[1], (unsigned)numbers[4], 9);
    model.load = numbers[5] / 100 * numbers[4];
    model.sets[0].wanted = numbers[2];
    model_run(&model, 0, true);
    while (model.sets[0].resident < numbers[2] - 4096)
        model_step(&model);
    model_read_once(&model, numbers[3]);
    for (int i = 0; i < 10; i++)
        model_step(&model);
    refaults = model.refaults;
    held = model_footprint(&model);
    contest_init(&contest, CONTEST_OURS, &policy, &model);
    for (int i = 0; i < (int)numbers[6]; i++) {
        model_step(&model);
        contest_step(&contest, &model);
    }
    hot = model.sets[0].resident;
    printf("cold_taken=%.0f hot_left=%.0f returned=%.0f refaults=%.0f cpu_ms=%.0f\n",
           numbers[3] - model_cold(&model), hot, held - model_footprint(&model),
           (model.refaults - refaults) / 4096, model.own_cpu * 1000);
    return 0;
}
