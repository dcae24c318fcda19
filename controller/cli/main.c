/* vmreclaim: the command line of vmreclaimd. Everything goes through the operators' API; this
 * program has no knowledge of its own. */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cli/cli.h"

#define DEFAULT_API "unix:/run/vmreclaim/api.sock"

/* Options before the command. -1: go on; else the exit code. */
static int parse_global(struct cli *cli, int argc, char **argv)
{
    static const struct option options[] = {
        {"host", required_argument, NULL, 'H'},
        {"api", required_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},
        {"timeout", required_argument, NULL, 't'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int found;

    opterr = 0;
    while ((found = getopt_long(argc, argv, "+:H:h", options, NULL)) != -1) {
        switch (found) {
        case 'H':
            cli->host = optarg;
            break;
        case 'a':
            cli->api = optarg;
            break;
        case 'j':
            cli->json = true;
            break;
        case 't':
            if (time_parse_duration(optarg, &cli->timeout) < 0 || cli->timeout == 0)
                return fail(EXIT_USAGE,
                            "--timeout: \"%s\" is not a duration; write 500ms, 30s or 2m", optarg);
            break;
        case 'V':
            printf("vmreclaim %s\n", VMRECLAIM_VERSION);
            return EXIT_DONE;
        case 'h':
            command_print_overview();
            return EXIT_DONE;
        case ':':
            return fail(EXIT_USAGE, "%s needs a value; see: vmreclaim --help", argv[optind - 1]);
        default:
            return fail(EXIT_USAGE, "unknown option %s; see: vmreclaim --help", argv[optind - 1]);
        }
    }
    return -1;
}

/* The commands that begin with the same word, for "vmreclaim policy". */
static int refuse_command(char **words, int count)
{
    bool shown = false;

    for (size_t i = 0; count > 0 && commands[i] != NULL; i++) {
        size_t length = strlen(words[0]);
        if (strncmp(commands[i]->name, words[0], length) != 0 || commands[i]->name[length] != ' ')
            continue;
        if (!shown)
            (void)fail(0, count > 1 ? "\"%s %s\" is not a command; there is:" : "%s what?",
                       words[0], count > 1 ? words[1] : "");
        shown = true;
        fprintf(stderr, "  vmreclaim %s %s\n", commands[i]->name, commands[i]->operands);
    }
    if (shown)
        return EXIT_USAGE;
    return fail(EXIT_USAGE, "\"%s\" is not a command; see: vmreclaim --help", words[0]);
}

/* `vmreclaim help [COMMAND]`. */
static int run_help(char **words, int count)
{
    int used;
    const struct command *command = count > 0 ? command_find(words, count, &used) : NULL;

    if (count > 0 && command == NULL)
        return refuse_command(words, count);
    if (command == NULL)
        command_print_overview();
    else
        command_print_help(command);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    struct cli cli = {.api = getenv("VMRECLAIM_API")};
    bool help;
    int used;

    (void)setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN);
    if (cli.api == NULL || cli.api[0] == '\0')
        cli.api = DEFAULT_API;
    int r = parse_global(&cli, argc, argv);
    if (r >= 0)
        return r;
    char **words = argv + optind;
    int count = argc - optind;
    if (count == 0) {
        command_print_overview();
        return EXIT_USAGE;
    }
    if (strcmp(words[0], "help") == 0)
        return run_help(words + 1, count - 1);
    const struct command *command = command_find(words, count, &used);
    if (command == NULL)
        return refuse_command(words, count);
    /* The name's last word stands where getopt_long expects the program's name. */
    char **arguments = words + used - 1;
    r = command_parse(&cli, command, count - used + 1, arguments, &help);
    if (r != EXIT_DONE)
        return r;
    if (help) {
        command_print_help(command);
        return EXIT_DONE;
    }
    client_set_timeout(cli.timeout != 0 ? cli.timeout : command->timeout);
    return command->run(&cli, arguments);
}
