/* Words and names of a fleet. */
#include "controller/cli/fleet/fleet.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *fleet_hosts = "";

const struct command_option fleet_hosts_options[] = {
    FLEET_HOSTS_OPTION,
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

char *fleet_split_vm(char *word)
{
    char *slash = strchr(word, '/');

    if (slash == NULL)
        return NULL;
    *slash = '\0';
    return slash + 1;
}

/* "HOST_POLICY_IN_FORCE" -> "in force" */
static const char *enum_words(const ProtobufCEnumDescriptor *descriptor, int number,
                              const char *prefix)
{
    static char name[32];
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(descriptor, number);
    size_t length = 0;

    if (value == NULL)
        return "?";
    for (const char *c = value->name + strlen(prefix); *c != '\0' && length < sizeof(name) - 1; c++)
        name[length++] = *c == '_' ? ' ' : (char)tolower((unsigned char)*c);
    name[length] = '\0';
    return name;
}

const char *fleet_state_name(Vmreclaim__Fleet__V1__RolloutState state)
{
    return enum_words(&vmreclaim__fleet__v1__rollout_state__descriptor, (int)state, "ROLLOUT_");
}

const char *fleet_policy_state_name(Vmreclaim__Fleet__V1__HostPolicyState state)
{
    return enum_words(&vmreclaim__fleet__v1__host_policy_state__descriptor, (int)state,
                      "HOST_POLICY_");
}

enum color fleet_policy_state_color(Vmreclaim__Fleet__V1__HostPolicyState state)
{
    if (state == VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_REFUSED)
        return COLOR_BAD;
    return state == VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_IN_FORCE ? COLOR_NONE
                                                                                  : COLOR_WARNING;
}

const char *fleet_digest_text(const ProtobufCBinaryData *digest, char *text)
{
    text[0] = '\0';
    for (size_t i = 0; i < digest->len && i < (FLEET_DIGEST_SIZE - 1) / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", digest->data[i]);
    return text;
}

void fleet_wave_name(const Rollout *rollout, uint32_t wave, char *name, size_t size)
{
    bool has_canary = rollout->canary_selector[0] != '\0' || rollout->canary_hosts > 0;
    size_t part = has_canary ? (size_t)wave - 1 : wave;

    if ((has_canary && wave == 0) || part >= rollout->n_waves_permyriad)
        snprintf(name, size, "canary");
    else
        snprintf(name, size, "%g %%", rollout->waves_permyriad[part] / 100.0);
}
