/* What keys do: a table of modes and keys. */
#include <assert.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/cli/top/model.h"

typedef void (*key_handler)(struct top_model *model, const struct top_key *key,
                            struct top_intention *intention);

/* ---- the list ---- */

/* Chooses another VM, so many rows on. */
static void move(struct top_model *model, bool is_down, size_t rows)
{
    size_t last = saturating_subtract(model->vms.shown_count, 1);

    model->place =
        is_down ? min_of(last, model->place + rows) : saturating_subtract(model->place, rows);
    if (model->vms.shown_count > 0)
        text_copy(model->chosen, sizeof(model->chosen), model->vms.shown[model->place]->name);
}

static void on_up(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    move(model, false, 1);
}

static void on_down(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    move(model, true, 1);
}

static void on_page_up(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    move(model, false, max_of(model->fit.list_rows, (size_t)1));
}

static void on_page_down(struct top_model *model, const struct top_key *key,
                         struct top_intention *i)
{
    move(model, true, max_of(model->fit.list_rows, (size_t)1));
}

static void on_home(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    move(model, false, model->vms.shown_count);
}

static void on_end(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    move(model, true, model->vms.shown_count);
}

static void on_sort(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    char text[64];

    model->order = (enum top_order)((model->order + 1) % TOP_ORDER_COUNT);
    text_format(text, sizeof(text), "sorted by %s", top_order_name(model->order));
    top_model_say(model, false, text);
}

static void on_quit(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    i->wish = TOP_WISH_QUIT;
}

static void on_explain(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    char text[128];

    if (model->chosen[0] == '\0')
        return;
    *i = (struct top_intention){.wish = TOP_WISH_EXPLAIN};
    text_copy(i->vm, sizeof(i->vm), model->chosen);
    text_format(text, sizeof(text), "%s %s", model->chosen, model->kind->asking);
    top_model_say(model, false, text);
}

/* Nothing is done before it was confirmed. */
static void on_action(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    const struct top_vm *vm = top_model_chosen(model);

    if (model->kind->no_actions != NULL) {
        top_model_say(model, true, model->kind->no_actions);
        return;
    }
    if (vm == NULL) {
        top_model_say(model, true, "there is no VM to do it to");
        return;
    }
    model->asked = (struct top_intention){.wish = TOP_WISH_ACT};
    text_copy(model->asked.vm, sizeof(model->asked.vm), vm->name);
    for (size_t j = 0; j < TOP_ACTION_COUNT; j++)
        if (top_actions[j].key == (char)key->character)
            model->asked.action = &top_actions[j];
    assert(model->asked.action != NULL);
    top_action_ask(model->asked.action, vm, model->question, sizeof(model->question));
    model->mode = TOP_CONFIRM;
    *i = model->asked;
    i->wish = TOP_WISH_PLAN;
}

/* The rows of the other kind; each has its own order of things. */
static void on_other(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    struct top_vms shown = model->vms;

    if (model->kind->other == NULL)
        return;
    model->vms = model->other;
    model->other = shown;
    model->kind = model->kind->other;
    model->chosen[0] = model->filter[0] = '\0';
    model->place = 0;
}

static void on_forget(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    model->filter[0] = '\0';
}

/* ---- a question ---- */

static void on_yes(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    *i = model->asked;
    model->mode = TOP_LIST;
}

static void on_no(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    model->mode = TOP_LIST;
    top_model_say(model, false, "nothing was done");
}

/* ---- the filter ---- */

static void on_filter(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    text_copy(model->filter_before, sizeof(model->filter_before), model->filter);
    model->filter[0] = '\0';
    model->mode = TOP_FILTER;
}

static void on_filter_end(struct top_model *model, const struct top_key *key,
                          struct top_intention *i)
{
    model->mode = TOP_LIST;
}

static void on_filter_undone(struct top_model *model, const struct top_key *key,
                             struct top_intention *i)
{
    text_copy(model->filter, sizeof(model->filter), model->filter_before);
    model->mode = TOP_LIST;
}

/* Names have nothing but ASCII. */
static void on_filter_character(struct top_model *model, const struct top_key *key,
                                struct top_intention *i)
{
    char text[2] = {(char)key->character, '\0'};

    if (key->character > L' ' && key->character < 0x7f)
        text_append_bytes(model->filter, sizeof(model->filter), text, 1);
}

static void on_filter_back(struct top_model *model, const struct top_key *key,
                           struct top_intention *i)
{
    size_t length = strlen(model->filter);

    if (length > 0)
        model->filter[length - 1] = '\0';
}

/* ---- reading ---- */

static void scroll(struct top_model *model, bool is_down, size_t lines)
{
    size_t last = saturating_subtract(model->fit.text_lines, model->fit.text_rows);

    model->text.first = is_down ? min_of(last, model->text.first + lines)
                                : saturating_subtract(model->text.first, lines);
}

static void on_line_up(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    scroll(model, false, 1);
}

static void on_line_down(struct top_model *model, const struct top_key *key,
                         struct top_intention *i)
{
    scroll(model, true, 1);
}

static void on_text_up(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    scroll(model, false, max_of(model->fit.text_rows, (size_t)1));
}

static void on_text_down(struct top_model *model, const struct top_key *key,
                         struct top_intention *i)
{
    scroll(model, true, max_of(model->fit.text_rows, (size_t)1));
}

static void on_text_home(struct top_model *model, const struct top_key *key,
                         struct top_intention *i)
{
    model->text.first = 0;
}

static void on_text_end(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    scroll(model, true, model->fit.text_lines);
}

static void on_read(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    model->mode = TOP_LIST;
}

static void on_help(struct top_model *model, const struct top_key *key, struct top_intention *i);

/* ---- the table ---- */

#define ANY_CHARACTER L'\0'

/* The first that fits; what fits none does nothing. */
static const struct binding {
    enum top_mode mode;
    enum top_key_kind kind;
    wchar_t character;
    key_handler handler;
    const char *keys; /* for the help; NULL: it was said before */
    const char *what;
} bindings[] = {
    {TOP_LIST, TOP_KEY_UP, 0, on_up, "Up, Down, j, k", "choose another one"},
    {TOP_LIST, TOP_KEY_CHARACTER, L'k', on_up, NULL, NULL},
    {TOP_LIST, TOP_KEY_DOWN, 0, on_down, NULL, NULL},
    {TOP_LIST, TOP_KEY_CHARACTER, L'j', on_down, NULL, NULL},
    {TOP_LIST, TOP_KEY_PAGE_UP, 0, on_page_up, "PgUp, PgDn", "... a page on"},
    {TOP_LIST, TOP_KEY_PAGE_DOWN, 0, on_page_down, NULL, NULL},
    {TOP_LIST, TOP_KEY_HOME, 0, on_home, "Home, End, g, G", "... the first, the last"},
    {TOP_LIST, TOP_KEY_CHARACTER, L'g', on_home, NULL, NULL},
    {TOP_LIST, TOP_KEY_END, 0, on_end, NULL, NULL},
    {TOP_LIST, TOP_KEY_CHARACTER, L'G', on_end, NULL, NULL},
    {TOP_LIST, TOP_KEY_ENTER, 0, on_explain, "Enter", "explain where its memory is, in words"},
    {TOP_LIST, TOP_KEY_CHARACTER, L'v', on_other, "v", "hosts, or VMs"},
    {TOP_LIST, TOP_KEY_CHARACTER, L'r', on_action, "r", "reclaim its cache, after a question"},
    {TOP_LIST, TOP_KEY_CHARACTER, L'c', on_action, "c", "compact it, after a question"},
    {TOP_LIST, TOP_KEY_CHARACTER, L'p', on_action, "p", "pulse its balloon, after a question"},
    {TOP_LIST, TOP_KEY_CHARACTER, L's', on_sort, "s",
     "sort by what could come back, by size, by name"},
    {TOP_LIST, TOP_KEY_CHARACTER, L'/', on_filter, "/", "show only names with this in it; a glob"},
    {TOP_LIST, TOP_KEY_ESCAPE, 0, on_forget, "Esc", "show all again"},
    {TOP_LIST, TOP_KEY_CHARACTER, L'?', on_help, "?", "this help"},
    {TOP_LIST, TOP_KEY_CHARACTER, L'q', on_quit, "q, Ctrl-C", "quit; what was begun goes on"},
    {TOP_FILTER, TOP_KEY_ENTER, 0, on_filter_end, NULL, NULL},
    {TOP_FILTER, TOP_KEY_ESCAPE, 0, on_filter_undone, NULL, NULL},
    {TOP_FILTER, TOP_KEY_BACKSPACE, 0, on_filter_back, NULL, NULL},
    {TOP_FILTER, TOP_KEY_UP, 0, on_up, NULL, NULL},
    {TOP_FILTER, TOP_KEY_DOWN, 0, on_down, NULL, NULL},
    {TOP_FILTER, TOP_KEY_CHARACTER, ANY_CHARACTER, on_filter_character, NULL, NULL},
    {TOP_CONFIRM, TOP_KEY_CHARACTER, L'y', on_yes, NULL, NULL},
    {TOP_CONFIRM, TOP_KEY_CHARACTER, L'Y', on_yes, NULL, NULL},
    {TOP_CONFIRM, TOP_KEY_CHARACTER, ANY_CHARACTER, on_no, NULL, NULL},
    {TOP_CONFIRM, TOP_KEY_ENTER, 0, on_no, NULL, NULL},
    {TOP_CONFIRM, TOP_KEY_ESCAPE, 0, on_no, NULL, NULL},
    {TOP_READING, TOP_KEY_UP, 0, on_line_up, NULL, NULL},
    {TOP_READING, TOP_KEY_CHARACTER, L'k', on_line_up, NULL, NULL},
    {TOP_READING, TOP_KEY_DOWN, 0, on_line_down, NULL, NULL},
    {TOP_READING, TOP_KEY_CHARACTER, L'j', on_line_down, NULL, NULL},
    {TOP_READING, TOP_KEY_PAGE_UP, 0, on_text_up, NULL, NULL},
    {TOP_READING, TOP_KEY_PAGE_DOWN, 0, on_text_down, NULL, NULL},
    {TOP_READING, TOP_KEY_CHARACTER, L' ', on_text_down, NULL, NULL},
    {TOP_READING, TOP_KEY_HOME, 0, on_text_home, NULL, NULL},
    {TOP_READING, TOP_KEY_CHARACTER, L'g', on_text_home, NULL, NULL},
    {TOP_READING, TOP_KEY_END, 0, on_text_end, NULL, NULL},
    {TOP_READING, TOP_KEY_CHARACTER, L'G', on_text_end, NULL, NULL},
    {TOP_READING, TOP_KEY_ENTER, 0, on_read, NULL, NULL},
    {TOP_READING, TOP_KEY_ESCAPE, 0, on_read, NULL, NULL},
    {TOP_READING, TOP_KEY_CHARACTER, L'q', on_read, NULL, NULL},
};

struct top_intention top_model_key(struct top_model *model, struct top_key key)
{
    struct top_intention intention = {.wish = TOP_WISH_NOTHING};

    top_model_say(model, false, ""); /* it was read */
    top_model_arrange(model, model->time);
    for (size_t i = 0; i < ARRAY_SIZE(bindings); i++) {
        const struct binding *binding = &bindings[i];
        bool fits = binding->mode == model->mode && binding->kind == key.kind;

        if (!fits || (key.kind == TOP_KEY_CHARACTER && binding->character != ANY_CHARACTER &&
                      binding->character != key.character))
            continue;
        binding->handler(model, &key, &intention);
        break;
    }
    return intention;
}

/* ---- help ---- */

/* There is something that it does. */
static bool is_for(const struct binding *binding, const struct top_kind *kind)
{
    if (binding->handler == on_action)
        return kind->no_actions == NULL;
    return binding->handler != on_other || kind->other != NULL;
}

static void on_help(struct top_model *model, const struct top_key *key, struct top_intention *i)
{
    struct top_text *text = &model->text;
    char line[128];

    *text = (struct top_text){.title = "keys, and letters of the bars"};
    for (size_t j = 0; j < ARRAY_SIZE(bindings); j++) {
        if (bindings[j].keys == NULL || !is_for(&bindings[j], model->kind))
            continue;
        text_format(line, sizeof(line), "%-16s %s", bindings[j].keys, bindings[j].what);
        top_text_add(text, TOP_PARAGRAPH_COMMAND, line);
    }
    top_text_add(text, TOP_PARAGRAPH_TEXT, "");
    top_text_add(text, TOP_PARAGRAPH_TEXT, model->kind->legend_title);
    for (const struct top_letter *letter = model->kind->legend; letter->letter != '\0'; letter++) {
        text_format(line, sizeof(line), "%-16c %s", letter->letter, letter->meaning);
        top_text_add(text, TOP_PARAGRAPH_COMMAND, line);
    }
    top_text_add(text, TOP_PARAGRAPH_TEXT, "");
    top_text_add(text, TOP_PARAGRAPH_TEXT, "q, Esc or Enter lead back to the list.");
    model->mode = TOP_READING;
}
