/* Selecting by labels. */
#include "controller/selectors/label-selector.h"

#include <assert.h>
#include <string.h>

/* A part of the selector. */
struct word {
    const char *begin;
    size_t length;
};

struct term {
    struct word key;
    struct word values; /* with ',' between them; empty: any */
    bool is_not;
};

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " ");
}

static struct word trim(struct word word)
{
    while (word.length > 0 && word.begin[0] == ' ')
        word = (struct word){word.begin + 1, word.length - 1};
    while (word.length > 0 && word.begin[word.length - 1] == ' ')
        word.length--;
    return word;
}

/* Up to what ends a key or a value. */
static struct word take_word(const char **at)
{
    struct word word = {skip_blanks(*at), 0};

    word.length = strcspn(word.begin, " =!,()");
    *at = skip_blanks(word.begin + word.length);
    return word;
}

static bool take(const char **at, const char *what)
{
    size_t length = strlen(what);

    if (strncmp(*at, what, length) != 0)
        return false;
    *at = skip_blanks(*at + length);
    return true;
}

/* "(A,B)" */
static bool take_set(const char **at, struct word *ret_values)
{
    const char *end = strchr(*at, ')');

    if (**at != '(' || end == NULL)
        return false;
    *ret_values = (struct word){*at + 1, (size_t)(end - *at) - 1};
    *at = skip_blanks(end + 1);
    return trim(*ret_values).length > 0 &&
           memchr(ret_values->begin, '(', ret_values->length) == NULL;
}

/* One term and the ',' behind it. */
static bool take_term(const char **at, struct term *ret_term)
{
    struct term term = {.is_not = take(at, "!")};
    bool is_whole = true;

    term.key = take_word(at);
    if (!term.is_not) {
        term.is_not = take(at, "!=");
        if (term.is_not || take(at, "==") || take(at, "="))
            term.values = take_word(at);
        else if (take(at, "in ") || (strncmp(*at, "in(", 3) == 0 && take(at, "in")))
            is_whole = take_set(at, &term.values);
        else if (take(at, "notin ") || (strncmp(*at, "notin(", 6) == 0 && take(at, "notin"))) {
            term.is_not = true;
            is_whole = take_set(at, &term.values);
        }
    }
    *ret_term = term;
    if (!is_whole || term.key.length == 0)
        return false;
    return **at == '\0' || (take(at, ",") && **at != '\0');
}

bool label_selector_is_valid(const char *selector)
{
    const char *at = skip_blanks(selector);
    struct term term;

    do {
        if (!take_term(&at, &term))
            return false;
    } while (*at != '\0');
    return true;
}

static bool equal(struct word word, const char *text, size_t length)
{
    return word.length == length && memcmp(word.begin, text, length) == 0;
}

static bool is_among(struct word values, const char *value)
{
    size_t length = strlen(value);

    for (;;) {
        const char *comma = memchr(values.begin, ',', values.length);
        size_t first = comma == NULL ? values.length : (size_t)(comma - values.begin);

        if (equal(trim((struct word){values.begin, first}), value, length))
            return true;
        if (comma == NULL)
            return false;
        values = (struct word){comma + 1, values.length - first - 1};
    }
}

/* Whether some label has the key and one of the values. */
static bool has(const struct term *term, char *const *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t key = strcspn(labels[i], "=");

        if (equal(term->key, labels[i], key) &&
            (term->values.begin == NULL ||
             is_among(term->values, labels[i] + key + (labels[i][key] == '='))))
            return true;
    }
    return false;
}

bool label_selector_matches(const char *selector, char *const *labels, size_t count)
{
    const char *at = skip_blanks(selector);
    struct term term;
    bool matches = true;

    while (*at != '\0') {
        bool is_term = take_term(&at, &term);

        assert(is_term);
        matches = matches && has(&term, labels, count) != term.is_not;
    }
    return matches;
}
