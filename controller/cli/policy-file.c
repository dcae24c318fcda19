/* Reading policy files. */
#include "controller/cli/policy-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/policy/policy-yaml.h"
#include "controller/cli/cli.h"

/* What the daemon takes in one frame, with room to spare. */
enum { POLICY_FILE_MAX = 64 * 1024 };

/* ---- one ---- */

/* By its descriptor: a socket, as ssh gives it, cannot be opened again. */
static int read_standard_input(char **ret_text, size_t *ret_length)
{
    char *text = malloc(POLICY_FILE_MAX + 1);
    size_t length = 0;
    ssize_t n = 1;

    if (text == NULL)
        return -ENOMEM;
    while (n != 0 && length <= POLICY_FILE_MAX) {
        n = read(STDIN_FILENO, text + length, POLICY_FILE_MAX + 1 - length);
        if (n < 0 && errno != EINTR)
            break;
        length += n > 0 ? (size_t)n : 0;
    }
    if (n < 0 || length > POLICY_FILE_MAX) {
        free(text);
        return n < 0 ? -errno : -EFBIG;
    }
    text[length] = '\0';
    *ret_text = text;
    *ret_length = length;
    return 0;
}

int policy_file_read(const char *path, char **ret_text)
{
    char *text;
    size_t length;

    int r = strcmp(path, "-") == 0 ? read_standard_input(&text, &length)
                                   : file_read(AT_FDCWD, path, POLICY_FILE_MAX, &text, &length);
    if (r == -EFBIG)
        return fail(EXIT_USAGE, "%s: larger than 64 KiB; is this a policy?", path);
    if (r < 0)
        return fail(EXIT_USAGE, "%s: %s", path, strerror(-r));
    if (strlen(text) != length) {
        free(text);
        return fail(EXIT_USAGE, "%s: holds a NUL byte; is this a policy?", path);
    }
    if (!text_is_utf8(text, length)) {
        free(text);
        return fail(EXIT_USAGE, "%s: is not UTF-8; convert it, for example: iconv -f latin1", path);
    }
    *ret_text = text;
    return EXIT_DONE;
}

/* ---- a directory ---- */

static int is_policy_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static int by_name(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}

static int add(struct policy_texts *texts, char *path)
{
    struct policy_text *text = &texts->list[texts->count++];

    *text = (struct policy_text){.path = path};
    return path == NULL ? fail(EXIT_FAILED, "out of memory") : policy_file_read(path, &text->text);
}

static int add_entries(struct policy_texts *texts, const char *path, struct dirent **entries,
                       int count)
{
    int code = EXIT_DONE;

    if (count == 0)
        return fail(EXIT_USAGE, "%s: there is no *.yaml in this directory", path);
    texts->list = calloc((size_t)count, sizeof(*texts->list));
    if (texts->list == NULL)
        return fail(EXIT_FAILED, "out of memory");
    for (int i = 0; i < count && code == EXIT_DONE; i++) {
        char *name = NULL;

        if (asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
            name = NULL;
        code = add(texts, name);
    }
    return code;
}

static int add_directory(struct policy_texts *texts, const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_policy_file, by_name);
    int code;

    if (count < 0)
        return fail(EXIT_USAGE, "%s: %s", path, strerror(errno));
    code = add_entries(texts, path, entries, count);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free((void *)entries);
    return code;
}

/* ---- several are checked before any is used ---- */

static int check_one(const struct policy_text *text, struct policy *ret_policy)
{
    struct error error;

    if (policy_load_yaml(text->text, strlen(text->text), text->path, ret_policy, &error) < 0 ||
        policy_name_after(ret_policy, text->path, &error) < 0)
        return fail(EXIT_USAGE, "%s", error.text);
    return EXIT_DONE;
}

static int check_all(const struct policy_texts *texts)
{
    struct policy policy;
    char(*names)[sizeof(policy.name)] = calloc(texts->count, sizeof(*names));
    int code = EXIT_DONE;

    if (names == NULL)
        return fail(EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < texts->count; i++) {
        if (check_one(&texts->list[i], &policy) != EXIT_DONE) {
            code = EXIT_USAGE;
            continue;
        }
        memcpy(names[i], policy.name, sizeof(names[i]));
        for (size_t j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0)
                code = fail(EXIT_USAGE, "%s: is policy \"%s\", and so is %s; name one of them anew",
                            texts->list[i].path, names[i], texts->list[j].path);
    }
    free(names);
    return code == EXIT_DONE ? code : fail(code, "nothing was applied");
}

int policy_texts_read(const char *path, struct policy_texts *ret_texts)
{
    struct stat status;
    int code;

    *ret_texts = (struct policy_texts){.count = 0};
    if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        code = add_directory(ret_texts, path);
        return code == EXIT_DONE ? check_all(ret_texts) : code;
    }
    ret_texts->list = calloc(1, sizeof(*ret_texts->list));
    if (ret_texts->list == NULL)
        return fail(EXIT_FAILED, "out of memory");
    return add(ret_texts, strdup(path));
}

void policy_texts_finish(struct policy_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->list[i].path);
        free(texts->list[i].text);
    }
    free(texts->list);
    *texts = (struct policy_texts){.count = 0};
}
