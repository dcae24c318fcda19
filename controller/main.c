/* vmreclaimd: the daemon of a host. Command line only; daemon.c is the program. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/util.h"
#include "controller/daemon.h"
#include "controller/release.h"

static const char usage[] =
    "Usage: vmreclaimd [OPTION]...\n"
    "Gives memory that guests no longer need back to this host.\n"
    "\n"
    "  --config FILE          configuration (default " DAEMON_CONFIG_FILE ")\n"
    "  --release-expired      give memory of expired leases back when no daemon runs, and exit\n"
    "  --check                read configuration and VM files, say what is wrong, and exit\n"
    "  --listen ADDRESS       where agents dial in (default vsock:any:1017); may be repeated;\n"
    "                         none: agents are only dialled\n"
    "  --api ADDRESS          where operators connect (default unix:/run/vmreclaim/api.sock)\n"
    "  --vms DIRECTORY        one file per VM (default /etc/vmreclaim/vms)\n"
    "  --hypervisor-directory DRIVER:DIRECTORY\n"
    "                         what the driver finds in it is a VM even without a file\n"
    "  --state-directory DIR  where leases, policies and records are kept\n"
    "                         (default /var/lib/vmreclaim)\n"
    "  --sample-interval TIME longest time between a guest's samples (default 10s)\n"
    "  --read-group GROUP     who may look (default: root only)\n"
    "  --control-group GROUP  who may change (default: root only)\n"
    "  --root DIRECTORY       another place for proc and sys, for tests (default /)\n"
    "  --debug                log everything\n"
    "  --help, --version\n"
    "\n"
    "SIGHUP reads configuration and VM files again, all or nothing.\n";

/* Options that are settings of the configuration file. */
static const struct {
    const char *option;
    const char *key;
} setting_options[] = {
    {"listen", "listen"},
    {"api", "api"},
    {"vms", "vms"},
    {"hypervisor-directory", "hypervisor_directory"},
    {"state-directory", "state_directory"},
    {"sample-interval", "sample_interval"},
    {"read-group", "read_group"},
    {"control-group", "control_group"},
};

struct arguments {
    struct daemon_sources sources;
    const char *root;
    bool check;
    bool release_expired;
};

enum {
    OPTION_SETTING = 256,
    OPTION_CONFIG,
    OPTION_CHECK,
    OPTION_RELEASE_EXPIRED,
    OPTION_ROOT,
    OPTION_DEBUG,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option options[] = {
    {"listen", required_argument, NULL, OPTION_SETTING},
    {"api", required_argument, NULL, OPTION_SETTING},
    {"vms", required_argument, NULL, OPTION_SETTING},
    {"hypervisor-directory", required_argument, NULL, OPTION_SETTING},
    {"state-directory", required_argument, NULL, OPTION_SETTING},
    {"sample-interval", required_argument, NULL, OPTION_SETTING},
    {"read-group", required_argument, NULL, OPTION_SETTING},
    {"control-group", required_argument, NULL, OPTION_SETTING},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"release-expired", no_argument, NULL, OPTION_RELEASE_EXPIRED},
    {"root", required_argument, NULL, OPTION_ROOT},
    {"debug", no_argument, NULL, OPTION_DEBUG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static void add_setting(struct daemon_sources *sources, const char *option, const char *value)
{
    if (sources->setting_count == DAEMON_SETTINGS_MAX) {
        (void)fprintf(stderr, "vmreclaimd: too many options\n");
        exit(2);
    }
    for (size_t i = 0; i < ARRAY_SIZE(setting_options); i++)
        if (strcmp(setting_options[i].option, option) == 0)
            sources->settings[sources->setting_count++] =
                (struct daemon_setting){setting_options[i].key, value};
}

static void parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    int index = 0;

    for (;;) {
        switch (getopt_long(argc, argv, "", options, &index)) {
        case -1:
            if (optind < argc) {
                (void)fprintf(stderr, "vmreclaimd: unexpected argument '%s'\n", argv[optind]);
                exit(2);
            }
            return;
        case OPTION_SETTING:
            add_setting(&arguments->sources, options[index].name, optarg);
            break;
        case OPTION_CONFIG:
            arguments->sources.path = optarg;
            arguments->sources.path_is_default = false;
            break;
        case OPTION_CHECK:
            arguments->check = true;
            break;
        case OPTION_RELEASE_EXPIRED:
            arguments->release_expired = true;
            break;
        case OPTION_ROOT:
            arguments->root = optarg;
            break;
        case OPTION_DEBUG:
            log_set_level(LOG_LEVEL_DEBUG);
            break;
        case OPTION_HELP:
            (void)fputs(usage, stdout);
            exit(0);
        case OPTION_VERSION:
            (void)puts("vmreclaimd " VMRECLAIM_VERSION);
            exit(0);
        default:
            (void)fputs("Try 'vmreclaimd --help'.\n", stderr);
            exit(2);
        }
    }
}

static int check(const struct daemon_sources *sources)
{
    struct error error;

    if (daemon_check(sources, &error) < 0) {
        (void)fprintf(stderr, "vmreclaimd: %s\n", error.text);
        return 1;
    }
    (void)puts("configuration and VM files are good");
    return 0;
}

static int release(const struct daemon_sources *sources, int root)
{
    struct error error;
    size_t released;

    if (release_expired(sources, root, &released, &error) < 0) {
        log_error("%s", error.text);
        return 1;
    }
    log_info("%zu expired leases were released", released);
    return 0;
}

static int run(const struct daemon_sources *sources, int root)
{
    static struct daemon daemon;
    struct error error;
    int r = daemon_init(&daemon, sources, root, &error);

    if (r == 0) {
        log_notice("vmreclaimd %s serves %s with %zu VMs", VMRECLAIM_VERSION, daemon.config.api,
                   daemon.supervisor.registry.count);
        daemon_run(&daemon);
        log_notice("vmreclaimd stops");
    } else
        log_error("%s", error.text);
    daemon_finish(&daemon);
    return r < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {
        .sources = {.path = DAEMON_CONFIG_FILE, .path_is_default = true},
        .root = "/",
    };
    int root;
    int status;

    parse_arguments(argc, argv, &arguments);
    if (arguments.check)
        return check(&arguments.sources);
    root = open(arguments.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        (void)fprintf(stderr, "vmreclaimd: cannot open %s: %s\n", arguments.root, strerror(errno));
        return 1;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    status = arguments.release_expired ? release(&arguments.sources, root)
                                       : run(&arguments.sources, root);
    (void)close(root);
    return status;
}
