/* The guest model. */
#include "tests/sim/model.h"

#include <math.h>
#include <string.h>

#include "agent/engine/engine.h"
#include "tests/sim/constants.h"

#define PAGE 4096.0

struct model_constants model_constants = {
#define X(name, value, source, how) .name = value,
    MODEL_CONSTANTS(X)
#undef X
};

static const unsigned size_orders[MODEL_SIZES] = {0, 6, 10};
static const unsigned size_lowest[MODEL_SIZES] = {0, 5, 9};

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

void model_init(struct model *model, double total, double in_use, unsigned cpus, unsigned order)
{
    memset(model, 0, sizeof(*model));
    model->total = total;
    model->in_use = in_use;
    model->cpus = cpus;
    model->order = order;
    model->now = 1;
    /* a fresh guest: never touched, so the host holds none of it */
    model->free[MODEL_BLOCKS] = total - in_use;
    model->reported[MODEL_BLOCKS] = total - in_use;
}

/* ---- free memory ---- */

/* The buddy allocator takes the smallest pieces first, of one size those not reported: reporting
 * moves what it took to the tail. */
static void allocate(struct model *model, double bytes)
{
    for (unsigned i = 0; i < MODEL_SIZES && bytes > 0; i++) {
        double part = least(bytes, model->free[i]);
        double held = model->free[i] - model->reported[i];
        double filled = most(0, part - held);
        model->free[i] -= part;
        model->reported[i] -= filled;
        model->host_filled += filled;
        bytes -= part;
    }
}

static void release(struct model *model, double bytes, double trapped)
{
    model->free[MODEL_LOW] += bytes * trapped * (1 - model_constants.trapped_mid);
    model->free[MODEL_MID] += bytes * trapped * model_constants.trapped_mid;
    model->free[MODEL_BLOCKS] += bytes * (1 - trapped);
    model->freed += bytes * (1 - trapped);
    if (model->freed >= model_constants.trigger)
        model->pass_is_on = true;
}

double model_free(const struct model *model)
{
    return model->free[MODEL_LOW] + model->free[MODEL_MID] + model->free[MODEL_BLOCKS];
}

double model_footprint(const struct model *model)
{
    return model->total - model->balloon - model->reported[MODEL_LOW] - model->reported[MODEL_MID] -
           model->reported[MODEL_BLOCKS];
}

static double pass_budget(const struct model *model, unsigned size)
{
    double calls;

    if (size == MODEL_LOW)
        return model_constants.low_per_pass;
    if (size == MODEL_MID)
        return model_constants.mid_per_pass;
    calls = ceil(model->free[size] / model_constants.pass_block / MODEL_CALL_BLOCKS) + 1;
    return calls * MODEL_CALL_ENTRIES * model_constants.pass_block;
}

static void report(struct model *model)
{
    double left = 0;
    double room = most(0, model_free(model) - model_constants.held_back);

    if (!model->pass_is_on || model->now % MODEL_PASS_SECONDS != 0)
        return;
    model->freed = 0;
    for (unsigned i = 0; i < MODEL_SIZES; i++) {
        double waiting = least(model->free[i] - model->reported[i], room);
        double part = least(waiting, pass_budget(model, i));
        if (size_lowest[i] < model->order)
            continue;
        model->reported[i] += part;
        left += waiting - part;
        if (i == MODEL_LOW && part > 0)
            model->cpu_busy += MODEL_PASS_SECONDS * model_constants.low_cpu;
    }
    model->pass_is_on = left > model_constants.pass_block;
}

/* ---- cache ---- */

double model_cold(const struct model *model)
{
    double sum = 0;

    for (unsigned i = 0; i < MODEL_COLD_BINS; i++)
        sum += model->cold[i];
    return sum;
}

double model_cache(const struct model *model)
{
    double sum = model_cold(model);

    for (unsigned i = 0; i < MODEL_ACTIVITIES; i++)
        sum += model->sets[i].resident;
    return sum;
}

double model_need(const struct model *model)
{
    double need = model->in_use;

    for (unsigned i = 0; i < MODEL_ACTIVITIES; i++)
        if (model->sets[i].is_running)
            need += model->sets[i].wanted;
    return need;
}

static unsigned bin_of(uint64_t time)
{
    return (unsigned)(time / MODEL_BIN_SECONDS % MODEL_COLD_BINS);
}

static double evict_cold(struct model *model, double bytes, uint64_t age)
{
    uint64_t newest = model->now / MODEL_BIN_SECONDS;
    double taken = 0;

    for (uint64_t back = MODEL_COLD_BINS; back-- > 0 && taken < bytes;) {
        double *bin;
        double part;
        if (newest < back || back * MODEL_BIN_SECONDS < age)
            continue;
        bin = &model->cold[(newest - back) % MODEL_COLD_BINS];
        part = least(*bin, bytes - taken);
        *bin -= part;
        taken += part;
    }
    return taken;
}

static double evict_set(struct hot_set *set, double bytes, bool leaves_trace)
{
    double part = least(set->resident, bytes);

    set->resident -= part;
    if (leaves_trace)
        set->evicted += part;
    else
        set->dropped += part;
    return part;
}

/* The set unused for longest, at least `age`. */
static struct hot_set *oldest_set(struct model *model, uint64_t age)
{
    struct hot_set *oldest = NULL;

    for (unsigned i = 0; i < MODEL_ACTIVITIES; i++) {
        struct hot_set *set = &model->sets[i];
        if (set->resident < PAGE || (set->is_running ? 0 : model->now - set->used_at) < age)
            continue;
        if (oldest == NULL || (oldest->is_running && !set->is_running) ||
            (oldest->is_running == set->is_running && set->used_at < oldest->used_at))
            oldest = set;
    }
    return oldest;
}

double model_evict(struct model *model, double bytes, uint64_t age, bool leaves_trace)
{
    double taken = evict_cold(model, bytes * (1 - model_constants.lru_error), age);
    struct hot_set *set;

    while (taken < bytes && (set = oldest_set(model, age)) != NULL) {
        double part =
            least(bytes - taken, taken > bytes / 2 ? bytes * model_constants.lru_error : bytes);
        if (part < PAGE)
            break;
        taken += evict_set(set, part, leaves_trace);
        if (taken >= bytes * (1 - model_constants.lru_error) && taken < bytes)
            break;
    }
    release(model, taken, model_constants.cache_trapped);
    return taken;
}

/* Memory for new data: free, else from the cache as kswapd would. */
static void make_room(struct model *model, double bytes)
{
    double missing = bytes + model_constants.held_back / 2 - model_free(model);

    if (missing > 0)
        (void)model_evict(model, missing, 0, true);
}

void model_read_once(struct model *model, double bytes)
{
    make_room(model, bytes);
    bytes = least(bytes, model_free(model));
    allocate(model, bytes);
    model->cold[bin_of(model->now)] += bytes;
    model->psi_io += bytes / model_constants.disk_rate / 4; /* readahead hides most of it */
}

static void read_set(struct model *model, struct hot_set *set)
{
    double missing = least(set->wanted - set->resident, model_constants.disk_rate / 4);
    double gone = set->evicted + set->dropped;
    double again;
    double share;

    set->used_at = model->now;
    if (missing < PAGE)
        return;
    make_room(model, missing);
    missing = least(missing, model_free(model));
    allocate(model, missing);
    set->resident += missing;
    again = least(missing, gone);
    share = gone > 0 ? set->evicted / gone : 0;
    model->refaults += again * share;
    model->read_back += again;
    model->psi_memory += again * share / model_constants.disk_rate;
    model->psi_io += missing / model_constants.disk_rate / 2;
    set->evicted -= again * share;
    set->dropped -= again * (1 - share);
}

void model_run(struct model *model, unsigned activity, bool runs)
{
    model->sets[activity].is_running = runs;
}

static void use(struct model *model, double bytes)
{
    double change = bytes - model->in_use;

    if (change < 0) {
        release(model, -change, model_constants.anon_trapped);
    } else {
        make_room(model, change);
        change = least(change, model_free(model));
        allocate(model, change);
    }
    model->in_use += change;
}

void model_use(struct model *model, double bytes)
{
    model->use_wanted = bytes;
    if (model->use_speed == 0 || bytes < model->in_use)
        use(model, bytes);
}

/* A program that touches memory as fast as it can. */
static void grow(struct model *model)
{
    double before = model->in_use;
    double step = least(model->use_wanted - before, model->use_speed);

    if (model->use_speed == 0 || step <= 0)
        return;
    use(model, before + step);
    model->stalled += most(0, 1 - (model->in_use - before) / step - 1e-9);
}

/* ---- the balloon ---- */

/* Single pages of every size, on the host or not as they come. */
double model_inflate(struct model *model, double bytes, bool takes_cache)
{
    double missing = bytes + model_constants.held_back - model_free(model);
    double taken;
    double part;

    if (takes_cache && missing > 0)
        (void)model_evict(model, missing, 0, true);
    taken = least(bytes, most(0, model_free(model) - model_constants.held_back));
    part = taken / most(PAGE, model_free(model));
    for (unsigned i = 0; i < MODEL_SIZES; i++) {
        model->free[i] -= model->free[i] * part;
        model->reported[i] -= model->reported[i] * part;
    }
    model->balloon += taken;
    return taken;
}

void model_deflate(struct model *model, double bytes)
{
    bytes = least(bytes, model->balloon);
    model->balloon -= bytes;
    model->free[MODEL_BLOCKS] += bytes;
    model->reported[MODEL_BLOCKS] += bytes;
}

/* ---- actions ---- */

void model_start(struct model *model, int kind, double bytes, unsigned order, bool drop_slab,
                 double limit)
{
    model->action = (struct model_action){
        .is_running = true, .kind = kind, .bytes = bytes, .drop_slab = drop_slab, .limit = limit};
    if (kind == ACTION_SET_ORDER || kind == ACTION_RESTORE_ORDER)
        model->order = order;
    if (kind == ACTION_KICK_REPORTING)
        model->pass_is_on = true;
}

/* At most `bytes`: a child that is killed at its time limit leaves the rest. */
static double drop_caches(struct model *model, double bytes)
{
    double taken = evict_cold(model, bytes, 0);

    for (unsigned i = 0; i < MODEL_ACTIVITIES; i++) {
        struct hot_set *set = &model->sets[i];
        double part = least(set->resident * (1 - model_constants.mapped), bytes - taken);
        taken += evict_set(set, part, false);
    }
    release(model, taken, model_constants.cache_trapped);
    return taken;
}

/* Used pages move from half-empty blocks into free pages, whole blocks come free: as many bytes are
 * moved as are joined, into free memory that the host may not hold. */
static double compact(struct model *model, double bytes)
{
    double joined = 0;

    for (unsigned i = 0; i < MODEL_BLOCKS; i++) {
        double part = least(bytes - joined, model->free[i] - model->reported[i]);
        model->free[i] -= part;
        joined += part;
    }
    model->free[MODEL_BLOCKS] += joined;
    joined = least(joined, model->free[MODEL_BLOCKS]);
    {
        double filled = least(joined, model->reported[MODEL_BLOCKS]) *
                        (model->reported[MODEL_BLOCKS] / most(PAGE, model->free[MODEL_BLOCKS]));
        model->reported[MODEL_BLOCKS] -= filled;
        model->host_filled += filled;
    }
    model->pass_is_on = true;
    return joined;
}

/* What the CPUs leave to a SCHED_IDLE child in this second. */
static double child_cpu(const struct model *model)
{
    return least(1, most(0.02, model->cpus - model->load));
}

static void work(struct model *model)
{
    struct model_action *action = &model->action;
    double cpu = least(child_cpu(model), action->limit - action->cpu);
    double want = 0;
    double did = 0;

    if (!action->is_running)
        return;
    switch (action->kind) {
    case ACTION_RECLAIM_CACHE:
        want = least(action->bytes - action->gained, cpu * model_constants.reclaim_rate);
        did = model_evict(model, want, 0, true);
        cpu = want / model_constants.reclaim_rate;
        action->is_running = did >= want && action->gained + did < action->bytes - PAGE;
        break;
    case ACTION_DROP_CACHES:
        did = drop_caches(model, action->limit * model_constants.drop_rate);
        cpu = did / model_constants.drop_rate;
        action->is_running = false;
        break;
    case ACTION_COMPACT:
        if (action->seconds == 0)
            action->bytes = model_constants.compact_joins *
                            (model->free[MODEL_LOW] + model->free[MODEL_MID] -
                             model->reported[MODEL_LOW] - model->reported[MODEL_MID]);
        want = least(action->bytes - action->gained, cpu * model_constants.compact_rate);
        did = compact(model, want);
        cpu = least(cpu, want / model_constants.compact_rate + 0.05); /* the scan itself */
        /* reporting at a low order may have taken the rest meanwhile */
        action->is_running = did >= want && action->gained + did < action->bytes - PAGE;
        break;
    default:
        cpu = 0.002;
        action->is_running = false;
        break;
    }
    action->gained += did;
    action->cpu += cpu;
    action->seconds += 1;
    if (action->cpu >= action->limit - 1e-9 || action->seconds >= action->limit)
        action->is_running = false;
    model->cpu_busy += cpu;
    model->own_cpu += cpu;
}

void model_step(struct model *model)
{
    model->now++;
    if (model->now % MODEL_BIN_SECONDS == 0) {
        /* what falls off the end of the history is the oldest still */
        unsigned bin = bin_of(model->now);
        model->cold[(bin + 1) % MODEL_COLD_BINS] += model->cold[bin];
        model->cold[bin] = 0;
    }
    for (unsigned i = 0; i < MODEL_ACTIVITIES; i++)
        if (model->sets[i].is_running)
            read_set(model, &model->sets[i]);
    grow(model);
    if (model->stream > 0)
        model_read_once(model, model->stream);
    work(model);
    report(model);
    model->cpu_user += model->load * 0.8;
    model->cpu_busy += model->load;
    model->cpu_total += model->cpus;
    model->psi_memory += model->stall_memory;
    model->above_need += most(0, model_footprint(model) - model_need(model));
}

void model_sample(const struct model *model, struct memory_sample *ret_sample)
{
    struct memory_sample sample = {
        .sequence = model->now,
        .boottime = model->now * NSEC_PER_SEC,
        .total = (uint64_t)model->total,
        .free = (uint64_t)model_free(model),
        .cache = (uint64_t)model_cache(model),
        .in_use = (uint64_t)model->in_use,
        .reported_is_known = true,
        .activity.cpu_user = (nsec_t)(model->cpu_user * 1e9),
        .activity.cpu_busy = (nsec_t)(model->cpu_busy * 1e9),
        .activity.cpu_total = (nsec_t)(model->cpu_total * 1e9),
        .activity.psi_memory_some = (uint64_t)(model->psi_memory * 1e6),
        .activity.psi_io_some = (uint64_t)(model->psi_io * 1e6),
        .activity.psi_is_known = true,
        .activity.refault_file = (uint64_t)(model->refaults / PAGE),
        .order_count = 11,
        .page_size = 4096,
        .pageblock_order = 9,
        .reporting_order = model->order,
        .cpu_count = model->cpus,
    };

    for (unsigned i = 0; i < MODEL_SIZES; i++) {
        double waiting = model->free[i] - model->reported[i];
        sample.free_blocks[size_orders[i]] = (uint64_t)(model->free[i] / PAGE) >> size_orders[i];
        sample.reported += (uint64_t)model->reported[i];
        if (size_lowest[i] >= model->order)
            sample.reportable += (uint64_t)waiting;
        else
            sample.trapped += (uint64_t)waiting;
    }
    sample.held_back = (uint64_t)least(model_constants.held_back, (double)sample.reportable);
    *ret_sample = sample;
}
