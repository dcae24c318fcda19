/* Mending what the doctor found. */
#include "controller/cli/doctor-fix.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/cli/cli.h"
#include "controller/cli/domain-xml.h"
#include "controller/cli/run-program.h"

#define STEPS_MAX     8
#define ARGUMENTS_MAX 12

/* One program to run. */
struct step {
    const char *arguments[ARGUMENTS_MAX + 1];
    char *input;       /* what it reads; NULL: nothing. To be freed */
    char *owned;       /* an argument to be freed */
    const char *shown; /* of the input, for the person; NULL: all of it */
    bool is_cold;      /* it works at the next cold start */
};

struct plan {
    const Diagnosis *diagnosis;
    struct step steps[STEPS_MAX];
    size_t count;
    char *tag; /* of the balloon, as it will be. To be freed */
};

static void free_plan(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->steps[i].input);
        free(plan->steps[i].owned);
    }
    free(plan->tag);
}

/* What the VM lacks of that; NULL: nothing, or there is no line for it. */
static const Check *find_lack(const Diagnosis *diagnosis, const char *remedy)
{
    for (size_t i = 0; i < diagnosis->n_checks; i++)
        if (strcmp(diagnosis->checks[i]->remedy, remedy) == 0)
            return diagnosis->checks[i];
    return NULL;
}

static struct step *add_step(struct plan *plan, bool is_cold)
{
    struct step *step = &plan->steps[plan->count < STEPS_MAX ? plan->count++ : STEPS_MAX - 1];

    step->is_cold = is_cold;
    return step;
}

/* Those that are reported, ended by NULL. */
static void set_arguments(struct step *step, const char *const *arguments)
{
    for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i] != NULL; i++)
        step->arguments[i] = arguments[i];
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- libvirt ---- */

/* With its secrets: a domain that is defined without them has lost them. */
static int read_domain(const Diagnosis *diagnosis, char **ret_xml)
{
    int r = run_program(ARGUMENTS("virsh", "-c", diagnosis->place, "dumpxml", "--inactive",
                                  "--security-info", diagnosis->name),
                        NULL, ret_xml);

    if (r == 0 && *ret_xml != NULL)
        return EXIT_DONE;
    return fail(EXIT_FAILED, "cannot read the domain's XML: %s",
                r < 0 ? strerror(-r) : "virsh failed");
}

static int plan_balloon(struct plan *plan)
{
    const Diagnosis *diagnosis = plan->diagnosis;
    bool whole = find_lack(diagnosis, "balloon") != NULL;
    const struct domain_balloon balloon = {
        .reporting = whole || find_lack(diagnosis, "reporting") != NULL,
        .deflate = whole || find_lack(diagnosis, "deflate") != NULL,
    };
    cleanup_free char *xml = NULL;
    struct step *step;
    char *changed = NULL;
    int r;

    if (!balloon.reporting && !balloon.deflate)
        return EXIT_DONE;
    r = read_domain(diagnosis, &xml);
    if (r != EXIT_DONE)
        return r;
    r = domain_xml_balloon(xml, &balloon, &changed);
    if (r < 0)
        return fail(EXIT_FAILED, "what virsh printed is no domain's XML");
    step = add_step(plan, true);
    step->input = changed;
    plan->tag = domain_xml_balloon_tag(changed);
    step->shown = plan->tag;
    /* Changed already, it waits for the next start. */
    if (strcmp(changed, xml) == 0)
        step->shown = "(nothing is left to change: it waits for the cold start)";
    set_arguments(step, ARGUMENTS("virsh", "-c", diagnosis->place, "define", "/dev/stdin"));
    return EXIT_DONE;
}

static int plan_libvirt(struct plan *plan)
{
    const Diagnosis *diagnosis = plan->diagnosis;
    const Check *vsock = find_lack(diagnosis, "vsock");
    struct step *step;

    if (vsock != NULL) {
        step = add_step(plan, false);
        step->input = strdup(vsock->line);
        set_arguments(step, ARGUMENTS("virsh", "-c", diagnosis->place, "attach-device",
                                      diagnosis->name, "/dev/stdin", "--live", "--config"));
    }
    if (find_lack(diagnosis, "statistics") != NULL)
        set_arguments(add_step(plan, false),
                      ARGUMENTS("virsh", "-c", diagnosis->place, "dommemstat", diagnosis->name,
                                "--period", "10", "--live", "--config"));
    return plan_balloon(plan);
}

/* ---- Proxmox VE ---- */

/* What its `args:` are; "" when there are none. To be freed. */
static int read_args(const char *vmid, char **ret_args)
{
    cleanup_free char *config = NULL;
    const char *line;
    int r = run_program(ARGUMENTS("qm", "config", vmid), NULL, &config);

    if (r != 0 || config == NULL)
        return fail(EXIT_FAILED, "cannot read the VM's configuration: %s",
                    r < 0 ? strerror(-r) : "qm failed");
    line = strncmp(config, "args: ", 6) == 0 ? config : strstr(config, "\nargs: ");
    if (line == NULL) {
        *ret_args = strdup("");
    } else {
        line += *line == '\n' ? 7 : 6;
        *ret_args = strndup(line, strcspn(line, "\n"));
    }
    return *ret_args == NULL ? fail(EXIT_FAILED, "out of memory") : EXIT_DONE;
}

/* `qm set --args` replaces what is there, so that is kept. */
static int plan_proxmox_vsock(struct plan *plan)
{
    const char *vmid = plan->diagnosis->place;
    cleanup_free char *args = NULL;
    struct step *step;
    int r = read_args(vmid, &args);

    if (r != EXIT_DONE || args == NULL)
        return r;
    assert(args != NULL);
    if (strstr(args, "vhost-vsock") != NULL)
        return EXIT_DONE; /* it waits for the cold start */
    step = add_step(plan, true);
    if (asprintf(&step->owned, "%s%s-device vhost-vsock-pci,guest-cid=%s", args,
                 args[0] == '\0' ? "" : " ", vmid) < 0) {
        step->owned = NULL;
        return fail(EXIT_FAILED, "out of memory");
    }
    set_arguments(step, ARGUMENTS("qm", "set", vmid, "--args", step->owned));
    return EXIT_DONE;
}

static int plan_proxmox(struct plan *plan)
{
    const Diagnosis *diagnosis = plan->diagnosis;

    if (find_lack(diagnosis, "balloon") != NULL)
        set_arguments(add_step(plan, true),
                      ARGUMENTS("qm", "set", diagnosis->place, "--delete", "balloon"));
    return find_lack(diagnosis, "vsock") == NULL ? EXIT_DONE : plan_proxmox_vsock(plan);
}

/* ---- Cloud Hypervisor ---- */

static int plan_cloud_hypervisor(struct plan *plan)
{
    const Check *vsock = find_lack(plan->diagnosis, "vsock");
    const char *space = vsock == NULL ? NULL : strrchr(vsock->line, ' ');

    /* The device is the last word, and never in quotes. */
    if (space != NULL)
        set_arguments(
            add_step(plan, false),
            ARGUMENTS("ch-remote", "--api-socket", plan->diagnosis->place, "add-vsock", space + 1));
    return EXIT_DONE;
}

/* ---- showing, asking, doing ---- */

static void print_word(const char *word)
{
    size_t size = TEXT_QUOTED_SIZE(strlen(word));
    cleanup_free char *quoted = malloc(size);

    if (quoted == NULL)
        return;
    text_quote(quoted, size, word);
    print_text(quoted);
}

/* As one could type it. */
static void print_step(const struct step *step)
{
    fputs("  ", stdout);
    for (size_t i = 0; step->arguments[i] != NULL; i++) {
        fputs(i == 0 ? "" : " ", stdout);
        print_word(step->arguments[i]);
    }
    fputs(step->is_cold ? "    (at the next cold start)\n" : "    (now)\n", stdout);
    if (step->input == NULL)
        return;
    fputs("      with ", stdout);
    print_text(step->shown != NULL ? step->shown : step->input);
    putchar('\n');
}

static bool ask(void)
{
    char answer[8] = "";

    fputs("Do this? [y/N] ", stdout);
    (void)fflush(stdout);
    return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool do_step(const struct step *step)
{
    int r;

    (void)fflush(stdout);
    r = run_program(step->arguments, step->input, NULL);
    if (r < 0)
        (void)fail(0, "%s: %s", step->arguments[0], strerror(-r));
    return r == 0;
}

/* One that fails leaves the others to be done: none rests on another. */
static int do_steps(const struct plan *plan)
{
    bool has_cold = false;
    size_t done = 0;

    for (size_t i = 0; i < plan->count; i++) {
        if (!do_step(&plan->steps[i]))
            continue;
        done++;
        has_cold = has_cold || plan->steps[i].is_cold;
    }
    if (done == plan->count)
        puts("Done.");
    if (has_cold)
        puts("Power the VM off and start it again: a reboot from inside is not enough.");
    if (done == plan->count)
        return EXIT_DONE;
    return fail(done == 0 ? EXIT_FAILED : EXIT_PARTIAL, "doctor: %zu of %zu steps were done", done,
                plan->count);
}

static int make_plan(struct plan *plan)
{
    static const struct {
        const char *manager;
        int (*plan)(struct plan *plan);
    } managers[] = {
        {"libvirt", plan_libvirt},
        {"proxmox", plan_proxmox},
        {"cloud-hypervisor", plan_cloud_hypervisor},
    };

    for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
        if (strcmp(managers[i].manager, plan->diagnosis->manager) == 0)
            return managers[i].plan(plan);
    return EXIT_DONE;
}

static int carry_out(const struct plan *plan, bool yes)
{
    if (plan->count == 0) {
        puts("\nNothing here can be done by vmreclaim; what a person can do stands above.");
        return EXIT_DONE;
    }
    puts("\nTo be done:");
    for (size_t i = 0; i < plan->count; i++)
        print_step(&plan->steps[i]);
    if (!yes && !isatty(STDIN_FILENO))
        return fail(EXIT_USAGE, "doctor: there is nobody to ask; say --yes");
    if (!yes && !ask()) {
        puts("Nothing was done.");
        return EXIT_DONE;
    }
    return do_steps(plan);
}

int doctor_fix(const Diagnosis *diagnosis, bool yes)
{
    struct plan plan = {.diagnosis = diagnosis};
    int r = make_plan(&plan);

    if (r == EXIT_DONE)
        r = carry_out(&plan, yes);
    free_plan(&plan);
    return r;
}
