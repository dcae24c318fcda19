/* Every command of ours in the tutorials is run: by the real programs, on a VM with a scripted
 * hypervisor and agent, and a made-up guest. Files of ours in them are read by the programs too.
 *
 * usage: test-tutorials VMRECLAIMD [NAME], with the other programs and directories in the
 * environment */
#include "tests/component/agent/guest.h"
#include "tests/component/controller/fixture.h"
#include "tests/component/controller/parallel.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/text.h"
#include "tests/lib/no-vsock.h"

#define POLICIES "/usr/share/vmreclaim/policies"

static const char *cli;
static const char *tutorials;
static const char *policies;
static const char *drivers;
static struct guest guest;

/* ---- where the commands run ---- */

static void put_program(const struct fixture *f, const char *name, const char *format, ...)
    printf_like(3, 4);

static void put_program(const struct fixture *f, const char *name, const char *format, ...)
{
    char path[128];
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    snprintf(path, sizeof(path), "%s/%s", f->directory, name);
    put(f, name, line);
    assert_int_equal(chmod(path, 0755), 0);
}

static int begin(void **state)
{
    struct fixture *f;

    if (set_up(state) < 0)
        return -1;
    f = *state;
    guest_init(&guest);
    guest_write(&guest, "proc/self/status", "CapEff:\t000001ffffffffff\n");
    guest_write(&guest, "proc/sys/kernel/seccomp/actions_avail", "kill_process\n");
    guest_write(&guest, "dev/vsock", "");
    guest_write(&guest, "sys/bus/virtio/drivers/vmw_vsock_virtio_transport/bind", "");
    put_program(f, "vmreclaim", "#!/bin/sh\nexec %s --api unix:%s/api.sock \"$@\"\n", cli,
                f->directory);
    put_program(f, "vmreclaimd", "#!/bin/sh\nexec %s --drivers %s --config /dev/null \"$@\"\n",
                program, drivers);
    put_program(f, "vmreclaim-agent", "#!/bin/sh\nexec %s --root %s --state-directory %s \"$@\"\n",
                guest_agent_program, guest.directory, guest.directory);
    assert_int_equal(mkdirat(f->root, "files", 0755), 0);
    return 0;
}

static int end(void **state)
{
    guest_finish(&guest);
    return tear_down(state);
}

static void run(const struct fixture *f, const char *command)
{
    char path[256];
    char line[2048];

    deny_vsock();
    snprintf(path, sizeof(path), "%s:/usr/bin:/bin", f->directory);
    (void)setenv("PATH", path, 1);
    snprintf(line, sizeof(line), "exec >%s/said 2>&1 </dev/null; %s", f->directory, command);
    (void)execl("/bin/sh", "sh", "-c", line, NULL);
    _exit(127);
}

static bool has_ended(pid_t child, int *status)
{
    return waitpid(child, status, WNOHANG) == child;
}

static void fail_with(const struct fixture *f, const char *command, int status)
{
    static char said[8192];
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/said", f->directory);
    file = fopen(path, "re");
    said[file == NULL ? 0 : fread(said, 1, sizeof(said) - 1, file)] = '\0';
    fail_msg("%s: wait status %#x\n%s", command, (unsigned)status, said);
}

/* The loop turns meanwhile: hypervisor and agent are on it. */
static void must_run(struct fixture *f, const char *command)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0)
        run(f, command);
    wait_for(f, has_ended(child, &status));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_with(f, command, status);
}

/* ---- what the blocks are ---- */

/* Where the packages put the policies. */
static void run_ours(struct fixture *f, const char *line)
{
    const char *found = strstr(line, POLICIES);
    char command[1024];

    assert_true(strncmp(line, "vmreclaim", 9) == 0);
    if (found == NULL)
        snprintf(command, sizeof(command), "%s", line);
    else
        snprintf(command, sizeof(command), "%.*s%s%s", (int)(found - line), line, policies,
                 found + strlen(POLICIES));
    must_run(f, command);
}

static void read_vm_file(struct fixture *f, const char *text)
{
    char command[256];

    put(f, "files/web-1.yaml", text);
    snprintf(command, sizeof(command), "vmreclaimd --vms %s/files --check", f->directory);
    must_run(f, command);
}

static void read_agent_file(struct fixture *f, const char *text)
{
    guest_write(&guest, "etc/vmreclaim/agent.conf", text);
    must_run(f, "vmreclaim-agent --check");
}

struct block {
    char kind[64]; /* empty: between blocks */
    char text[4096];
};

static void end_block(struct fixture *f, struct block *block)
{
    if (strcmp(block->kind, "yaml") == 0)
        read_vm_file(f, block->text);
    else if (strcmp(block->kind, "conf") == 0)
        read_agent_file(f, block->text);
    else if (strcmp(block->kind, "ours") != 0 && strcmp(block->kind, "system") != 0 &&
             strcmp(block->kind, "foreign") != 0)
        fail_msg("a block of an unknown kind: '%s'", block->kind);
    *block = (struct block){.kind = ""};
}

/* The number of commands that ran. */
static unsigned take_line(struct fixture *f, struct block *block, char *line)
{
    size_t length = strlen(block->text);

    if (strncmp(line, "```", 3) == 0) {
        line[strcspn(line, "\n")] = '\0';
        if (block->kind[0] != '\0')
            end_block(f, block);
        else
            text_copy_line(block->kind, sizeof(block->kind), line + 3);
        return 0;
    }
    if (block->kind[0] == '\0')
        return 0;
    snprintf(block->text + length, sizeof(block->text) - length, "%s", line);
    if (strcmp(block->kind, "ours") != 0)
        return 0;
    line[strcspn(line, "\n")] = '\0';
    run_ours(f, line);
    return 1;
}

static void follow(struct fixture *f, const char *name)
{
    struct block block = {.kind = ""};
    unsigned commands = 0;
    char line[1024];
    FILE *file;

    snprintf(line, sizeof(line), "%s/%s.md", tutorials, name);
    file = fopen(line, "re");
    assert_non_null(file);
    start_managed(f);
    while (fgets(line, sizeof(line), file) != NULL)
        commands += take_line(f, &block, line);
    (void)fclose(file);
    assert_string_equal(block.kind, "");
    assert_true(commands >= 3);
}

#define TUTORIAL(name, file)                                                                       \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        follow(*state, file);                                                                      \
    }

TUTORIAL(qemu, "qemu")
TUTORIAL(libvirt, "libvirt")
TUTORIAL(proxmox, "proxmox")
TUTORIAL(firecracker, "firecracker")
TUTORIAL(cloud_hypervisor, "cloud-hypervisor")
TUTORIAL(desktop, "desktop")
TUTORIAL(troubleshooting, "../troubleshooting")

#define tutorial_test(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        tutorial_test(qemu),
        tutorial_test(libvirt),
        tutorial_test(proxmox),
        tutorial_test(firecracker),
        tutorial_test(cloud_hypervisor),
        tutorial_test(desktop),
        tutorial_test(troubleshooting),
    };

    cli = getenv("CLI");
    guest_agent_program = getenv("AGENT");
    tutorials = getenv("TUTORIALS");
    policies = getenv("POLICIES");
    drivers = getenv("DRIVERS");
    if (argc < 2 || cli == NULL || guest_agent_program == NULL || tutorials == NULL ||
        policies == NULL || drivers == NULL)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
