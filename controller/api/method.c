/* All methods in one table. */
#include "controller/api/method.h"

#include <assert.h>
#include <string.h>

#include "common/base/util.h"
#include "controller.pb-c.h"

const ProtobufCServiceDescriptor *const api_service =
    &vmreclaim__controller__v1__controller__descriptor;

static const struct api_methods *const groups[] = {
    &api_vm_methods,       &api_action_methods,    &api_halt_methods,        &api_policy_methods,
    &api_record_methods,   &api_status_methods,    &api_event_methods,       &api_doctor_methods,
    &api_squeeze_methods,  &api_host_methods,      &api_reservation_methods, &api_counter_methods,
    &api_planning_methods, &api_effective_methods, &api_desired_methods,
};

static const struct api_method *find_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        for (size_t j = 0; j < groups[i]->count; j++)
            if (strcmp(groups[i]->rows[j].name, name) == 0)
                return &groups[i]->rows[j];
    return NULL;
}

const struct api_method *api_method_at(unsigned index)
{
    return index < api_service->n_methods ? find_name(api_service->methods[index].name) : NULL;
}

const struct api_method *api_method_of(const ProtobufCMessageDescriptor *request)
{
    for (unsigned i = 0; i < api_service->n_methods; i++)
        if (api_service->methods[i].input == request)
            return api_method_at(i);
    return NULL;
}

unsigned api_method_index(const ProtobufCMessageDescriptor *request)
{
    unsigned i = 0;

    while (i < api_service->n_methods && api_service->methods[i].input != request)
        i++;
    assert(i < api_service->n_methods);
    return i;
}

void api_methods_check(void)
{
    size_t rows = 0;

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        rows += groups[i]->count;
        for (size_t j = 0; j < groups[i]->count; j++) {
            const struct api_method *row = &groups[i]->rows[j];

            unsigned who = row->flags & (API_READS | API_CONTROLS | API_CARRIES);

            assert(who != 0 && (who & (who - 1)) == 0);
            assert(row->handler != NULL && find_name(row->name) == row);
        }
    }
    for (unsigned i = 0; i < api_service->n_methods; i++) {
        assert(api_method_at(i) != NULL); /* else: a method without a row */
        assert(api_method_of(api_service->methods[i].input) == api_method_at(i));
    }
    assert(rows == api_service->n_methods);
}
