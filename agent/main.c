/* vmreclaim-agent: gives memory that this guest does not need back to its host. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/agent.h"
#include "agent/doctor/doctor.h"
#include "agent/doctor/dry-run.h"
#include "agent/options.h"
#include "agent/safety/instance.h"
#include "agent/safety/protect.h"
#include "agent/safety/seccomp.h"
#include "agent/service/service.h"
#include "common/base/cleanup.h"
#include "common/base/file.h"

#define EXIT_WRONG_USAGE 2
#define CLAIM_TENTHS     20 /* of a second */

#define DESCRIPTORS 24 /* that an agent with a controller needs, and some */

/* Before another attempt, where descriptors or memory are short. */
static const struct timespec again_after = {.tv_sec = 1};

/* The agent is one object, in memory that costs nothing until it is touched. */
static struct agent agent;
static struct configuration configuration;

struct signals {
    uv_signal_t terminate;
    uv_signal_t interrupt;
};

static void on_signal(uv_signal_t *handle, int number)
{
    struct signals *signals = handle->data;

    log_notice("stopping");
    agent_stop(&agent);
    uv_close((uv_handle_t *)&signals->terminate, NULL);
    uv_close((uv_handle_t *)&signals->interrupt, NULL);
}

static void start_signals(struct signals *signals, uv_loop_t *loop)
{
    signal(SIGPIPE, SIG_IGN);
    (void)uv_signal_init(loop, &signals->terminate);
    (void)uv_signal_init(loop, &signals->interrupt);
    signals->terminate.data = signals;
    signals->interrupt.data = signals;
    (void)uv_signal_start(&signals->terminate, on_signal, SIGTERM);
    (void)uv_signal_start(&signals->interrupt, on_signal, SIGINT);
}

/* Makes the directory and what is above it; -1 with a warning when that cannot be. */
static int open_state_directory(const char *path)
{
    char part[PATH_MAX];
    int descriptor;

    for (size_t i = 1; i < sizeof(part) && path[i - 1] != '\0'; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        snprintf(part, sizeof(part), "%.*s", (int)i, path);
        (void)mkdir(part, 0755);
    }
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        log_warning("no state directory %s: %s; kernel settings stay as they are, and a policy "
                    "from the host lasts until the agent stops",
                    path, strerror(errno));
    return descriptor;
}

/* Without a directory to claim, or on a file system that has no locks, nobody is in the way. False
 * after saying who is. An agent that ends is waited for. */
static bool claim_state(int state_directory, const char *wish, int *ret_claim)
{
    const struct timespec tenth = {.tv_nsec = NSEC_PER_SEC / 10};
    pid_t holder = 0;
    int r = state_directory < 0 ? 0 : -EBUSY;

    for (int i = 0; r == -EBUSY && i < CLAIM_TENTHS; i++) {
        if (i > 0)
            (void)nanosleep(&tenth, NULL);
        r = instance_claim(state_directory, ret_claim, &holder);
    }
    if (r != -EBUSY)
        return true;
    log_error("%s: an agent runs already, process %d, with state directory %s; stop it first", wish,
              (int)holder, configuration.state_directory);
    return false;
}

static void enter_sandbox(void)
{
#if defined(__SANITIZE_ADDRESS__)
    log_notice("built with a sanitizer: no system call filter");
#else
    int r = configuration.seccomp ? seccomp_apply() : 0;

    if (r < 0)
        log_warning("no system call filter: %s", strerror(-r));
#endif
}

/* A guest that is short of something when it boots, or for a while, gets its agent all the same:
 * the program begins anew, which leaves nothing half done. There may be no service manager. */
static int try_again(int r, int status, const struct options *options, char **arguments)
{
    if (!error_is_shortage(r) || options->mode != OPTIONS_RUN)
        return status;
    log_warning("trying again in a second, and on: %s", strerror(-r));
    (void)nanosleep(&again_after, NULL);
    (void)execv("/proc/self/exe", arguments);
    return EXIT_FAILURE;
}

/* A negative errno: it has not started. */
static int run(int root)
{
    cleanup_close int state_directory = -1;
    cleanup_close int claim = -1;
    struct agent_options options = {
        .root = root, .configuration = &configuration, .services = agent_services};
    struct signals signals;
    struct error error;
    uv_loop_t loop;
    int r;

    state_directory = open_state_directory(configuration.state_directory);
    if (!claim_state(state_directory, "cannot start", &claim))
        return -EBUSY;
    if (protect_process(&error) < 0)
        log_warning("%s", error.text);
    r = file_probe_descriptors(DESCRIPTORS);
    if (r == 0)
        r = uv_loop_init(&loop);
    if (r < 0) {
        log_error("cannot start: %s", uv_strerror(r));
        return r;
    }
    start_signals(&signals, &loop);
    options.loop = &loop;
    options.state_directory = state_directory;
    r = agent_start(&agent, &options, &error);
    if (r < 0) {
        log_lines(LOG_LEVEL_ERROR, error.text);
        return r;
    }
    enter_sandbox();
    log_notice("vmreclaim-agent " VMRECLAIM_VERSION " runs, profile %s",
               policy_profile_name(agent.policy.policy.profile));
    uv_run(&loop, UV_RUN_DEFAULT);
    agent_finish(&agent);
    (void)uv_loop_close(&loop);
    return 0;
}

static int run_dry(int root)
{
    struct error error;

    if (dry_run(root, &configuration, stdout, &error) == 0)
        return EXIT_SUCCESS;
    log_error("%s", error.text);
    return EXIT_FAILURE;
}

/* What an agent that ended without a word has changed. */
static int run_restore(int root)
{
    cleanup_close int state_directory =
        open(configuration.state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int claim = -1;
    struct settings settings;
    size_t restored = 0;
    int r;

    if (state_directory < 0 && errno == ENOENT)
        return EXIT_SUCCESS; /* nothing was changed */
    if (state_directory < 0) {
        log_error("cannot see what is to be put back: %s: %s%s", configuration.state_directory,
                  strerror(errno), geteuid() != 0 ? "; run it as root" : "");
        return EXIT_FAILURE;
    }
    if (!claim_state(state_directory, "nothing is put back", &claim))
        return EXIT_FAILURE;
    r = settings_init(&settings, root, state_directory, &restored);
    if (r < 0) {
        log_error("not every kernel setting could be put back: %s; the next start tries again%s",
                  strerror(-r), geteuid() != 0 ? "; run it as root" : "");
        return EXIT_FAILURE;
    }
    if (restored > 0)
        log_notice("%zu kernel settings are back", restored);
    return EXIT_SUCCESS;
}

/* The keys as agent.conf takes them. */
static void print_configuration(void)
{
    const char *key;
    char value[64];

    for (size_t i = 0; (key = policy_key(i)) != NULL; i++)
        if (policy_get(&configuration.policy, key, value, sizeof(value)) == 0)
            printf("%s = %s\n", key, value);
}

int main(int argument_count, char **arguments)
{
    cleanup_close int root = -1;
    struct configuration_sources sources;
    struct options options;
    struct error error;
    int r;

    protect_heap();
    if (options_parse(argument_count, arguments, &options, &error) < 0) {
        log_error("%s", error.text);
        return EXIT_WRONG_USAGE;
    }
    if (options.mode == OPTIONS_HELP || options.mode == OPTIONS_VERSION) {
        fputs(options.mode == OPTIONS_HELP ? options_help
                                           : "vmreclaim-agent " VMRECLAIM_VERSION "\n",
              stdout);
        return EXIT_SUCCESS;
    }
    root = open(options.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        r = -errno;
        log_error("--root %s: %s", options.root, strerror(errno));
        return try_again(r, EXIT_WRONG_USAGE, &options, arguments);
    }
    sources = (struct configuration_sources){
        .root = root,
        .file = options.configuration_file,
        .settings = options.settings,
        .setting_count = options.setting_count,
    };
    r = configuration_read(&sources, &configuration, &error);
    if (r < 0) {
        log_error("%s", error.text);
        return try_again(r, EXIT_WRONG_USAGE, &options, arguments);
    }
    log_set_level(configuration.log_level);
    if (options.mode == OPTIONS_CHECK) {
        print_configuration();
        return EXIT_SUCCESS;
    }
    if (options.mode == OPTIONS_DOCTOR)
        return doctor_run(root, &configuration, stdout) == CHECK_FAILURE ? EXIT_FAILURE
                                                                         : EXIT_SUCCESS;
    if (options.mode == OPTIONS_RESTORE)
        return run_restore(root);
    if (options.mode == OPTIONS_DRY_RUN)
        return run_dry(root);
    r = run(root);
    return r < 0 ? try_again(r, EXIT_FAILURE, &options, arguments) : EXIT_SUCCESS;
}
