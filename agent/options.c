/* The agent's command line: a few flags, and every configuration key as --set KEY=VALUE. */
#include "agent/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

const char options_help[] =
    "Usage: vmreclaim-agent [OPTIONS]\n"
    "Gives memory that this guest does not need back to its host.\n"
    "\n"
    "  --connect ADDRESS          dial the controller there, or `none` (default vsock:2:1017\n"
    "                             unless --listen is given)\n"
    "  --listen ADDRESS           let the controller dial: vsock:any:1017, unix:PATH\n"
    "  --config FILE              instead of /etc/vmreclaim/agent.conf\n"
    "  --set KEY=VALUE            one configuration key, after the file and the kernel's\n"
    "                             command line (vmreclaim.KEY=VALUE); several allowed\n"
    "  --state-directory DIR      where the policy and the journal of changed settings are kept\n"
    "                             (default /var/lib/vmreclaim-agent)\n"
    "  --root DIR                 look for /proc, /sys and /etc below DIR (default /)\n"
    "  --check                    read the configuration, print what is in force, and exit\n"
    "  --restore                  put back what an agent that was killed left changed in the\n"
    "                             kernel, and exit; for the service manager\n"
    "  --doctor                   examine this guest, say what is missing and how to mend it\n"
    "  --once --dry-run           say what would be done now, and what that would bring, or why\n"
    "                             nothing; changes nothing, needs neither root nor a host\n"
    "  --version, --help\n"
    "\n"
    "Without a controller the agent works alone under its local policy:\n"
    "  vmreclaim-agent --connect none --set profile=wsl\n"
    "\n"
    "Exit status: 0 fine, 1 failure, 2 wrong configuration or usage.\n";

enum {
    OPTION_CONNECT = 256,
    OPTION_LISTEN,
    OPTION_CONFIG,
    OPTION_SET,
    OPTION_STATE_DIRECTORY,
    OPTION_ROOT,
    OPTION_CHECK,
    OPTION_DOCTOR,
    OPTION_RESTORE,
    OPTION_ONCE,
    OPTION_DRY_RUN,
    OPTION_VERSION,
    OPTION_HELP,
};

static int add_setting(struct options *options, const char *setting, struct error *error)
{
    if (options->setting_count == OPTIONS_SETTINGS_MAX)
        return error_set(error, -EINVAL, "more than %d settings on the command line",
                         OPTIONS_SETTINGS_MAX);
    options->settings[options->setting_count++] = setting;
    return 0;
}

static int add_pair(struct options *options, const char *key, const char *value,
                    struct error *error)
{
    char *text;

    if (options->text_count == ARRAY_SIZE(options->texts))
        return error_set(error, -EINVAL, "--%s is there once too often", key);
    text = options->texts[options->text_count++];
    if (snprintf(text, sizeof(options->texts[0]), "%s=%s", key, value) >=
        (int)sizeof(options->texts[0]))
        return error_set(error, -EINVAL, "--%s: too long", key);
    return add_setting(options, text, error);
}

static int take(struct options *options, int option, const char *value, struct error *error)
{
    switch (option) {
    case OPTION_CONNECT:
        return add_pair(options, "connect", value, error);
    case OPTION_LISTEN:
        return add_pair(options, "listen", value, error);
    case OPTION_STATE_DIRECTORY:
        return add_pair(options, "state_directory", value, error);
    case OPTION_SET:
        return add_setting(options, value, error);
    case OPTION_CONFIG:
        options->configuration_file = value;
        return 0;
    case OPTION_ROOT:
        options->root = value;
        return 0;
    case OPTION_CHECK:
        options->mode = OPTIONS_CHECK;
        return 0;
    case OPTION_DOCTOR:
        options->mode = OPTIONS_DOCTOR;
        return 0;
    case OPTION_ONCE:
        options->is_once = true;
        return 0;
    case OPTION_DRY_RUN:
        options->mode = OPTIONS_DRY_RUN;
        return 0;
    case OPTION_RESTORE:
        options->mode = OPTIONS_RESTORE;
        return 0;
    case OPTION_VERSION:
        options->mode = OPTIONS_VERSION;
        return 0;
    case OPTION_HELP:
        options->mode = OPTIONS_HELP;
        return 0;
    default:
        return error_set(error, -EINVAL, "see vmreclaim-agent --help");
    }
}

int options_parse(int argument_count, char **arguments, struct options *ret_options,
                  struct error *error)
{
    static const struct option names[] = {
        {"connect", required_argument, NULL, OPTION_CONNECT},
        {"listen", required_argument, NULL, OPTION_LISTEN},
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"set", required_argument, NULL, OPTION_SET},
        {"state-directory", required_argument, NULL, OPTION_STATE_DIRECTORY},
        {"root", required_argument, NULL, OPTION_ROOT},
        {"check", no_argument, NULL, OPTION_CHECK},
        {"doctor", no_argument, NULL, OPTION_DOCTOR},
        {"once", no_argument, NULL, OPTION_ONCE},
        {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
        {"restore", no_argument, NULL, OPTION_RESTORE},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    int option;

    *ret_options = (struct options){.mode = OPTIONS_RUN, .root = "/"};
    while ((option = getopt_long(argument_count, arguments, "", names, NULL)) >= 0) {
        int r = take(ret_options, option, optarg, error);
        if (r < 0)
            return r;
    }
    if (optind < argument_count)
        return error_set(error, -EINVAL, "unexpected argument '%s'; see vmreclaim-agent --help",
                         arguments[optind]);
    if (ret_options->is_once != (ret_options->mode == OPTIONS_DRY_RUN))
        return error_set(error, -EINVAL,
                         "--once and --dry-run go together; see "
                         "vmreclaim-agent --help");
    return 0;
}
