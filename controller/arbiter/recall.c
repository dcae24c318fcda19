/* Memories of VMs over a restart. */
#include "controller/arbiter/recall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "controller/arbiter/past.h"

static const char kind[] = "arbiter";

/* A VM of an earlier daemon. */
struct recalled {
    struct list link;
    char key[VM_NAME_SIZE];
    struct arbiter_memory memory;
};

/* Names are given anew, UUIDs are not. */
static const char *key_of(const struct vm *vm)
{
    return vm->uuid[0] != '\0' ? vm->uuid : vm->name;
}

static struct store_note note_of(const char *key)
{
    struct store_note note = {.kind = kind};

    snprintf(note.key, sizeof(note.key), "%s", key);
    return note;
}

/* ---- an earlier daemon's ---- */

static void add(struct arbiter_keeper *keeper, const struct store_note *note)
{
    struct recalled *recalled = calloc(1, sizeof(*recalled));

    if (recalled == NULL)
        return;
    if (strlen(note->key) >= sizeof(recalled->key) ||
        past_parse(note->value, keeper->supervisor->host_boot_id, time_boottime(),
                   &recalled->memory) < 0) {
        store_remove_note(keeper->store, note, NULL, NULL);
        free(recalled);
        return;
    }
    memcpy(recalled->key, note->key, strlen(note->key));
    list_append(&keeper->recalled, &recalled->link);
}

static void on_loaded(int status, const struct error *error, const struct store_note *notes,
                      size_t count, void *userdata)
{
    if (status < 0)
        log_error("what the arbiter did before is not known: %s", error->text);
    for (size_t i = 0; i < count; i++)
        add(userdata, &notes[i]);
}

void recall_load(struct arbiter_keeper *keeper)
{
    store_load_notes(keeper->store, kind, on_loaded, keeper);
}

void recall_vm(struct arbiter_keeper *keeper, struct vm *vm)
{
    list_for_each_safe (link, following, &keeper->recalled) {
        struct recalled *recalled = list_entry(link, struct recalled, link);

        if (strcmp(recalled->key, key_of(vm)) != 0)
            continue;
        vm->arbiter->memory = recalled->memory;
        vm->arbiter->kept = recalled->memory;
        list_remove(link);
        free(recalled);
    }
}

void recall_finish(struct arbiter_keeper *keeper)
{
    list_for_each_safe (link, following, &keeper->recalled) {
        list_remove(link);
        free(list_entry(link, struct recalled, link));
    }
}

/* ---- this one's ---- */

void recall_keep(struct arbiter_keeper *keeper, struct vm *vm)
{
    struct vm_arbiter *arbiter = vm->arbiter;
    struct store_note note;

    static_assert(sizeof(note.value) >= PAST_LINE_SIZE, "a line fits");
    if (past_equal(&arbiter->memory, &arbiter->kept))
        return;
    arbiter->kept = arbiter->memory;
    note = note_of(key_of(vm));
    past_format(&arbiter->memory, keeper->supervisor->host_boot_id, note.value);
    store_put_note(keeper->store, &note, NULL, NULL);
}

void recall_forget(struct arbiter_keeper *keeper, const struct vm *vm)
{
    const struct arbiter_memory nothing = {.barren = {0}};
    struct store_note note = note_of(key_of(vm));

    if (!past_equal(&vm->arbiter->kept, &nothing))
        store_remove_note(keeper->store, &note, NULL, NULL);
}
