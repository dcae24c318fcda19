/* Selecting VMs. */
#include "controller/cli/selector.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/selectors/label-selector.h"

static const char *label;
static bool all;

const struct command_option selector_options[] = {
    {"label", 'l', OPTION_TEXT, "KEY=VALUE,...",
     "every VM that has these labels; also !=, in (A,B), notin (A,B), KEY, !KEY", &label, NULL},
    {"all", 0, OPTION_FLAG, NULL, "every VM", &all, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

bool selector_is_all(void)
{
    return all && label == NULL;
}

int worse_code(int one, int other)
{
    static const int ranks[] = {
        [EXIT_DONE] = 0,      [EXIT_PARTIAL] = 1, [EXIT_TIMED_OUT] = 2,   [EXIT_REFUSED] = 3,
        [EXIT_NOT_FOUND] = 4, [EXIT_FAILED] = 5,  [EXIT_UNREACHABLE] = 6, [EXIT_USAGE] = 7,
    };

    return ranks[one] >= ranks[other] ? one : other;
}

static bool is_glob(const char *word)
{
    return strpbrk(word, "*?[") != NULL;
}

static int add(struct selected *selected, const char *name)
{
    char **names;

    for (size_t i = 0; i < selected->count; i++)
        if (strcmp(selected->names[i], name) == 0)
            return EXIT_DONE;
    names = reallocarray(selected->names, selected->count + 2, sizeof(*names));
    if (names == NULL)
        return fail(EXIT_FAILED, "out of memory");
    selected->names = names;
    names[selected->count] = strdup(name);
    if (names[selected->count] == NULL)
        return fail(EXIT_FAILED, "out of memory");
    names[++selected->count] = NULL;
    return EXIT_DONE;
}

/* What is looked up in the daemon's list. */
struct lookup {
    struct selected *selected;
    char **operands;
};

static bool has_label(const Vm *vm)
{
    return label_selector_matches(label, vm->labels, vm->n_labels);
}

static int check_label(const char *command)
{
    if (label == NULL || label_selector_is_valid(label))
        return EXIT_DONE;
    return fail(EXIT_USAGE,
                "%s: \"%s\" does not say which labels; write KEY=VALUE,KEY2=VALUE2\n"
                "More: vmreclaim %s --help",
                command, label, command);
}

/* Why there is none; NULL: it is about the label, or all. */
static int fail_nothing(const char *glob)
{
    if (glob != NULL)
        return fail(EXIT_NOT_FOUND, "no VM's name is like \"%s\"; see: vmreclaim vm list", glob);
    if (label != NULL)
        return fail(EXIT_NOT_FOUND,
                    "no VM has the label %s; see: vmreclaim vm list -o columns=name,labels", label);
    return fail(EXIT_NOT_FOUND, "there is no VM; see: vmreclaim vm list");
}

static int add_matching(const Vmreclaim__Controller__V1__ListVmsResponse *list, const char *glob,
                        struct selected *selected)
{
    size_t found = 0;
    int code = EXIT_DONE;

    for (size_t i = 0; code == EXIT_DONE && i < list->n_vms; i++) {
        const Vm *vm = list->vms[i];
        bool matches = glob != NULL    ? fnmatch(glob, vm->name, 0) == 0
                       : label != NULL ? has_label(vm)
                                       : true;

        if (!matches)
            continue;
        found++;
        code = add(selected, vm->name);
    }
    if (code != EXIT_DONE || found > 0)
        return code;
    return fail_nothing(glob);
}

static int on_list(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListVmsResponse *list = (const void *)message;
    struct lookup *lookup = userdata;
    int code = EXIT_DONE;

    for (char **word = lookup->operands; code == EXIT_DONE && *word != NULL; word++)
        code = is_glob(*word) ? add_matching(list, *word, lookup->selected)
                              : add(lookup->selected, *word);
    if (code == EXIT_DONE && (label != NULL || all))
        code = add_matching(list, NULL, lookup->selected);
    return code;
}

static int look_up(struct cli *cli, char **operands, struct selected *selected)
{
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    struct lookup lookup = {.selected = selected, .operands = operands};
    struct cli plain = *cli;

    plain.json = false;
    return client_list(&plain, "ListVms", &request.base, UINT64_MAX, on_list, &lookup);
}

int selector_take(struct cli *cli, const char *command, char **operands, struct selected *ret)
{
    bool has_globs = false;
    size_t count = 0;
    int code = EXIT_DONE;

    *ret = (struct selected){.count = 0};
    for (; operands[count] != NULL; count++)
        has_globs = has_globs || is_glob(operands[count]);
    if (count == 0 && label == NULL && !all)
        return fail(EXIT_USAGE,
                    "%s: name VMs, or give --label KEY=VALUE or --all\n"
                    "More: vmreclaim %s --help",
                    command, command);
    if (all && (count > 0 || label != NULL))
        return fail(EXIT_USAGE, "%s: --all is every VM; leave the names and labels out", command);
    code = check_label(command);
    if (code != EXIT_DONE)
        return code;
    if (has_globs || label != NULL || all)
        return look_up(cli, operands, ret);
    for (size_t i = 0; code == EXIT_DONE && i < count; i++)
        code = add(ret, operands[i]);
    ret->is_plain = ret->count == 1;
    return code;
}

void selected_finish(struct selected *selected)
{
    for (size_t i = 0; i < selected->count; i++)
        free(selected->names[i]);
    free(selected->names);
    *selected = (struct selected){.count = 0};
}

/* ---- lists of VMs ---- */

/* As the daemon knows it: by its name, its UUID or "cid:N". */
static bool is_called(const Vm *vm, const char *word)
{
    char cid[24];

    snprintf(cid, sizeof(cid), "cid:%u", vm->cid);
    return is_glob(word) ? fnmatch(word, vm->name, 0) == 0
                         : strcmp(word, vm->name) == 0 || strcmp(word, vm->uuid) == 0 ||
                               strcmp(word, cid) == 0;
}

static bool is_meant(const Vm *vm, char **operands)
{
    if (label != NULL && has_label(vm))
        return true;
    for (; *operands != NULL; operands++)
        if (is_called(vm, *operands))
            return true;
    return false;
}

/* Each operand means one at least. */
static int check_operands(char **operands, Vm *const *list, size_t count)
{
    for (; *operands != NULL; operands++) {
        size_t i = 0;

        while (i < count && !is_called(list[i], *operands))
            i++;
        if (i == count)
            return fail_nothing(*operands);
    }
    return EXIT_DONE;
}

int selector_filter(const char *command, char **operands, Vm **list, size_t *count)
{
    size_t kept = 0;
    int code = check_label(command);

    if (code == EXIT_DONE)
        code = check_operands(operands, list, *count);
    if (code != EXIT_DONE || (operands[0] == NULL && label == NULL))
        return code;
    for (size_t i = 0; i < *count; i++) {
        Vm *vm = list[i];

        if (!is_meant(vm, operands))
            continue;
        memmove((void *)(list + kept + 1), (void *)(list + kept), (i - kept) * sizeof(Vm *));
        list[kept++] = vm;
    }
    *count = kept;
    return kept > 0 ? EXIT_DONE : fail_nothing(NULL);
}

int selector_show_each(struct cli *cli, const char *command, char **operands,
                       int (*show)(struct cli *cli, const char *vm))
{
    struct selected selected;
    int worst = selector_take(cli, command, operands, &selected);

    for (size_t i = 0; worst != EXIT_USAGE && i < selected.count; i++) {
        if (selected.count > 1 && !cli->json) {
            fputs(i == 0 ? "== " : "\n== ", stdout);
            print_text(selected.names[i]);
            fputs("\n", stdout);
            (void)fflush(stdout);
        }
        worst = worse_code(worst, show(cli, selected.names[i]));
    }
    selected_finish(&selected);
    return worst;
}
