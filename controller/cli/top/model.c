/* What the screen shows. */
#include "controller/cli/top/model.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/cli/findings.h"

void top_model_init(struct top_model *model, const struct top_kind *kind)
{
    *model = (struct top_model){.kind = kind, .mode = TOP_LIST};
}

void top_model_finish(struct top_model *model)
{
    top_vms_finish(&model->vms);
    top_vms_finish(&model->other);
}

struct top_vms *top_model_rows(struct top_model *model, const struct top_kind *kind)
{
    return model->kind == kind ? &model->vms : &model->other;
}

struct top_vm *top_model_chosen(const struct top_model *model)
{
    return model->place < model->vms.shown_count ? model->vms.shown[model->place] : NULL;
}

/* ---- lists ---- */

static void add_to_head(const char *name, const char *value, void *userdata)
{
    struct top_model *model = userdata;

    if (model->head_count == TOP_HEAD_MAX)
        return;
    text_format(model->head[model->head_count++], sizeof(model->head[0]), "%s %s", name, value);
}

/* Without the nodes, of which there may be many. */
static void take_host(struct top_model *model, const Host *host)
{
    Host brief = *host;

    brief.n_nodes = 0;
    model->head_count = 0;
    host_head_rows(&brief, add_to_head, model);
    model->host_total = host->total;
    model->host_available = host->available;
}

int top_model_take_host(struct top_model *model,
                        const Vmreclaim__Controller__V1__GetHostResponse *page)
{
    model->has_answered = true;
    if (page->host != NULL)
        take_host(model, page->host);
    return top_vms_take(&model->vms, page->vms, page->n_vms, page->next_page_token[0] == '\0');
}

void top_model_take_vms(struct top_model *model,
                        const Vmreclaim__Controller__V1__ListVmsResponse *page)
{
    for (size_t i = 0; i < page->n_vms; i++)
        top_vms_detail(&model->vms, page->vms[i]);
}

void top_model_take_event(struct top_model *model, const Event *event)
{
    happenings_take(&model->happenings, event);
    if (event->waterfall != NULL)
        top_vms_sample(&model->vms, event->vm, event->waterfall);
}

void top_model_take_plan(struct top_model *model, const struct top_intention *asked,
                         const Vmreclaim__Controller__V1__PlanActionResponse *plan)
{
    if (model->mode == TOP_CONFIRM && model->asked.action == asked->action &&
        strcmp(model->asked.vm, asked->vm) == 0 && plan->n_steps > 0)
        top_action_ask_planned(asked->action, asked->vm, plan->steps[0], model->question,
                               sizeof(model->question));
}

/* ---- what is said ---- */

void top_model_say(struct top_model *model, bool is_bad, const char *text)
{
    text_copy(model->message, sizeof(model->message), text);
    model->message_is_bad = is_bad;
}

void top_model_set_away(struct top_model *model, const char *why)
{
    char text[64];

    text_format(text, sizeof(text), "the %s answers again", model->kind->peer);
    if (why[0] == '\0' && model->away[0] != '\0')
        happenings_add(&model->happenings, model->time, false, text);
    text_copy(model->away, sizeof(model->away), why);
}

void top_model_begun(struct top_model *model, const char *vm, const struct top_action *action)
{
    struct top_vm *there = top_vms_find(&model->vms, vm);
    char text[160];

    text_format(text, sizeof(text), "%s %s was ordered", vm, action->name);
    happenings_add(&model->happenings, model->time, false, text);
    if (there != NULL)
        text_copy(there->acting, sizeof(there->acting), action->name);
}

void top_model_ended(struct top_model *model, const char *vm, const struct top_action *action,
                     enum top_end end, const char *words)
{
    static const char *const before[] = {
        [TOP_END_DONE] = "",
        [TOP_END_REFUSED] = "not done: ",
        [TOP_END_FAILED] = "failed: ",
        [TOP_END_OPEN] = "may still go on: ",
    };
    struct top_vm *there = top_vms_find(&model->vms, vm);
    char text[320];

    if (there != NULL)
        there->acting[0] = '\0';
    text_format(text, sizeof(text), "%s %s %s%s", vm, action->name, before[end], words);
    if (end != TOP_END_DONE) /* of others there is an event */
        happenings_add(&model->happenings, model->time, true, text);
    top_model_say(model, end != TOP_END_DONE, text);
}

void top_model_arrange(struct top_model *model, int64_t time)
{
    size_t place;

    model->time = time;
    if (model->has_answered)
        model->heard = time;
    model->has_answered = false;
    top_vms_arrange(&model->vms, model->order, model->filter);
    if (model->kind->is_part)
        top_vms_arrange(&model->other, model->order, "");
    place = top_vms_place(&model->vms, model->chosen);
    if (place == SIZE_MAX) /* it is gone, or was never there: its neighbour's turn */
        place = min_of(model->place, saturating_subtract(model->vms.shown_count, 1));
    model->place = place;
    text_copy(model->chosen, sizeof(model->chosen),
              place < model->vms.shown_count ? model->vms.shown[place]->name : "");
}

/* ---- what is read ---- */

void top_text_add(struct top_text *text, enum top_paragraph_kind kind, const char *words)
{
    struct top_paragraph *paragraph = &text->list[text->count];

    if (text->count == TOP_PARAGRAPHS_MAX)
        return;
    text->count++;
    paragraph->kind = kind;
    text_copy(paragraph->text, sizeof(paragraph->text), words);
}

void top_model_read(struct top_model *model)
{
    if (model->mode == TOP_LIST)
        model->mode = TOP_READING;
    top_model_say(model, false, "");
}

static void add_vm(struct top_text *text, const Vm *vm)
{
    const Waterfall *w = vm->waterfall;
    char words[480];

    text_format(words, sizeof(words), "%s%s%s%s%s", vm->state,
                vm->policy[0] == '\0' ? "" : ", policy ", vm->policy,
                vm->engine_state[0] == '\0' ? "" : ", ", vm->engine_state);
    top_text_add(text, TOP_PARAGRAPH_TEXT, words);
    if (vm->alarm[0] != '\0') {
        text_format(words, sizeof(words), "STARVED: %s", vm->alarm);
        top_text_add(text, TOP_PARAGRAPH_HEADING, words);
    }
    if (w == NULL || !waterfall_host_is_known(w))
        return;
    text_format(words, sizeof(words), "The host holds %s for it, of %s.", BYTES_TEXT(w->footprint),
                w->vm_ram == 0 ? "a memory that is not known" : BYTES_TEXT(w->vm_ram));
    top_text_add(text, TOP_PARAGRAPH_TEXT, words);
}

static void add_findings(struct top_text *text, const struct finding_paragraph *paragraph,
                         Finding *const *findings, size_t count)
{
    bool begun = false;

    for (size_t i = 0; i < count; i++) {
        if ((int)findings[i]->kind != paragraph->kind)
            continue;
        if (!begun) {
            top_text_add(text, TOP_PARAGRAPH_TEXT, "");
            top_text_add(text, TOP_PARAGRAPH_HEADING, paragraph->heading);
        }
        begun = true;
        top_text_add(text, TOP_PARAGRAPH_ITEM, findings[i]->sentence);
        if (findings[i]->command[0] != '\0')
            top_text_add(text, TOP_PARAGRAPH_COMMAND, findings[i]->command);
    }
}

void top_model_take_explanation(struct top_model *model,
                                const Vmreclaim__Controller__V1__ExplainResponse *explanation)
{
    struct top_text *text = &model->text;

    *text = (struct top_text){.count = 0};
    if (explanation->vm != NULL) {
        text_copy(text->title, sizeof(text->title), explanation->vm->name);
        add_vm(text, explanation->vm);
    }
    for (size_t i = 0; i < FINDING_PARAGRAPHS; i++)
        add_findings(text, &finding_paragraphs[i], explanation->findings, explanation->n_findings);
    top_model_read(model);
}
