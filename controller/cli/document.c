/* Documents on standard output. Text may come from a guest: nothing in it may steer a terminal. */
#include "controller/cli/document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/cli/yaml.h"
#include "controller/json/json.h"

static bool writes_yaml;

void document_choose_yaml(bool is_yaml)
{
    writes_yaml = is_yaml;
}

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
        return -1;
    print_json_text(text, strlen(text));
    putchar('\n');
    return 0;
}

int print_document(json_t *json)
{
    int r = -1;

    if (json != NULL)
        r = writes_yaml ? yaml_print(json, stdout) : write_json(json);
    json_decref(json);
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
