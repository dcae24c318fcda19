/* Signed states: what is opened, and every way in which one is not what was signed. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "controller/signing/signed-state.h"

typedef Vmreclaim__Fleet__V1__SignedState SignedState;
typedef Vmreclaim__Fleet__V1__DesiredPolicy DesiredPolicy;

/* Two that the host believes, and a stranger's. */
static struct signing_key ours[2], strangers;
static struct signing_public_key keys[2];

static int set_up(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
        if (signing_key_make(&ours[i]) < 0)
            return -1;
        signing_key_public(&ours[i], &keys[i]);
    }
    return signing_key_make(&strangers);
}

/* A state of host h1, generation 7. */
static uint8_t *sign(const struct signing_key *key, size_t *ret_size)
{
    DesiredPolicy policy = VMRECLAIM__FLEET__V1__DESIRED_POLICY__INIT;
    DesiredPolicy *policies[] = {&policy};
    char *selectors[] = {(char *)"web-*"};
    DesiredState desired = VMRECLAIM__FLEET__V1__DESIRED_STATE__INIT;
    uint8_t *bytes;

    policy.name = (char *)"web";
    policy.text = (char *)"profile: gentle\n";
    policy.selectors = selectors;
    policy.n_selectors = 1;
    desired.host = (char *)"h1";
    desired.generation = 7;
    desired.policies = policies;
    desired.n_policies = 1;
    assert_int_equal(signed_state_sign(&desired, key, &bytes, ret_size), 0);
    return bytes;
}

static int open_state(const uint8_t *bytes, size_t size, struct signed_state *ret_signed)
{
    struct error error = {""};
    int r = signed_state_open(bytes, size, keys, ARRAY_SIZE(keys), ret_signed, &error);

    assert_true(r == 0 ? error.text[0] == '\0' : error.text[0] != '\0');
    return r;
}

static void test_what_was_signed_is_opened(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
        struct signed_state opened;
        size_t size;
        cleanup_free uint8_t *bytes = sign(&ours[i], &size);

        assert_int_equal(open_state(bytes, size, &opened), 0);
        assert_int_equal(opened.key, i);
        assert_string_equal(opened.state->host, "h1");
        assert_int_equal(opened.state->generation, 7);
        assert_string_equal(opened.state->policies[0]->selectors[0], "web-*");
        assert_int_equal(opened.size, protobuf_c_message_get_packed_size(&opened.state->base));
        signed_state_finish(&opened);
    }
}

/* Made by another implementation, with the key of the standard's first test. */
static void test_others_sign_the_same(void **state)
{
    static const uint8_t expected[SIGNING_SIGNATURE_SIZE] = {
        0xd8, 0xb5, 0x25, 0x9b, 0x22, 0x83, 0x11, 0x9e, 0x4c, 0x26, 0xd4, 0xc2, 0xbc,
        0x12, 0x6e, 0x07, 0x7b, 0x66, 0x10, 0x3c, 0xb0, 0xca, 0x59, 0xfe, 0x52, 0x17,
        0x48, 0xd6, 0x98, 0x7d, 0x0a, 0xf3, 0xd1, 0xf0, 0x2a, 0xd7, 0x28, 0x6d, 0x68,
        0xd6, 0x82, 0x55, 0xea, 0x73, 0xfb, 0xf9, 0x3e, 0xe1, 0xf7, 0xcc, 0xc8, 0x37,
        0x0b, 0xbd, 0x38, 0xdc, 0xf9, 0xdd, 0x75, 0x39, 0x91, 0x9d, 0x89, 0x0a};
    static const struct signing_key key = {
        {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92,
         0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b,
         0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60, 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a,
         0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3,
         0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a}};
    DesiredState desired = VMRECLAIM__FLEET__V1__DESIRED_STATE__INIT;
    cleanup_free uint8_t *bytes = NULL;
    SignedState *message;
    size_t size;

    desired.host = (char *)"h1";
    desired.generation = 7;
    assert_int_equal(signed_state_sign(&desired, &key, &bytes, &size), 0);
    message = vmreclaim__fleet__v1__signed_state__unpack(NULL, size, bytes);
    assert_non_null(message);
    assert_int_equal(message->signature.len, sizeof(expected));
    assert_memory_equal(message->signature.data, expected, sizeof(expected));
    assert_int_equal(message->key.len, SIGNING_ID_SIZE);
    assert_memory_equal(message->key.data, key.bytes + 32, SIGNING_ID_SIZE);
    vmreclaim__fleet__v1__signed_state__free_unpacked(message, NULL);
}

/* Whichever bit of it is another one. */
static void test_no_bit_may_change(void **state)
{
    size_t size;
    cleanup_free uint8_t *bytes = sign(&ours[0], &size);
    struct signed_state opened;

    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(open_state(bytes, size, &opened) < 0);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++)
        assert_true(open_state(bytes, cut, &opened) < 0);
    assert_int_equal(open_state(bytes, size, &opened), 0);
    signed_state_finish(&opened);
}

/* Signs `length` bytes as they stand and packs them as a state that `id` is said to have signed. */
static uint8_t *pack_signed(const struct signing_key *key, const void *bytes, size_t length,
                            size_t prefix, size_t *ret_size)
{
    SignedState message = VMRECLAIM__FLEET__V1__SIGNED_STATE__INIT;
    uint8_t signature[SIGNING_SIGNATURE_SIZE];
    struct signing_public_key public;
    uint8_t *packed;

    signing_key_public(key, &public);
    assert_int_equal(signing_sign(key, bytes, length, signature), 0);
    message.state = (ProtobufCBinaryData){length - prefix, (uint8_t *)bytes + prefix};
    message.signature = (ProtobufCBinaryData){sizeof(signature), signature};
    message.key = (ProtobufCBinaryData){SIGNING_ID_SIZE, public.bytes};
    packed = malloc(protobuf_c_message_get_packed_size(&message.base));
    assert_non_null(packed);
    *ret_size = protobuf_c_message_pack(&message.base, packed);
    return packed;
}

/* What the operators have signed for another purpose is no order. */
static void test_a_signature_is_for_one_purpose(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        size_t prefix; /* of the purpose */
        int expected;
    } cases[] = {
        {"\x0a\x02h1\x10\x07", 6, 0, -EBADMSG},
        {"vmreclaim fleet state\x0a\x02h1\x10\x07", 27, 21, -EBADMSG},
        {"vmreclaim fleet stats\0\x0a\x02h1\x10\x07", 28, 22, -EBADMSG},
        {"vmreclaim fleet state\0\x0a\x02h1\x10\x07", 28, 22, 0},
        {"vmreclaim fleet state\0\x0a\x7fh1\x10\x07", 28, 22, -EPROTO},       /* no DesiredState */
        {"vmreclaim fleet state\0\x0a\x02\xc3\x28\x10\x07", 28, 22, -EPROTO}, /* no UTF-8 */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size;
        struct signed_state opened;
        cleanup_free uint8_t *bytes =
            pack_signed(&ours[1], cases[i].bytes, cases[i].length, cases[i].prefix, &size);

        assert_int_equal(open_state(bytes, size, &opened), cases[i].expected);
        if (cases[i].expected == 0)
            signed_state_finish(&opened);
    }
}

static void test_a_strangers_signature_is_none(void **state)
{
    size_t size;
    cleanup_free uint8_t *bytes = sign(&strangers, &size);
    struct signed_state opened;

    assert_int_equal(open_state(bytes, size, &opened), -ENOKEY);
    assert_int_equal(signed_state_open(bytes, size, keys, 0, &opened, NULL), -ENOKEY);
}

/* It says that it is by a key of ours, or by both, and is by neither. */
static void test_a_key_is_not_believed_by_its_name(void **state)
{
    size_t size, forged_size;
    cleanup_free uint8_t *bytes = sign(&strangers, &size);
    cleanup_free uint8_t *forged = malloc(size);
    SignedState *message = vmreclaim__fleet__v1__signed_state__unpack(NULL, size, bytes);
    struct signed_state opened;

    assert_non_null(forged);
    memcpy(message->key.data, keys[0].bytes, SIGNING_ID_SIZE);
    forged_size = vmreclaim__fleet__v1__signed_state__pack(message, forged);
    assert_int_equal(open_state(forged, forged_size, &opened), -EBADMSG);
    message->key.len = SIGNING_ID_SIZE - 1;
    forged_size = vmreclaim__fleet__v1__signed_state__pack(message, forged);
    assert_int_equal(open_state(forged, forged_size, &opened), -EINVAL);
    message->key.len = SIGNING_ID_SIZE;
    message->signature.len--;
    forged_size = vmreclaim__fleet__v1__signed_state__pack(message, forged);
    assert_int_equal(open_state(forged, forged_size, &opened), -EINVAL);
    vmreclaim__fleet__v1__signed_state__free_unpacked(message, NULL);
}

/* Nobody signed it, and decoding it would take a lot of memory. */
static void test_many_fields_are_not_decoded(void **state)
{
    static uint8_t bytes[2 * 1000];
    struct signed_state opened;

    for (size_t i = 0; i < sizeof(bytes); i += 2) {
        bytes[i] = 5 << 3;
        bytes[i + 1] = 1;
    }
    assert_int_equal(open_state(bytes, sizeof(bytes), &opened), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_signed_is_opened),
        cmocka_unit_test(test_others_sign_the_same),
        cmocka_unit_test(test_no_bit_may_change),
        cmocka_unit_test(test_a_signature_is_for_one_purpose),
        cmocka_unit_test(test_a_strangers_signature_is_none),
        cmocka_unit_test(test_a_key_is_not_believed_by_its_name),
        cmocka_unit_test(test_many_fields_are_not_decoded),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
