/* Reservations of the daemon. */
#include "controller/arbiter/reserve.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"

static const char kind[] = "reservation";
static const char last[] = "last"; /* key of the note with the last id */

/* ---- the store ---- */

static void on_written(int status, const struct error *error, void *userdata)
{
    if (status < 0)
        log_error("a reservation would not outlive vmreclaimd: %s", error->text);
}

static struct store_note note_of(const struct reservation *reservation)
{
    struct store_note note = {.kind = kind};

    snprintf(note.key, sizeof(note.key), "%" PRIu64, reservation->id);
    return note;
}

static void keep(struct arbiter_keeper *keeper, const struct reservation *reservation)
{
    struct store_note note = note_of(reservation);

    static_assert(sizeof(note.value) >= RESERVATION_LINE_SIZE, "a line fits");
    reservation_format(reservation, keeper->supervisor->host_boot_id, note.value);
    store_put_note(keeper->store, &note, on_written, NULL);
}

static void keep_last(struct arbiter_keeper *keeper)
{
    struct store_note note = {.kind = kind};

    snprintf(note.key, sizeof(note.key), "%s", last);
    snprintf(note.value, sizeof(note.value), "%" PRIu64, keeper->reservations.next_id);
    store_put_note(keeper->store, &note, NULL, NULL);
}

static void forget(struct arbiter_keeper *keeper, const struct reservation *reservation)
{
    const struct store_note note = note_of(reservation);

    store_remove_note(keeper->store, &note, NULL, NULL);
}

static void resume(struct arbiter_keeper *keeper, const struct store_note *note, uint64_t id)
{
    struct reservations *reservations = &keeper->reservations;
    struct reservation resumed;

    if (reservation_parse(note->value, keeper->supervisor->host_boot_id, time_boottime(),
                          time_realtime(), &resumed) < 0 ||
        resumed.state != RESERVATION_READY || reservations->count == RESERVATIONS_MAX) {
        store_remove_note(keeper->store, note, NULL, NULL);
        return;
    }
    resumed.id = id;
    resumed.serial = UINT64_MAX; /* nobody knows who is new */
    reservations->list[reservations->count++] = resumed;
}

static void on_loaded(int status, const struct error *error, const struct store_note *notes,
                      size_t count, void *userdata)
{
    struct arbiter_keeper *keeper = userdata;

    if (status < 0)
        log_error("reservations of earlier are not known: %s", error->text);
    for (size_t i = 0; i < count; i++) {
        bool is_last = strcmp(notes[i].key, last) == 0;
        uint64_t id;

        if (reservation_parse_id(is_last ? notes[i].value : notes[i].key, &id) < 0) {
            store_remove_note(keeper->store, &notes[i], NULL, NULL);
            continue;
        }
        keeper->reservations.next_id = max_of(keeper->reservations.next_id, id);
        if (!is_last)
            resume(keeper, &notes[i], id);
    }
}

void reserve_load(struct arbiter_keeper *keeper)
{
    store_load_notes(keeper->store, kind, on_loaded, keeper);
}

/* ---- who asked ---- */

static struct reservation_asker *asker_of(struct arbiter_keeper *keeper, uint64_t id)
{
    for (size_t i = 0; i < RESERVATIONS_MAX; i++)
        if (keeper->askers[i].id == id)
            return &keeper->askers[i];
    return NULL;
}

/* The last time it is forgotten before it is told: it may ask for another one. */
static void tell(struct arbiter_keeper *keeper, const struct reservation *reservation)
{
    struct reservation_asker *asker = asker_of(keeper, reservation->id);
    struct reservation_asker told;

    if (asker == NULL)
        return;
    told = *asker;
    if (reservation->state != RESERVATION_FILLING)
        *asker = (struct reservation_asker){.id = 0};
    told.changed(reservation, told.userdata);
}

/* ---- who uses them ---- */

static uint64_t footprint_of(const struct vm *vm)
{
    return vm == NULL || vm->measured.host.time == 0 ? 0 : vm->measured.host.footprint;
}

static uint64_t own_of(const struct vm *vm)
{
    return vm->arbiter == NULL ? 0 : vm->arbiter->own;
}

static uint64_t footprint_of_newer(const struct arbiter_keeper *keeper, uint64_t serial)
{
    uint64_t bytes = 0;

    list_for_each (link, &keeper->supervisor->registry.vms) {
        const struct vm *vm = list_entry(link, struct vm, link);

        if (vm->serial > serial)
            bytes += saturating_subtract(footprint_of(vm), own_of(vm));
    }
    return bytes;
}

/* What a VM takes of a reservation of its own it takes of no other, also when that has ended. */
static void see_own_use(struct arbiter_keeper *keeper)
{
    for (size_t i = 0; i < keeper->reservations.count; i++) {
        struct reservation *reservation = &keeper->reservations.list[i];
        const struct vm *vm;
        uint64_t taken;

        if (reservation->asked.vm[0] == '\0')
            continue;
        vm = registry_find_name(&keeper->supervisor->registry, reservation->asked.vm);
        reservation_note_footprint(reservation, footprint_of(vm));
        taken = min_of(reservation->used, reservation->asked.bytes);
        if (vm != NULL && vm->arbiter != NULL)
            vm->arbiter->own = max_of(vm->arbiter->own, taken);
    }
}

/* What else a new VM holds counts for one of those that are for whoever comes. */
static void see_use(struct arbiter_keeper *keeper)
{
    uint64_t counted = 0;

    for (size_t i = 0; i < keeper->reservations.count; i++) {
        struct reservation *reservation = &keeper->reservations.list[i];
        uint64_t held = 0;

        if (reservation->asked.vm[0] != '\0')
            continue;
        if (reservation->serial != UINT64_MAX)
            held = saturating_subtract(footprint_of_newer(keeper, reservation->serial), counted);
        reservation_note_footprint(reservation, held);
        counted += min_of(held, reservation->asked.bytes);
    }
}

/* ---- why not more ---- */

static void count_reasons(const struct arbiter_keeper *keeper,
                          unsigned counts[ARBITER_REASON_COUNT])
{
    memset(counts, 0, ARBITER_REASON_COUNT * sizeof(counts[0]));
    for (size_t i = 0; i < keeper->scene.count; i++)
        counts[keeper->scene.facts[i].memory->reason]++;
}

/* "up to 1.0 GiB more may come; 3 VMs at-floor, 2 unassigned" */
static void explain(const struct arbiter_keeper *keeper, struct reservation *reservation)
{
    unsigned counts[ARBITER_REASON_COUNT];
    size_t size = sizeof(reservation->why);
    size_t used;

    if (!keeper->settings.is_on) {
        text_copy(reservation->why, size, "the arbiter is off, so nothing is taken for it");
        return;
    }
    count_reasons(keeper, counts);
    text_format(reservation->why, size, "up to %s more may come",
                BYTES_TEXT(keeper->view.takeable + keeper->view.coming));
    for (int shown = 0; shown < 4; shown++) {
        enum arbiter_reason most = ARBITER_UNASSIGNED;

        for (enum arbiter_reason reason = most; reason < ARBITER_COLD_CACHE; reason++)
            if (counts[reason] > counts[most])
                most = reason;
        if (counts[most] == 0)
            return;
        used = strlen(reservation->why);
        text_format(reservation->why + used, size - used, "%s %u %s", shown == 0 ? "; VMs:" : ",",
                    counts[most], arbiter_reason_name(most));
        counts[most] = 0;
    }
}

/* ---- once a second ---- */

/* Beyond the low watermark and what guests were promised. */
static uint64_t room_of(const struct arbiter_keeper *keeper)
{
    uint64_t low = arbiter_mark_bytes(&keeper->settings.low, keeper->host.total);
    uint64_t promised =
        saturating_subtract(keeper->view.promised, reservations_bytes(&keeper->reservations));

    return saturating_subtract(keeper->host.available, low + promised);
}

static void settle(struct arbiter_keeper *keeper, uint64_t id, enum reservation_state before)
{
    struct reservation *reservation = reservations_find(&keeper->reservations, id);
    struct reservation copy;

    if (reservation == NULL)
        return;
    if (reservation->state == RESERVATION_FILLING || reservation->state == RESERVATION_SHORT)
        explain(keeper, reservation);
    copy = *reservation;
    if (reservation_has_ended(reservation)) {
        forget(keeper, reservation);
        reservations_remove(&keeper->reservations, reservation);
        log_info("reservation %" PRIu64 " of %s has ended: %s", id, BYTES_TEXT(copy.asked.bytes),
                 reservation_state_name(copy.state));
    } else if (reservation->state != before) {
        keep(keeper, reservation);
    }
    if (copy.state != before || copy.state == RESERVATION_FILLING)
        tell(keeper, &copy);
}

void reserve_tick(struct arbiter_keeper *keeper, nsec_t now)
{
    struct reservations *reservations = &keeper->reservations;
    enum reservation_state before[RESERVATIONS_MAX];
    uint64_t ids[RESERVATIONS_MAX];
    size_t count = reservations->count;

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        ids[i] = reservations->list[i].id;
        before[i] = reservations->list[i].state;
    }
    see_own_use(keeper);
    see_use(keeper);
    reservations_step(
        reservations,
        &(struct reservations_input){.now = now, .time = time_realtime(), .room = room_of(keeper)});
    for (size_t i = 0; i < count; i++)
        settle(keeper, ids[i], before[i]);
}

/* ---- orders ---- */

/* Whether there is any hope, as the host is now. */
static int check(const struct arbiter_keeper *keeper, const struct reservation_asked *asked,
                 struct error *error)
{
    uint64_t low = arbiter_mark_bytes(&keeper->settings.low, keeper->host.total);
    uint64_t room = reservations_room(&keeper->reservations, room_of(keeper));

    if (asked->bytes > saturating_subtract(keeper->host.total, low))
        return error_set(error, -EINVAL,
                         "the host has %s, %s of it stay available: it never has %s for a VM",
                         BYTES_TEXT(keeper->host.total), BYTES_TEXT(low), BYTES_TEXT(asked->bytes));
    if (!keeper->settings.is_on && asked->bytes > room)
        return error_set(error, -EPERM,
                         "%s could be reserved now; for more set 'arbiter: on' in "
                         "vmreclaimd.yaml, so that VMs give memory",
                         BYTES_TEXT(room));
    return 0;
}

int arbiter_reserve(struct arbiter_keeper *keeper, const struct reservation_asked *asked,
                    reservation_changed changed, void *userdata, uint64_t *ret_id,
                    struct error *error)
{
    const struct registry *registry = &keeper->supervisor->registry;
    struct reservation *reservation;
    int r = keeping_read_host(keeper, time_boottime());

    if (r < 0)
        return error_set(error, r, "%s", keeper->host_error.text);
    r = check(keeper, asked, error);
    if (r == 0)
        r = reservations_add(&keeper->reservations, asked, time_boottime(), time_realtime(),
                             &reservation, error);
    if (r < 0)
        return r;
    reservation->serial = registry->last_serial;
    if (asked->vm[0] != '\0')
        reservation->used_since = footprint_of(registry_find_name(registry, asked->vm));
    keep_last(keeper);
    if (changed != NULL)
        *asker_of(keeper, 0) = (struct reservation_asker){
            .id = reservation->id, .changed = changed, .userdata = userdata};
    *ret_id = reservation->id;
    return 0;
}

void arbiter_forget_asker(struct arbiter_keeper *keeper, uint64_t id)
{
    struct reservation_asker *asker = asker_of(keeper, id);
    struct reservation *reservation = reservations_find(&keeper->reservations, id);

    assert(id != 0);
    if (asker != NULL)
        *asker = (struct reservation_asker){.id = 0};
    if (reservation != NULL && reservation->state == RESERVATION_FILLING)
        reservations_remove(&keeper->reservations, reservation);
}

int arbiter_release(struct arbiter_keeper *keeper, uint64_t id, struct error *error)
{
    struct reservation *reservation = reservations_find(&keeper->reservations, id);
    enum reservation_state before;

    if (reservation == NULL)
        return error_set(error, -ENOENT,
                         "there is no reservation %" PRIu64 "; 'vmreclaim reserve list' has them",
                         id);
    before = reservation->state;
    reservation_release(reservation);
    settle(keeper, id, before);
    return 0;
}
