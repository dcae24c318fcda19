/* What driver.h promises, held by one driver: its peer is linked in. */
#include <signal.h>

#include "tests/component/drivers/world.h"

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    return contract_opening() + contract_operations() + contract_endings() == 0 ? 0 : 1;
}
