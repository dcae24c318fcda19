/* Metadata of domains. */
#include "controller/hypervisors/libvirt/labels.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

#define LABEL_BYTES 160

void labels_init(struct labels *labels, char *text, size_t size)
{
    *labels = (struct labels){text, size};
    text[0] = '\0';
}

/* Commas separate labels. */
static void add(const struct labels *labels, char *label, bool is_list)
{
    size_t used = strlen(labels->text);
    size_t length = strlen(label);

    for (char *c = label; *c != '\0'; c++)
        if (*c == ',' && !is_list)
            *c = ';';
    if (length == 0 || used + (used > 0) + length >= labels->size)
        return;
    snprintf(labels->text + used, labels->size - used, "%s%s", used > 0 ? "," : "", label);
}

/* The element's name without its namespace's; NULL: it is no metadata. */
static const char *element_of(const char *path)
{
    static const char place[] = "/domain/metadata/";
    const char *name = strrchr(path, '/') + 1;
    const char *colon = strchr(name, ':');

    if (strncmp(path, place, sizeof(place) - 1) != 0)
        return NULL;
    return colon == NULL ? name : colon + 1;
}

void labels_begin(struct labels *labels, const char *path, const char **attributes)
{
    const char *element = element_of(path);
    char label[LABEL_BYTES];
    char safe[LABEL_BYTES];

    if (element == NULL)
        return;
    for (; attributes[0] != NULL; attributes += 2) {
        if (strncmp(attributes[0], "xmlns", 5) == 0)
            continue;
        text_format(label, sizeof(label), "%s.%s=%s", element, attributes[0], attributes[1]);
        text_copy_line(safe, sizeof(safe), label);
        add(labels, safe, false);
    }
}

void labels_text(struct labels *labels, const char *path, const char *text)
{
    const char *element = element_of(path);
    bool is_list = element != NULL && strcmp(element, "labels") == 0;
    char label[LABEL_BYTES];
    char safe[LABEL_BYTES];

    if (element == NULL)
        return;
    if (is_list)
        text_format(label, sizeof(label), "%s", text);
    else
        text_format(label, sizeof(label), "%s=%s", element, text);
    text_copy_line(safe, sizeof(safe), label);
    add(labels, safe, is_list);
}
