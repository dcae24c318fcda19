/* What a template is made of. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/cli/jsonpath/parser.h"

int jsonpath_refuse(const struct jsonpath_parser *parser, const char *at, const char *format, ...)
{
    char words[256];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(words, sizeof(words), format, arguments);
    va_end(arguments);
    if (*at == '\0')
        return error_set(parser->error, -EINVAL, "at its end: %s", words);
    return error_set(parser->error, -EINVAL, "at \"%s\": %s", TEXT_CUT(at, 40), words);
}

int jsonpath_nest(struct jsonpath_parser *parser)
{
    if (parser->nested == JSONPATH_NESTED_MAX)
        return jsonpath_refuse(parser, parser->at,
                               "at most %d ranges and filters within each other",
                               JSONPATH_NESTED_MAX);
    parser->nested++;
    return 0;
}

void jsonpath_skip_blanks(struct jsonpath_parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

bool jsonpath_take(struct jsonpath_parser *parser, const char *what)
{
    size_t length = strlen(what);

    jsonpath_skip_blanks(parser);
    if (strncmp(parser->at, what, length) != 0)
        return false;
    parser->at += length;
    return true;
}

/* The first of the `ends` that no backslash takes, or the end. */
static const char *find_end(const char *at, const char *ends)
{
    for (; *at != '\0' && strchr(ends, *at) == NULL; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return at;
}

int jsonpath_take_name(struct jsonpath_parser *parser, const char *ends, char **ret_name)
{
    const char *end = find_end(parser->at, ends);
    char *name = malloc((size_t)(end - parser->at) + 1);
    size_t length = 0;

    if (name == NULL)
        return -ENOMEM;
    for (; parser->at < end; parser->at++) {
        if (*parser->at == '\\' && parser->at + 1 < end)
            parser->at++;
        name[length++] = *parser->at;
    }
    name[length] = '\0';
    *ret_name = name;
    return 0;
}

int jsonpath_take_quoted(struct jsonpath_parser *parser, char **ret_text)
{
    static const char letters[] = "nrt\\'\"";
    static const char meanings[] = "\n\r\t\\'\"";
    const char quote[] = {*parser->at, '\0'};
    const char *at = parser->at + 1;
    const char *end = find_end(at, quote);
    cleanup_free char *text = NULL;
    size_t length = 0;

    if (*end == '\0')
        return jsonpath_refuse(parser, parser->at, "the quote is not closed");
    text = malloc((size_t)(end - at) + 1);
    if (text == NULL)
        return -ENOMEM;
    for (; at < end; at++) {
        const char *letter;

        if (*at != '\\') {
            text[length++] = *at;
            continue;
        }
        letter = strchr(letters, *++at);
        if (letter == NULL)
            return jsonpath_refuse(parser, at - 1, "there are \\n, \\t, \\r, \\\\, \\' and \\\"");
        text[length++] = meanings[letter - letters];
    }
    text[length] = '\0';
    parser->at = end + 1;
    *ret_text = take_pointer(text);
    return 0;
}

bool jsonpath_take_word(struct jsonpath_parser *parser, const char *word)
{
    const char *behind = parser->at + strlen(word);

    if (strncmp(parser->at, word, strlen(word)) != 0 || isalnum((unsigned char)*behind) ||
        *behind == '_')
        return false;
    parser->at = behind;
    return true;
}
