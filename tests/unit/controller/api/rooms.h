/* An API over rooms of the test's own: a supervisor without VMs, a store on disk, and what else its
 * methods look at. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_API_ROOMS_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_API_ROOMS_H

#include "tests/lib/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/actions/action.h"
#include "controller/api/api.h"
#include "controller/config/daemon-config.h"
#include "controller/config/problems.h"
#include "controller/leases/keeper.h"
#include "controller/records/recorder.h"
#include "controller/store/store.h"
#include "controller/vms/life.h"
#include "controller/vms/tick.h"
#include "tests/lib/loop.h"

static uv_loop_t loop;
static struct supervisor supervisor;
static struct lease_keeper keeper;
static struct store *store;
static struct recorder recorder;
static struct actions actions;
static struct daemon_config config;
static struct problems problems;
static struct api api;
static struct api_user user;
static char directory[sizeof("/tmp/vmreclaim-api-XXXXXX")];
static int root;

static struct vm *add_vm(const char *name)
{
    struct vm *vm;

    assert_int_equal(vm_create(name, VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    return vm;
}

static void rooms_set_up(void)
{
    struct lease_journal journal;
    char path[64];
    struct error error;

    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(supervisor_init(&supervisor, &loop, root, NSEC_PER_SEC), 0);
    strcpy(directory, "/tmp/vmreclaim-api-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/db", directory);
    assert_int_equal(store_create(path, &store), 0);
    store_lease_journal(store, &journal);
    assert_int_equal(lease_keeper_init(&keeper, &supervisor, &journal, &error), 0);
    host_totals_init(&recorder.totals);
    memset(&actions, 0, sizeof(actions));
    api_init(&api, &(struct api_rooms){.supervisor = &supervisor,
                                       .keeper = &keeper,
                                       .store = store,
                                       .recorder = &recorder,
                                       .actions = &actions,
                                       .config = &config,
                                       .problems = &problems});
}

/* A test may have stopped it. */
static void rooms_tear_down(void)
{
    static const char *const files[] = {"db", "db-wal", "db-shm"};
    char path[64];

    if (!uv_is_closing((uv_handle_t *)&api.slices.idle))
        api_stop(&api);
    lease_keeper_stop(&keeper);
    supervisor_stop(&supervisor);
    loop_finish(&loop);
    api_finish(&api);
    lease_keeper_finish(&keeper);
    supervisor_finish(&supervisor);
    store_destroy(store);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(directory), 0);
    close(root);
}

#endif
