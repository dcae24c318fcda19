/* What TERM says. ncurses is asked before it has a screen: it forgets memory where it gets none. */
#include "controller/cli/top/terminal-type.h"

#include <unistd.h>

#include <ncursesw/curses.h>
#include <ncursesw/term.h>

bool terminal_type_can_place_text(void)
{
    int status;
    bool can;

    if (setupterm(NULL, STDOUT_FILENO, &status) != OK)
        return false;
    can = cursor_address != NULL;
    (void)del_curterm(cur_term);
    return can;
}
