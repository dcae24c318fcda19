/* Finding VMs. */
#include "controller/vms/discovery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/processes.h"
#include "controller/vms/found.h"

#define TICK          (250 * NSEC_PER_MSEC)
#define LOOK_INTERVAL (3 * NSEC_PER_SEC)
#define RETRY         (1 * NSEC_PER_SEC)
#define TIMEOUT       (5 * NSEC_PER_SEC)

static void report(struct discovery *discovery, const struct finding *finding, enum finder finder)
{
    struct error error;

    if (vms_found(discovery->supervisor, finder, finding, &error) < 0)
        log_error("a VM that was found is left out: %s", error.text);
}

/* ---- processes ---- */

static void look(uv_work_t *work)
{
    struct discovery *discovery = container_of(work, struct discovery, work);

    discovery->process_status = processes_find(discovery->supervisor->root, &discovery->processes,
                                               &discovery->process_count);
    if (discovery->process_status == 0)
        discovery->names_status =
            processes_name(discovery->names, discovery->processes, discovery->process_count);
}

/* Once for each time that it hangs. */
static void note_names(struct discovery *discovery)
{
    bool hang = discovery->names_status == -ETIMEDOUT || discovery->names_status == -EBUSY;

    if (hang && !discovery->names_hang)
        log_notice("/etc/pve does not answer: names and tags of its VMs are as they were");
    else if (!hang && discovery->names_hang)
        log_notice("/etc/pve answers again");
    discovery->names_hang = hang;
}

static void take_process(struct discovery *discovery, const struct found_process *process)
{
    struct finding finding = {.vm = process->vm, .start_time = process->start_time};
    struct error error = {""};

    if (process->vm.where[0] != '\0' &&
        hypervisor_address_join(process->driver, process->vm.where, &finding.address, &error) < 0)
        finding.problem = error.text;
    report(discovery, &finding, FINDER_PROCESSES);
}

static void on_looked(uv_work_t *work, int status)
{
    struct discovery *discovery = container_of(work, struct discovery, work);
    bool is_known = status == 0 && discovery->process_status == 0;

    discovery->working = false;
    for (size_t i = 0; is_known && !discovery->stopping && i < discovery->process_count; i++)
        take_process(discovery, &discovery->processes[i]);
    if (is_known && !discovery->stopping) {
        vms_found_all(discovery->supervisor, FINDER_PROCESSES);
        note_names(discovery);
    }
    if (is_known)
        free(discovery->processes);
    discovery->processes = NULL;
}

static void look_for_processes(struct discovery *discovery, nsec_t now)
{
    if (discovery->ignores_processes || discovery->working || now < discovery->look_next)
        return;
    discovery->look_next = now + LOOK_INTERVAL;
    discovery->process_status = -ECANCELED;
    discovery->working =
        uv_queue_work(discovery->supervisor->loop, &discovery->work, look, on_looked) == 0;
}

/* ---- a driver's discovery ---- */

static void on_vm(const struct driver_vm *vm, void *userdata)
{
    struct discovery *discovery = userdata;
    struct finding finding = {.vm = *vm};
    struct error error;

    if (hypervisor_address_join(discovery->place.driver->name, vm->where, &finding.address,
                                &error) < 0)
        log_error("a VM at %s is left out: %s", discovery->place.text, error.text);
    else
        report(discovery, &finding, FINDER_PLACE);
}

static void on_vm_gone(const char *where, void *userdata)
{
    struct discovery *discovery = userdata;
    struct hypervisor_address address;
    struct vm *vm = NULL;

    if (hypervisor_address_join(discovery->place.driver->name, where, &address, NULL) == 0)
        vm = registry_find_address(&discovery->supervisor->registry, &address);
    if (vm != NULL && (vm->found.by & FINDER_PLACE) != 0)
        vm_found_gone(vm, FINDER_PLACE);
}

static void on_listed(void *userdata)
{
    struct discovery *discovery = userdata;

    discovery->problem[0] = '\0';
    vms_found_all(discovery->supervisor, FINDER_PLACE);
}

static void tell_problem(struct discovery *discovery, const char *text)
{
    char problem[sizeof(discovery->problem)];

    /* As it is kept: a longer one, or one of several lines, would be news each time. */
    text_copy_line(problem, sizeof(problem), text);
    if (strcmp(discovery->problem, problem) == 0)
        return;
    log_notice("%s", problem);
    memcpy(discovery->problem, problem, sizeof(problem));
}

static void on_failed(int status, const struct error *error, void *userdata)
{
    struct discovery *discovery = userdata;

    discovery->place.driver->discover_close(discovery->session);
    discovery->session = NULL;
    discovery->retry = time_boottime() + RETRY;
    tell_problem(discovery, error->text);
}

static const struct driver_discovery_callbacks callbacks = {on_vm, on_vm_gone, on_listed,
                                                            on_failed};

static bool is_libvirt_there(const struct discovery *discovery)
{
    static const char *const sockets[] = {"run/libvirt/virtqemud-sock", "run/libvirt/libvirt-sock"};

    for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
        if (faccessat(discovery->supervisor->root, sockets[i], F_OK, 0) == 0)
            return true;
    return false;
}

/* False: there is none now. */
static bool find_place(struct discovery *discovery)
{
    bool is_given = discovery->libvirt[0] != '\0';
    char text[HYPERVISOR_ADDRESS_SIZE];
    struct error error;

    if (discovery->place.driver != NULL)
        return true;
    if (strcmp(discovery->libvirt, "none") == 0 || (!is_given && !is_libvirt_there(discovery)))
        return false;
    snprintf(text, sizeof(text), "libvirt:%s", is_given ? discovery->libvirt : "qemu:///system");
    if (hypervisor_place_parse(text, &discovery->place, &error) == 0)
        return true;
    error_prefix(&error, 0, "libvirt's domains are not shown ('libvirt: none' if they need not)");
    tell_problem(discovery, error.text);
    discovery->retry = time_boottime() + 60 * NSEC_PER_SEC;
    return false;
}

static void open_place(struct discovery *discovery)
{
    struct error error;
    int r;

    vms_found_anew(discovery->supervisor, FINDER_PLACE); /* some may have gone unseen */
    r = discovery->place.driver->discover(discovery->supervisor->loop,
                                          hypervisor_address_where(&discovery->place), TIMEOUT,
                                          &callbacks, discovery, &discovery->session);
    if (r == 0)
        return;
    discovery->session = NULL;
    discovery->retry = time_boottime() + RETRY;
    error_set(&error, r, "%s: %s", discovery->place.text, strerror(-r));
    tell_problem(discovery, error.text);
}

static void tick_place(struct discovery *discovery, nsec_t now)
{
    if (discovery->session != NULL)
        discovery->place.driver->discover_tick(discovery->session, time_monotonic());
    else if (now >= discovery->retry && find_place(discovery))
        open_place(discovery);
}

/* ---- the whole ---- */

static void on_timer(uv_timer_t *timer)
{
    struct discovery *discovery = container_of(timer, struct discovery, timer);
    nsec_t now = time_boottime();

    look_for_processes(discovery, now);
    tick_place(discovery, now);
}

int discovery_init(struct discovery *discovery, struct supervisor *supervisor,
                   bool ignores_processes, const char *libvirt)
{
    int r;

    *discovery = (struct discovery){
        .supervisor = supervisor, .ignores_processes = ignores_processes, .libvirt = libvirt};
    r = uv_timer_init(supervisor->loop, &discovery->timer);
    if (r == 0 && !ignores_processes)
        r = proxmox_names_create(supervisor->root, &discovery->names);
    return r < 0 ? r : uv_timer_start(&discovery->timer, on_timer, 0, TICK / NSEC_PER_MSEC);
}

void discovery_stop(struct discovery *discovery)
{
    discovery->stopping = true;
    uv_close((uv_handle_t *)&discovery->timer, NULL);
    if (discovery->session != NULL)
        discovery->place.driver->discover_close(discovery->session);
    discovery->session = NULL;
    if (discovery->working)
        (void)uv_cancel((uv_req_t *)&discovery->work);
}

void discovery_finish(struct discovery *discovery)
{
    proxmox_names_destroy(discovery->names);
    discovery->names = NULL;
}
