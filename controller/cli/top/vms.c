/* The VMs of the screen. */
#include "controller/cli/top/vms.h"

#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

/* ---- the set ---- */

void top_vms_finish(struct top_vms *vms)
{
    for (size_t i = 0; i < vms->count; i++)
        free(vms->list[i]);
    free((void *)vms->list);
    free((void *)vms->shown);
    *vms = (struct top_vms){.list = NULL};
}

/* Where it is, or would be. */
static size_t place_of(const struct top_vms *vms, const char *name)
{
    size_t low = 0;
    size_t high = vms->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(vms->list[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct top_vm *top_vms_find(const struct top_vms *vms, const char *name)
{
    size_t place = place_of(vms, name);

    return place < vms->count && strcmp(vms->list[place]->name, name) == 0 ? vms->list[place]
                                                                           : NULL;
}

static int grow(struct top_vms *vms)
{
    size_t room = max_of(vms->room * 2, (size_t)64);
    struct top_vm **list = realloc((void *)vms->list, room * sizeof(struct top_vm *));
    struct top_vm **shown;

    if (list == NULL)
        return -ENOMEM;
    vms->list = list;
    shown = realloc((void *)vms->shown, room * sizeof(struct top_vm *));
    if (shown == NULL)
        return -ENOMEM;
    vms->shown = shown;
    vms->room = room;
    return 0;
}

/* The one of this name, made when it is not there yet. NULL: no memory, or too many. */
static struct top_vm *find_or_add(struct top_vms *vms, const char *whole_name)
{
    const char *name = TEXT_CUT(whole_name, TOP_NAME_SIZE - 1);
    size_t place = place_of(vms, name);
    struct top_vm *vm;

    if (place < vms->count && strcmp(vms->list[place]->name, name) == 0)
        return vms->list[place];
    if (vms->count >= TOP_VMS_MAX || (vms->count == vms->room && grow(vms) < 0))
        return NULL;
    vm = calloc(1, sizeof(*vm));
    if (vm == NULL)
        return NULL;
    text_copy(vm->name, sizeof(vm->name), name);
    memmove((void *)(vms->list + place + 1), (void *)(vms->list + place),
            (vms->count - place) * sizeof(struct top_vm *));
    vms->list[place] = vm;
    vms->count++;
    return vm;
}

/* Who was on none of the pages is gone. */
static void drop_unseen(struct top_vms *vms)
{
    size_t kept = 0;

    for (size_t i = 0; i < vms->count; i++) {
        if (vms->list[i]->pass == vms->pass)
            vms->list[kept++] = vms->list[i];
        else
            free(vms->list[i]);
    }
    vms->count = kept;
    vms->shown_count = 0;
}

/* ---- what is known of one ---- */

uint64_t top_vm_step(const struct top_vm *vm, const char *step)
{
    for (size_t i = 0; i < vm->step_count; i++)
        if (strcmp(vm->steps[i].name, step) == 0)
            return vm->steps[i].bytes;
    return 0;
}

static void fill_note(struct top_vm *vm, const HostVm *message)
{
    if (message->reason[0] != '\0')
        text_copy(vm->note, sizeof(vm->note), message->reason);
    else if (message->balloon_lease != 0)
        text_format(vm->note, sizeof(vm->note), "%s holds %s under a lease",
                    message->balloon_owner[0] == '\0' ? "somebody" : message->balloon_owner,
                    BYTES_TEXT(message->balloon_lease));
    else
        text_copy(vm->note, sizeof(vm->note),
                  message->only_observed ? "only observed: it has no policy" : "");
}

static void fill(struct top_vm *vm, const HostVm *message)
{
    text_copy(vm->state, sizeof(vm->state), message->state);
    vm->footprint_is_known = message->footprint_is_known;
    vm->footprint = message->footprint;
    vm->could_return = message->could_return;
    vm->step_count = min_of(message->n_steps, (size_t)TOP_STEPS_MAX);
    for (size_t i = 0; i < vm->step_count; i++) {
        text_copy(vm->steps[i].name, sizeof(vm->steps[i].name), message->steps[i]->name);
        vm->steps[i].bytes = message->steps[i]->bytes;
    }
    fill_note(vm, message);
}

static void fill_bar(struct top_vm *vm, const Waterfall *waterfall)
{
    vm->part_count = 0;
    if (waterfall == NULL || (!waterfall->guest_is_known && !waterfall_host_is_known(waterfall)))
        return;
    vm->part_count = waterfall_held_parts(waterfall, vm->parts);
    vm->whole = waterfall_whole(waterfall);
}

void top_vms_end_pass(struct top_vms *vms)
{
    drop_unseen(vms);
    vms->pass++;
}

int top_vms_take(struct top_vms *vms, HostVm *const *list, size_t count, bool is_last)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        struct top_vm *vm = find_or_add(vms, list[i]->name);

        if (vm == NULL) {
            r = vms->count >= TOP_VMS_MAX ? 0 : -ENOMEM;
            continue;
        }
        vm->pass = vms->pass;
        fill(vm, list[i]);
    }
    if (is_last)
        top_vms_end_pass(vms);
    return r;
}

int top_vms_put(struct top_vms *vms, const struct top_vm *row)
{
    struct top_vm *vm = find_or_add(vms, row->name);
    struct top_vm before;

    if (vm == NULL)
        return vms->count >= TOP_VMS_MAX ? 0 : -ENOMEM;
    before = *vm;
    *vm = *row;
    text_copy(vm->name, sizeof(vm->name), before.name);
    text_copy(vm->acting, sizeof(vm->acting), before.acting);
    vm->pass = vms->pass;
    return 0;
}

void top_vms_detail(struct top_vms *vms, const Vm *message)
{
    struct top_vm *vm = top_vms_find(vms, message->name);

    if (vm == NULL)
        return;
    vm->is_alarming = message->alarm[0] != '\0';
    if (vm->is_alarming)
        text_format(vm->note, sizeof(vm->note), "STARVED: %s", message->alarm);
    fill_bar(vm, message->waterfall);
}

void top_vms_sample(struct top_vms *vms, const char *name, const Waterfall *waterfall)
{
    struct top_vm *vm = top_vms_find(vms, name);

    if (vm != NULL)
        fill_bar(vm, waterfall);
}

/* ---- which, and in which order ---- */

const char *top_order_name(enum top_order order)
{
    static const char *const names[] = {
        [TOP_BY_WASTE] = "what could come back",
        [TOP_BY_SIZE] = "what the host holds",
        [TOP_BY_NAME] = "name",
    };

    static_assert(ARRAY_SIZE(names) == TOP_ORDER_COUNT, "a name for each");
    return names[order];
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a == b ? 0 : a > b ? -1 : 1;
}

static int by_name(const void *left, const void *right)
{
    return strcmp((*(struct top_vm *const *)left)->name, (*(struct top_vm *const *)right)->name);
}

static int by_size(const void *left, const void *right)
{
    int r = compare_numbers((*(struct top_vm *const *)left)->footprint,
                            (*(struct top_vm *const *)right)->footprint);

    return r != 0 ? r : by_name(left, right);
}

static int by_waste(const void *left, const void *right)
{
    int r = compare_numbers((*(struct top_vm *const *)left)->could_return,
                            (*(struct top_vm *const *)right)->could_return);

    return r != 0 ? r : by_size(left, right);
}

void top_vms_arrange(struct top_vms *vms, enum top_order order, const char *filter)
{
    static int (*const compares[])(const void *, const void *) = {
        [TOP_BY_WASTE] = by_waste, [TOP_BY_SIZE] = by_size, [TOP_BY_NAME] = by_name};
    char glob[TOP_NAME_SIZE + 2];

    (void)text_format(glob, sizeof(glob), "*%s*", filter);
    vms->shown_count = 0;
    vms->footprint = vms->could_return = vms->unknown = 0;
    for (size_t i = 0; i < vms->count; i++) {
        struct top_vm *vm = vms->list[i];

        vms->footprint += vm->footprint_is_known ? vm->footprint : 0;
        vms->unknown += !vm->footprint_is_known;
        vms->could_return += vm->could_return;
        if (filter[0] == '\0' || fnmatch(glob, vm->name, FNM_CASEFOLD) == 0)
            vms->shown[vms->shown_count++] = vm;
    }
    if (vms->shown_count > 0)
        qsort((void *)vms->shown, vms->shown_count, sizeof(struct top_vm *), compares[order]);
}

size_t top_vms_place(const struct top_vms *vms, const char *name)
{
    for (size_t i = 0; i < vms->shown_count; i++)
        if (strcmp(vms->shown[i]->name, name) == 0)
            return i;
    return SIZE_MAX;
}
