/* vmreclaim: the command line of vmreclaimd. Everything goes through the operators' API; this
 * program has no knowledge of its own. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/cli/cli.h"

#define DEFAULT_API "unix:/run/vmreclaim/api.sock"

int main(int argc, char **argv)
{
    struct cli cli = {.api = getenv("VMRECLAIM_API")};

    (void)setlocale(LC_ALL, "");
    if (MB_CUR_MAX == 1) /* names come as UTF-8, whatever the terminal was told */
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    if (cli.api == NULL || cli.api[0] == '\0')
        cli.api = DEFAULT_API;
    return command_run(&cli, argc, argv);
}
