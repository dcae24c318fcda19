/* The command's own answer, asked in a process of its own. */
#include "controller/cli/shell/completion.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/cli/shell/run.h"
#include "controller/cli/shell/words.h"
#include "controller/cli/table.h"

enum { LINES_SIZE_MAX = 1024 * 1024 };

/* ---- what the words have in common ---- */

#define FILES ":file\n"

/* The next line's word and its length; NULL: there are no more. What stands for files is left
 * out. */
static const char *next_word(const char **lines, size_t *ret_length)
{
    const char *word;

    do {
        word = *lines;
        *lines += strcspn(word, "\n");
        *lines += **lines == '\n';
    } while (strncmp(word, FILES, strlen(FILES)) == 0);
    *ret_length = strcspn(word, "\t\n");
    return *word == '\0' ? NULL : word;
}

static size_t common_length(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t length = 0;

    while (length < a_length && length < b_length && a[length] == b[length])
        length++;
    return text_fit(a, a_length, length);
}

/* It stands alone then. */
static void end_word(char *insertion, size_t size, char quote)
{
    size_t length = strlen(insertion);

    if (length > 0 && insertion[length - 1] == '=')
        return;
    if (quote != 0)
        text_append_bytes(insertion, size, &quote, 1);
    text_append_bytes(insertion, size, " ", 1);
}

void shell_completion_compare(const char *lines, const char *typed, char quote,
                              struct shell_completion *ret)
{
    size_t typed_length = strlen(typed);
    const char *first = NULL;
    size_t shared = 0;
    const char *word;
    size_t length;

    ret->count = 0;
    ret->has_files = strstr(lines, FILES) != NULL;
    ret->insertion[0] = '\0';
    while ((word = next_word(&lines, &length)) != NULL) {
        ret->count++;
        shared = first == NULL ? length : common_length(first, shared, word, length);
        first = first == NULL ? word : first;
    }
    if (first == NULL || shared < typed_length)
        return;
    text_copy_bytes(ret->insertion, sizeof(ret->insertion), first + typed_length,
                    shared - typed_length);
    if (ret->count == 1)
        end_word(ret->insertion, sizeof(ret->insertion), quote);
}

/* ---- asking ---- */

static int read_back(int file, char **ret_text)
{
    off_t size = lseek(file, 0, SEEK_END);
    cleanup_free char *text = NULL;

    if (size < 0 || size > LINES_SIZE_MAX)
        return -EFBIG;
    text = calloc(1, (size_t)size + 1);
    if (text == NULL)
        return -ENOMEM;
    if (pread(file, text, (size_t)size, 0) != size)
        return -EIO;
    *ret_text = take_pointer(text);
    return 0;
}

/* `words` have what is typed last. */
static int ask(const struct cli *cli, char *const *words, size_t count, char **ret_lines)
{
    static char complete[] = "complete";
    static char separator[] = "--";
    cleanup_close int file = memfd_create("vmreclaim", MFD_CLOEXEC);
    cleanup_free char **asked = NULL;

    if (file < 0)
        return -errno;
    asked = calloc(count + 3, sizeof(char *));
    if (asked == NULL)
        return -ENOMEM;
    asked[0] = complete;
    asked[1] = separator;
    memcpy(asked + 2, words, count * sizeof(char *));
    (void)shell_run(cli, asked, count + 2, file);
    return read_back(file, ret_lines);
}

/* The last command's, of which the last one is being typed: it is empty behind a blank. */
static int take_last(const char *text, struct shell_words *ret_words)
{
    static char nothing[] = "";
    int r = shell_words_take(&text, ret_words);

    while (r != -ENOMEM && ret_words->is_followed) {
        shell_words_finish(ret_words);
        r = shell_words_take(&text, ret_words);
    }
    if (r == -ENOMEM)
        return r;
    if (!ret_words->is_open)
        ret_words->list[ret_words->count++] = nothing;
    return 0;
}

int shell_complete(const struct cli *cli, const char *text, struct shell_completion *ret)
{
    struct shell_words words;
    int r = take_last(text, &words);

    *ret = (struct shell_completion){.lines = NULL};
    if (r == 0)
        r = ask(cli, words.list, words.count, &ret->lines);
    if (r == 0)
        shell_completion_compare(ret->lines, words.list[words.count - 1], words.quote, ret);
    shell_words_finish(&words);
    return r;
}

void shell_completion_finish(struct shell_completion *completion)
{
    free(completion->lines);
}

void shell_completion_print(const struct shell_completion *completion, size_t lines_max)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_CUT}};
    size_t shown = completion->count > lines_max ? lines_max - 1 : completion->count;
    const char *lines = completion->lines;
    struct table table;
    const char *word;
    size_t length;

    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < shown && (word = next_word(&lines, &length)) != NULL; i++) {
        size_t help = word[length] == '\t' ? length + 1 : length;

        table_row(&table);
        table_cell(&table, "%.*s", (int)length, word);
        table_cell(&table, "%.*s", (int)strcspn(word + help, "\n"), word + help);
    }
    (void)table_finish(&table, NULL);
    if (shown < completion->count)
        printf("%zu more: type more of the word\n", completion->count - shown);
}
