/* What driver.h promises, held by one driver: its peer is linked in.
 *
 * usage: test-contract-NAME [DIRECTORY], where drivers are that are modules */
#include <signal.h>

#include "controller/hypervisors/table.h"
#include "tests/component/drivers/world.h"

int main(int argc, char **argv)
{
    if (argc > 1)
        driver_set_directory(argv[1]);
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    return contract_opening() + contract_operations() + contract_endings() == 0 ? 0 : 1;
}
