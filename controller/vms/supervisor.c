/* The supervisor: records, sources, tick, life cycle. Agents and hypervisors have files of their
 * own. */
#include "controller/vms/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/util.h"
#include "common/proc/meminfo.h"

/* What guests' connections may hold together; ten thousand quiet ones hold 8 MiB. */
#define AGENT_BYTES_MAX       ((uint64_t)128 << 20)
#define AGENT_CONNECTIONS_MAX 32768u

/* What guests that use more than their share of the processor may use together: so little of a core
 * that it meets fewer commands to others than their slowest hundredth. */
#define DEBTORS_PERMYRIAD 20
#define DEBTORS_SAVED     (5 * NSEC_PER_MSEC)
#define DEBTORS_DEBT_MAX  (5 * NSEC_PER_SEC)

const char *vm_event_kind_name(enum vm_event_kind kind, const struct vm *vm)
{
    static const char *const names[] = {
        [VM_EVENT_SAMPLE] = "sample",     [VM_EVENT_PRESSURE] = "pressure",
        [VM_EVENT_ACTION] = "action",     [VM_EVENT_ENGINE] = "engine",
        [VM_EVENT_POLICY] = "policy",     [VM_EVENT_BALLOON] = "balloon",
        [VM_EVENT_RESET] = "reset",       [VM_EVENT_HYPERVISOR] = "hypervisor",
        [VM_EVENT_WARNING] = "warning",   [VM_EVENT_REMOVED] = "removed",
        [VM_EVENT_RESTORED] = "restored",
    };

    return kind == VM_EVENT_STATE ? vm_state_name(vm->life.state) : names[kind];
}

/* ---- listeners ---- */

void supervisor_listen(struct supervisor *supervisor, struct supervisor_listener *listener)
{
    if (listener->acts)
        list_append(&supervisor->listeners, &listener->link);
    else
        list_prepend(&supervisor->listeners, &listener->link);
}

void supervisor_unlisten(struct supervisor_listener *listener)
{
    list_remove(&listener->link);
}

void supervisor_emit(struct supervisor *supervisor, const struct vm_event *event)
{
    list_for_each_safe (link, following, &supervisor->listeners) {
        struct supervisor_listener *listener = list_entry(link, struct supervisor_listener, link);

        listener->on_event(event, listener->userdata);
    }
}

void supervisor_warn(struct supervisor *supervisor, struct vm *vm, const char *format, ...)
{
    char text[640];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    supervisor_emit(supervisor,
                    &(struct vm_event){.vm = vm, .kind = VM_EVENT_WARNING, .text = text});
}

/* ---- life cycle ---- */

static void gather_facts(struct vm *vm)
{
    enum run_state run_state =
        vm->hypervisor.known ? vm->hypervisor.facts.run_state : RUN_STATE_UNKNOWN;

    vm->life.facts.migrating = run_state == RUN_STATE_MIGRATING;
    vm->life.facts.paused = run_state == RUN_STATE_PAUSED || run_state == RUN_STATE_STOPPED;
    vm->life.facts.agent_connected = vm->links.agent != NULL;
    vm->life.facts.agent_ready =
        vm->links.agent != NULL && vm->announced && vm->agent.info.boot_id[0] != '\0';
    vm->life.facts.agent_late = vm->links.agent != NULL && vm->life.facts.agent_late;
    vm->life.facts.agent_was_here = vm->life.facts.agent_was_here || vm->links.agent != NULL;
}

void supervisor_update_state(struct supervisor *supervisor, struct vm *vm)
{
    gather_facts(vm);
    for (;;) {
        enum vm_state next = vm_state_step(vm->life.state, &vm->life.facts);
        char text[96];

        if (next == vm->life.state)
            return;
        (void)snprintf(text, sizeof(text), "%s, was %s", vm_state_name(next),
                       vm_state_name(vm->life.state));
        vm->life.state = next;
        supervisor_emit(supervisor,
                        &(struct vm_event){.vm = vm, .kind = VM_EVENT_STATE, .text = text});
    }
}

/* ---- records ---- */

int supervisor_add_vm(struct supervisor *supervisor, struct vm *vm, struct error *error)
{
    int r = registry_add(&supervisor->registry, vm, error);

    if (r < 0)
        return r;
    vm->supervisor = supervisor;
    list_append(&supervisor->slots[supervisor->next_slot], &vm->life.slot_link);
    supervisor->next_slot = (supervisor->next_slot + 1) % SUPERVISOR_SLOTS;
    supervisor_emit(supervisor, &(struct vm_event){.vm = vm,
                                                   .kind = VM_EVENT_STATE,
                                                   .text = vm_state_name(vm->life.state)});
    return 0;
}

void supervisor_reap(struct supervisor *supervisor, struct vm *vm)
{
    if (!vm->life.removed || vm->links.open > 0)
        return;
    supervisor_emit(supervisor,
                    &(struct vm_event){.vm = vm, .kind = VM_EVENT_REMOVED, .text = "removed"});
    vm_destroy(vm);
}

void supervisor_remove_vm(struct supervisor *supervisor, struct vm *vm)
{
    if (vm->life.removed)
        return;
    vm->life.facts.gone = true;
    supervisor_update_state(supervisor, vm);
    vm->life.removed = true;
    registry_remove(&supervisor->registry, vm);
    list_remove(&vm->life.slot_link);
    if (vm->sources.set == VM_SOURCE_AGENT)
        supervisor->unannounced_count--;
    vm_hypervisor_drop(vm);
    vm_agent_drop(vm, "the VM is not supervised any more");
    supervisor_reap(supervisor, vm);
}

/* ---- sources: VM files ---- */

static bool text_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_hypervisor(const struct vm *vm, const struct vm_definition *definition)
{
    return strcmp(vm->address.text, definition->hypervisor.text) == 0;
}

/* Whether another guest, or another hypervisor, may be behind the VM from now on. */
static bool is_readdressed(const struct vm *vm, const struct vm_definition *definition)
{
    const struct vm_definition *old = vm->sources.definition;

    if (old == NULL) /* another source found it: what the file leaves open stays */
        return definition->agent != NULL || !same_hypervisor(vm, definition) ||
               (definition->cid != 0 && definition->cid != vm->cid);
    return old->cid != definition->cid || !text_equal(old->agent, definition->agent) ||
           strcmp(old->hypervisor.text, definition->hypervisor.text) != 0;
}

/* Nobody vouches for who is there until the hypervisor is heard, or the new path is dialled. */
static void stop_vouching(struct vm *vm)
{
    vm->announced = false;
    vm_agent_drop(vm, "the VM's file gives another address");
}

/* Takes the definition over. Connections whose address changed are closed and made anew. */
static int take_definition(struct supervisor *supervisor, struct vm *vm,
                           struct vm_definition *definition, struct error *error)
{
    int r = 0;

    if (is_readdressed(vm, definition))
        stop_vouching(vm);
    vm->hypervisor.facts_next = 0;
    if (!same_hypervisor(vm, definition)) {
        vm_hypervisor_drop(vm);
        r = registry_set_address(&supervisor->registry, vm, &definition->hypervisor, error);
    }
    if (r == 0 && definition->uuid[0] != '\0')
        r = registry_set_uuid(&supervisor->registry, vm, definition->uuid, error);
    if (r == 0 && definition->cid != 0)
        r = registry_set_cid(&supervisor->registry, vm, definition->cid, error);
    vm_definition_destroy(vm->sources.definition);
    vm->sources.definition = definition;
    vm->sources.set |= VM_SOURCE_FILE;
    return r;
}

/* One claim of one definition on a name, UUID, CID, hypervisor or agent. */
struct claim {
    struct hash_link link;
    const char *what;
    char value[160];
    const struct vm_definition *owner;
};

static int add_claim(struct hash_table *table, struct claim *claim, const char *what,
                     const char *value, const struct vm_definition *owner, struct error *error)
{
    uint64_t hash;

    claim->what = what;
    claim->owner = owner;
    (void)snprintf(claim->value, sizeof(claim->value), "%s", value);
    hash = hash_text(claim->value) ^ hash_text(what);
    for (struct hash_link *link = hash_table_first(table, hash); link != NULL;
         link = hash_table_next(link)) {
        const struct claim *other = container_of(link, struct claim, link);

        if (strcmp(other->what, what) == 0 && strcmp(other->value, claim->value) == 0)
            return error_set(error, -EEXIST, "%s: %s %s is already given in %s", owner->source,
                             what, claim->value, other->owner->source);
    }
    return hash_table_add(table, &claim->link, hash) < 0
               ? error_set(error, -ENOMEM, "out of memory")
               : 0;
}

#define CLAIMS_PER_DEFINITION 5

static int add_claims(struct hash_table *table, struct claim *claims,
                      const struct vm_definition *definition, struct error *error)
{
    char cid[16];
    int r = add_claim(table, &claims[0], "name", definition->name, definition, error);

    (void)snprintf(cid, sizeof(cid), "%" PRIu32, definition->cid);
    if (r == 0 && definition->uuid[0] != '\0')
        r = add_claim(table, &claims[1], "uuid", definition->uuid, definition, error);
    if (r == 0 && definition->cid != 0)
        r = add_claim(table, &claims[2], "cid", cid, definition, error);
    if (r == 0 && definition->hypervisor.driver != NULL)
        r = add_claim(table, &claims[3], "hypervisor", definition->hypervisor.text, definition,
                      error);
    if (r == 0 && definition->agent != NULL)
        r = add_claim(table, &claims[4], "agent", definition->agent, definition, error);
    return r;
}

/* Two files that claim the same thing: neither is applied, nothing changes. */
int supervisor_check_definitions(struct vm_definition *const *definitions, size_t count,
                                 struct error *error)
{
    struct claim *claims = calloc(count * CLAIMS_PER_DEFINITION + 1, sizeof(*claims));
    struct hash_table table;
    int r = claims == NULL ? error_set(error, -ENOMEM, "out of memory") : 0;

    hash_table_init(&table);
    for (size_t i = 0; i < count && r == 0; i++)
        r = add_claims(&table, &claims[i * CLAIMS_PER_DEFINITION], definitions[i], error);
    hash_table_finish(&table);
    free(claims);
    return r;
}

/* The VM that the definition is about: by name, or one that another source found first. */
static struct vm *find_defined(const struct registry *registry,
                               const struct vm_definition *definition)
{
    struct vm *vm = registry_find_name(registry, definition->name);

    if (vm != NULL)
        return vm;
    if (definition->uuid[0] != '\0')
        vm = registry_find_uuid(registry, definition->uuid);
    if (vm == NULL && definition->hypervisor.driver != NULL)
        vm = registry_find_address(registry, &definition->hypervisor);
    return vm != NULL && vm->sources.definition == NULL ? vm : NULL;
}

/* An unannounced VM gives its CID to the VM whose file names it. */
static struct vm *take_unannounced(struct supervisor *supervisor, uint32_t cid)
{
    struct vm *vm = cid == 0 ? NULL : registry_find_cid(&supervisor->registry, cid);

    if (vm == NULL || vm->sources.set != VM_SOURCE_AGENT)
        return NULL;
    (void)registry_set_cid(&supervisor->registry, vm, 0, NULL);
    return vm;
}

static int find_or_add(struct supervisor *supervisor, const struct vm_definition *definition,
                       struct vm **ret_vm, struct error *error)
{
    struct vm *vm = find_defined(&supervisor->registry, definition);
    int r = 0;

    if (vm == NULL) {
        r = vm_create(definition->name, &vm);
        if (r == 0)
            r = supervisor_add_vm(supervisor, vm, error);
        if (r < 0) {
            vm_destroy(vm);
            return r;
        }
    } else if (strcmp(vm->name, definition->name) != 0)
        r = registry_set_name(&supervisor->registry, vm, definition->name, error);
    if (r == 0)
        *ret_vm = vm;
    return r;
}

static int define_one(struct supervisor *supervisor, struct vm_definition *definition,
                      struct error *error)
{
    struct vm *unannounced;
    struct vm *vm = NULL;
    int r = find_or_add(supervisor, definition, &vm, error);

    if (r < 0 || (vm->sources.definition != NULL &&
                  vm_definition_equal(vm->sources.definition, definition))) {
        vm_definition_destroy(definition);
        return r;
    }
    unannounced = take_unannounced(supervisor, definition->cid);
    r = take_definition(supervisor, vm, definition, error);
    if (unannounced != NULL)
        vm_agent_adopt(supervisor, vm, unannounced);
    return r;
}

/* What the files do not say any more is taken away before anything is given, so that two VMs may
 * exchange their CIDs. */
static void release_changed(struct supervisor *supervisor, struct vm_definition *const *definitions,
                            size_t count)
{
    list_for_each (link, &supervisor->registry.vms)
        list_entry(link, struct vm, link)->sources.marked = false;
    for (size_t i = 0; i < count; i++) {
        struct vm *vm = registry_find_name(&supervisor->registry, definitions[i]->name);

        if (vm == NULL)
            continue;
        vm->sources.marked = true;
        if (vm->sources.definition == NULL ||
            vm_definition_equal(vm->sources.definition, definitions[i]))
            continue;
        (void)registry_set_cid(&supervisor->registry, vm, 0, NULL);
        (void)registry_set_uuid(&supervisor->registry, vm, "", NULL);
        vm->hypervisor.known = false;
    }
}

static void drop_source(struct supervisor *supervisor, struct vm *vm, enum vm_source source)
{
    vm->sources.set &= ~(unsigned)source;
    if (source == VM_SOURCE_FILE) {
        vm_definition_destroy(vm->sources.definition);
        vm->sources.definition = NULL;
    }
    if (vm->sources.set == 0)
        supervisor_remove_vm(supervisor, vm);
}

int supervisor_define(struct supervisor *supervisor, struct vm_definition **definitions,
                      size_t count, struct error *error)
{
    int r = supervisor_check_definitions(definitions, count, error);

    if (r < 0) {
        for (size_t i = 0; i < count; i++)
            vm_definition_destroy(definitions[i]);
        return r;
    }
    release_changed(supervisor, definitions, count);
    list_for_each_safe (link, following, &supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if ((vm->sources.set & VM_SOURCE_FILE) != 0 && !vm->sources.marked)
            drop_source(supervisor, vm, VM_SOURCE_FILE);
    }
    for (size_t i = 0; i < count; i++) {
        int failed = define_one(supervisor, definitions[i], error);

        r = r < 0 ? r : failed;
    }
    return r;
}

/* ---- sources: hypervisors that were found ---- */

static int add_found(struct supervisor *supervisor, const struct hypervisor_address *address,
                     struct error *error)
{
    struct vm *vm = registry_find_address(&supervisor->registry, address);
    char name[VM_NAME_SIZE];
    int r;

    if (vm != NULL) {
        vm->sources.set |= VM_SOURCE_FOUND;
        vm->sources.marked = true;
        return 0;
    }
    address->driver->suggest_name(hypervisor_address_where(address), name, sizeof(name));
    r = vm_name_check(name, error);
    if (r == 0)
        r = vm_create(name, &vm);
    if (r < 0)
        return error_prefix(error, r, "hypervisor %s", address->text);
    vm->sources.set = VM_SOURCE_FOUND;
    vm->sources.marked = true;
    r = supervisor_add_vm(supervisor, vm, error);
    if (r < 0) {
        vm_destroy(vm);
        return error_prefix(error, r, "hypervisor %s", address->text);
    }
    return registry_set_address(&supervisor->registry, vm, address, error);
}

int supervisor_set_found(struct supervisor *supervisor, const struct hypervisor_address *addresses,
                         size_t count, struct error *error)
{
    int r = 0;

    list_for_each (link, &supervisor->registry.vms)
        list_entry(link, struct vm, link)->sources.marked = false;
    for (size_t i = 0; i < count; i++) {
        int failed = add_found(supervisor, &addresses[i], error);

        r = r < 0 ? r : failed;
    }
    list_for_each_safe (link, following, &supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if ((vm->sources.set & VM_SOURCE_FOUND) != 0 && !vm->sources.marked)
            drop_source(supervisor, vm, VM_SOURCE_FOUND);
    }
    return r;
}

/* ---- tick ---- */

/* khugepaged works on guest memory when transparent huge pages are on, or on by madvise, which
 * hypervisors use for guest memory. */
static bool read_transparent_huge_pages(int root)
{
    char text[128];

    return file_read_into(root, "sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text)) >
               0 &&
           strstr(text, "[never]") == NULL;
}

static void read_host(struct supervisor *supervisor)
{
    struct meminfo meminfo;

    supervisor->transparent_huge_pages = read_transparent_huge_pages(supervisor->root);
    if (meminfo_read(supervisor->root, &meminfo) == 0)
        supervisor->swap_used =
            meminfo.swap_total > meminfo.swap_free ? meminfo.swap_total - meminfo.swap_free : 0;
}

static void visit(struct supervisor *supervisor, struct vm *vm, nsec_t now)
{
    vm_hypervisor_tick(supervisor, vm, now);
    if (vm->life.removed)
        return;
    vm_agent_tick(supervisor, vm, now);
    supervisor_update_state(supervisor, vm);
}

void supervisor_tick(struct supervisor *supervisor, nsec_t now)
{
    struct list *slot = &supervisor->slots[supervisor->slot];

    supervisor->slot = (supervisor->slot + 1) % SUPERVISOR_SLOTS;
    if (supervisor->slot == 0)
        read_host(supervisor);
    list_for_each_safe (link, following, slot)
        visit(supervisor, list_entry(link, struct vm, life.slot_link), now);
}

static void on_timer(uv_timer_t *timer)
{
    supervisor_tick(timer->data, time_boottime());
}

/* ---- the whole ---- */

int supervisor_init(struct supervisor *supervisor, uv_loop_t *loop, int root,
                    nsec_t sample_interval)
{
    int r;

    *supervisor = (struct supervisor){
        .loop = loop,
        .root = root,
        .sample_interval = sample_interval,
    };
    read_host(supervisor);
    ttrpc_budget_init(&supervisor->agent_budget, AGENT_BYTES_MAX, AGENT_CONNECTIONS_MAX);
    supervisor->agent_budget.processor = (struct ttrpc_share){
        .permyriad = DEBTORS_PERMYRIAD, .saved_max = DEBTORS_SAVED, .debt_max = DEBTORS_DEBT_MAX};
    strangers_init(&supervisor->strangers);
    registry_init(&supervisor->registry);
    list_init(&supervisor->listeners);
    for (size_t i = 0; i < SUPERVISOR_SLOTS; i++)
        list_init(&supervisor->slots[i]);
    r = uv_timer_init(loop, &supervisor->timer);
    if (r < 0)
        return r;
    supervisor->timer.data = supervisor;
    return uv_timer_start(&supervisor->timer, on_timer, SUPERVISOR_TICK / NSEC_PER_MSEC,
                          SUPERVISOR_TICK / NSEC_PER_MSEC);
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    uv_close((uv_handle_t *)&supervisor->timer, NULL);
    list_for_each_safe (link, following, &supervisor->registry.vms)
        supervisor_remove_vm(supervisor, list_entry(link, struct vm, link));
}

void supervisor_finish(struct supervisor *supervisor)
{
    registry_finish(&supervisor->registry);
    strangers_finish(&supervisor->strangers);
}

int supervisor_lowest_order(const struct supervisor *supervisor, const struct vm *vm)
{
    return vm_lowest_useful_order(vm, supervisor->transparent_huge_pages,
                                  (uint64_t)sysconf(_SC_PAGESIZE));
}

int supervisor_may_command(const struct vm *vm, struct error *error)
{
    if (vm->links.agent == NULL)
        return error_set(error, -ENOTCONN,
                         "no agent of VM '%s' is connected; start vmreclaim-agent in the guest",
                         vm->name);
    if (!vm->announced)
        return error_set(error, -EPERM,
                         "VM '%s' is only observed: no hypervisor vouches for CID %" PRIu32
                         "; give the VM a file with its 'hypervisor' address",
                         vm->name, vm->cid);
    if (vm->life.state == VM_PAUSED || vm->life.state == VM_MIGRATING)
        return error_set(error, -EBUSY, "VM '%s' is %s; nothing is done to it until it runs",
                         vm->name, vm_state_name(vm->life.state));
    return 0;
}
