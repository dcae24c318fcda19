/* Words of a line. */
#include "controller/cli/shell/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char character)
{
    return character != '\0' && strchr(" \t\r\n", character) != NULL;
}

/* What a backslash at `at` makes a letter like any other. */
static bool is_escape(const char *at, char quote)
{
    if (*at != '\\' || at[1] == '\0' || quote == '\'')
        return false;
    return quote == 0 || at[1] == '"' || at[1] == '\\';
}

/* Copies one word, with '\0', and returns where it ends. */
static const char *take_word(const char *at, char **to, char *ret_quote)
{
    char quote = 0;

    for (; *at != '\0' && (quote != 0 || (!is_blank(*at) && *at != ';')); at++) {
        if (quote == 0 && (*at == '\'' || *at == '"')) {
            quote = *at;
            continue;
        }
        if (quote != 0 && *at == quote) {
            quote = 0;
            continue;
        }
        if (is_escape(at, quote))
            at++;
        *(*to)++ = *at;
    }
    *(*to)++ = '\0';
    *ret_quote = quote;
    return at;
}

int shell_words_take(const char **text, struct shell_words *ret_words)
{
    size_t length = strlen(*text);
    const char *at = *text;
    char *to;

    *ret_words = (struct shell_words){.storage = malloc(2 * length + 1),
                                      .list = calloc(length + 2, sizeof(char *))};
    to = ret_words->storage;
    if (to == NULL || ret_words->list == NULL)
        return -ENOMEM;
    for (;;) {
        while (is_blank(*at))
            at++;
        if (*at == '#')
            at += strlen(at);
        if (*at == '\0' || *at == ';')
            break;
        ret_words->list[ret_words->count++] = to;
        at = take_word(at, &to, &ret_words->quote);
        ret_words->is_open = *at == '\0';
    }
    ret_words->is_followed = *at == ';';
    *text = at + ret_words->is_followed;
    return ret_words->quote != 0 ? -EINVAL : 0;
}

void shell_words_finish(struct shell_words *words)
{
    free(words->storage);
    free(words->list);
}
