/* Error text in a caller's fixed buffer. */
#include "common/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "common/base/text.h"

int error_set(struct error *error, int code, const char *format, ...)
{
    va_list arguments;

    if (error == NULL)
        return code;
    va_start(arguments, format);
    text_format_list(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    text_make_safe(error->text, TEXT_LINES);
    return code;
}

int error_prefix(struct error *error, int code, const char *format, ...)
{
    struct error old;
    va_list arguments;
    size_t used;

    if (error == NULL)
        return code;
    old = *error;
    va_start(arguments, format);
    text_format_list(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    used = strlen(error->text);
    text_format(error->text + used, sizeof(error->text) - used, ": %s", old.text);
    text_make_safe(error->text, TEXT_LINES);
    return code;
}

int error_append(struct error *error, int code, const char *format, ...)
{
    va_list arguments;
    size_t used;

    if (error == NULL)
        return code;
    used = strlen(error->text);
    va_start(arguments, format);
    text_format_list(error->text + used, sizeof(error->text) - used, format, arguments);
    va_end(arguments);
    text_make_safe(error->text, TEXT_LINES);
    return code;
}

bool error_is_shortage(int code)
{
    return code == -EMFILE || code == -ENFILE || code == -ENOBUFS || code == -ENOMEM;
}
