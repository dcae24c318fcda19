/* Documents on standard output. Text may come from a guest: nothing in it may steer a terminal. */
#include "controller/cli/document.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/cli/jsonpath/jsonpath.h"
#include "controller/cli/yaml.h"
#include "controller/json/json.h"

#define TEMPLATE_PREFIX "jsonpath="
#define FILE_PREFIX     "jsonpath-file="

static bool writes_yaml;
static struct jsonpath *template; /* NULL: none was chosen */

void document_choose_yaml(bool is_yaml)
{
    writes_yaml = is_yaml;
}

/* ---- templates ---- */

static bool is_file(const char *form)
{
    return strncmp(form, FILE_PREFIX, strlen(FILE_PREFIX)) == 0;
}

bool document_is_template(const char *form)
{
    return is_file(form) || strncmp(form, TEMPLATE_PREFIX, strlen(TEMPLATE_PREFIX)) == 0;
}

int document_choose_template(const char *whose, const char *form)
{
    const char *path = form + strlen(FILE_PREFIX);
    cleanup_free char *text = NULL;
    struct error error = {""};
    size_t length;
    int r = 0;

    if (is_file(form))
        r = file_read(AT_FDCWD, path, JSONPATH_TEMPLATE_MAX, &text, &length);
    if (r < 0)
        return fail(EXIT_USAGE, "%s%s: %s", whose, path, strerror(-r));
    r = jsonpath_parse(text != NULL ? text : form + strlen(TEMPLATE_PREFIX), &template, &error);
    return r < 0 ? fail(EXIT_USAGE, "%s-o jsonpath: %s", whose, error.text) : EXIT_DONE;
}

static int write_by_template(const json_t *json)
{
    cleanup_free char *text = NULL;
    size_t length;
    int r = jsonpath_evaluate(template, json, &text, &length);

    if (r < 0)
        return r;
    (void)fwrite(text, 1, length, stdout);
    if (length > 0 && text[length - 1] != '\n')
        putchar('\n');
    return 0;
}

/* ---- JSON ---- */

void print_json_text(const char *text, size_t length)
{
    size_t step;
    bool safe;

    for (; (step = text_take(text, length, TEXT_LINES, &safe)) > 0; text += step, length -= step)
        if (safe)
            (void)fwrite(text, 1, step, stdout);
        else
            printf("\\u%04" PRIx32,
                   text_character(text, length) == 0 ? (uint32_t)'?' : text_code_point(text, step));
}

static int write_json(const json_t *json)
{
    size_t flags = isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT;
    cleanup_free char *text = json_dumps(json, flags | JSON_PRESERVE_ORDER);

    if (text == NULL)
        return -ENOMEM;
    print_json_text(text, strlen(text));
    putchar('\n');
    return 0;
}

int print_document(json_t *json)
{
    int r = -ENOMEM;

    if (json != NULL)
        r = template != NULL ? write_by_template(json)
            : writes_yaml    ? yaml_print(json, stdout)
                             : write_json(json);
    json_decref(json);
    if (r == -E2BIG)
        return fail(EXIT_FAILED,
                    "-o jsonpath: that is too much for one document: over %zu MiB, or "
                    "%zu values on the way",
                    JSONPATH_OUTPUT_MAX >> 20, JSONPATH_VALUES_MAX);
    if (fflush(stdout) != 0 || ferror(stdout))
        return fail(EXIT_FAILED, "cannot write to standard output");
    return r < 0 ? fail(EXIT_FAILED, "out of memory") : EXIT_DONE;
}

int print_json(const ProtobufCMessage *message)
{
    json_t *json = NULL;

    (void)json_from_message(message, &json);
    return print_document(json);
}
