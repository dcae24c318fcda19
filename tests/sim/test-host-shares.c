/* The six guests of tests/bench/arbiter.sh in figures: whether each holds what shares, floors and
 * what it has leave it. Their cache was read twice and is left; the host is short for another
 * program. As in the lab a squeezed guest keeps some memory free that the host does not hold. */
#include <inttypes.h>
#include <string.h>

#include "tests/lib/test.h"

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/arbiter/arbiter.h"

#define GUESTS     6
#define RAM        (1 * GIB)
#define HOST       (8448 * MIB)
#define CRITICAL   (HOST / 25)
#define HOG        (2816 * MIB)
#define OVERHEAD   (104 * MIB) /* LAB: of each hypervisor beside its guest */
#define KERNEL     (212 * MIB) /* LAB: in use beside the program, with what must stay free */
#define CACHE      (682 * MIB) /* LAB */
#define HEADROOM   (256 * MIB) /* without deflate-on-oom */
#define LEASE_TIME 2           /* seconds */

/* LAB: what it holds when the hog begins, and how much less than its size a squeezed one does. */
static const struct {
    uint32_t shares;
    uint64_t floor, program, footprint, gap;
} guests[GUESTS] = {
    {2000, 512 * MIB, 40 * MIB, 836 * MIB, 36 * MIB},
    {2000, 640 * MIB, 100 * MIB, 896 * MIB, 34 * MIB},
    {3000, 320 * MIB, 60 * MIB, 856 * MIB, 34 * MIB},
    {3000, 384 * MIB, 140 * MIB, 928 * MIB, 42 * MIB},
    {4000, 320 * MIB, 80 * MIB, 868 * MIB, 36 * MIB},
    {5000, 384 * MIB, 160 * MIB, 956 * MIB, 36 * MIB},
};

static struct {
    struct arbiter arbiter;
    struct arbiter_vm vms[GUESTS];
    struct arbiter_memory memories[GUESTS];
    struct arbiter_request requests[GUESTS];
    uint64_t before[GUESTS]; /* the footprint when its action began */
    unsigned ends[GUESTS];   /* second; 0: there is none */
    unsigned moves;          /* of leases */
    unsigned refused;
    uint64_t least; /* available */
    uint64_t hog;
    size_t rests; /* a guest; GUESTS: none does */
    unsigned now; /* seconds */
} lab;

/* ---- the guests ---- */

/* What its kernel says. Of a squeezed one it has aged twice of what it let go. */
static void tell(size_t i)
{
    struct arbiter_vm *vm = &lab.vms[i];
    uint64_t cache = CACHE - (guests[i].footprint - vm->footprint);
    uint64_t aged = min_of(2 * (CACHE - cache), cache / 2);
    uint64_t available;

    vm->in_use = KERNEL + guests[i].program;
    available = vm->size - vm->in_use;
    vm->free = vm->size - vm->footprint;
    vm->cold = i == lab.rests ? cache : max_of(aged, cache / 4);
    vm->cold = min_of(vm->cold, available - vm->free);
    vm->cold = min_of(vm->cold, cache - 128 * MIB);
    vm->hot = available - vm->free - vm->cold;
}

static void set_up_guest(size_t i)
{
    lab.vms[i] = (struct arbiter_vm){
        .serial = i + 1,
        .memory = &lab.memories[i],
        .ram = RAM,
        .size = RAM,
        .footprint = guests[i].footprint,
        .source = ARBITER_AGENT,
        .headroom = HEADROOM,
        .shares = guests[i].shares,
        .priority = 5,
        .floor = guests[i].floor,
        .means = ARBITER_CAN_LEASE,
        .may_be_changed = true,
        .cannot_be_tried = true,
    };
    tell(i);
}

static int set_up(void **state)
{
    memset(&lab, 0, sizeof(lab));
    lab.now = 1000;
    lab.rests = GUESTS;
    lab.least = HOST;
    arbiter_init(&lab.arbiter);
    for (size_t i = 0; i < GUESTS; i++)
        set_up_guest(i);
    return 0;
}

static int tear_down(void **state)
{
    arbiter_finish(&lab.arbiter);
    return 0;
}

/* ---- a second ---- */

static uint64_t available(void)
{
    uint64_t used = lab.hog;

    for (size_t i = 0; i < GUESTS; i++)
        used += lab.vms[i].footprint + OVERHEAD;
    return saturating_subtract(HOST, used); /* else it swaps */
}

static void carry_out(const struct arbiter_request *request)
{
    struct arbiter_vm *vm = &lab.vms[request->vm];

    assert_true(request->step == ARBITER_LEASE || request->step == ARBITER_GIVE_BACK);
    assert_true(request->size >= vm->floor);
    if (request->size < vm->in_use + HEADROOM) { /* the leases refuse it */
        lab.refused++;
        arbiter_note_refused(vm->memory, request->step, lab.now * NSEC_PER_SEC);
        return;
    }
    vm->lease = RAM - request->size;
    vm->lease_end = (lab.now + 600) * NSEC_PER_SEC;
    vm->is_occupied = true;
    lab.moves += request->reason != ARBITER_RENEWED;
    lab.before[request->vm] = vm->footprint;
    lab.ends[request->vm] = lab.now + LEASE_TIME;
}

static void arrive(size_t i)
{
    struct arbiter_vm *vm = &lab.vms[i];

    if (lab.ends[i] == 0 || lab.now < lab.ends[i])
        return;
    vm->size = RAM - vm->lease;
    vm->footprint = min_of(vm->footprint, vm->size - guests[i].gap);
    vm->is_occupied = false;
    lab.ends[i] = 0;
    arbiter_note_end(vm->memory, vm->memory->asked,
                     saturating_subtract(lab.before[i], vm->footprint), lab.now * NSEC_PER_SEC);
    tell(i);
}

static void pass_second(void)
{
    const struct arbiter_host host = {
        .now = lab.now * NSEC_PER_SEC,
        .total = HOST,
        .available = available(),
        .critical = CRITICAL,
        .low = HOST / 100 * 8,
        .high = HOST / 100 * 12,
    };
    size_t count;

    lab.least = min_of(lab.least, host.available);
    assert_int_equal(arbiter_step(&lab.arbiter, &host, lab.vms, GUESTS, lab.requests, &count), 0);
    for (size_t i = 0; i < count; i++)
        carry_out(&lab.requests[i]);
    lab.now++;
    for (size_t i = 0; i < GUESTS; i++)
        arrive(i);
}

static void run(unsigned seconds)
{
    while (seconds-- > 0)
        pass_second();
}

static void run_hog(uint64_t rate)
{
    while (lab.hog < HOG) {
        lab.hog = min_of(lab.hog + rate, HOG);
        pass_second();
    }
}

/* ---- the figure, as tests/bench/arbiter-shares.awk ---- */

static double share_at(size_t i, double level)
{
    double ceiling = (double)(lab.vms[i].size == RAM ? lab.vms[i].footprint : RAM);
    double share = guests[i].shares * level;

    if (share < (double)guests[i].floor)
        share = (double)guests[i].floor;
    return share > ceiling ? ceiling : share;
}

static double level_for(double budget)
{
    double low = 0, high = (double)RAM;

    for (unsigned round = 0; round < 100; round++) {
        double middle = (low + high) / 2;
        double sum = 0;

        for (size_t i = 0; i < GUESTS; i++)
            sum += share_at(i, middle);
        *(sum <= budget ? &low : &high) = middle;
    }
    return low;
}

/* The largest, in percent. */
static double share_error(void)
{
    double budget = 0, level, worst = 0;

    for (size_t i = 0; i < GUESTS; i++)
        budget += (double)lab.vms[i].footprint;
    level = level_for(budget);
    for (size_t i = 0; i < GUESTS; i++) {
        double share = share_at(i, level);
        double error = ((double)lab.vms[i].footprint - share) * 100 / share;

        worst = error > worst ? error : -error > worst ? -error : worst;
    }
    return worst;
}

/* ---- tests ---- */

static void run_at(uint64_t rate)
{
    double error;

    tear_down(NULL);
    set_up(NULL);
    run_hog(rate);
    run(60);
    error = share_error();
    if (error > 0.5)
        print_message("%" PRIu64 " MiB a second: %.2f %% of a share\n", rate / MIB, error);
    assert_true(error <= 0.5);
}

static void test_each_holds_its_share(void **state)
{
    for (uint64_t rate = 3 * MIB; rate <= 78 * MIB; rate += 3 * MIB) {
        run_at(rate);
        assert_true(lab.least >= CRITICAL);
        assert_int_equal(lab.refused, 0);
    }
}

/* ... and when the hog grows so fast that the host is critical. */
static void test_each_holds_its_share_after_haste(void **state)
{
    for (uint64_t rate = 160 * MIB; rate <= 800 * MIB; rate += 40 * MIB) {
        run_at(rate);
        assert_true(lab.least < CRITICAL);
    }
}

/* It grows by 3 MiB a second: it is not followed second by second. */
static void test_a_slow_host_is_not_followed_in_small_steps(void **state)
{
    run_hog(3 * MIB);
    run(60);
    assert_in_range(lab.moves, 1, 120);
}

/* A guest that rests beside them: nearly all that it holds is cold. It pays for that. */
static void test_who_rests_pays_the_tax(void **state)
{
    lab.rests = 4;
    tell(4);
    run_hog(32 * MIB);
    run(60);
    assert_true(lab.vms[4].footprint < guests[4].footprint - 100 * MIB);
    assert_true(lab.vms[5].footprint == guests[5].footprint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_holds_its_share, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_holds_its_share_after_haste, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_slow_host_is_not_followed_in_small_steps, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_rests_pays_the_tax, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
