/* libedit, with its own key bindings and those of ~/.editrc. While a line is typed Ctrl-C is a key:
 * no signal is to be caught. */
#include "controller/cli/shell/prompt.h"

#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/cli/shell/completion.h"

enum { HISTORY_LINES = 1000 };

static struct {
    EditLine *editor;
    History *history;
    const char *text;
    const struct cli *cli;
    char path[512];    /* of the history; "": it is not kept */
    bool is_abandoned; /* the line that is typed */
} prompt;

static char *text_of(EditLine *editor)
{
    return (char *)prompt.text;
}

/* ---- keys ---- */

static unsigned char on_abandon(EditLine *editor, int key)
{
    prompt.is_abandoned = true;
    return CC_NEWLINE;
}

static size_t terminal_height(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 4 ? 24 : size.ws_row;
}

static unsigned char show(EditLine *editor, const struct shell_completion *completion)
{
    if (completion->insertion[0] != '\0')
        return el_insertstr(editor, completion->insertion) == 0 ? CC_REFRESH : CC_ERROR;
    if (completion->count == 0)
        return CC_REFRESH_BEEP;
    putchar('\n');
    shell_completion_print(completion, terminal_height() - 2);
    (void)fflush(stdout);
    return CC_REDISPLAY;
}

static unsigned char on_complete(EditLine *editor, int key)
{
    const LineInfo *line = el_line(editor);
    cleanup_free char *text = strndup(line->buffer, (size_t)(line->cursor - line->buffer));
    struct shell_completion completion;
    unsigned char what = CC_ERROR;

    if (text == NULL)
        return CC_ERROR;
    if (shell_complete(prompt.cli, text, &completion) == 0)
        what = completion.has_files && completion.count == 0 ? _el_fn_complete(editor, key)
                                                             : show(editor, &completion);
    shell_completion_finish(&completion);
    return what;
}

/* ---- history ---- */

/* ~/.local/state/vmreclaim/history, as the XDG Base Directory Specification has it. */
static void find_history(char *path, size_t size)
{
    static const char *const steps[] = {"/.local", "/state", "/vmreclaim"};
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    bool has_state = state != NULL && state[0] == '/';

    path[0] = '\0';
    if (!has_state && (home == NULL || home[0] != '/'))
        return;
    text_copy(path, size, has_state ? state : home);
    for (size_t i = has_state ? 2 : 0; i < ARRAY_SIZE(steps); i++) {
        text_append_bytes(path, size, steps[i], strlen(steps[i]));
        (void)mkdir(path, 0700); /* it is there, or the history is not kept */
    }
    text_append_bytes(path, size, "/history", strlen("/history"));
}

static void remember(const char *line)
{
    HistEvent event;

    if (line[strspn(line, " \t\n")] != '\0')
        (void)history(prompt.history, &event, H_ENTER, line);
}

static bool prepare_history(void)
{
    HistEvent event;

    prompt.history = history_init();
    if (prompt.history == NULL)
        return false;
    (void)history(prompt.history, &event, H_SETSIZE, HISTORY_LINES);
    (void)history(prompt.history, &event, H_SETUNIQUE, 1);
    find_history(prompt.path, sizeof(prompt.path));
    if (prompt.path[0] != '\0')
        (void)history(prompt.history, &event, H_LOAD, prompt.path);
    return true;
}

/* ---- the prompt ---- */

static bool prepare_editor(void)
{
    EditLine *editor = el_init("vmreclaim", stdin, stdout, stderr);

    prompt.editor = editor;
    if (editor == NULL)
        return false;
    (void)el_set(editor, EL_PROMPT, text_of);
    (void)el_set(editor, EL_EDITOR, "emacs");
    (void)el_set(editor, EL_SIGNAL, 1);
    (void)el_set(editor, EL_HIST, history, prompt.history);
    (void)el_set(editor, EL_ADDFN, "vmreclaim-complete", "what may follow", on_complete);
    (void)el_set(editor, EL_ADDFN, "vmreclaim-abandon", "leave this line", on_abandon);
    (void)el_set(editor, EL_BIND, "^I", "vmreclaim-complete", NULL);
    (void)el_set(editor, EL_BIND, "^C", "vmreclaim-abandon", NULL);
    (void)el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    (void)el_set(editor, EL_SETTY, "-d", "-isig", NULL);
    (void)el_source(editor, NULL);
    return true;
}

bool prompt_begin(const char *text, const struct cli *cli)
{
    prompt.text = text;
    prompt.cli = cli;
    return prepare_history() && prepare_editor();
}

/* The program ends then; el_end() would lose the names of the functions that were added. */
void prompt_end(void)
{
    HistEvent event;

    if (prompt.path[0] != '\0')
        (void)history(prompt.history, &event, H_SAVE, prompt.path);
}

const char *prompt_read(void)
{
    const char *line;
    int length;

    prompt.is_abandoned = false;
    (void)el_set(prompt.editor, EL_PREP_TERM, 1); /* before the prompt is there: Ctrl-C is a key */
    line = el_gets(prompt.editor, &length);
    if (line == NULL || length <= 0)
        return NULL;
    if (prompt.is_abandoned)
        return "";
    remember(line);
    return line;
}
