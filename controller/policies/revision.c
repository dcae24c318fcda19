/* Reading policies. */
#include "controller/policies/revision.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>

#include "common/policy/policy-yaml.h"

/* `r`: how the text could be read. */
static int identify(int r, const char *text, const char *source, struct policy *ret_policy,
                    struct error *error)
{
    if (r == 0)
        r = policy_name_after(ret_policy, source, error);
    if (r == 0)
        (void)SHA256Data((const uint8_t *)text, strlen(text), ret_policy->hash);
    /* An unknown key is an invalid argument, not a thing that was not found. */
    return r == -ENOENT ? -EINVAL : r;
}

int policy_revision_read(const char *text, const char *source, struct policy *ret_policy,
                         struct error *error)
{
    int r = policy_load_yaml(text, strlen(text), source, ret_policy, error);

    return identify(r, text, source, ret_policy, error);
}

/* What the store has was taken once, maybe by an earlier version. */
static int read_kept(const char *text, const char *source, struct policy *ret_policy,
                     struct error *error)
{
    int r = policy_load_kept_yaml(text, strlen(text), source, ret_policy, error);

    return identify(r, text, source, ret_policy, error);
}

int policy_revision_load(const struct policy_revision *revision, struct policy *ret_policy,
                         struct error *error)
{
    struct policy policy;
    int r = read_kept(revision->text, revision->source_name, &policy, error);

    if (r < 0)
        return r;
    policy.revision = revision->revision;
    snprintf(policy.name, sizeof(policy.name), "%s", revision->name);
    *ret_policy = policy;
    return 0;
}
