/* Reads VM files. */
#include "controller/config/vm-file.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "common/transport/address.h"
#include "controller/hypervisors/table.h"

#define CID_FIRST 3 /* 0 to 2 are the hypervisor, loopback and the host */

static void destroy_definition(struct vm_definition **definition)
{
    vm_definition_destroy(*definition);
}

#define cleanup_definition __attribute__((cleanup(destroy_definition)))

int vm_name_check(const char *name, struct error *error)
{
    size_t length = strlen(name);

    if (length == 0 || length >= VM_NAME_SIZE)
        return error_set(error, -EINVAL, "name '%s' must have 1 to %d characters", name,
                         VM_NAME_SIZE - 1);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && (strchr(".-_", name[i]) == NULL || i == 0))
            return error_set(error, -EINVAL,
                             "name '%s' may have letters, digits and, not first, '.', '-', '_'",
                             name);
    return 0;
}

void vm_name_make(const char *text, char name[VM_NAME_SIZE])
{
    size_t used = 0;

    if (!isalnum((unsigned char)text[0]))
        used = (size_t)snprintf(name, VM_NAME_SIZE, "vm");
    for (; *text != '\0' && used + 1 < VM_NAME_SIZE; text++)
        name[used++] = isalnum((unsigned char)*text) || strchr(".-_", *text) != NULL ? *text : '-';
    name[used] = '\0';
}

static int take_name(struct vm_definition *definition, const char *name, struct error *error)
{
    int r = vm_name_check(name, error);

    if (r == 0)
        snprintf(definition->name, sizeof(definition->name), "%s", name);
    return r;
}

static int set_name(void *object, const struct key *key, const char *value, struct error *error)
{
    return take_name(object, value, error);
}

static int set_uuid(void *object, const struct key *key, const char *value, struct error *error)
{
    struct vm_definition *definition = object;
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < sizeof(shape); i++) {
        bool fits = shape[i] == 'x' ? isxdigit((unsigned char)value[i]) != 0 : value[i] == shape[i];

        if (!fits)
            return error_set(error, -EINVAL, "uuid '%s' is not of the form %s", value, shape);
        definition->uuid[i] = (char)tolower((unsigned char)value[i]);
    }
    return 0;
}

static int set_cid(void *object, const struct key *key, const char *value, struct error *error)
{
    struct vm_definition *definition = object;
    uint64_t cid;

    if (number_parse(value, &cid) < 0 || cid < CID_FIRST || cid >= UINT32_MAX)
        return error_set(error, -EINVAL, "cid '%s' is not a number from %d to %u", value, CID_FIRST,
                         UINT32_MAX - 1);
    definition->cid = (uint32_t)cid;
    return 0;
}

static int set_text(char **text, const char *value, struct error *error)
{
    char *copy = strdup(value);

    if (copy == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    free(*text);
    *text = copy;
    return 0;
}

static int set_hypervisor(void *object, const struct key *key, const char *value,
                          struct error *error)
{
    struct vm_definition *definition = object;
    struct hypervisor_address address;
    int r = hypervisor_address_parse(value, &address, error);

    if (r < 0)
        return error_prefix(error, r, "hypervisor");
    if (definition->hypervisor.driver != NULL)
        return error_set(error, -EINVAL, "hypervisor: the VM's hypervisor is given already");
    definition->hypervisor = address;
    return 0;
}

static int set_agent(void *object, const struct key *key, const char *value, struct error *error)
{
    struct vm_definition *definition = object;
    struct address address;
    int r = address_parse(value, &address, error);

    if (r < 0)
        return error_prefix(error, r, "agent");
    if (address.kind != ADDRESS_HYBRID && address.kind != ADDRESS_UNIX)
        return error_set(error, -EINVAL,
                         "agent '%s': only hybrid:PATH:PORT and unix:PATH can be dialled; agents "
                         "on vsock dial in and are known by 'cid'",
                         value);
    return set_text(&definition->agent, value, error);
}

static int set_policy(void *object, const struct key *key, const char *value, struct error *error)
{
    struct vm_definition *definition = object;
    char directory[PATH_MAX];
    char path[PATH_MAX];

    if (value[0] == '/')
        return set_text(&definition->policy, value, error);
    snprintf(directory, sizeof(directory), "%s", definition->source);
    if (snprintf(path, sizeof(path), "%s/%s", dirname(directory), value) >= (int)sizeof(path))
        return error_set(error, -ENAMETOOLONG, "policy: the path is too long");
    return set_text(&definition->policy, path, error);
}

static int set_floor(void *object, const struct key *key, const char *value, struct error *error)
{
    struct vm_definition *definition = object;
    char problem[80];

    if (bytes_parse(value, &definition->floor) < 0)
        return error_set(error, -EINVAL, "floor '%s' %s", TEXT_CUT(value, 64),
                         bytes_problem(value, problem, sizeof(problem)));
    return 0;
}

static int add_label(void *object, const struct key *key, const char *value, struct error *error)
{
    struct vm_definition *definition = object;
    const char *equal = strchr(value, '=');

    if (equal == NULL || equal == value || strlen(value) >= 128)
        return error_set(error, -EINVAL, "label '%s' is not of the form key=value", value);
    if (definition->label_count == VM_LABELS_MAX)
        return error_set(error, -EINVAL, "more than %d labels", VM_LABELS_MAX);
    return set_text(&definition->labels[definition->label_count++], value, error);
}

static const struct key list[] = {
    {.name = "name",
     .set = set_name,
     .type = "a name: letters, digits, and, not first, '.', '-', '_'"},
    {.name = "uuid", .set = set_uuid, .type = "a UUID"},
    {.name = "cid", .set = set_cid, .type = "a number from 3 on"},
    {.name = "hypervisor", .set = set_hypervisor, .type = "DRIVER:WHERE"},
    {.name = "agent", .set = set_agent, .type = "hybrid:PATH:PORT, or unix:PATH"},
    {.name = "policy", .set = set_policy, .type = "a path, from this file's directory on"},
    {.name = "floor", .set = set_floor, .type = "a size"},
    {.name = "labels", .set = add_label, .type = "a list of KEY=VALUE, 16 at most"},
};

/* What it was called in an earlier version. */
static const struct former_key former[] = {
    {"qmp", "hypervisor", "qemu:"}, /* drivers had no addresses */
};

const struct keys vm_keys = {
    .list = list,
    .count = ARRAY_SIZE(list),
    .former = former,
    .former_count = ARRAY_SIZE(former),
};

/* The file's name without ".yaml". */
static int name_from_source(struct vm_definition *definition, struct error *error)
{
    char copy[PATH_MAX];
    char *name;
    size_t length;
    int r;

    snprintf(copy, sizeof(copy), "%s", definition->source);
    name = basename(copy);
    length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".yaml") == 0)
        name[length - 5] = '\0';
    r = take_name(definition, name, error);
    return r < 0 ? error_prefix(error, r, "%s", definition->source) : 0;
}

static struct vm_definition *definition_create(const char *source, struct error *error)
{
    struct vm_definition *definition = calloc(1, sizeof(*definition));

    if (definition == NULL || (definition->source = strdup(source)) == NULL) {
        error_set(error, -ENOMEM, "%s: out of memory", source);
        vm_definition_destroy(definition);
        return NULL;
    }
    return definition;
}

/* An address that names its VM says which one that is before anybody has asked there: whoever finds
 * its process finds this VM. */
static int take_uuid(struct vm_definition *definition, struct error *error)
{
    const struct hypervisor_address *address = &definition->hypervisor;
    char uuid[VM_UUID_SIZE];

    if (address->driver == NULL || address->driver->uuid == NULL)
        return 0;
    address->driver->uuid(hypervisor_address_where(address), uuid);
    if (definition->uuid[0] != '\0' && strcmp(definition->uuid, uuid) != 0)
        return error_set(error, -EINVAL, "%s: uuid is %s, and that of its hypervisor is %s",
                         definition->source, definition->uuid, uuid);
    memcpy(definition->uuid, uuid, sizeof(definition->uuid));
    return 0;
}

/* All keys are read. */
static int complete(struct vm_definition *definition, struct error *error)
{
    int r = definition->name[0] == '\0' ? name_from_source(definition, error) : 0;

    if (r < 0)
        return r;
    if (definition->cid == 0 && definition->hypervisor.driver == NULL && definition->agent == NULL)
        return error_set(
            error, -EINVAL,
            "%s: nothing to reach the VM by; give at least one of hypervisor, cid and agent",
            definition->source);
    return take_uuid(definition, error);
}

int vm_definition_parse(const char *text, size_t length, const char *source,
                        struct vm_definition **ret_definition, struct error *error)
{
    cleanup_definition struct vm_definition *definition = definition_create(source, error);
    int r;

    if (definition == NULL)
        return -ENOMEM;
    r = keys_read_text(&vm_keys, definition, text, length, source, error);
    if (r == 0)
        r = complete(definition, error);
    if (r == 0)
        *ret_definition = take_pointer(definition);
    return r;
}

int vm_definition_read(const char *path, struct vm_definition **ret_definition, struct error *error)
{
    cleanup_definition struct vm_definition *definition = definition_create(path, error);
    int r;

    if (definition == NULL)
        return -ENOMEM;
    r = keys_read_file(&vm_keys, definition, path, error);
    if (r == 0)
        r = complete(definition, error);
    if (r == 0)
        *ret_definition = take_pointer(definition);
    return r;
}

void vm_definition_destroy(struct vm_definition *definition)
{
    if (definition == NULL)
        return;
    for (size_t i = 0; i < definition->label_count; i++)
        free(definition->labels[i]);
    free(definition->agent);
    free(definition->policy);
    free(definition->source);
    free(definition);
}

bool vm_definition_equal(const struct vm_definition *a, const struct vm_definition *b)
{
    if (strcmp(a->name, b->name) != 0 || strcmp(a->uuid, b->uuid) != 0 || a->cid != b->cid ||
        a->floor != b->floor || strcmp(a->hypervisor.text, b->hypervisor.text) != 0 ||
        !text_equal(a->agent, b->agent) || !text_equal(a->policy, b->policy) ||
        a->label_count != b->label_count)
        return false;
    for (size_t i = 0; i < a->label_count; i++)
        if (!text_equal(a->labels[i], b->labels[i]))
            return false;
    return true;
}
