/* What is known of a host or a VM of the fleet, as paragraphs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/fleet/fleet.h"
#include "controller/cli/fleet/top-rows.h"
#include "controller/cli/reason-words.h"

typedef Vmreclaim__Fleet__V1__HostStatus HostStatus;
typedef Vmreclaim__Fleet__V1__GetHostStatusResponse HostResponse;
typedef Vmreclaim__Fleet__V1__ExplainFleetVmResponse VmResponse;

static void add(struct top_text *text, enum top_paragraph_kind kind, const char *format, ...)
    printf_like(3, 4);

static void add(struct top_text *text, enum top_paragraph_kind kind, const char *format, ...)
{
    char words[480];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(words, sizeof(words), format, arguments);
    va_end(arguments);
    top_text_add(text, kind, words);
}

static void add_heading(struct top_text *text, const char *words)
{
    top_text_add(text, TOP_PARAGRAPH_TEXT, "");
    top_text_add(text, TOP_PARAGRAPH_HEADING, words);
}

static void add_policies(struct top_text *text, HostPolicy *const *list, size_t count,
                         const char *problem)
{
    add_heading(text, "What the fleet wants");
    if (problem[0] != '\0')
        add(text, TOP_PARAGRAPH_ITEM, "%s", problem);
    else if (count == 0)
        add(text, TOP_PARAGRAPH_ITEM, "no policy of the fleet is wanted here");
    for (size_t i = 0; i < count; i++)
        add(text, TOP_PARAGRAPH_ITEM, "%s: %s%s%s%s%s%s%s", list[i]->name,
            fleet_policy_state_name(list[i]->state), list[i]->n_selectors == 0 ? "" : ", for ",
            list[i]->n_selectors == 0 ? "" : list[i]->selectors[0],
            list[i]->rollout[0] == '\0' ? "" : ", by rollout ", list[i]->rollout,
            list[i]->reason[0] == '\0' ? "" : ": ", list[i]->reason);
}

/* ---- a host ---- */

static void add_fact(const char *name, const char *value, void *userdata)
{
    add(userdata, TOP_PARAGRAPH_ITEM, "%s %s", name, value);
}

static void add_presence(struct top_text *text, const FleetHost *host)
{
    if (host->age_is_known)
        add(text, TOP_PARAGRAPH_TEXT, "%s: %s, heard %.0f s ago", host->host, host->presence,
            (double)host->age_ns / 1e9);
    else
        add(text, TOP_PARAGRAPH_TEXT, "%s: %s", host->host, host->presence);
    if (host->status != NULL && host->status->problem[0] != '\0')
        add(text, TOP_PARAGRAPH_TEXT, "Its daemon does not answer: %s", host->status->problem);
}

static void add_memory(struct top_text *text, const HostStatus *status)
{
    add_heading(text, "What it has");
    if (status->host != NULL) {
        Host brief = *status->host;

        brief.n_nodes = 0; /* of which there may be many */
        host_head_rows(&brief, add_fact, text);
    }
    add(text, TOP_PARAGRAPH_ITEM, "%" PRIu32 " VMs hold %s, %s could come back, %s came back",
        status->vm_count, BYTES_TEXT(status->footprint), BYTES_TEXT(status->could_return),
        BYTES_TEXT(status->returned));
    for (size_t i = 0; i < status->n_degraded; i++)
        add(text, TOP_PARAGRAPH_ITEM, "%s", status->degraded[i]);
}

static void explain_host(struct top_text *text, const HostResponse *response)
{
    const FleetHost *host = response->host;

    if (host == NULL)
        return;
    text_copy(text->title, sizeof(text->title),
              host->status == NULL || host->status->name[0] == '\0' ? host->host
                                                                    : host->status->name);
    add_presence(text, host);
    if (host->status != NULL)
        add_memory(text, host->status);
    if (host->status != NULL && host->status->applied != NULL &&
        host->status->applied->refused[0] != '\0')
        add(text, TOP_PARAGRAPH_TEXT, "It refused what the fleet wants: %s",
            host->status->applied->refused);
    add_policies(text, response->policies, response->n_policies, response->wanted_problem);
}

/* ---- a VM ---- */

static void add_parts(struct top_text *text, const Waterfall *w)
{
    const struct {
        const char *name;
        uint64_t bytes;
    } parts[] = {
        {"in use by the guest", w->in_use},
        {"the guest kernel's own", w->unmanaged},
        {"file cache that it could give up", w->cache},
        {"free, in pieces too small to report", w->trapped},
        {"free, in per-CPU lists", w->percpu},
        {"free, not yet reported", w->reportable},
        {"in its balloon", w->balloon},
        {"in its host's swap", w->swapped},
    };

    add_heading(text, "What holds the memory");
    if (!w->guest_is_known)
        add(text, TOP_PARAGRAPH_ITEM, "nobody says what the guest does with it");
    for (size_t i = 0; w->guest_is_known && i < ARRAY_SIZE(parts); i++)
        if (parts[i].bytes != 0)
            add(text, TOP_PARAGRAPH_ITEM, "%s %s", BYTES_TEXT(parts[i].bytes), parts[i].name);
}

static void add_obstacle(struct top_text *text, const Vmreclaim__Controller__V1__Obstacle *obstacle)
{
    const char *words = reason_words(obstacle->code);

    add(text, TOP_PARAGRAPH_ITEM, "%s%s%s%s%s",
        obstacle->bytes == 0 ? "" : BYTES_TEXT(obstacle->bytes), obstacle->bytes == 0 ? "" : " ",
        obstacle->code, words[0] == '\0' ? "" : ": ", words);
}

static void add_returns(struct top_text *text, const Vmreclaim__Controller__V1__Returns *returns)
{
    add_heading(text, "What could come back");
    if (returns->n_steps == 0)
        add(text, TOP_PARAGRAPH_ITEM, "nothing: %s", returns->reason);
    for (size_t i = 0; i < returns->n_steps; i++)
        add(text, TOP_PARAGRAPH_ITEM, "%s by %s", BYTES_TEXT(returns->steps[i]->bytes),
            returns->steps[i]->name);
    if (returns->n_obstacles > 0)
        add_heading(text, "What is in the way; see vmreclaim-reasons(7)");
    for (size_t i = 0; i < returns->n_obstacles; i++)
        add_obstacle(text, returns->obstacles[i]);
}

static void explain_vm(struct top_text *text, const VmResponse *response)
{
    const Vmreclaim__Fleet__V1__VmExplanation *explanation = response->explanation;

    if (response->host == NULL || response->vm == NULL)
        return;
    text_format(text->title, sizeof(text->title), "%s/%s", response->host->host,
                response->vm->name);
    add_presence(text, response->host);
    add(text, TOP_PARAGRAPH_TEXT, "%s%s%s", response->vm->state,
        response->vm->policy[0] == '\0' ? "" : ", policy ", response->vm->policy);
    if (response->vm->alarm[0] != '\0')
        add(text, TOP_PARAGRAPH_HEADING, "STARVED: %s", response->vm->alarm);
    if (response->vm->footprint_is_known)
        add(text, TOP_PARAGRAPH_TEXT, "The host holds %s for it.",
            BYTES_TEXT(response->vm->footprint));
    if (explanation == NULL)
        add(text, TOP_PARAGRAPH_TEXT, "What it holds its host did not say.");
    if (explanation != NULL && explanation->waterfall != NULL)
        add_parts(text, explanation->waterfall);
    if (explanation != NULL && explanation->returns != NULL)
        add_returns(text, explanation->returns);
    add_policies(text, response->policies, response->n_policies, response->wanted_problem);
}

void fleet_top_explain(struct top_model *model, const ProtobufCMessage *response)
{
    model->text = (struct top_text){.count = 0};
    if (response->descriptor == &vmreclaim__fleet__v1__get_host_status_response__descriptor)
        explain_host(&model->text, (const void *)response);
    else
        explain_vm(&model->text, (const void *)response);
    top_model_read(model);
}
