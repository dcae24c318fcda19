/* vmreclaim policy edit NAME */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/policy/policy-yaml.h"
#include "controller/cli/editor.h"
#include "controller/cli/messages.h"
#include "controller/cli/policy-applying.h"

/* What begins the lines that are ours. There are always as many, so that a line's number in an
 * error is its number in the file. */
#define OURS "# vmreclaim: "
enum { OUR_LINES = 2 };

/* A policy that is being edited. */
struct editing {
    struct cli *cli;
    const char *name;
    uint64_t revision;
    char hash[65];      /* of its text */
    char *before;       /* its text */
    char *text;         /* as it was saved last; without lines of ours */
    char source[80];    /* "NAME.yaml" */
    struct error error; /* what is wrong with the text; empty: nothing is known to be */
    struct editor editor;
};

/* ---- the text ---- */

/* The text as it is opened, to be freed; NULL: no memory. */
static char *with_our_lines(const struct editing *editing)
{
    const char *text = editing->text != NULL ? editing->text : editing->before;
    char *opened = NULL;
    int length;

    if (editing->error.text[0] != '\0')
        length = asprintf(&opened,
                          OURS "%s\n" OURS "Mend it and save; saved as it is, nothing is done.\n%s",
                          editing->error.text, text);
    else
        length = asprintf(&opened,
                          OURS "policy %s, revision %" PRIu64 ".\n" OURS
                               "Saved and changed it is applied; else nothing is done.\n%s",
                          editing->name, editing->revision, text);
    return length < 0 ? NULL : opened;
}

static void drop_our_lines(char *text)
{
    const char *rest = text;

    while (strncmp(rest, OURS, strlen(OURS)) == 0) {
        rest += strcspn(rest, "\n");
        rest += *rest == '\n';
    }
    memmove(text, rest, strlen(rest) + 1);
}

/* -EINVAL: it is no policy, or another one. */
static int check(struct editing *editing)
{
    char *counted = NULL;
    struct policy policy;
    int length = asprintf(&counted, "%.*s%s", OUR_LINES, "\n\n\n\n", editing->text);
    int r;

    if (length < 0)
        return error_set(&editing->error, -ENOMEM, "out of memory");
    r = policy_load_yaml(counted, (size_t)length, editing->source, &policy, &editing->error);
    free(counted);
    if (r == 0)
        r = policy_name_after(&policy, editing->source, &editing->error);
    if (r == 0 && strcmp(policy.name, editing->name) != 0)
        r = error_set(
            &editing->error, -EINVAL,
            "this is policy '%s', so its name cannot be '%s'; policy apply makes new ones",
            editing->name, policy.name);
    text_make_safe(editing->error.text, TEXT_ONE_LINE);
    return r;
}

/* ---- editing ---- */

static int keep(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetPolicyResponse *response = (const void *)message;
    struct editing *editing = userdata;

    if (response->policy == NULL)
        return fail(EXIT_FAILED, "the daemon answered without a policy");
    editing->revision = response->policy->revision;
    text_copy(editing->hash, sizeof(editing->hash), response->policy->hash);
    editing->before = strdup(response->policy->text);
    return editing->before == NULL ? fail(EXIT_FAILED, "out of memory") : EXIT_DONE;
}

static int fetch(struct editing *editing)
{
    Vmreclaim__Controller__V1__GetPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_REQUEST__INIT;

    request.name = (char *)editing->name;
    return client_fetch(editing->cli, "GetPolicy", &request.base, keep, editing);
}

/* Opens the editor once. *ret_is_same: the text is as it was opened. */
static int edit_once(struct editing *editing, bool *ret_is_same)
{
    char *opened = with_our_lines(editing);
    char *saved = NULL;
    int code = opened == NULL ? fail(EXIT_FAILED, "out of memory")
                              : editor_run(&editing->editor, opened, &saved);

    free(opened);
    if (code != EXIT_DONE)
        return code;
    assert(saved != NULL);
    drop_our_lines(saved);
    *ret_is_same = strcmp(saved, editing->text != NULL ? editing->text : editing->before) == 0;
    free(editing->text);
    editing->text = saved;
    return EXIT_DONE;
}

static bool is_unchanged(const struct editing *editing)
{
    return editing->text == NULL || strcmp(editing->text, editing->before) == 0;
}

static int apply(struct editing *editing)
{
    const struct policy_applying applying = {.text = editing->text,
                                             .source = editing->source,
                                             .vm = "",
                                             .made_from = editing->revision,
                                             .made_from_hash = editing->hash};

    editing->error.text[0] = '\0';
    if (check(editing) < 0)
        return EXIT_USAGE;
    return policy_applying_try(editing->cli, &applying, &editing->error);
}

/* Until it is applied, left alone, or cannot be. */
static int edit_until_valid(struct editing *editing)
{
    bool is_same = false;
    int code = edit_once(editing, &is_same);

    while (code == EXIT_DONE && !is_unchanged(editing)) {
        code = apply(editing);
        if (code != EXIT_USAGE)
            return code;
        code = edit_once(editing, &is_same);
        if (code == EXIT_DONE && is_same)
            return fail(EXIT_USAGE, "%s\nnothing was done", editing->error.text);
    }
    if (code == EXIT_DONE && !editing->cli->json)
        printf("policy %s: not changed, nothing was done\n", editing->name);
    return code;
}

/* Work of hands is not thrown away. */
static void keep_or_remove(const struct editing *editing, int code)
{
    bool is_applied = editing->error.text[0] == '\0' &&
                      (code == EXIT_DONE || code == EXIT_PARTIAL || code == EXIT_REFUSED);

    if (is_applied || is_unchanged(editing))
        editor_finish(&editing->editor);
    else
        (void)fail(code,
                   "your text is kept in %s; what differs: vmreclaim policy diff %s --file %s",
                   editing->editor.path, editing->name, editing->editor.path);
}

static int run(struct cli *cli, char **operands)
{
    struct editing editing = {.cli = cli, .name = operands[0], .error = {""}};
    int code = fetch(&editing);
    int r;

    if (code == EXIT_DONE) {
        snprintf(editing.source, sizeof(editing.source), "%s.yaml", editing.name);
        r = editor_init(&editing.editor, editing.source);
        if (r < 0)
            code = fail(EXIT_FAILED, "cannot make a file for the editor: %s; is TMPDIR right?",
                        strerror(-r));
        else {
            code = edit_until_valid(&editing);
            keep_or_remove(&editing, code);
        }
    }
    free(editing.before);
    free(editing.text);
    return code;
}

const struct command command_policy_edit = {
    .name = "policy edit",
    .operands = "NAME",
    .operand_count = 1,
    .summary = "change a stored policy in an editor",
    .description =
        "Opens the newest text in $VISUAL, $EDITOR or vi. What is saved is checked and applied; a\n"
        "text with an error in it is opened again, with the error on top. A text that is not\n"
        "changed does nothing. When somebody else has changed the policy meanwhile, yours is\n"
        "refused, and kept in a file.",
    .example = "vmreclaim policy edit idle",
    .see_also = "policy apply; policy history and rollback, after",
    .timeout = 30 * NSEC_PER_SEC,
    .trace = "vmreclaim policy list",
    .run = run,
};
