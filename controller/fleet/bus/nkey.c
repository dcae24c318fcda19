/* Base32 as RFC 4648 has it, without padding. */
#include "controller/fleet/bus/nkey.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#define KEY_BYTES    32
#define PREFIX_SEED  (18 << 3) /* 'S' */
#define PREFIX_USER  (20 << 3) /* 'U' */
#define SEED_BYTES   (2 + KEY_BYTES + 2)
#define PUBLIC_BYTES (1 + KEY_BYTES + 2)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* CRC-16/XMODEM, as strkey.go has it. */
static uint16_t checksum(const uint8_t *data, size_t length)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < length; i++) {
        crc ^= (uint16_t)(data[i] << 8);
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

/* `data` ends with room for the checksum, little endian. */
static void encode(uint8_t *data, size_t length, char *ret_text)
{
    uint16_t crc = checksum(data, length - 2);
    unsigned bits = 0;
    uint32_t value = 0;

    data[length - 2] = (uint8_t)crc;
    data[length - 1] = (uint8_t)(crc >> 8);
    for (size_t i = 0; i < length; i++) {
        value = (value & 0x1f) << 8 | data[i];
        for (bits += 8; bits >= 5; bits -= 5)
            *ret_text++ = alphabet[value >> (bits - 5) & 0x1f];
    }
    if (bits > 0)
        *ret_text++ = alphabet[value << (5 - bits) & 0x1f];
    *ret_text = '\0';
}

/* -EINVAL: it is not so many bytes, or the checksum is another. */
static int decode(const char *text, size_t characters, uint8_t *ret_data, size_t length)
{
    unsigned bits = 0;
    uint32_t value = 0;
    size_t count = 0;

    for (size_t i = 0; i < characters; i++) {
        const char *place = strchr(alphabet, text[i]);

        if (text[i] == '\0' || place == NULL)
            return -EINVAL;
        value = (value & 0xff) << 5 | (uint32_t)(place - alphabet);
        bits += 5;
        if (bits < 8)
            continue;
        bits -= 8;
        if (count == length)
            return -EINVAL;
        ret_data[count++] = (uint8_t)(value >> bits);
    }
    if ((value & ((1u << bits) - 1)) != 0) /* what is left over */
        return -EINVAL;
    if (count != length ||
        checksum(ret_data, length - 2) != (ret_data[length - 2] | ret_data[length - 1] << 8))
        return -EINVAL;
    return 0;
}

/* The seed's first two bytes hold two prefixes of five bits each. */
static void encode_seed(const uint8_t key[KEY_BYTES], char *ret_seed)
{
    uint8_t data[SEED_BYTES] = {PREFIX_SEED | PREFIX_USER >> 5, (PREFIX_USER & 0x1f) << 3};

    memcpy(data + 2, key, KEY_BYTES);
    encode(data, sizeof(data), ret_seed);
    sodium_memzero(data, sizeof(data));
}

void nkey_make(char ret_seed[NKEY_SEED_SIZE])
{
    uint8_t key[KEY_BYTES];

    randombytes_buf(key, sizeof(key));
    encode_seed(key, ret_seed);
    sodium_memzero(key, sizeof(key));
}

static bool is_user_seed(const uint8_t data[SEED_BYTES])
{
    return (data[0] & 0xf8) == PREFIX_SEED &&
           ((data[0] & 7) << 5 | (data[1] & 0xf8) >> 3) == PREFIX_USER;
}

int nkey_public(const char *seed, char ret_public[NKEY_PUBLIC_SIZE], struct error *error)
{
    size_t characters = strcspn(seed, " \t\r\n");
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t data[PUBLIC_BYTES] = {PREFIX_USER};
    uint8_t of_seed[SEED_BYTES];
    int r = characters != NKEY_SEED_SIZE - 1 ? -EINVAL
                                             : decode(seed, characters, of_seed, sizeof(of_seed));

    if (r < 0 || !is_user_seed(of_seed) || seed[characters + strspn(seed + characters, " \t\r\n")])
        return error_set(error, -EINVAL, "this is no seed of a NATS user, which begins with SU");
    (void)crypto_sign_seed_keypair(data + 1, secret, of_seed + 2);
    encode(data, sizeof(data), ret_public);
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(of_seed, sizeof(of_seed));
    return 0;
}

int nkey_check_public(const char *key, struct error *error)
{
    uint8_t data[PUBLIC_BYTES];

    if (strlen(key) == NKEY_PUBLIC_SIZE - 1 &&
        decode(key, NKEY_PUBLIC_SIZE - 1, data, sizeof(data)) == 0 && data[0] == PREFIX_USER)
        return 0;
    if (key[0] == 'S')
        return error_set(error, -EINVAL,
                         "this may be a secret seed, which nobody but its owner should see; the "
                         "public key of a NATS user begins with U");
    return error_set(error, -EINVAL,
                     "this is no public key of a NATS user, which begins with U and has %d "
                     "characters",
                     NKEY_PUBLIC_SIZE - 1);
}
