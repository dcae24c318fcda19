/* Fields are copied one by one, so neither alignment nor the machine's byte order matters. */
#include "tests/lab/vsock-device/packet.h"

#include <endian.h>
#include <string.h>

static uint64_t get64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof(value));
    return le64toh(value);
}

static uint32_t get32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof(value));
    return le32toh(value);
}

static uint16_t get16(const uint8_t *bytes)
{
    uint16_t value;

    memcpy(&value, bytes, sizeof(value));
    return le16toh(value);
}

static void put64(uint8_t *bytes, uint64_t value)
{
    value = htole64(value);
    memcpy(bytes, &value, sizeof(value));
}

static void put32(uint8_t *bytes, uint32_t value)
{
    value = htole32(value);
    memcpy(bytes, &value, sizeof(value));
}

static void put16(uint8_t *bytes, uint16_t value)
{
    value = htole16(value);
    memcpy(bytes, &value, sizeof(value));
}

void packet_decode(const uint8_t bytes[PACKET_HEADER_SIZE], struct packet_header *ret_header)
{
    *ret_header = (struct packet_header){
        .source_cid = get64(bytes),
        .destination_cid = get64(bytes + 8),
        .source_port = get32(bytes + 16),
        .destination_port = get32(bytes + 20),
        .length = get32(bytes + 24),
        .type = get16(bytes + 28),
        .operation = get16(bytes + 30),
        .flags = get32(bytes + 32),
        .buffer = get32(bytes + 36),
        .forwarded = get32(bytes + 40),
    };
}

void packet_encode(const struct packet_header *header, uint8_t bytes[PACKET_HEADER_SIZE])
{
    put64(bytes, header->source_cid);
    put64(bytes + 8, header->destination_cid);
    put32(bytes + 16, header->source_port);
    put32(bytes + 20, header->destination_port);
    put32(bytes + 24, header->length);
    put16(bytes + 28, header->type);
    put16(bytes + 30, header->operation);
    put32(bytes + 32, header->flags);
    put32(bytes + 36, header->buffer);
    put32(bytes + 40, header->forwarded);
}
