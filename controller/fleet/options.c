/* One table for getopt, one for what each verb takes. */
#include "controller/fleet/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "controller/fleet/config/config.h"
#include "controller/fleet/enrol/enrol.h"

#define EXIT_WRONG_USAGE 2

static const char help[] =
    "Usage: vmreclaim-fleet [OPTION]...\n"
    "       vmreclaim-fleet --join SERVER...\n"
    "       vmreclaim-fleet --enrol HOST KEY | --revoke HOST [KEY] | --enrolled\n"
    "Tells a fleet what this host's vmreclaimd knows, and the daemon what the fleet\n"
    "wants of it. It needs no more than the daemon's fleet group.\n"
    "\n"
    "  --coordinator  run the fleet's rollouts, and answer who looks at it; with\n"
    "                 --enrol or --revoke: of a coordinator, not of a host\n"
    "  --config FILE  configuration (default " FLEET_CONFIG_FILE ", or\n"
    "                 " COORDINATOR_CONFIG_FILE ")\n"
    "  --check        look at the configuration, its files, the bus and the daemon, as\n"
    "                 the service's user; say what is wrong, and exit\n"
    "  --join SERVER...\n"
    "                 make this host's configuration and key, where there are none,\n"
    "                 and say what is to be done with them\n"
    "  --host ID, --authority FILE\n"
    "                 with --join: this host's id, else one is made; who signed the\n"
    "                 servers' certificates, else the system's authorities did\n"
    "  --new-nkey FILE, --new-signing-key FILE\n"
    "                 make a key: of a user of the bus; that signs what hosts are to\n"
    "                 run. FILE has the secret part, printed is the public one\n"
    "  --debug        log everything\n"
    "  --help, --version\n"
    "\n"
    "Of the operators, beside the configuration of the bus' servers:\n"
    "  --enrol HOST KEY     let a host onto the bus, by the public key of its user\n"
    "  --revoke HOST [KEY]  no more, with one of its keys or with all\n"
    "  --enrolled           list who is let in\n"
    "  --users DIRECTORY    where they are (default " ENROL_DIRECTORY ")\n"
    "\n"
    "Exit status: 0 fine, 1 failure, 2 wrong usage.\n";

enum {
    OPTION_COORDINATOR = 256,
    OPTION_CONFIG,
    OPTION_USERS,
    OPTION_HOST,
    OPTION_AUTHORITY,
    OPTION_DEBUG,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_VERB /* and each verb behind it */
};

static const struct option names[] = {
    {"coordinator", no_argument, NULL, OPTION_COORDINATOR},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"users", required_argument, NULL, OPTION_USERS},
    {"host", required_argument, NULL, OPTION_HOST},
    {"authority", required_argument, NULL, OPTION_AUTHORITY},
    {"debug", no_argument, NULL, OPTION_DEBUG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"check", no_argument, NULL, OPTION_VERB + VERB_CHECK},
    {"new-nkey", required_argument, NULL, OPTION_VERB + VERB_NEW_NKEY},
    {"new-signing-key", required_argument, NULL, OPTION_VERB + VERB_NEW_SIGNING_KEY},
    {"join", no_argument, NULL, OPTION_VERB + VERB_JOIN},
    {"enrol", required_argument, NULL, OPTION_VERB + VERB_ENROL},
    {"revoke", required_argument, NULL, OPTION_VERB + VERB_REVOKE},
    {"enrolled", no_argument, NULL, OPTION_VERB + VERB_LIST_ENROLLED},
    {NULL, 0, NULL, 0},
};

/* What each takes behind the options. */
static const struct {
    size_t least, most;
    const char *words;
} operands[] = {
    [VERB_RUN] = {0, 0, "no operand"},
    [VERB_CHECK] = {0, 0, "no operand"},
    [VERB_NEW_NKEY] = {0, 0, "no operand but FILE"},
    [VERB_NEW_SIGNING_KEY] = {0, 0, "no operand but FILE"},
    [VERB_JOIN] = {0, OPTIONS_OPERANDS_MAX, "at most 16 servers: --join tls://HOST:PORT ..."},
    [VERB_ENROL] = {1, 1, "a name and a key: --enrol HOST KEY"},
    [VERB_REVOKE] = {0, 1, "a name and at most one key: --revoke HOST [KEY]"},
    [VERB_LIST_ENROLLED] = {0, 0, "no operand"},
};

static int take_verb(struct options *options, enum verb verb)
{
    if (options->verb != VERB_RUN) {
        log_error("one thing at a time; see vmreclaim-fleet --help");
        return EXIT_WRONG_USAGE;
    }
    options->verb = verb;
    options->argument = optarg;
    return -1;
}

static int take(struct options *options, int option)
{
    if (option > OPTION_VERB)
        return take_verb(options, (enum verb)(option - OPTION_VERB));
    if (option == OPTION_COORDINATOR)
        options->is_coordinator = true;
    else if (option == OPTION_CONFIG)
        options->config = optarg;
    else if (option == OPTION_USERS)
        options->users = optarg;
    else if (option == OPTION_HOST)
        options->host = optarg;
    else if (option == OPTION_AUTHORITY)
        options->authority = optarg;
    else if (option == OPTION_DEBUG)
        log_set_level(LOG_LEVEL_DEBUG);
    else if (option == OPTION_HELP || option == OPTION_VERSION) {
        fputs(option == OPTION_HELP ? help : "vmreclaim-fleet " VMRECLAIM_VERSION "\n", stdout);
        return EXIT_SUCCESS;
    } else
        return EXIT_WRONG_USAGE;
    return -1;
}

static int take_operands(struct options *options, char **arguments, size_t count)
{
    if (count < operands[options->verb].least || count > operands[options->verb].most) {
        if (options->verb == VERB_RUN)
            log_error("\"%s\" is no option; see vmreclaim-fleet --help", arguments[0]);
        else
            log_error("this takes %s", operands[options->verb].words);
        return EXIT_WRONG_USAGE;
    }
    for (size_t i = 0; i < count; i++)
        options->operands[i] = arguments[i];
    options->operand_count = count;
    return -1;
}

int options_read(int argument_count, char **arguments, struct options *ret_options)
{
    struct options options = {.users = ENROL_DIRECTORY};
    int option;
    int r = -1;

    while (r < 0 && (option = getopt_long(argument_count, arguments, "", names, NULL)) != -1)
        r = take(&options, option);
    if (r < 0)
        r = take_operands(&options, arguments + optind, (size_t)(argument_count - optind));
    if (options.config == NULL)
        options.config = options.is_coordinator ? COORDINATOR_CONFIG_FILE : FLEET_CONFIG_FILE;
    if (r < 0)
        *ret_options = options;
    return r;
}
