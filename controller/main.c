/* vmreclaimd: the daemon of a host. Command line only; daemon.c is the program. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/util.h"
#include "controller/daemon-files.h"
#include "controller/daemon.h"
#include "controller/hypervisors/table.h"
#include "controller/release.h"

/* The settings of the configuration file come in between, see print_usage(). */
static const char usage_begin[] =
    "Usage: vmreclaimd [OPTION]...\n"
    "Gives memory that guests no longer need back to this host.\n"
    "\n"
    "  --config FILE          configuration (default " DAEMON_CONFIG_FILE ")\n"
    "  --release-expired      give memory of expired leases back when no daemon runs, and exit\n"
    "  --release-all          the same of all leases: for who takes vmreclaimd away\n"
    "  --check                read configuration and VM files, say what is wrong, and exit\n";
static const char usage_end[] =
    "  --root DIRECTORY       another place for proc and sys, for tests (default /)\n"
    "  --drivers DIRECTORY    another place for driver modules, for tests\n"
    "  --debug                log everything\n"
    "  --help, --version\n"
    "\n"
    "SIGHUP reads configuration and VM files again; 'vmreclaim reload' does, and says what\n"
    "is not in force.\n";

struct arguments {
    struct daemon_sources sources;
    const char *root;
    bool check;
    bool release_expired;
    bool release_all;
};

enum {
    OPTION_CONFIG = 256,
    OPTION_CHECK,
    OPTION_RELEASE_EXPIRED,
    OPTION_RELEASE_ALL,
    OPTION_ROOT,
    OPTION_DRIVERS,
    OPTION_DEBUG,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_SETTING, /* of the first key; the others follow */
};

static const struct option own_options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"release-expired", no_argument, NULL, OPTION_RELEASE_EXPIRED},
    {"release-all", no_argument, NULL, OPTION_RELEASE_ALL},
    {"root", required_argument, NULL, OPTION_ROOT},
    {"drivers", required_argument, NULL, OPTION_DRIVERS},
    {"debug", no_argument, NULL, OPTION_DEBUG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
};

#define SETTINGS_MAX 32

/* All options: our own, and one for each key. */
struct option_list {
    struct option options[ARRAY_SIZE(own_options) + SETTINGS_MAX + 1];
    char names[SETTINGS_MAX][32];
};

/* "read_group" becomes "read-group". */
static void make_option_name(const char *key, char *name, size_t size)
{
    snprintf(name, size, "%s", key);
    for (; *name != '\0'; name++)
        if (*name == '_')
            *name = '-';
}

/* Keys of before are options, too, which --help does not list. */
static const char *setting_name(size_t index)
{
    return index < daemon_keys.count ? daemon_keys.list[index].name
                                     : daemon_keys.former[index - daemon_keys.count].name;
}

static void make_options(struct option_list *list)
{
    size_t count = daemon_keys.count + daemon_keys.former_count;

    memcpy(list->options, own_options, sizeof(own_options));
    assert(count <= SETTINGS_MAX);
    for (size_t i = 0; i < count; i++) {
        make_option_name(setting_name(i), list->names[i], sizeof(list->names[i]));
        list->options[ARRAY_SIZE(own_options) + i] =
            (struct option){list->names[i], required_argument, NULL, OPTION_SETTING + (int)i};
    }
    list->options[ARRAY_SIZE(own_options) + count] = (struct option){NULL, 0, NULL, 0};
}

static void print_key(const struct key *key)
{
    const char *help = key->help;
    char option[64];
    char name[32];

    make_option_name(key->name, name, sizeof(name));
    snprintf(option, sizeof(option), "--%s %s", name, key->argument);
    printf("  %-22s%s", option, strlen(option) > 22 ? "\n                         " : " ");
    for (size_t length; help[0] != '\0'; help += length + (help[length] != '\0')) {
        length = strcspn(help, "\n");
        printf("%s%.*s\n", help == key->help ? "" : "                         ", (int)length, help);
    }
}

static void print_usage(void)
{
    fputs(usage_begin, stdout);
    for (size_t i = 0; i < daemon_keys.count; i++)
        print_key(&daemon_keys.list[i]);
    fputs(usage_end, stdout);
}

static void add_setting(struct daemon_sources *sources, const char *key, const char *value)
{
    if (sources->setting_count == DAEMON_SETTINGS_MAX) {
        fprintf(stderr, "vmreclaimd: too many options\n");
        exit(2);
    }
    sources->settings[sources->setting_count++] = (struct daemon_setting){key, value};
}

static void parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    struct option_list list;

    make_options(&list);
    for (;;) {
        int found = getopt_long(argc, argv, "", list.options, NULL);

        if (found >= OPTION_SETTING) {
            add_setting(&arguments->sources, setting_name((size_t)(found - OPTION_SETTING)),
                        optarg);
            continue;
        }
        switch (found) {
        case -1:
            if (optind < argc) {
                fprintf(stderr, "vmreclaimd: unexpected argument '%s'\n", argv[optind]);
                exit(2);
            }
            return;
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
        case OPTION_RELEASE_ALL:
            arguments->release_all = true;
            break;
        case OPTION_ROOT:
            arguments->root = optarg;
            break;
        case OPTION_DRIVERS:
            driver_set_directory(optarg);
            break;
        case OPTION_DEBUG:
            log_set_level(LOG_LEVEL_DEBUG);
            break;
        case OPTION_HELP:
            print_usage();
            exit(0);
        case OPTION_VERSION:
            puts("vmreclaimd " VMRECLAIM_VERSION);
            exit(0);
        default:
            fputs("Try 'vmreclaimd --help'.\n", stderr);
            exit(2);
        }
    }
}

static int check(const struct daemon_sources *sources)
{
    struct problems problems = {.count = 0};

    daemon_check(sources, &problems);
    for (size_t i = 0; i < problems.count; i++)
        fprintf(stderr, "vmreclaimd: %s\n", problems.list[i].text);
    if (problems.omitted > 0)
        fprintf(stderr, "vmreclaimd: and %zu more\n", problems.omitted);
    if (problems.count > 0)
        return 1;
    puts("configuration and VM files are good");
    return 0;
}

static int release(const struct daemon_sources *sources, int root, bool all)
{
    struct error error;
    size_t released;

    if (release_leases(sources, root, all, &released, &error) < 0) {
        log_lines(LOG_LEVEL_ERROR, error.text);
        return 1;
    }
    log_info("%zu %sleases were released", released, all ? "" : "expired ");
    return 0;
}

/* The service manager tries again, and gives up a daemon that ends too often in a minute. A
 * shortage may last longer. */
static const struct timespec shortage_pause = {.tv_sec = 5};

static int run(const struct daemon_sources *sources, int root)
{
    static struct daemon daemon;
    struct error error;
    bool is_finished;
    int r = daemon_init(&daemon, sources, root, &error);

    if (r == 0) {
        log_notice("vmreclaimd %s serves %s with %zu VMs", VMRECLAIM_VERSION, daemon.config.api,
                   daemon.supervisor.registry.count);
        daemon_run(&daemon);
        log_notice("vmreclaimd stops");
    } else
        log_lines(LOG_LEVEL_ERROR, error.text);
    is_finished = daemon_finish(&daemon);
    if (error_is_shortage(r))
        (void)nanosleep(&shortage_pause, NULL);
    if (!is_finished)
        _exit(r < 0 ? 1 : 0);
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
        fprintf(stderr, "vmreclaimd: cannot open %s: %s\n", arguments.root, strerror(errno));
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    status = arguments.release_expired || arguments.release_all
                 ? release(&arguments.sources, root, arguments.release_all)
                 : run(&arguments.sources, root);
    close(root);
    return status;
}
