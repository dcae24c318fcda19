/* Golden files of what programs say. */
#include "tests/component/failures/golden.h"

#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/text.h"
#include "tests/lib/no-vsock.h"

#define OUTPUT    "said"
#define ID_LENGTH 16 /* hexadecimal digits of an action's id */

void golden_init(struct golden *golden, const char *directory,
                 const struct golden_program *programs)
{
    char path[256];

    *golden = (struct golden){.directory = directory};
    for (; programs->name != NULL; programs++) {
        snprintf(path, sizeof(path), "%s/%s", directory, programs->name);
        assert_int_equal(symlink(programs->path, path), 0);
    }
}

static void add(struct golden *golden, const char *text, size_t length)
{
    assert_true(golden->length + length < sizeof(golden->text));
    memcpy(golden->text + golden->length, text, length);
    golden->length += length;
    golden->text[golden->length] = '\0';
}

/* "12.3 s"; 0: it is none. */
static size_t find_seconds(const char *text)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || text[length] != '.')
        return 0;
    length += 1 + strspn(text + length + 1, "0123456789");
    return strncmp(text + length, " s", 2) == 0 ? length + 2 : 0;
}

/* A line that a command says when it takes more than a second; 0: it is none. */
static size_t find_progress(const char *text)
{
    static const char words[] = "vmreclaim: still at it: ";
    size_t length = strcspn(text, "\n");

    if (strncmp(text, words, sizeof(words) - 1) != 0)
        return 0;
    return length + (text[length] == '\n');
}

/* How long what begins here is, and what is shown for it; 0: it is shown as it is. */
static size_t find_changing(const struct golden *golden, const char *text, const char **ret_shown)
{
    size_t digits = strspn(text, "0123456789abcdef");

    *ret_shown = "";
    if (find_progress(text) > 0)
        return find_progress(text);
    if (strncmp(text, golden->directory, strlen(golden->directory)) == 0) {
        *ret_shown = "/run/test";
        return strlen(golden->directory);
    }
    if (strncmp(text, VMRECLAIM_VERSION, strlen(VMRECLAIM_VERSION)) == 0) {
        *ret_shown = "VERSION";
        return strlen(VMRECLAIM_VERSION);
    }
    if (digits == ID_LENGTH) {
        *ret_shown = "ID";
        return digits;
    }
    *ret_shown = "TIME";
    return find_seconds(text);
}

void golden_add(struct golden *golden, const char *text)
{
    while (*text != '\0') {
        const char *shown;
        size_t length = find_changing(golden, text, &shown);

        if (length > 0)
            add(golden, shown, strlen(shown));
        else
            add(golden, text, length = 1);
        text += length;
    }
}

/* In the directory, whose programs are found first. */
static void run(const struct golden *golden, const char *command)
{
    char line[1024];

    deny_vsock();
    snprintf(line, sizeof(line), "%s:/usr/bin:/bin", golden->directory);
    (void)setenv("PATH", line, 1);
    snprintf(line, sizeof(line), "exec >" OUTPUT " 2>&1 </dev/null; %s", command);
    if (chdir(golden->directory) == 0)
        (void)execl("/bin/sh", "sh", "-c", line, NULL);
    _exit(127);
}

pid_t golden_start(struct golden *golden, const char *command)
{
    pid_t child;

    golden_add(golden, "$ ");
    golden_add(golden, command);
    golden_add(golden, "\n");
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run(golden, command);
    return child;
}

static void read_into(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t length = 0;

    if (file != NULL) {
        length = fread(text, 1, size - 1, file);
        assert_true(length < size - 1);
        (void)fclose(file);
    }
    text[length] = '\0';
}

void golden_ended(struct golden *golden, int status, const char *first)
{
    static char said[32768];
    const char *begin = said;
    char path[256];

    snprintf(path, sizeof(path), "%s/" OUTPUT, golden->directory);
    read_into(path, said, sizeof(said));
    if (first != NULL && (begin = strstr(said, first)) == NULL)
        fail_msg("it did not say %s:\n%s", first, said);
    golden_add(golden, begin);
    assert_true(WIFEXITED(status));
    snprintf(path, sizeof(path), "[%d]\n\n", WEXITSTATUS(status));
    golden_add(golden, path);
}

/* A path or an option to be copied. */
static bool is_one_word(const char *line, size_t length)
{
    size_t indentation = strspn(line, " ");

    return strcspn(line + indentation, " ") + indentation >= length ||
           strncmp(line + indentation, "-device ", 8) == 0;
}

/* Of what programs say; a command may be longer. */
static void check_columns(const struct golden *golden)
{
    const char *line = golden->text;

    for (size_t length; *line != '\0'; line += length + (line[length] == '\n')) {
        size_t columns = 0;

        length = strcspn(line, "\n");
        for (size_t i = 0; i < length; i++)
            columns += ((unsigned char)line[i] & 0xc0) != 0x80;
        if (line[0] != '$' && columns > GOLDEN_COLUMNS && !is_one_word(line, length))
            fail_msg("%zu columns: %.*s", columns, (int)length, line);
    }
}

void golden_check(const struct golden *golden, const char *name)
{
    static char wanted[65536];
    char path[512];

    snprintf(path, sizeof(path), "%s/%s.txt", getenv("GOLDEN_DIRECTORY"), name);
    if (getenv("GOLDEN_UPDATE") != NULL) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(golden->text, 1, golden->length, file), golden->length);
        assert_int_equal(fclose(file), 0);
    }
    read_into(path, wanted, sizeof(wanted));
    assert_string_equal(golden->text, wanted);
    check_columns(golden);
}

bool golden_has_said(const struct golden *golden, const char *words)
{
    static char said[32768];
    char path[256];

    snprintf(path, sizeof(path), "%s/" OUTPUT, golden->directory);
    read_into(path, said, sizeof(said));
    return strstr(said, words) != NULL;
}
