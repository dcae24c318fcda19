/* The terminal, by ncurses. */
#include "controller/cli/top/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <ncursesw/curses.h>

#include "common/base/util.h"
#include "controller/cli/top/terminal-type.h"

#define ESCAPE_WAIT     100 /* ms; a key's sequence may come in pieces over ssh */
#define CONTROL(letter) ((letter)-0x40)

struct screen {
    SCREEN *curses;
    bool has_colour;
    int error_output; /* standard error as it was; -1: it was left alone */
};

/* How a style looks: without colours `plain` alone. */
static const struct {
    short colour; /* -1: the terminal's own */
    attr_t plain;
    attr_t coloured;
} looks[] = {
    [STYLE_PLAIN] = {-1, A_NORMAL, A_NORMAL},
    [STYLE_STRONG] = {-1, A_BOLD, A_BOLD},
    [STYLE_FAINT] = {-1, A_DIM, A_DIM},
    [STYLE_GOOD] = {COLOR_GREEN, A_NORMAL, A_NORMAL},
    [STYLE_WARNING] = {COLOR_YELLOW, A_BOLD, A_NORMAL},
    [STYLE_ALARM] = {COLOR_RED, A_BOLD, A_BOLD},
    [STYLE_IN_USE] = {COLOR_CYAN, A_NORMAL, A_REVERSE},
    [STYLE_CACHE] = {COLOR_YELLOW, A_NORMAL, A_REVERSE},
    [STYLE_TRAPPED] = {COLOR_RED, A_NORMAL, A_REVERSE},
    [STYLE_FREE] = {COLOR_GREEN, A_NORMAL, A_REVERSE},
};

/* ncurses ignores a stop while it writes, so one that comes then would be lost. It waits. */
static void refresh_screen(void)
{
    sigset_t stop;
    sigset_t before;

    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTSTP);
    (void)sigprocmask(SIG_BLOCK, &stop, &before);
    (void)refresh();
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* ---- begin and end ---- */

static void hide_error_output(struct screen *screen)
{
    int nowhere;

    screen->error_output = -1;
    if (!isatty(STDERR_FILENO))
        return;
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    screen->error_output = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (nowhere >= 0 && screen->error_output >= 0)
        (void)dup2(nowhere, STDERR_FILENO);
    if (nowhere >= 0)
        close(nowhere);
}

static void show_error_output(struct screen *screen)
{
    if (screen->error_output < 0)
        return;
    (void)dup2(screen->error_output, STDERR_FILENO);
    close(screen->error_output);
    screen->error_output = -1;
}

static void begin_colours(struct screen *screen, bool may_colour)
{
    screen->has_colour = may_colour && has_colors() && start_color() == OK;
    if (!screen->has_colour)
        return;
    (void)use_default_colors();
    for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
        (void)init_pair((short)(i + 1), looks[i].colour, -1);
}

/* Ctrl-C stays a signal; ends of lines are not changed; getting a key never waits. */
static void set_modes(void)
{
    (void)cbreak();
    (void)noecho();
    (void)nonl();
    (void)keypad(stdscr, TRUE);
    (void)nodelay(stdscr, TRUE);
    (void)curs_set(0);
    (void)set_escdelay(ESCAPE_WAIT);
}

int screen_create(bool may_colour, struct screen **ret_screen, struct error *error)
{
    const char *type = getenv("TERM");
    struct screen *screen;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(error, -ENOTTY, "top needs a terminal; for programs: vmreclaim host");
    if (!terminal_type_can_place_text())
        return error_set(error, -ENOTSUP,
                         "the terminal \"%s\" cannot place text\n"
                         "Set TERM to what it is, or look at: vmreclaim host",
                         type == NULL ? "" : type);
    screen = calloc(1, sizeof(*screen));
    if (screen != NULL)
        screen->curses = newterm(NULL, stdout, stdin);
    if (screen == NULL || screen->curses == NULL) {
        free(screen);
        return error_set(error, -ENOMEM, "out of memory");
    }
    hide_error_output(screen);
    set_modes();
    begin_colours(screen, may_colour);
    *ret_screen = screen;
    return 0;
}

void screen_destroy(struct screen *screen)
{
    if (screen == NULL)
        return;
    (void)endwin();
    delscreen(screen->curses);
    show_error_output(screen);
    free(screen);
}

void screen_suspend(struct screen *screen)
{
    (void)endwin();
}

/* A shell may have set other modes meanwhile. */
void screen_resume(struct screen *screen)
{
    (void)reset_prog_mode();
    (void)clearok(curscr, TRUE);
    refresh_screen();
}

void screen_resize(struct screen *screen, size_t *ret_rows, size_t *ret_columns)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
        (size.ws_row != LINES || size.ws_col != COLS)) {
        (void)resizeterm(size.ws_row, size.ws_col);
        (void)clearok(curscr, TRUE);
    }
    *ret_rows = (size_t)LINES;
    *ret_columns = (size_t)COLS;
}

/* ---- cells ---- */

static void draw_cell(const struct screen *screen, size_t row, size_t column,
                      const struct cell *cell)
{
    attr_t attributes = screen->has_colour ? looks[cell->style].coloured : looks[cell->style].plain;
    cchar_t character;

    if (cell->text[0] == L'\0')
        return;
    if (cell->is_chosen)
        attributes ^= A_REVERSE;
    (void)setcchar(&character, cell->text, attributes,
                   screen->has_colour ? (short)(cell->style + 1) : 0, NULL);
    (void)mvadd_wch((int)row, (int)column, &character);
}

void screen_draw(struct screen *screen, const struct page *page)
{
    static_assert(ARRAY_SIZE(looks) == STYLE_COUNT, "a look for each");
    (void)erase();
    for (size_t row = 0; row < page->rows; row++)
        for (size_t column = 0; column < page->columns; column++)
            draw_cell(screen, row, column, page_cell(page, row, column));
    refresh_screen();
}

/* ---- keys ---- */

static const struct {
    wint_t code;
    enum top_key_kind kind;
} codes[] = {
    {KEY_UP, TOP_KEY_UP},         {KEY_DOWN, TOP_KEY_DOWN},
    {KEY_PPAGE, TOP_KEY_PAGE_UP}, {KEY_NPAGE, TOP_KEY_PAGE_DOWN},
    {KEY_HOME, TOP_KEY_HOME},     {KEY_END, TOP_KEY_END},
    {KEY_ENTER, TOP_KEY_ENTER},   {KEY_BACKSPACE, TOP_KEY_BACKSPACE},
};

static const struct {
    wint_t character;
    enum top_key_kind kind;
} controls[] = {
    {L'\r', TOP_KEY_ENTER},         {L'\n', TOP_KEY_ENTER},
    {CONTROL('['), TOP_KEY_ESCAPE}, {CONTROL('H'), TOP_KEY_BACKSPACE},
    {0x7f, TOP_KEY_BACKSPACE},
};

static bool find_code(wint_t code, struct top_key *ret_key)
{
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (codes[i].code != code)
            continue;
        *ret_key = (struct top_key){.kind = codes[i].kind};
        return true;
    }
    return false;
}

static bool find_control(wint_t character, struct top_key *ret_key)
{
    for (size_t i = 0; i < ARRAY_SIZE(controls); i++) {
        if (controls[i].character != character)
            continue;
        *ret_key = (struct top_key){.kind = controls[i].kind};
        return true;
    }
    return false;
}

bool screen_key(struct screen *screen, struct top_key *ret_key)
{
    wint_t code;
    int r;

    while ((r = get_wch(&code)) != ERR) {
        if (r == KEY_CODE_YES ? find_code(code, ret_key) : find_control(code, ret_key))
            return true;
        if (r == OK && code == CONTROL('L')) {
            (void)clearok(curscr, TRUE);
        } else if (r == OK && code >= L' ') {
            *ret_key = (struct top_key){TOP_KEY_CHARACTER, (wchar_t)code};
            return true;
        }
    }
    return false;
}
