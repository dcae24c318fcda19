/* Around each test. */
#include "tests/component/agent/listening.h"

#include <signal.h>
#include <sys/wait.h>

struct guest guest;
struct client client;

int setup(void **state)
{
    guest_init(&guest);
    guest_start_listening(&guest);
    client_init(&client, &guest);
    return 0;
}

int teardown(void **state)
{
    client_finish(&client);
    assert_true(guest.pid == 0 || WIFEXITED(guest_stop(&guest, SIGTERM)));
    guest_finish(&guest);
    return 0;
}
