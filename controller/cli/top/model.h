/* What `vmreclaim top` shows, and what keys make of it. Pure: the daemon's answers, events and keys
 * go in; what is to be done comes out as an intention. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_MODEL_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#include "controller/cli/host-head.h"
#include "controller/cli/top/actions.h"
#include "controller/cli/top/happenings.h"
#include "controller/cli/top/kind.h"
#include "controller/cli/top/vms.h"

/* ---- keys and intentions ---- */

enum top_key_kind {
    TOP_KEY_CHARACTER,
    TOP_KEY_UP,
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_HOME,
    TOP_KEY_END,
    TOP_KEY_ENTER,
    TOP_KEY_ESCAPE,
    TOP_KEY_BACKSPACE,
};

struct top_key {
    enum top_key_kind kind;
    wchar_t character; /* of TOP_KEY_CHARACTER */
};

enum top_wish {
    TOP_WISH_NOTHING,
    TOP_WISH_QUIT,
    TOP_WISH_EXPLAIN, /* `vm` */
    TOP_WISH_PLAN,    /* what `action` would do to `vm`; a question waits for it */
    TOP_WISH_ACT,     /* on `vm`, by `action`; it was confirmed */
};

struct top_intention {
    enum top_wish wish;
    char vm[TOP_NAME_SIZE];
    const struct top_action *action;
};

/* ---- what there is to read ---- */

enum { TOP_PARAGRAPHS_MAX = 160, TOP_HEAD_MAX = 16 };

enum top_paragraph_kind {
    TOP_PARAGRAPH_TEXT,
    TOP_PARAGRAPH_HEADING,
    TOP_PARAGRAPH_ITEM,    /* a sentence of a list */
    TOP_PARAGRAPH_COMMAND, /* to type; it is not broken between words */
};

struct top_paragraph {
    enum top_paragraph_kind kind;
    char text[480];
};

/* What is read instead of the list. */
struct top_text {
    char title[96];
    struct top_paragraph list[TOP_PARAGRAPHS_MAX];
    size_t count;
    size_t first; /* line that is shown first */
};

enum top_mode {
    TOP_LIST,
    TOP_FILTER,  /* the filter is being typed */
    TOP_CONFIRM, /* an action is to be confirmed */
    TOP_READING, /* an explanation, or help */
};

/* What the layout found room for, for keys that go by pages. */
struct top_fit {
    size_t list_rows;
    size_t list_first; /* place of the VM in the first row */
    size_t text_rows;
    size_t text_lines; /* of all of the text */
};

struct top_model {
    const struct top_kind *kind;
    struct top_vms vms;   /* rows of this kind */
    struct top_vms other; /* of kind->other */
    struct happenings happenings;
    char head[TOP_HEAD_MAX][128]; /* of the host: "memory 64.0 GiB, available 16.0 GiB" */
    size_t head_count;
    uint64_t host_total; /* 0: not known */
    uint64_t host_available;
    int64_t time;      /* UNIX nanoseconds; 0: not given */
    bool has_answered; /* the daemon, since the last arrangement */
    int64_t heard;     /* when the daemon last answered; 0: never */
    char away[256];    /* why it does not answer; empty: it does */
    enum top_mode mode;
    enum top_order order;
    char filter[TOP_NAME_SIZE];
    char filter_before[TOP_NAME_SIZE]; /* it was typed anew */
    char chosen[TOP_NAME_SIZE];        /* VM; empty: none is there */
    size_t place;                      /* of it among those shown */
    struct top_intention asked;        /* is to be confirmed */
    char question[512];
    char message[320]; /* the last thing said to the person; empty: nothing */
    bool message_is_bad;
    struct top_text text;
    struct top_fit fit;
};

/* It is big: to be had with calloc(). Nothing to free but what finish() does. */
void top_model_init(struct top_model *model, const struct top_kind *kind);
void top_model_finish(struct top_model *model);

/* ---- what goes in ---- */

/* Pages of GetHost and ListVms; -ENOMEM. */
int top_model_take_host(struct top_model *model,
                        const Vmreclaim__Controller__V1__GetHostResponse *page);
void top_model_take_vms(struct top_model *model,
                        const Vmreclaim__Controller__V1__ListVmsResponse *page);
void top_model_take_event(struct top_model *model, const Event *event);
void top_model_take_explanation(struct top_model *model,
                                const Vmreclaim__Controller__V1__ExplainResponse *explanation);

/* What an action would do: the question about it, if it still stands, says so. */
void top_model_take_plan(struct top_model *model, const struct top_intention *asked,
                         const Vmreclaim__Controller__V1__PlanActionResponse *plan);

/* Why nobody answers; "": somebody does. */
void top_model_set_away(struct top_model *model, const char *why);

enum top_end {
    TOP_END_DONE,
    TOP_END_REFUSED, /* nothing was done */
    TOP_END_FAILED,  /* more is not known */
    TOP_END_OPEN,    /* there is no answer: it may go on */
};

/* An action that this program ordered has begun, or ended: `words` say what it brought, or why it
 * did not. */
void top_model_begun(struct top_model *model, const char *vm, const struct top_action *action);
void top_model_ended(struct top_model *model, const char *vm, const struct top_action *action,
                     enum top_end end, const char *words);

/* Says something to the person. */
void top_model_say(struct top_model *model, bool is_bad, const char *text);

/* After what went in, before it is laid out. */
void top_model_arrange(struct top_model *model, int64_t time);

/* ---- keys.c ---- */

/* What was taken since the last arrangement counts. */
struct top_intention top_model_key(struct top_model *model, struct top_key key);

/* ---- reading ---- */

/* Adds a paragraph; what is too much is left out. */
void top_text_add(struct top_text *text, enum top_paragraph_kind kind, const char *words);

/* The text is read now, unless the person does something else. */
void top_model_read(struct top_model *model);

/* The chosen VM; NULL: none. */
struct top_vm *top_model_chosen(const struct top_model *model);

/* The rows of a kind, which are shown or a key away. */
struct top_vms *top_model_rows(struct top_model *model, const struct top_kind *kind);

#endif
