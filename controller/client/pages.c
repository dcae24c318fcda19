/* Pages, by the names of the fields that all lists have. */
#include "controller/client/pages.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "common/base/util.h"

/* Small pages: the daemon serves others between two. A limit is as daemons without pages know it.
 */
enum { SIZE_MAX_OF_PAGE = 500, LIMIT_MAX = 1000 };

static char **text_field(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    assert(field != NULL && field->type == PROTOBUF_C_TYPE_STRING);
    return (char **)(void *)((char *)message + field->offset);
}

static void set_size(const struct pages *pages)
{
    const ProtobufCMessageDescriptor *descriptor = pages->request->descriptor;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(descriptor, "page_size");
    uint64_t most = field != NULL ? SIZE_MAX_OF_PAGE : LIMIT_MAX;

    if (field == NULL)
        field = protobuf_c_message_descriptor_get_field_by_name(descriptor, "limit");
    assert(field != NULL && field->type == PROTOBUF_C_TYPE_UINT32);
    *(uint32_t *)(void *)((char *)pages->request + field->offset) =
        (uint32_t)min_of(pages->wanted, most);
}

void pages_init(struct pages *pages, ProtobufCMessage *request, uint64_t wanted)
{
    *pages = (struct pages){.request = request, .wanted = wanted};
    set_size(pages);
}

void pages_finish(struct pages *pages)
{
    free(pages->token);
    free(pages->packed);
}

static uint64_t count_entries(const ProtobufCMessage *page)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < page->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &page->descriptor->fields[i];

        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            count += *(const size_t *)(const void *)((const char *)page + field->quantifier_offset);
    }
    return count;
}

int pages_append(struct pages *pages, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = realloc(pages->packed, pages->length + size + 1);

    if (packed == NULL)
        return -ENOMEM;
    pages->packed = packed;
    pages->length += protobuf_c_message_pack(message, packed + pages->length);
    pages->descriptor = message->descriptor;
    return 0;
}

int pages_append_text(struct pages *pages, const void *text, size_t length)
{
    uint8_t *longer = realloc(pages->packed, pages->length + length + 1);

    if (longer == NULL)
        return -ENOMEM;
    pages->packed = longer;
    if (length > 0)
        memcpy(longer + pages->length, text, length);
    pages->length += length;
    return 0;
}

/* Without its token, which is not one of the whole. */
static int append_page(struct pages *pages, const ProtobufCMessage *page)
{
    cleanup_free ProtobufCMessage *copy = malloc(page->descriptor->sizeof_message);

    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, page, page->descriptor->sizeof_message);
    *text_field(copy, "next_page_token") = NULL;
    return pages_append(pages, copy);
}

int pages_take(struct pages *pages, const ProtobufCMessage *page)
{
    const char *next = *text_field(page, "next_page_token");
    int r = append_page(pages, page);

    if (r < 0)
        return r;
    if (pages->wanted != UINT64_MAX)
        pages->wanted = saturating_subtract(pages->wanted, count_entries(page));
    if (next[0] == '\0' || pages->wanted == 0)
        return 0;
    if (pages->token != NULL && strcmp(pages->token, next) == 0)
        return -EPROTO;
    free(pages->token);
    pages->token = strdup(next);
    if (pages->token == NULL)
        return -ENOMEM;
    *text_field(pages->request, "page_token") = pages->token;
    set_size(pages);
    return 1;
}

ProtobufCMessage *pages_join(const struct pages *pages)
{
    assert(pages->descriptor != NULL);
    return protobuf_c_message_unpack(pages->descriptor, NULL, pages->length, pages->packed);
}
