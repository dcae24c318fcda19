/* Owners' intervals, kept in the store. */
#include "controller/daemon-intervals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/number.h"
#include "controller/store/requests.h"

static const char kind[] = "interval";

struct putting {
    void (*done)(int status, void *asker);
    void *asker;
};

static struct store_note store_note_of(const struct interval_note *note)
{
    struct store_note stored = {.kind = kind};

    snprintf(stored.key, sizeof(stored.key), "%s", note->address);
    snprintf(stored.value, sizeof(stored.value), "%" PRIu32 " %d %" PRIu64, note->seconds,
             (int)note->pid, note->start_time);
    return stored;
}

static void on_put(int status, const struct error *error, void *userdata)
{
    struct putting *putting = userdata;

    putting->done(status, putting->asker);
    free(putting);
}

static void put(void *userdata, const struct interval_note *note,
                void (*done)(int status, void *asker), void *asker)
{
    const struct store_note stored = store_note_of(note);
    struct putting *putting = malloc(sizeof(*putting));

    if (putting == NULL) {
        done(-ENOMEM, asker);
        return;
    }
    *putting = (struct putting){done, asker};
    store_put_note(userdata, &stored, on_put, putting);
}

static void remove_note(void *userdata, const struct interval_note *note)
{
    const struct store_note stored = store_note_of(note);

    store_remove_note(userdata, &stored, NULL, NULL);
}

static bool parse(const char *text, struct interval_note *note)
{
    uint64_t numbers[3];

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++, text++)
        if (number_scan(&text, &numbers[i]) < 0 || *text != (i == 2 ? '\0' : ' '))
            return false;
    if (numbers[0] > UINT32_MAX || numbers[1] > INT32_MAX)
        return false;
    note->seconds = (uint32_t)numbers[0];
    note->pid = (pid_t)numbers[1];
    note->start_time = numbers[2];
    return true;
}

/* It took the setting along, and nobody may ever come to that address again. */
static bool has_ended(int root, const struct interval_note *note)
{
    struct hypervisor_process process;
    struct error error;
    bool is_another;
    int r;

    hypervisor_process_init(&process);
    r = hypervisor_process_open(&process, root, note->pid, &error);
    is_another = r == 0 && process.start_time != note->start_time;
    hypervisor_process_finish(&process);
    return r == -ESRCH || is_another;
}

static void on_loaded(int status, const struct error *error, const struct store_note *notes,
                      size_t count, void *userdata)
{
    struct daemon *daemon = userdata;

    if (status < 0)
        log_error("intervals of balloon statistics to put back are not known: %s", error->text);
    for (size_t i = 0; i < count; i++) {
        struct interval_note note = {.seconds = 0};

        if (!parse(notes[i].value, &note))
            continue;
        snprintf(note.address, sizeof(note.address), "%.*s", (int)sizeof(note.address) - 1,
                 notes[i].key);
        if (has_ended(daemon->root, &note))
            remove_note(daemon->store, &note);
        else
            (void)intervals_add_left(&daemon->intervals, &note);
    }
}

void daemon_intervals_start(struct daemon *daemon)
{
    const struct interval_journal journal = {
        .userdata = daemon->store, .put = put, .remove = remove_note};

    intervals_init(&daemon->intervals, &daemon->supervisor, &journal);
    store_load_notes(daemon->store, kind, on_loaded, daemon);
}
