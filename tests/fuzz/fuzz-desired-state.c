/* What a bridge hands in to the daemon: a SignedState that nobody signed is refused whatever it
 * says; and the input as a DesiredState that the operators did sign is taken or refused, and what
 * is taken is within its bounds. */
#include <errno.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/desired/state.h"
#include "tests/fuzz/fuzz.h"

#define NOW ((int64_t)1 << 40)

typedef Vmreclaim__Fleet__V1__SignedState SignedState;

static struct signing_key key;
static struct fleet_settings settings;

/* The same key each time, so that an input does the same. */
static void make_key(void)
{
    static const char text[] =
        "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==";
    struct error error;

    if (settings.key_count != 0)
        return;
    require(signing_key_parse(text, &key) == 0);
    signing_key_public(&key, &settings.keys[0]);
    settings.key_count = 1;
    require(fleet_set_host(&settings, "h1", &error) == 0);
}

static void check_text(const char *text, size_t most)
{
    require(text[0] != '\0' && strlen(text) <= most && text_is_utf8(text, strlen(text)));
}

static void check_taken(const struct desired_state *state)
{
    require(state->desired.count <= DESIRED_POLICIES_MAX);
    require(strcmp(state->head.host, "h1") == 0 && state->head.generation > 0);
    require(state->head.expires_ns > NOW);
    for (size_t i = 0; i < state->desired.count; i++) {
        const struct store_desired_policy *policy = &state->policies[i];

        check_text(policy->revision.name, 63);
        require(strncmp(policy->revision.author, STORE_FLEET, strlen(STORE_FLEET)) == 0);
        require(strlen(policy->revision.hash) == 64);
        require(policy->selector_count <= DESIRED_SELECTORS_MAX);
        for (size_t j = 0; j < policy->selector_count; j++)
            check_text(policy->selectors[j], 255);
    }
}

static void hand_in(const uint8_t *data, size_t size, bool is_signed)
{
    struct desired_state state;
    struct error error = {""};
    uint64_t generation = 1;
    int r = desired_state_read(&state, data, size, &settings, NULL, NOW, &generation, &error);

    require(r == 0 || r == -EPERM);
    require((r < 0) == (error.text[0] != '\0'));
    require(text_is_utf8(error.text, strlen(error.text)));
    require(is_signed || (r < 0 && generation == 0));
    if (r == 0)
        check_taken(&state);
    desired_state_finish(&state);
}

/* The bytes as they are, signed as the operators would. */
static void hand_in_signed(const uint8_t *data, size_t size)
{
    static const char purpose[] = "vmreclaim fleet state";
    uint8_t *bytes = malloc(sizeof(purpose) + size);
    uint8_t signature[SIGNING_SIGNATURE_SIZE];
    SignedState message = VMRECLAIM__FLEET__V1__SIGNED_STATE__INIT;
    uint8_t *packed;
    size_t packed_size;

    require(bytes != NULL);
    memcpy(bytes, purpose, sizeof(purpose));
    if (size > 0)
        memcpy(bytes + sizeof(purpose), data, size);
    require(signing_sign(&key, bytes, sizeof(purpose) + size, signature) == 0);
    message.state = (ProtobufCBinaryData){size, bytes + sizeof(purpose)};
    message.signature = (ProtobufCBinaryData){sizeof(signature), signature};
    message.key = (ProtobufCBinaryData){SIGNING_ID_SIZE, settings.keys[0].bytes};
    packed = malloc(vmreclaim__fleet__v1__signed_state__get_packed_size(&message));
    require(packed != NULL);
    packed_size = vmreclaim__fleet__v1__signed_state__pack(&message, packed);
    hand_in(packed, packed_size, true);
    free(packed);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make_key();
    hand_in(data, size, false);
    hand_in_signed(data, size);
    return 0;
}
