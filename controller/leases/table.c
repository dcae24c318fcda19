/* The table of leases. */
#include "controller/leases/table.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS       1000
#define FOREIGN_HOLDS (86400 * NSEC_PER_SEC) /* who moved it once may do it again */

static void check(const struct vm *vm)
{
    const struct vm_leases *leases = vm->leases;

    assert(vm->leased == (leases != NULL && leases->balloon != NULL));
    assert(leases == NULL || (leases->vm == vm && leases->news < BALLOON_NEWS_COUNT));
    assert(leases == NULL || list_is_empty(&leases->link) == (leases->balloon == NULL));
}

const struct balloon_control *lease_balloon(const struct vm *vm)
{
    return vm->leases == NULL ? NULL : vm->leases->balloon;
}

uint64_t lease_waiting_bytes(const struct vm *vm)
{
    return vm->leases == NULL ? 0 : vm->leases->waiting;
}

enum balloon_news lease_news(const struct vm *vm)
{
    return vm->leases == NULL ? BALLOON_NO_NEWS : vm->leases->news;
}

struct pulse lease_pulse(const struct vm *vm)
{
    const struct pulse none = {.state = PULSE_NONE};

    if (vm->leases == NULL)
        return none;
    return vm->leases->balloon != NULL ? vm->leases->balloon->pulse : vm->leases->pulse;
}

const char *lease_foreign_owner(const struct vm *vm)
{
    const struct vm_leases *leases = vm->leases;

    if (leases != NULL && leases->foreign_owner[0] != '\0' &&
        time_boottime() - leases->foreign_moved < FOREIGN_HOLDS)
        return leases->foreign_owner;
    return vm_balloon_owner(vm);
}

bool lease_meets_huge_pages(const struct vm *vm)
{
    uint64_t page = vm->hypervisor.facts.backing_page_size;

    return strcmp(vm_backing_name(vm), "hugetlb") == 0 && (page == 0 || page > BALLOON_PAGE_MAX);
}

struct balloon_control *leases_control(struct vm *vm)
{
    return vm->leases == NULL ? NULL : vm->leases->balloon;
}

struct vm_leases *leases_get(struct vm *vm)
{
    if (vm->leases == NULL) {
        vm->leases = calloc(1, sizeof(*vm->leases));
        if (vm->leases == NULL)
            return NULL;
        vm->leases->vm = vm;
        list_init(&vm->leases->link);
        list_init(&vm->leases->asked);
    }
    assert(vm->leases->vm == vm);
    return vm->leases;
}

void leases_remove(struct vm *vm)
{
    if (vm->leases == NULL)
        return;
    leases_drop(vm);
    free(vm->leases);
    vm->leases = NULL;
    assert(!vm->leased);
}

int leases_adopt(struct lease_keeper *keeper, struct vm *vm)
{
    struct vm_leases *leases = leases_get(vm);

    assert(vm->hypervisor.facts.balloon_actual != 0);
    if (leases == NULL)
        return -ENOMEM;
    check(vm);
    if (leases->balloon != NULL)
        return 0;
    leases->balloon = malloc(sizeof(*leases->balloon));
    if (leases->balloon == NULL)
        return -ENOMEM;
    balloon_adopt(leases->balloon, vm->hypervisor.facts.balloon_actual,
                  vm->hypervisor.facts.balloon_maximum);
    leases->balloon->pulse = leases->pulse; /* what it has shown of the guest */
    list_append(&keeper->balloons, &leases->link);
    vm->leased = true;
    check(vm);
    leases_wake(keeper);
    return 0;
}

void leases_drop(struct vm *vm)
{
    check(vm);
    list_remove(&vm->leases->link);
    list_remove_all(&vm->leases->asked);
    if (vm->leases->balloon != NULL) {
        pulse_drop(&vm->leases->balloon->pulse, time_boottime());
        vm->leases->pulse = vm->leases->balloon->pulse;
    }
    free(vm->leases->balloon);
    vm->leases->balloon = NULL;
    vm->leases->writing = NULL;
    vm->leases->marked = 0; /* the next may be of another process, which has none */
    vm->leased = false;
    check(vm);
}

void leases_set_writing(struct vm *vm, const void *writing)
{
    assert(leases_control(vm) != NULL && (writing == NULL) != (vm->leases->writing == NULL));
    vm->leases->writing = writing;
}

struct vm *leases_find_writing(const struct lease_keeper *keeper, const void *writing)
{
    if (leases_are_stopping(keeper))
        return NULL;
    list_for_each (link, &keeper->balloons) {
        const struct vm_leases *leases = list_entry(link, struct vm_leases, link);

        if (leases->writing == writing)
            return leases->vm;
    }
    return NULL;
}

void leases_set_waiting(struct vm *vm, uint64_t bytes)
{
    struct vm_leases *leases = bytes == 0 ? vm->leases : leases_get(vm);

    if (leases != NULL)
        leases->waiting = bytes;
}

void leases_set_marked(struct vm *vm, uint64_t baseline)
{
    vm->leases->marked = baseline;
}

void leases_set_may_raise(struct vm_leases *leases, bool may_raise)
{
    assert(!may_raise || balloon_wanted(leases->balloon) > leases->balloon->target);
    leases->may_raise = may_raise;
}

/* ---- news ---- */

static bool is_cause(enum balloon_news news)
{
    return news == BALLOON_NEWS_EXPIRED || news == BALLOON_NEWS_PRESSURE ||
           news == BALLOON_NEWS_VOID || news == BALLOON_NEWS_FOREIGN || news == BALLOON_NEWS_INERT;
}

/* Why the leases ended says more than that the guest has its memory back. */
static bool is_told_by_cause(enum balloon_news kept, enum balloon_news news)
{
    return is_cause(kept) && (is_cause(news) || news == BALLOON_NEWS_RELEASED);
}

void leases_note_news(struct vm *vm, enum balloon_news news)
{
    struct vm_leases *leases = vm->leases;

    assert(leases != NULL && news < BALLOON_NEWS_COUNT);
    if (!is_told_by_cause(leases->news, news))
        leases->news = news;
    if (news == BALLOON_NEWS_FOREIGN) {
        snprintf(leases->foreign_owner, sizeof(leases->foreign_owner),
                 "another client of the hypervisor");
        leases->foreign_moved = time_boottime();
    } else if (news == BALLOON_NEWS_HELD)
        leases->foreign_owner[0] = '\0';
}

/* ---- the timer ---- */

bool leases_are_stopping(const struct lease_keeper *keeper)
{
    return uv_is_closing((const uv_handle_t *)&keeper->timer) != 0;
}

void leases_wake(struct lease_keeper *keeper)
{
    if (!uv_is_closing((uv_handle_t *)&keeper->timer) &&
        !uv_is_active((uv_handle_t *)&keeper->timer))
        uv_timer_start(&keeper->timer, keeper->on_timer, TICK_MS, TICK_MS);
}
