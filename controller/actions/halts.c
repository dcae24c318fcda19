/* Halted VMs. */
#include "controller/actions/halts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/actions/ending.h"
#include "controller/leases/requests.h"
#include "controller/policies/push.h"

static const char kind[] = "halt";
static const char all[] = "*";

/* ---- who is halted ---- */

static bool is_of(const struct halt *halt, const struct vm *vm)
{
    return strcmp(halt->vm, vm->name) == 0 ||
           (halt->uuid[0] != '\0' && strcmp(halt->uuid, vm->uuid) == 0);
}

static const struct halt *find(const struct halts *halts, const struct vm *vm)
{
    for (size_t i = 0; i < halts->count; i++) {
        const struct halt *halt = &halts->list[i];

        if (strcmp(halt->vm, all) == 0 || (vm != NULL && is_of(halt, vm)))
            return halt;
    }
    return NULL;
}

static struct halt *find_kept(const struct halts *halts, const char *name)
{
    for (size_t i = 0; i < halts->count; i++)
        if (strcmp(halts->list[i].vm, name) == 0)
            return &halts->list[i];
    return NULL;
}

bool halts_have(const struct halts *halts, const char *name)
{
    return strcmp(name, all) != 0 && find_kept(halts, name) != NULL;
}

const char *halts_author(const struct halts *halts, const struct vm *vm)
{
    const struct halt *halt = find(halts, vm);

    return halt == NULL ? NULL : halt->author;
}

static int keep(struct halts *halts, const struct halt *halt)
{
    struct halt *kept = find_kept(halts, halt->vm);
    struct halt *more = halts->list;

    if (kept != NULL) {
        *kept = *halt;
        return 0;
    }
    if ((halts->count & (halts->count - 1)) == 0)
        more = realloc(halts->list, max_of(2 * halts->count, (size_t)1) * sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    halts->list = more;
    more[halts->count++] = *halt;
    return 0;
}

static struct store_note note_of(const struct halt *halt)
{
    struct store_note note = {.kind = kind};

    snprintf(note.key, sizeof(note.key), "%s", halt->vm);
    snprintf(note.value, sizeof(note.value), "%s %s", halt->uuid[0] == '\0' ? "-" : halt->uuid,
             halt->author);
    return note;
}

/* The last takes its place. */
static void drop(struct halts *halts, const struct halt *halt, store_note_done done, void *userdata)
{
    const struct store_note note = note_of(halt);

    store_remove_note(halts->store, &note, done, userdata);
    halts->count--;
    halts->list[halt - halts->list] = halts->list[halts->count];
}

static void rename_to(struct halts *halts, struct halt *halt, const char *name)
{
    const struct store_note before = note_of(halt);
    struct store_note note;

    snprintf(halt->vm, sizeof(halt->vm), "%s", name);
    note = note_of(halt);
    store_put_note(halts->store, &note, NULL, NULL);
    store_remove_note(halts->store, &before, NULL, NULL);
}

/* A VM that is called otherwise takes its halts along. One is kept of each name. */
static void follow(struct halts *halts, const struct vm *vm)
{
    for (size_t i = halts->count; i-- > 0;) {
        struct halt *halt = &halts->list[i];

        if (is_of(halt, vm))
            halt->serial = vm->serial;
        if (halt->serial != vm->serial || strcmp(halt->vm, vm->name) == 0)
            continue;
        if (find_kept(halts, vm->name) != NULL)
            drop(halts, halt, NULL, NULL);
        else
            rename_to(halts, halt, vm->name);
    }
}

/* ---- what it does to a VM ---- */

static void stop_all(struct halts *halts, struct vm *vm)
{
    struct error error;

    if (vm->action != NULL && !vm->action->request.kind->gives_back)
        action_cut_short(vm->action, -ECANCELED, "cut short: the VM was halted");
    if (lease_may_release(vm, NULL))
        (void)lease_keeper_release(halts->keeper, vm, NULL, &error);
}

static void look_at(struct halts *halts, struct vm *vm)
{
    bool is_halted = find(halts, vm) != NULL;

    if (vm->halted != is_halted) {
        vm->halted = is_halted;
        policy_push_again(vm);
        vm_emit(vm, VM_EVENT_POLICY,
                is_halted ? "it is halted: nothing is done to it" : "it is resumed");
    }
    if (is_halted)
        stop_all(halts, vm);
}

static void look_at_all(struct halts *halts)
{
    list_for_each_safe (link, following, &halts->supervisor->registry.vms)
        look_at(halts, list_entry(link, struct vm, link));
}

/* Leases of an earlier daemon come back with their VM's hypervisor. */
static void on_visit(struct vm *vm, nsec_t now, void *userdata)
{
    look_at(userdata, vm);
}

/* A VM that comes is halted before anything is done to it. */
static void on_event(const struct vm_event *event, void *userdata)
{
    if (event->kind != VM_EVENT_STATE && event->kind != VM_EVENT_RENAMED)
        return;
    follow(userdata, event->vm);
    event->vm->halted = event->vm->halted || find(userdata, event->vm) != NULL;
}

/* ---- orders ---- */

int halts_add(struct halts *halts, struct vm *vm, const char *author, store_note_done done,
              void *userdata, struct error *error)
{
    struct halt halt = {0};
    struct store_note note;
    int r;

    if (halts->count >= HALTS_MAX && vm != NULL && !halts_have(halts, vm->name))
        return error_set(error, -ENOSPC, "more than %d VMs are halted; halt --all", HALTS_MAX);
    snprintf(halt.vm, sizeof(halt.vm), "%s", vm == NULL ? all : vm->name);
    snprintf(halt.uuid, sizeof(halt.uuid), "%s", vm == NULL ? "" : vm->uuid);
    halt.serial = vm == NULL ? 0 : vm->serial;
    text_copy_line(halt.author, sizeof(halt.author), author);
    r = keep(halts, &halt);
    if (r < 0)
        return error_set(error, r, "out of memory");
    if (vm == NULL)
        look_at_all(halts);
    else
        look_at(halts, vm);
    note = note_of(&halt);
    store_put_note(halts->store, &note, done, userdata);
    return 0;
}

/* Of all halts for the VM by its name or UUID; NULL: of the one for all. */
static bool take_out(struct halts *halts, const struct vm *vm, store_note_done done, void *userdata)
{
    const struct halt *halt;
    bool found = false;

    while ((halt = find(halts, vm)) != NULL && (vm == NULL) == (strcmp(halt->vm, all) == 0)) {
        drop(halts, halt, found ? NULL : done, userdata);
        found = true;
    }
    return found;
}

static int refuse_as_all_are(const char *name, struct error *error)
{
    return error_set(error, -EBUSY,
                     "all VMs are halted, and VM '%s' with them: resume --all, then halt others",
                     name);
}

int halts_remove(struct halts *halts, struct vm *vm, store_note_done done, void *userdata,
                 struct error *error)
{
    const struct halt *halt = find(halts, vm);

    if (halt == NULL)
        return error_set(error, -ENOENT, "%s%s%s not halted", vm == NULL ? "the VMs" : "VM '",
                         vm == NULL ? "" : vm->name, vm == NULL ? " are" : "' is");
    if (vm != NULL && find(halts, NULL) != NULL)
        return refuse_as_all_are(vm->name, error);
    (void)take_out(halts, vm, done, userdata);
    if (vm == NULL)
        look_at_all(halts);
    else
        look_at(halts, vm);
    return 0;
}

int halts_remove_absent(struct halts *halts, const char *name, store_note_done done, void *userdata,
                        struct error *error)
{
    if (!halts_have(halts, name))
        return error_set(error, -ENOENT, "VM '%s' is not halted", name);
    if (find(halts, NULL) != NULL)
        return refuse_as_all_are(name, error);
    drop(halts, find_kept(halts, name), done, userdata);
    return 0;
}

/* ---- the whole ---- */

static void on_loaded(int status, const struct error *error, const struct store_note *notes,
                      size_t count, void *userdata)
{
    struct halts *halts = userdata;

    if (status < 0)
        log_error("whether VMs are halted is not known: %s", error->text);
    for (size_t i = 0; i < count; i++) {
        struct halt halt = {0};
        const char *space = strchr(notes[i].value, ' ');

        snprintf(halt.vm, sizeof(halt.vm), "%s", notes[i].key);
        if (space != NULL)
            text_copy_line(halt.author, sizeof(halt.author), space + 1);
        if (space != NULL && notes[i].value[0] != '-')
            snprintf(halt.uuid, sizeof(halt.uuid), "%.*s", (int)(space - notes[i].value),
                     notes[i].value);
        (void)keep(halts, &halt);
    }
    if (count > 0)
        log_notice("%zu halts are in force: 'vmreclaim resume' ends them", count);
}

void halts_init(struct halts *halts, struct supervisor *supervisor, struct lease_keeper *keeper,
                struct store *store)
{
    *halts = (struct halts){
        .supervisor = supervisor,
        .keeper = keeper,
        .store = store,
        .listener = {.on_event = on_event, .on_visit = on_visit, .userdata = halts, .acts = true},
    };
    store_load_notes(store, kind, on_loaded, halts);
    supervisor_listen(supervisor, &halts->listener);
}

void halts_finish(struct halts *halts)
{
    free(halts->list);
    halts->list = NULL;
    halts->count = 0;
}
