/* The daemon of a host: its VMs, with details of each. */
#include "controller/cli/top/session.h"

/* As many VMs as the daemon looks at for one request. */
enum { PAGE_SIZE = 256 };

static int take_host(struct top_model *model, const ProtobufCMessage *page)
{
    return top_model_take_host(model, (const void *)page);
}

static int take_vms(struct top_model *model, const ProtobufCMessage *page)
{
    top_model_take_vms(model, (const void *)page);
    return 0;
}

static ProtobufCMessage *make_explain(const struct top_model *model, const char *name,
                                      const char **ret_method)
{
    *ret_method = "Explain";
    return top_make_request(&vmreclaim__controller__v1__controller__descriptor, "Explain", "vm",
                            name);
}

static void take_explanation(struct top_model *model, const ProtobufCMessage *response)
{
    top_model_take_explanation(model, (const void *)response);
}

const struct top_peer top_daemon = {
    .service = &vmreclaim__controller__v1__controller__descriptor,
    .lists = {{"GetHost", PAGE_SIZE, NULL, take_host}, {"ListVms", PAGE_SIZE, NULL, take_vms}},
    .has_events = true,
    .make_explain = make_explain,
    .take_explanation = take_explanation,
};
