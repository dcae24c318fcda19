/* What could come back of a VM. */
#include "controller/api/returning.h"

#include "common/base/util.h"
#include "controller/explain/explain.h"
#include "controller/messages/text.h"
#include "controller/policies/effective.h"

struct look {
    Vmreclaim__Agent__V1__GetInfoResponse *info;
    struct policy policy;
    struct explain_subject subject;
};

/* look_finish() after it. */
static void look_init(struct look *look, const struct vm *vm, const struct vm_message *shown)
{
    bool has_policy = vm_effective_policy(vm, &look->policy);

    look->info = vm_info_unpack(vm);
    look->subject = (struct explain_subject){.vm = &shown->message,
                                             .info = look->info,
                                             .policy = has_policy ? &look->policy : NULL,
                                             .own_limits = vm->assigned.capped_keys};
}

static void look_finish(struct look *look)
{
    vm_info_free(look->info);
}

static void fill_steps(struct returns_message *returns)
{
    Vmreclaim__Controller__V1__Returns *message = &returns->message;

    for (enum return_step step = 0; step < RETURN_STEP_COUNT; step++) {
        Vmreclaim__Controller__V1__HostStep *one = &returns->steps[message->n_steps];

        if (returns->returns.bytes[step] == 0)
            continue;
        vmreclaim__controller__v1__host_step__init(one);
        one->name = message_text(return_step_name(step));
        one->bytes = returns->returns.bytes[step];
        returns->pointers[message->n_steps++] = one;
    }
    message->steps = returns->pointers;
}

void returns_of_vm(const struct vm *vm, const struct vm_message *shown,
                   struct returns_message *ret_returns)
{
    struct look look;

    vmreclaim__controller__v1__returns__init(&ret_returns->message);
    look_init(&look, vm, shown);
    explain_returns(&look.subject, &ret_returns->returns);
    look_finish(&look);
    fill_steps(ret_returns);
    ret_returns->message.bytes = ret_returns->returns.total;
    ret_returns->message.reason = message_text(ret_returns->returns.why);
}

/* The place of an obstacle of so many bytes: behind those that are not smaller. */
static size_t make_place(struct returns_message *returns, uint64_t bytes)
{
    Vmreclaim__Controller__V1__Obstacle *list = returns->obstacles;
    size_t place = returns->message.n_obstacles;

    while (place > 0 && list[place - 1].bytes < bytes)
        place--;
    for (size_t i = min_of(returns->message.n_obstacles, (size_t)RETURNING_OBSTACLES_MAX - 1);
         i > place; i--)
        list[i] = list[i - 1];
    return place;
}

static void add_obstacle(struct returns_message *returns, const struct finding *finding)
{
    size_t place = make_place(returns, finding->bytes);
    Vmreclaim__Controller__V1__Obstacle *obstacle = &returns->obstacles[place];

    if (place == RETURNING_OBSTACLES_MAX)
        return;
    vmreclaim__controller__v1__obstacle__init(obstacle);
    obstacle->code = message_text(finding->code);
    obstacle->bytes = finding->bytes;
    if (returns->message.n_obstacles < RETURNING_OBSTACLES_MAX)
        returns->message.n_obstacles++;
}

void returns_add_obstacles(const struct vm *vm, const struct vm_message *shown,
                           struct returns_message *returns)
{
    struct explanation explanation;
    struct look look;

    look_init(&look, vm, shown);
    look.subject.time = time_realtime();
    explain_obstacles(&look.subject, &explanation);
    look_finish(&look);
    for (size_t i = 0; i < explanation.count; i++)
        add_obstacle(returns, &explanation.findings[i]);
    for (size_t i = 0; i < returns->message.n_obstacles; i++)
        returns->obstacle_pointers[i] = &returns->obstacles[i];
    returns->message.obstacles = returns->obstacle_pointers;
}
