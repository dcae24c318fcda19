/* Host policies: accept, limit, keep. The file is the packed message behind a line that names the
 * format; the rename in file_replace makes it whole or absent. */
#include "agent/config/host-policy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/text.h"
#include "common/policy/policy-message.h"

#define STORE_NAME      "policy"
#define STORE_HEADER    "vmreclaim.policy.v1\n"
#define STORE_BYTES_MAX ((size_t)64 * 1024)

static void note_unsupported(struct host_policy *host, const struct policy_unsupported *unsupported)
{
    host->unsupported_count = min_of(unsupported->count, (size_t)HOST_POLICY_KEYS_MAX);
    for (size_t i = 0; i < host->unsupported_count; i++)
        text_copy_line(host->unsupported[i], HOST_POLICY_KEY_SIZE, unsupported->keys[i]);
}

/* The owner's longest time between two readings may be longer than the host's idle window, which
 * has to have a reading in it. */
static void raise_idle_window(struct host_policy *host)
{
    if (host->policy.idle_window >= host->policy.sample_interval)
        return;
    host->policy.idle_window = host->policy.sample_interval;
    host->capped |= policy_key_bit("idle_window");
}

/* Brings every key that the owner set to the owner's limit. */
static void apply_limits(struct host_policy *host, const struct configuration *configuration)
{
    host->capped |= policy_limit(&host->policy, &configuration->policy, configuration->policy_keys);
    raise_idle_window(host);
}

int host_policy_accept(const Vmreclaim__Policy__V1__Policy *message,
                       const struct configuration *configuration, struct host_policy *ret_policy,
                       struct error *error)
{
    struct host_policy host = {.unsupported_count = 0};
    struct policy_unsupported unsupported;
    int r = policy_from_message(message, &host.policy, &unsupported, error);
    if (r < 0)
        return r;
    note_unsupported(&host, &unsupported);
    apply_limits(&host, configuration);
    r = policy_check(&host.policy, error);
    if (r < 0)
        return r;
    *ret_policy = host;
    return 0;
}

int host_policy_store(int state_directory, const Vmreclaim__Policy__V1__Policy *message)
{
    size_t header = strlen(STORE_HEADER);
    size_t size = header + vmreclaim__policy__v1__policy__get_packed_size(message);
    cleanup_free char *text = NULL;

    if (state_directory < 0)
        return -EROFS;
    if (size > STORE_BYTES_MAX)
        return -EFBIG;
    text = malloc(size);
    if (text == NULL)
        return -ENOMEM;
    memcpy(text, STORE_HEADER, header);
    (void)vmreclaim__policy__v1__policy__pack(message, (uint8_t *)text + header);
    return file_replace(state_directory, STORE_NAME, text, size);
}

int host_policy_forget(int state_directory)
{
    if (state_directory < 0)
        return -EROFS;
    return unlinkat(state_directory, STORE_NAME, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int host_policy_load(int state_directory, const struct configuration *configuration,
                     struct host_policy *ret_policy, struct error *error)
{
    size_t header = strlen(STORE_HEADER);
    Vmreclaim__Policy__V1__Policy *message;
    cleanup_free char *text = NULL;
    size_t length;
    int r;

    if (state_directory < 0)
        return -ENOENT;
    r = file_read(state_directory, STORE_NAME, STORE_BYTES_MAX, &text, &length);
    if (r < 0)
        return error_set(error, r, "%s", strerror(-r));
    if (length < header || memcmp(text, STORE_HEADER, header) != 0)
        return error_set(error, -EBADMSG, "not a policy of a release that this one follows");
    message = vmreclaim__policy__v1__policy__unpack(NULL, length - header,
                                                    (const uint8_t *)text + header);
    if (message == NULL)
        return error_set(error, -EBADMSG, "the policy in it is damaged");
    r = host_policy_accept(message, configuration, ret_policy, error);
    vmreclaim__policy__v1__policy__free_unpacked(message, NULL);
    return r;
}

Vmreclaim__Policy__V1__Policy *own_policy_create(const struct configuration *configuration)
{
    return policy_message_create(&configuration->policy);
}

void own_policy_destroy(Vmreclaim__Policy__V1__Policy *message)
{
    if (message != NULL)
        policy_message_destroy(message);
}
