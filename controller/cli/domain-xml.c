/* Domain XML as text. */
#include "controller/cli/domain-xml.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"

#define ELEMENT "<memballoon"
#define NEW_ELEMENT                                                                                \
    "    <memballoon model='virtio'>\n      <stats period='10'/>\n    </memballoon>\n"

/* The end of the tag that begins at `tag`: its '>'; NULL: it has none. */
static const char *find_tag_end(const char *tag)
{
    char quote = '\0';

    for (const char *c = tag; *c != '\0'; c++) {
        if (quote == '\0' && *c == '>')
            return c;
        if (quote == '\0' && (*c == '\'' || *c == '"'))
            quote = *c;
        else if (*c == quote)
            quote = '\0';
    }
    return NULL;
}

/* Titles and metadata stand before the devices. */
static const char *find_balloon(const char *xml)
{
    const char *devices = strstr(xml, "<devices>");
    const char *balloon = devices == NULL ? NULL : strstr(devices, ELEMENT);

    return balloon == NULL || find_tag_end(balloon) == NULL ? NULL : balloon;
}

char *domain_xml_balloon_tag(const char *xml)
{
    const char *balloon = find_balloon(xml);

    return balloon == NULL ? strdup("")
                           : strndup(balloon, (size_t)(find_tag_end(balloon) + 1 - balloon));
}

/* `xml` with `text` in the place of [from, to). To be freed. */
static char *replace(const char *xml, const char *from, const char *to, const char *text)
{
    char *result;

    return asprintf(&result, "%.*s%s%s", (int)(from - xml), xml, text, to) < 0 ? NULL : result;
}

/* The value of an attribute in a tag, between its quotes. False: it has none of that name. */
static bool find_attribute(const char *tag, const char *name, const char **ret_start,
                           const char **ret_end)
{
    const char *end = find_tag_end(tag);
    size_t length = strlen(name);

    for (const char *c = tag; (c = strstr(c, name)) != NULL && c < end; c += length) {
        if (!isspace((unsigned char)c[-1]) || c[length] != '=' ||
            (c[length + 1] != '\'' && c[length + 1] != '"'))
            continue;
        *ret_start = c + length + 2;
        *ret_end = strchr(*ret_start, c[length + 1]);
        return *ret_end != NULL && *ret_end < end;
    }
    return false;
}

/* Sets an attribute of the balloon. Takes `xml` over; NULL stays NULL. */
static char *set_attribute(char *xml, const char *name, const char *value)
{
    cleanup_free char *old = xml;
    const char *tag = xml == NULL ? NULL : find_balloon(xml);
    const char *start, *end;
    char text[64];

    if (tag == NULL)
        return NULL;
    if (find_attribute(tag, name, &start, &end))
        return replace(xml, start, end, value);
    end = find_tag_end(tag);
    if (end[-1] == '/')
        end--;
    snprintf(text, sizeof(text), " %s='%s'", name, value);
    return replace(xml, end, end, text);
}

/* An element of model "none" is what switches the device off. */
static const char *element_end(const char *balloon)
{
    const char *end = find_tag_end(balloon);
    const char *close = strstr(balloon, "</memballoon>");

    return end[-1] == '/' || close == NULL ? end + 1 : close + strlen("</memballoon>");
}

static char *remove_none(const char *xml)
{
    const char *balloon = find_balloon(xml);
    const char *start, *end;
    const char *line, *next;

    if (balloon == NULL || !find_attribute(balloon, "model", &start, &end) ||
        strncmp(start, "none", (size_t)(end - start)) != 0)
        return strdup(xml);
    line = balloon;
    while (line > xml && (line[-1] == ' ' || line[-1] == '\t'))
        line--;
    next = element_end(balloon);
    return replace(xml, line, *next == '\n' ? next + 1 : next, "");
}

static char *insert(char *xml)
{
    cleanup_free char *old = xml;
    const char *end = strstr(xml, "</devices>");

    while (end != NULL && end > xml && end[-1] == ' ')
        end--;
    return end == NULL ? NULL : replace(xml, end, end, NEW_ELEMENT);
}

int domain_xml_balloon(const char *xml, const struct domain_balloon *balloon, char **ret_xml)
{
    char *result;

    if (strstr(xml, "<domain") == NULL || strstr(xml, "<devices>") == NULL ||
        strstr(xml, "</devices>") == NULL)
        return -EINVAL;
    result = remove_none(xml);
    if (result != NULL && find_balloon(result) == NULL)
        result = insert(result);
    if (balloon->deflate)
        result = set_attribute(result, "autodeflate", "on");
    if (balloon->reporting)
        result = set_attribute(result, "freePageReporting", "on");
    if (result == NULL)
        return -ENOMEM;
    *ret_xml = result;
    return 0;
}

/* ---- its memory ---- */

/* What people write stands there as any XML, before the memory; in other texts a '<' is escaped. */
static const char *skip_metadata(const char *xml)
{
    static const char end[] = "</metadata>";
    const char *after = xml;

    for (const char *c = xml; (c = strstr(c, end)) != NULL; c += strlen(end))
        after = c + strlen(end);
    return after;
}

/* libvirt writes KiB, whatever was given to it. */
static bool is_in_kib(const char *tag)
{
    const char *start, *end;

    return !find_attribute(tag, "unit", &start, &end) ||
           (end - start == 3 && strncmp(start, "KiB", 3) == 0);
}

/* The tag of the element <memory>; NULL: there is none. */
static const char *find_memory(const char *xml)
{
    static const char element[] = "<memory";

    for (const char *c = skip_metadata(xml); (c = strstr(c, element)) != NULL;
         c += strlen(element)) {
        char after = c[strlen(element)];

        if ((after == '>' || after == ' ') && find_tag_end(c) != NULL)
            return c;
    }
    return NULL;
}

int domain_xml_memory(const char *xml, uint64_t *ret_bytes)
{
    const char *tag = strstr(xml, "<domain") == NULL ? NULL : find_memory(xml);
    const char *content = tag == NULL ? NULL : find_tag_end(tag) + 1;
    size_t length = content == NULL ? 0 : strspn(content, "0123456789");
    char number[24];
    uint64_t kib;

    if (length == 0 || length >= sizeof(number) || !is_in_kib(tag) ||
        strncmp(content + length, "</memory>", strlen("</memory>")) != 0)
        return -EINVAL;
    snprintf(number, sizeof(number), "%.*s", (int)length, content);
    if (number_parse(number, &kib) < 0 || kib == 0 || kib > UINT64_MAX / KIB)
        return -EINVAL;
    *ret_bytes = kib * KIB;
    return 0;
}
