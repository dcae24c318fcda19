/* What the daemon says of VMs and of its callers. */
#include "controller/daemon-log.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "controller/daemon-parts.h"
#include "controller/json/json.h"

#define WRITTEN_OUT_MAX (16 * 1024) /* bytes of a request whose fields are audited */

/* ---- events ---- */

static enum log_level level_of(enum vm_event_kind kind)
{
    switch (kind) {
    case VM_EVENT_WARNING:
    case VM_EVENT_ALARM:
        return LOG_LEVEL_WARNING;
    case VM_EVENT_STATE:
    case VM_EVENT_POLICY:
    case VM_EVENT_ARBITER:
    case VM_EVENT_RESET:
    case VM_EVENT_RESTORED:
    case VM_EVENT_RENAMED:
        return LOG_LEVEL_INFO;
    default:
        return LOG_LEVEL_DEBUG;
    }
}

/* A guest can bring about most of these, so their number is bounded for each. */
void daemon_log_vm_event(const struct vm_event *event, void *userdata)
{
    enum log_level level = level_of(event->kind);
    char note[64] = "";
    unsigned suppressed;

    if (event->kind == VM_EVENT_SAMPLE || vm_event_kind_name(event->kind, event->vm) == NULL)
        return;
    if (level < LOG_LEVEL_DEBUG) {
        if (!log_limit_pass(&event->vm->log, time_boottime(), &suppressed))
            return;
        if (suppressed > 0)
            snprintf(note, sizeof(note), " (%u lines before were left out)", suppressed);
    }
    log_write(level, "VM %s: %s%s", event->vm->name, event->text, note);
}

/* ---- audit ---- */

/* What is empty is left out. */
static int add_text(json_t *json, const char *key, const char *text)
{
    return text[0] == '\0' ? 0 : json_object_set_new(json, key, json_string(text));
}

/* The request as JSON, with the action's id and the program that asked; the caller frees it. Of one
 * that is much longer than what is kept, its length. NULL: out of memory. */
static char *request_text(const ProtobufCMessage *request, const char *action, const char *program)
{
    size_t size = protobuf_c_message_get_packed_size(request);
    json_t *json = NULL;
    char *text = NULL;
    int r;

    if (size > WRITTEN_OUT_MAX)
        r = (json = json_pack("{s:I}", "request_bytes", (json_int_t)size)) == NULL ? -ENOMEM : 0;
    else
        r = json_from_message(request, &json);
    if (r == 0 && add_text(json, "action", action) == 0 && add_text(json, "program", program) == 0)
        text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

void daemon_audit(const struct api_call *call, const ProtobufCMessage *request, bool allowed,
                  void *userdata)
{
    cleanup_free char *text = request_text(request, call->action, call->caller.program);
    const struct api_caller *caller = &call->caller;
    const char *method = call->method->name;
    struct daemon *daemon = userdata;

    (void)store_put_audit(daemon->store, time_realtime(), caller->name, method,
                          text != NULL ? text : "", allowed);
    log_notice("audit: %s (%s%spid %d, uid %u) %s %s%s%s", caller->name, caller->program,
               caller->program[0] == '\0' ? "" : ", ", (int)caller->pid, caller->uid,
               allowed ? "calls" : "is refused", method, call->action[0] == '\0' ? "" : ", action ",
               call->action);
}
