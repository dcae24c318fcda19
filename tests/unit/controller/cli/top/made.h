/* Hosts and VMs as the daemon's answers have them, for the tests of `vmreclaim top`. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_CLI_TOP_MADE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_CLI_TOP_MADE_H

#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/cli/top/layout.h"

#define NOON ((int64_t)1764331200 * 1000000000) /* 12:00:00 UTC */

static inline char *made_text(const char *text)
{
    return (char *)text;
}

/* A VM of 8 GiB that has one step. */
struct made_vm {
    HostVm vm;
    Vmreclaim__Controller__V1__HostStep step;
    Vmreclaim__Controller__V1__HostStep *steps[1];
};

static inline void made_vm(struct made_vm *made, const char *name, uint64_t footprint,
                           const char *step, uint64_t bytes)
{
    vmreclaim__controller__v1__host_vm__init(&made->vm);
    vmreclaim__controller__v1__host_step__init(&made->step);
    made->steps[0] = &made->step;
    made->step.name = made_text(step);
    made->step.bytes = bytes;
    made->vm.name = made_text(name);
    made->vm.state = made_text("managed");
    made->vm.footprint_is_known = 1;
    made->vm.footprint = footprint;
    made->vm.vm_ram = 8 * GIB;
    made->vm.could_return = bytes;
    made->vm.steps = made->steps;
    made->vm.n_steps = bytes != 0;
}

/* The model takes these VMs as the only page, with a host of 64 GiB. */
static inline void made_page(struct top_model *model, struct made_vm *vms, size_t count)
{
    Vmreclaim__Controller__V1__GetHostResponse page =
        VMRECLAIM__CONTROLLER__V1__GET_HOST_RESPONSE__INIT;
    Host host = VMRECLAIM__CONTROLLER__V1__HOST__INIT;
    HostVm *pointers[16];

    assert_true(count <= ARRAY_SIZE(pointers));
    host.total = 64 * GIB;
    host.available = 16 * GIB;
    host.arbiter = made_text("off");
    for (size_t i = 0; i < count; i++)
        pointers[i] = &vms[i].vm;
    page.host = &host;
    page.vms = pointers;
    page.n_vms = count;
    assert_int_equal(top_model_take_host(model, &page), 0);
    top_model_arrange(model, NOON);
}

/* Three: by what could come back c, a, b; by size b, c, a. */
static inline struct top_model *made_model(void)
{
    struct top_model *model = calloc(1, sizeof(*model));
    struct made_vm vms[3];

    assert_non_null(model);
    top_model_init(model, &top_kind_vms);
    top_model_arrange(model, NOON);
    made_vm(&vms[0], "a", 1 * GIB, "compact", 200 * MIB);
    made_vm(&vms[1], "b", 6 * GIB, "reclaim", 0);
    made_vm(&vms[2], "c", 2 * GIB, "reclaim", 1 * GIB);
    made_page(model, vms, ARRAY_SIZE(vms));
    return model;
}

static inline void made_free(struct top_model *model)
{
    top_model_finish(model);
    free(model);
}

static inline struct top_intention press(struct top_model *model, wchar_t character)
{
    struct top_intention intention =
        top_model_key(model, (struct top_key){TOP_KEY_CHARACTER, character});

    top_model_arrange(model, NOON);
    return intention;
}

static inline struct top_intention press_key(struct top_model *model, enum top_key_kind kind)
{
    struct top_intention intention = top_model_key(model, (struct top_key){kind, 0});

    top_model_arrange(model, NOON);
    return intention;
}

/* A row of the page as text; a wide character is one. */
static inline const char *row_text(const struct page *page, size_t row)
{
    static char text[8192];
    size_t length = 0;

    for (size_t column = 0; column < page->columns; column++) {
        char bytes[64] = "";

        (void)wcstombs(bytes, page_cell(page, row, column)->text, sizeof(bytes) - 1);
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", bytes);
    }
    while (length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
    return text;
}

/* The row that has the words; SIZE_MAX: none. */
static inline size_t row_with(const struct page *page, const char *words)
{
    for (size_t row = 0; row < page->rows; row++)
        if (strstr(row_text(page, row), words) != NULL)
            return row;
    return SIZE_MAX;
}

#endif
