/* A file system that hangs holds up nobody but who waits for it. */
#include "tests/component/controller/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

static const char *module; /* hang.c; NULL: it cannot be preloaded here */
static int gate = -1;      /* open: nothing hangs */

static void let_go(const struct fixture *f)
{
    gate = openat(f->root, "gate", O_RDWR | O_CLOEXEC);
    assert_true(gate >= 0);
}

static void hang(void)
{
    close(gate);
    gate = -1;
}

/* What has `part` in its path hangs from the next hang() on. */
static void start(struct fixture *f, const char *part)
{
    char path[128];

    if (module == NULL) {
        print_message("nothing can be preloaded into a daemon with sanitizers\n");
        skip();
    }
    assert_int_equal(mkfifoat(f->root, "gate", 0600), 0);
    let_go(f);
    snprintf(path, sizeof(path), "%s/gate", f->directory);
    assert_int_equal(setenv("HANG_GATE", path, 1), 0);
    assert_int_equal(setenv("HANG_PATH", part, 1), 0);
    assert_int_equal(setenv("LD_PRELOAD", module, 1), 0);
    start_daemon(f, NULL);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
    connect_api(f);
    hang();
}

/* A call that is not waited for. */
static void on_answer(const struct ttrpc_result *result, void *userdata)
{
    *(bool *)userdata = true;
}

static void ask(struct fixture *f, const char *method, const ProtobufCMessage *request,
                bool *is_answered)
{
    *is_answered = false;
    assert_int_equal(ttrpc_call_unary(f->api, &vmreclaim__controller__v1__controller__descriptor,
                                      method, request, 0, on_answer, is_answered, NULL),
                     0);
}

static unsigned waits(struct fixture *f)
{
    unsigned count = 0;

    (void)log_has(f, "");
    for (const char *at = f->log_text; (at = strstr(at, "somebody waits at the gate")) != NULL;
         at++)
        count++;
    return count;
}

/* The directory that is watched. */
static void test_a_directory_that_hangs(void **state)
{
    const Vmreclaim__Controller__V1__ReloadRequest request =
        VMRECLAIM__CONTROLLER__V1__RELOAD_REQUEST__INIT;
    struct fixture *f = *state;
    unsigned before;
    bool is_answered;

    put(f, "vms/web.yaml", "cid: 7\n");
    start(f, "/vms");
    before = waits(f);
    ask(f, "Reload", &request.base, &is_answered);
    wait_for(f, waits(f) > before);
    assert_non_null(get_vm(f, "web"));
    assert_false(is_answered);
    put(f, "vms/db.yaml", "cid: 8\n");
    let_go(f);
    wait_for(f, is_answered);
    wait_for(f, get_vm(f, "db") != NULL); /* it is watched */
}

/* The time zone of a policy that nobody has asked for before. */
static void test_time_zones_that_hang(void **state)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    struct fixture *f = *state;

    put(f, "vms/web.yaml", "cid: 7\n");
    start(f, "Europe/Berlin");
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) < 0) {
        print_message("tzdata is not installed\n");
        skip();
    }
    wait_for(f, waits(f) > 0); /* the daemon reads them where this sees it */
    request.vm = (char *)"web";
    request.source = (char *)"name: night\nprofile: gentle\nschedules:\n"
                             "  - {cron: 0 2 * * *, for: 1h, do: force, zone: Europe/Berlin}\n";
    call(f, "ApplyPolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
}

/* A daemon that waits could not be stopped. */
static int tear_down_all(void **state)
{
    if (gate < 0 && module != NULL)
        let_go(*state);
    return tear_down(state);
}

#define hang_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down_all)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        hang_test(test_a_directory_that_hangs),
        hang_test(test_time_zones_that_hang),
    };

    module = getenv("HANG_MODULE");
    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
