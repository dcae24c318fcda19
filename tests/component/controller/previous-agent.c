/* An agent of the release before, as a program: the scripted agent, compiled with that release's
 * protocol. usage: previous-agent ADDRESS; ends when killed. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/component/controller/fake-agent.h"

int main(int argument_count, char **arguments)
{
    struct fake_agent agent;
    uv_loop_t loop;

    if (argument_count != 2 || uv_loop_init(&loop) < 0)
        return EXIT_FAILURE;
    fake_agent_init(&agent, &loop);
    if (fake_agent_listen(&agent, arguments[1]) < 0) {
        fprintf(stderr, "previous-agent: cannot listen on %s\n", arguments[1]);
        return EXIT_FAILURE;
    }
    return uv_run(&loop, UV_RUN_DEFAULT);
}
