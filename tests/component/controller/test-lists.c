/* Lists of ten thousand VMs: pages through the daemon's socket, and the command line that reads all
 * of them. */
#include "tests/component/controller/guests.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/config/vm-file.h"

enum { VMS = 10000 };

static const char *command;  /* path of vmreclaim */
static const char *terminal; /* and of the emulator */

typedef Vmreclaim__Controller__V1__ListVmsRequest ListVmsRequest;
typedef Vmreclaim__Controller__V1__ListVmsResponse ListVmsResponse;

static void put_vm_file(const struct fixture *f, unsigned number)
{
    char name[64];
    char text[64];
    int descriptor;

    snprintf(name, sizeof(name), "vms/vm-%05u.yaml", number);
    snprintf(text, sizeof(text), "cid: %u\n", number + 3);
    descriptor = openat(f->root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
}

static void remove_vm_file(const struct fixture *f, unsigned number)
{
    char name[64];

    snprintf(name, sizeof(name), "vms/vm-%05u.yaml", number);
    assert_int_equal(unlinkat(f->root, name, 0), 0);
}

static void start_with_many(struct fixture *f)
{
    for (unsigned i = 0; i < VMS; i++)
        put_vm_file(f, i);
    start_daemon(f, NULL);
    connect_api(f);
}

/* A walk over the pages. */
struct walk {
    char token[VM_NAME_SIZE];
    char last[VM_NAME_SIZE];
    unsigned pages;
    unsigned count;
    bool is_over;
};

static bool take_page(struct fixture *f, struct walk *walk, uint32_t size)
{
    ListVmsRequest request = VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    const ListVmsResponse *page;

    request.page_size = size;
    request.page_token = walk->token;
    call(f, "ListVms", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    page = (const ListVmsResponse *)f->response;
    assert_true(size == 0 || page->n_vms <= size);
    for (size_t i = 0; i < page->n_vms; i++) {
        assert_true(strcmp(page->vms[i]->name, walk->last) > 0);
        snprintf(walk->last, sizeof(walk->last), "%s", page->vms[i]->name);
    }
    walk->pages++;
    walk->count += (unsigned)page->n_vms;
    snprintf(walk->token, sizeof(walk->token), "%s", page->next_page_token);
    return page->next_page_token[0] != '\0';
}

static void test_pages_of_vms(void **state)
{
    struct fixture *f = *state;
    struct walk walk = {.count = 0};

    start_with_many(f);
    while (take_page(f, &walk, 999))
        ;
    assert_int_equal(walk.count, VMS);
    assert_int_equal(walk.pages, 11);
    /* who knows no pages gets what fits into a message */
    walk = (struct walk){.count = 0};
    (void)take_page(f, &walk, 0);
    assert_int_equal(walk.count, VMS);
}

static void reload(struct fixture *f)
{
    Vmreclaim__Controller__V1__ReloadRequest request =
        VMRECLAIM__CONTROLLER__V1__RELOAD_REQUEST__INIT;

    call(f, "Reload", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
}

/* What is there all the time is in one page, whatever comes and goes; also where the page before
 * ended. */
static void test_vms_come_and_go_between_pages(void **state)
{
    struct fixture *f = *state;
    struct walk walk = {.count = 0};

    start_with_many(f);
    assert_true(take_page(f, &walk, 1000));
    assert_string_equal(walk.token, "vm-00999");
    for (unsigned i = 998; i < 1001; i++)
        remove_vm_file(f, i);
    put_vm_file(f, VMS);
    reload(f);
    while (take_page(f, &walk, 1000))
        ;
    assert_int_equal(walk.count, VMS - 1 + 1); /* the last of the first page was seen */
    assert_string_equal(walk.last, "vm-10000");
}

/* The command line reads all pages, as a table and as one document. */
/* Lines of what a command shows, from the one that begins with `first` on. */
static unsigned count_lines(const struct fixture *f, const char *words, const char *first)
{
    char line[4096];
    unsigned lines = 0;
    FILE *output;

    snprintf(line, sizeof(line), "%s --timeout 60s --api unix:%s/api.sock %s", command,
             f->directory, words);
    output = popen(line, "re");
    assert_non_null(output);
    while (fgets(line, sizeof(line), output) != NULL)
        lines += lines > 0 || strncmp(line, first, strlen(first)) == 0;
    assert_int_equal(pclose(output), 0);
    return lines;
}

static void test_the_command_line(void **state)
{
    struct fixture *f = *state;

    start_with_many(f);
    assert_int_equal(count_lines(f, "vm list", "NAME "), 1 + VMS + 1); /* in all */
    assert_int_equal(count_lines(f, "host", "VM "), 1 + VMS);          /* in pages of 256 */
}

/* Four guests with figures, and 56 VMs of which only the name is known, which is as long as one
 * may be: on a terminal of 80 columns each has one line. */
static void test_sixty_on_a_terminal(void **state)
{
    struct fixture *f = *state;
    struct guests guests;
    char name[96];
    char line[512];
    unsigned lines = 0;
    unsigned measured = 0;
    FILE *output;
    int code;

    guests_start(&guests, f, GUESTS_MAX, 8 * GIB, NULL);
    for (int i = GUESTS_MAX; i < 60; i++) {
        snprintf(name, sizeof(name), "vms/far-%02d-%056d.yaml", i, i);
        snprintf(line, sizeof(line), "agent: unix:/nowhere/%d\n", i);
        put(f, name, line);
    }
    guests_serve(&guests, "off", guests_cgroup);
    snprintf(line, sizeof(line), "%s 80 %s --api unix:%s/api.sock vm list", terminal, command,
             f->directory);
    output = popen(line, "re");
    assert_non_null(output);
    while (fgets(line, sizeof(line), output) != NULL) {
        lines++;
        measured += strstr(line, " 1000.0 MiB ") != NULL;
    }
    code = pclose(output);
    guests_stop(&guests);
    assert_int_equal(code, 0);
    assert_int_equal(lines, 62);
    assert_int_equal(measured, GUESTS_MAX);
    assert_int_equal(strncmp(line, "60 VMs ", 7), 0);
}

/* Megabytes, in pieces. */
static void test_the_state(void **state)
{
    struct fixture *f = *state;
    char line[256];
    char *text = NULL;
    size_t size = 0;
    FILE *output;

    start_with_many(f);
    snprintf(line, sizeof(line), "%s --timeout 60s --api unix:%s/api.sock debug dump", command,
             f->directory);
    output = popen(line, "re");
    assert_non_null(output);
    assert_true(getdelim(&text, &size, '\0', output) > VMS * 300);
    assert_int_equal(pclose(output), 0);
    assert_non_null(strstr(text, "\"vm-09999\""));
    free(text);
}

/* One answer about all VMs fits into a message, however long its sentences are. */
static void test_a_policy_for_all(void **state)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *response;
    struct fixture *f = *state;

    start_with_many(f);
    request.vm = (char *)"vm-*";
    request.source = (char *)"name: night\nprofile: gentle\n";
    call(f, "ApplyPolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *)f->response;
    assert_int_equal(response->n_vms, VMS);
    assert_int_equal(response->n_results + response->results_omitted, VMS);
}

#define lists_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        lists_test(test_pages_of_vms),     lists_test(test_vms_come_and_go_between_pages),
        lists_test(test_the_command_line), lists_test(test_the_state),
        lists_test(test_a_policy_for_all), lists_test(test_sixty_on_a_terminal),
    };

    assert_true(argc == 4);
    program = argv[1];
    command = argv[2];
    terminal = argv[3];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
