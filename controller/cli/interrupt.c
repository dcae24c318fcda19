/* Interrupts. */
#include "controller/cli/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"

/* One is written while the other may be read. */
static char texts[2][512];
static volatile sig_atomic_t current;

static char trace[160];

static void on_interrupt(int number)
{
    const char *text = texts[current];

    (void)!write(STDERR_FILENO, text, strlen(text));
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void catch_signal(int number)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    struct sigaction before;

    if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
        (void)sigaction(number, &action, NULL);
}

void interrupt_set_trace(const char *command)
{
    text_copy_line(trace, sizeof(trace), command == NULL ? "" : command);
}

const char *interrupt_trace(void)
{
    return trace;
}

void interrupt_say(const char *text)
{
    int other = 1 - current;

    text_format(texts[other], sizeof(texts[other]), "%s", text);
    current = other;
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
}
