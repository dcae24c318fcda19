/* Policy files, through libyaml's document tree: it keeps the line of every node. */
#include "common/policy/policy-yaml.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "common/base/nearest.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "common/policy/zone.h"

struct reader {
    yaml_document_t document;
    const char *source_name;
    struct error *error;
    struct policy policy;
    bool is_kept; /* sizes without a unit are bytes */
};

static int fail_at(struct reader *reader, const yaml_node_t *node, int code)
{
    return error_prefix(reader->error, code, "%s:%zu", reader->source_name,
                        node->start_mark.line + 1);
}

static int fail(struct reader *reader, const yaml_node_t *node, const char *text)
{
    error_set(reader->error, -EINVAL, "%s", text);
    return fail_at(reader, node, -EINVAL);
}

/* NULL: not a scalar, or one with a NUL inside. */
static const char *scalar(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE ||
        strlen((const char *)node->data.scalar.value) != node->data.scalar.length)
        return NULL;
    return (const char *)node->data.scalar.value;
}

static yaml_node_t *node_at(struct reader *reader, int index)
{
    return yaml_document_get_node(&reader->document, index);
}

static int check_mapping(struct reader *reader, const yaml_node_t *node, const char *what)
{
    if (node->type != YAML_MAPPING_NODE)
        return fail(reader, node, what);
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(reader, pair->key);
        if (scalar(key) == NULL)
            return fail(reader, key, "a key is a word");
        for (yaml_node_pair_t *other = node->data.mapping.pairs.start; other < pair; other++)
            if (strcmp(scalar(node_at(reader, other->key)), scalar(key)) == 0) {
                error_set(reader->error, -EINVAL, "'%s' is given twice", TEXT_CUT(scalar(key), 64));
                return fail_at(reader, key, -EINVAL);
            }
    }
    return 0;
}

/* The value of the key in a checked mapping; NULL: absent. */
static yaml_node_t *find(struct reader *reader, const yaml_node_t *mapping, const char *key)
{
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++)
        if (strcmp(scalar(node_at(reader, pair->key)), key) == 0)
            return node_at(reader, pair->value);
    return NULL;
}

/* Errors of a value begin "KEY: "; that key's node in the mapping, or the mapping itself. */
static const yaml_node_t *blamed(struct reader *reader, const yaml_node_t *mapping)
{
    size_t length = strcspn(reader->error->text, ":");

    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(reader, pair->key);
        if (strlen(scalar(key)) == length && memcmp(scalar(key), reader->error->text, length) == 0)
            return key;
    }
    return mapping;
}

static int unknown_key(struct reader *reader, const yaml_node_t *key, struct nearest *nearest)
{
    if (nearest->name == NULL)
        error_set(reader->error, -ENOENT, "unknown key '%s'", TEXT_CUT(scalar(key), 64));
    else
        error_set(reader->error, -ENOENT, "unknown key '%s'; did you mean '%s'?",
                  TEXT_CUT(scalar(key), 64), nearest->name);
    return fail_at(reader, key, -ENOENT);
}

static const char *const schedule_keys[] = {"cron", "for", "do", "zone"};

static int unknown_schedule_key(struct reader *reader, const yaml_node_t *key)
{
    struct nearest nearest = {.wanted = scalar(key)};

    for (size_t i = 0; i < ARRAY_SIZE(schedule_keys); i++)
        nearest_offer(&nearest, schedule_keys[i]);
    if (nearest.name != NULL)
        return unknown_key(reader, key, &nearest);
    return fail(reader, key, "a schedule has cron, for, do and zone, nothing else");
}

static int read_schedule(struct reader *reader, const yaml_node_t *node)
{
    const char *texts[ARRAY_SIZE(schedule_keys)] = {NULL};
    struct policy *policy = &reader->policy;
    struct zone_offset ignored;

    int r = check_mapping(reader, node, "a schedule is {cron: …, for: …, do: …, zone: …}");
    if (r < 0)
        return r;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(reader, pair->key);
        size_t i = 0;
        while (i < ARRAY_SIZE(schedule_keys) && strcmp(scalar(key), schedule_keys[i]) != 0)
            i++;
        if (i == ARRAY_SIZE(schedule_keys))
            return unknown_schedule_key(reader, key);
        texts[i] = scalar(node_at(reader, pair->value));
        if (texts[i] == NULL)
            return fail(reader, key, "wanted one value here");
    }
    if (texts[0] == NULL || texts[1] == NULL || texts[2] == NULL)
        return fail(reader, node, "a schedule needs cron, for and do");
    if (policy->schedule_count == POLICY_SCHEDULES_MAX)
        return fail(reader, node, "too many schedules, 16 at most");
    r = schedule_parse(texts[0], texts[1], texts[2], texts[3],
                       &policy->schedules[policy->schedule_count], reader->error);
    if (r == 0)
        r = zone_resolve(policy->schedules[policy->schedule_count].zone, 0, &ignored,
                         reader->error);
    if (r < 0)
        return fail_at(reader, blamed(reader, node), r);
    policy->schedule_count++;
    return 0;
}

static int read_schedules(struct reader *reader, const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return fail(reader, node, "schedules is a list");
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        int r = read_schedule(reader, node_at(reader, *item));
        if (r < 0)
            return r;
    }
    return 0;
}

/* Before every other key, whatever the order in the file: the profile fills the rest. */
static int read_profile(struct reader *reader, const yaml_node_t *root)
{
    const yaml_node_t *node = find(reader, root, "profile");
    enum policy_profile profile = POLICY_BALANCED;
    const char *text;

    if (node != NULL) {
        text = scalar(node);
        int r = policy_profile_parse(text != NULL ? text : "", &profile, reader->error);
        if (r < 0)
            return fail_at(reader, node, r);
    }
    policy_init(&reader->policy, profile);
    reader->policy.gives_profile = node != NULL;
    return 0;
}

/* Keys that are none of the table. */
static const char *const other_keys[] = {"name", "profile", "schedules"};

static bool is_known(const char *name, struct nearest *nearest)
{
    const char *key;

    for (size_t i = 0; i < ARRAY_SIZE(other_keys); i++) {
        if (strcmp(other_keys[i], name) == 0)
            return true;
        nearest_offer(nearest, other_keys[i]);
    }
    for (size_t i = 0; (key = policy_key(i)) != NULL; i++) {
        if (strcmp(key, name) == 0)
            return true;
        nearest_offer(nearest, key);
    }
    return false;
}

static int read_pair(struct reader *reader, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = node_at(reader, pair->key);
    const yaml_node_t *value = node_at(reader, pair->value);
    struct nearest nearest = {.wanted = scalar(key)};
    int r;

    if (!is_known(scalar(key), &nearest))
        return unknown_key(reader, key, &nearest);
    if (strcmp(scalar(key), "profile") == 0)
        return 0;
    if (strcmp(scalar(key), "schedules") == 0)
        return read_schedules(reader, value);
    if (scalar(value) == NULL)
        return fail(reader, key, "wanted one value here");
    reader->policy.given |= policy_key_bit(scalar(key));
    if (strcmp(scalar(key), "name") == 0)
        r = policy_set_name(&reader->policy, scalar(value), reader->error);
    else if (reader->is_kept)
        r = policy_set_kept(&reader->policy, scalar(key), scalar(value), reader->error);
    else
        r = policy_set(&reader->policy, scalar(key), scalar(value), reader->error);
    return r < 0 ? fail_at(reader, key, r) : 0;
}

static int read_root(struct reader *reader)
{
    const yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    int r;

    if (root == NULL)
        return error_set(reader->error, -EINVAL, "%s:1: empty; wanted 'name: …' and keys",
                         reader->source_name);
    r = check_mapping(reader, root, "a policy is a list of 'key: value' lines");
    if (r < 0)
        return r;
    r = read_profile(reader, root);
    if (r < 0)
        return r;
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        r = read_pair(reader, pair);
        if (r < 0)
            return r;
    }
    r = policy_check(&reader->policy, reader->error);
    return r < 0 ? fail_at(reader, blamed(reader, root), r) : 0;
}

/* A second document would be ignored without a word. */
static int check_end(struct reader *reader, yaml_parser_t *parser)
{
    yaml_document_t rest;
    size_t line;
    bool is_more;

    if (yaml_parser_load(parser, &rest) == 0)
        return error_set(reader->error, -EINVAL, "%s:%zu: %s", reader->source_name,
                         parser->problem_mark.line + 1, parser->problem);
    line = rest.start_mark.line + 1;
    is_more = yaml_document_get_root_node(&rest) != NULL;
    yaml_document_delete(&rest);
    if (is_more)
        return error_set(reader->error, -EINVAL, "%s:%zu: a second document; one policy per file",
                         reader->source_name, line);
    return 0;
}

static int load(struct reader *reader, yaml_parser_t *parser)
{
    if (yaml_parser_load(parser, &reader->document) == 0)
        return error_set(reader->error, parser->error == YAML_MEMORY_ERROR ? -ENOMEM : -EINVAL,
                         "%s:%zu: %s", reader->source_name, parser->problem_mark.line + 1,
                         parser->problem != NULL ? parser->problem : "not readable");
    int r = read_root(reader);
    if (r == 0)
        r = check_end(reader, parser);
    yaml_document_delete(&reader->document);
    return r;
}

static int load_text(const char *text, size_t length, const char *source_name, bool is_kept,
                     struct policy *ret_policy, struct error *error)
{
    struct error ignored;
    struct reader reader = {
        .source_name = source_name, .error = error != NULL ? error : &ignored, .is_kept = is_kept};
    yaml_parser_t parser;
    int r;

    if (length > POLICY_YAML_MAX)
        return error_set(error, -EFBIG, "%s: %zu bytes; a policy has at most %d", source_name,
                         length, POLICY_YAML_MAX);
    if (yaml_parser_initialize(&parser) == 0)
        return error_set(error, -ENOMEM, "%s: out of memory", source_name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    r = load(&reader, &parser);
    yaml_parser_delete(&parser);
    if (r == 0)
        *ret_policy = reader.policy;
    return r;
}

int policy_load_yaml(const char *text, size_t length, const char *source_name,
                     struct policy *ret_policy, struct error *error)
{
    return load_text(text, length, source_name, false, ret_policy, error);
}

int policy_load_kept_yaml(const char *text, size_t length, const char *source_name,
                          struct policy *ret_policy, struct error *error)
{
    return load_text(text, length, source_name, true, ret_policy, error);
}

int policy_name_after(struct policy *policy, const char *source_name, struct error *error)
{
    const char *slash = strrchr(source_name, '/');
    const char *base = slash == NULL ? source_name : slash + 1;
    char name[sizeof(policy->name)];

    if (policy->name[0] != '\0')
        return 0;
    text_copy_bytes(name, sizeof(name), base, strcspn(base, "."));
    if (name[0] == '\0' || strcmp(name, "-") == 0)
        return error_set(error, -EINVAL, "%s: the policy has no name; add a line \"name: NAME\"",
                         source_name);
    return policy_set_name(policy, name, error);
}
