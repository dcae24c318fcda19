/* The header in front of every virtio-vsock packet: 44 bytes, little-endian, unpadded. Virtual I/O
 * Device 1.2, 5.10.6. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_PACKET_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_PACKET_H

#include <stdint.h>

#define PACKET_HEADER_SIZE 44u
#define PACKET_DATA_MAX    (64u << 10) /* bytes; what Linux sends at most, and Firecracker takes */
#define PACKET_HOST_CID    2u
#define PACKET_TYPE_STREAM 1u

enum packet_operation {
    PACKET_REQUEST = 1,
    PACKET_RESPONSE = 2,
    PACKET_RST = 3,
    PACKET_SHUTDOWN = 4,
    PACKET_RW = 5,
    PACKET_CREDIT_UPDATE = 6,
    PACKET_CREDIT_REQUEST = 7,
};

/* Flags of PACKET_SHUTDOWN: what the sender will not do any more. */
#define PACKET_NO_RECEIVE 1u
#define PACKET_NO_SEND    2u

struct packet_header {
    uint64_t source_cid;
    uint64_t destination_cid;
    uint32_t source_port;
    uint32_t destination_port;
    uint32_t length; /* of the data that follows, in bytes */
    uint16_t type;
    uint16_t operation; /* of a peer: may be none of enum packet_operation */
    uint32_t flags;
    uint32_t buffer;    /* buf_alloc: bytes that the sender holds at most */
    uint32_t forwarded; /* fwd_cnt: bytes that left its buffer so far, modulo 2^32 */
};

void packet_decode(const uint8_t bytes[PACKET_HEADER_SIZE], struct packet_header *ret_header);
void packet_encode(const struct packet_header *header, uint8_t bytes[PACKET_HEADER_SIZE]);

#endif
