/* Readings of the host and of all VMs. */
#include "controller/arbiter/keeping.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/util.h"

/* The cgroup above all hypervisors' own, whose limit is theirs together; "": there is none. A VM
 * that lies elsewhere has a say in it, too. */
static void find_bound(const struct arbiter_keeper *keeper, nsec_t now,
                       char ret_cgroup[static CGROUP_PATH_SIZE])
{
    bool is_first = true;

    ret_cgroup[0] = '\0';
    list_for_each (link, &keeper->supervisor->registry.vms) {
        const struct vm *vm = list_entry(link, struct vm, link);

        if (vm->arbiter == NULL)
            continue;
        gather_cgroup(vm->arbiter, vm, now);
        if (vm->arbiter->cgroup == NULL || (!is_first && ret_cgroup[0] == '\0'))
            continue;
        cgroup_join(ret_cgroup, vm->arbiter->cgroup);
        is_first = false;
    }
}

static void bound_host(struct arbiter_keeper *keeper, nsec_t now)
{
    char cgroup[CGROUP_PATH_SIZE];

    if (keeper->settings.host_cgroup[0] != '\0')
        return;
    find_bound(keeper, now, cgroup);
    if (cgroup[0] != '\0')
        host_bound(keeper->supervisor->root, cgroup, &keeper->host);
}

int keeping_read_host(struct arbiter_keeper *keeper, nsec_t now)
{
    struct error error;
    int r;

    if (keeper->host.time != 0 && now - keeper->host.time < NSEC_PER_SEC)
        return 0;
    r = host_read(keeper->supervisor->root, keeper->settings.host_cgroup, now, &keeper->host,
                  &error);
    if (r < 0) {
        keeper->host.time = 0;
        keeper->host_error = error;
    } else {
        keeper->host_error.text[0] = '\0';
        bound_host(keeper, now);
    }
    return r;
}

/* What was made before a failure is kept, and larger than `room` says. */
static int make_room(struct arbiter_scene *scene, size_t count)
{
    size_t room = max_of(2 * scene->room, count);
    void *more;

    if (count <= scene->room)
        return 0;
    if ((more = reallocarray(scene->vms, room, sizeof(*scene->vms))) == NULL)
        return -ENOMEM;
    scene->vms = more;
    if ((more = reallocarray(scene->facts, room, sizeof(*scene->facts))) == NULL)
        return -ENOMEM;
    scene->facts = more;
    if ((more = reallocarray(scene->copies, room, sizeof(*scene->copies))) == NULL)
        return -ENOMEM;
    scene->copies = more;
    if ((more = reallocarray(scene->requests, room, sizeof(*scene->requests))) == NULL)
        return -ENOMEM;
    scene->requests = more;
    scene->room = room;
    return 0;
}

static void add(struct arbiter_scene *scene, struct vm *vm, bool is_plan, nsec_t now)
{
    struct arbiter_memory *memory = &vm->arbiter->memory;
    size_t i = scene->count++;

    if (is_plan) {
        scene->copies[i] = *memory;
        memory = &scene->copies[i];
    }
    scene->vms[i] = vm;
    scene->facts[i] = gather_vm(vm, vm->arbiter, memory, now);
}

int keeping_gather(struct arbiter_keeper *keeper, bool is_plan, nsec_t now)
{
    struct arbiter_scene *scene = &keeper->scene;
    int r = make_room(scene, keeper->supervisor->registry.count);

    scene->count = 0;
    if (r < 0)
        return r;
    list_for_each (link, &keeper->supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if (vm->arbiter != NULL && scene->count < scene->room)
            add(scene, vm, is_plan, now);
    }
    return 0;
}

void keeping_finish(struct arbiter_keeper *keeper)
{
    free(keeper->scene.vms);
    free(keeper->scene.facts);
    free(keeper->scene.copies);
    free(keeper->scene.requests);
    keeper->scene = (struct arbiter_scene){.count = 0};
}
