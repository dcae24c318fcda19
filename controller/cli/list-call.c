/* Calls whose answers are lists. */
#include <stdint.h>
#include <stdlib.h>

#include "controller.pb-c.h"
#include "controller/cli/list.h"

static int show(const ProtobufCMessage *message, void *userdata)
{
    return list_print(userdata, list_view(), message);
}

int list_run(struct cli *cli, const struct list *list, const char *method,
             ProtobufCMessage *request, uint64_t wanted)
{
    bool has_pages =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "page_token") != NULL;
    struct cli plain = *cli;

    plain.json = false; /* a document is a list's, too: its rows may be sorted */
    return has_pages ? client_list(&plain, method, request, wanted, show, (void *)list)
                     : client_call(&plain, method, request, show, (void *)list);
}

/* ---- streams ---- */

/* All messages of an answer: one after another they are one message. */
struct collected {
    uint8_t *packed;
    size_t length;
};

static int collect(const ProtobufCMessage *message, void *userdata)
{
    struct collected *all = userdata;
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = realloc(all->packed, all->length + size + 1);

    if (packed == NULL)
        return fail(EXIT_FAILED, "out of memory");
    all->packed = packed;
    all->length += protobuf_c_message_pack(message, packed + all->length);
    return EXIT_DONE;
}

static int show_collected(const struct list *list, const char *method, const struct collected *all)
{
    const ProtobufCMethodDescriptor *called = protobuf_c_service_descriptor_get_method_by_name(
        &vmreclaim__controller__v1__controller__descriptor, method);
    ProtobufCMessage *whole =
        protobuf_c_message_unpack(called->output, NULL, all->length, all->packed);
    int code;

    if (whole == NULL)
        return fail(EXIT_FAILED, "out of memory");
    code = list_print(list, list_view(), whole);
    protobuf_c_message_free_unpacked(whole, NULL);
    return code;
}

int list_run_stream(struct cli *cli, const struct list *list, const char *method,
                    const ProtobufCMessage *request)
{
    struct collected all = {.packed = NULL};
    struct cli plain = *cli;
    int code;

    plain.json = false;
    code = client_stream(&plain, method, request, collect, &all);
    if (code == EXIT_DONE)
        code = show_collected(list, method, &all);
    free(all.packed);
    return code;
}
