/* Options of command lines. */
#include "controller/hypervisors/command-line.h"

#include <string.h>

const char *command_line_next(const struct command_line *line, const char *before)
{
    const char *end = line->text + line->length;
    const char *next = before == NULL ? line->text : before + strlen(before) + 1;

    return next < end ? next : NULL;
}

const char *command_line_program(const struct command_line *line)
{
    const char *path = command_line_next(line, NULL);
    const char *slash = path == NULL ? NULL : strrchr(path, '/');

    if (path == NULL)
        return "";
    return slash == NULL ? path : slash + 1;
}

/* "--name" or "-name": what follows the name. NULL: another option. */
static const char *skip_name(const char *argument, const char *name)
{
    if (argument[0] != '-')
        return NULL;
    argument += argument[1] == '-' ? 2 : 1;
    return strncmp(argument, name, strlen(name)) == 0 ? argument + strlen(name) : NULL;
}

const char *command_line_value(const struct command_line *line, const char *name)
{
    const char *argument = command_line_next(line, NULL);

    while ((argument = argument == NULL ? NULL : command_line_next(line, argument)) != NULL) {
        const char *rest = skip_name(argument, name);

        if (rest != NULL && rest[0] == '=')
            return rest + 1;
        if (rest != NULL && rest[0] == '\0')
            return command_line_next(line, argument);
    }
    return NULL;
}

/* Copies up to the next single comma, or to the end. NULL: it does not fit. */
static const char *copy_part(const char *from, char *to, size_t size)
{
    size_t used = 0;

    for (; from[0] != '\0'; from++) {
        if (from[0] == ',' && from[1] != ',')
            break;
        from += from[0] == ',';
        if (to != NULL && used + 1 >= size)
            return NULL;
        if (to != NULL)
            to[used++] = from[0];
    }
    if (to != NULL)
        to[used] = '\0';
    return from;
}

bool option_get(const char *option, const char *key, char *value, size_t size)
{
    const size_t length = strlen(key);

    if (length == 0)
        return option[strcspn(option, ",=")] != '=' && copy_part(option, value, size) != NULL;
    while (option[0] != '\0') {
        if (strncmp(option, key, length) == 0 && option[length] == '=')
            return copy_part(option + length + 1, value, size) != NULL;
        option = copy_part(option, NULL, 0);
        option += option[0] == ',';
    }
    return false;
}
