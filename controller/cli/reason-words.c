/* Codes of reasons in words. */
#include "controller/cli/reason-words.h"

#include <stddef.h>
#include <string.h>

const char *reason_words(const char *code)
{
    for (const struct reason_word *word = reason_word_table; word->code != NULL; word++)
        if (strcmp(word->code, code) == 0)
            return word->meaning;
    return "";
}
