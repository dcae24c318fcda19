/* Fills a page with what a table of settings says. */
#include "deploy/man/setting.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "deploy/man/scdoc.h"

#define FIRST_VERSION "0.1.0"
#define SETTINGS_MAX  64

static void print(const struct setting *setting)
{
    fputs("*", stdout);
    scdoc_print(setting->name);
    fputs("*\n\tType: ", stdout);
    scdoc_print(setting->type);
    fputs(". ", stdout);
    if (setting->standard != NULL) {
        fputs("Default: _", stdout);
        scdoc_print(setting->standard);
        fputs("_. ", stdout);
    }
    printf("Since %s.%s\n\n", setting->since == NULL ? FIRST_VERSION : setting->since,
           setting->is_fixed ? " A change takes a restart." : "");
}

/* -1: there is none. */
static int find(const struct setting *settings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].name, name) == 0)
            return (int)i;
    return -1;
}

int setting_fill_page(const struct setting *settings, size_t count)
{
    bool has_line[SETTINGS_MAX] = {false};
    char line[1024];

    assert(count <= SETTINGS_MAX);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        int found;

        if (line[0] != '@') {
            fputs(line, stdout);
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        found = find(settings, count, line + 1);
        if (found < 0) {
            fprintf(stderr, "the manual has '%s', and there is no such setting\n", line + 1);
            return 1;
        }
        has_line[found] = true;
        print(&settings[found]);
    }
    for (size_t i = 0; i < count; i++)
        if (!has_line[i]) {
            fprintf(stderr, "the manual does not have the setting '%s'\n", settings[i].name);
            return 1;
        }
    return 0;
}
