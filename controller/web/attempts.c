/* The time that attempts have used up, of each address. */
#include "controller/web/attempts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/util.h"

/* IPv4 addresses are told by it: no other's first 64 bits begin so. */
#define V4_PREFIX UINT64_C(0xffff)

static uint64_t of_v4(const void *bytes)
{
    uint32_t address;

    memcpy(&address, bytes, sizeof(address));
    return V4_PREFIX << 32 | ntohl(address);
}

static uint64_t of_v6(const struct in6_addr *address)
{
    uint64_t prefix = 0;

    if (IN6_IS_ADDR_V4MAPPED(address))
        return of_v4(address->s6_addr + 12);
    for (size_t i = 0; i < sizeof(prefix); i++)
        prefix = prefix << 8 | address->s6_addr[i];
    return prefix;
}

uint64_t attempts_address(const struct sockaddr *name)
{
    switch (name->sa_family) {
    case AF_INET:
        return of_v4(&((const struct sockaddr_in *)(const void *)name)->sin_addr);
    case AF_INET6:
        return of_v6(&((const struct sockaddr_in6 *)(const void *)name)->sin6_addr);
    default:
        return 0;
    }
}

const char *attempts_text(uint64_t address, char *buffer)
{
    uint32_t bytes = htonl((uint32_t)address);
    char text[INET_ADDRSTRLEN];

    if (address == 0)
        snprintf(buffer, ATTEMPTS_TEXT_SIZE, "this machine");
    else if (address >> 32 == V4_PREFIX)
        snprintf(buffer, ATTEMPTS_TEXT_SIZE, "%s", inet_ntop(AF_INET, &bytes, text, sizeof(text)));
    else
        snprintf(buffer, ATTEMPTS_TEXT_SIZE, "%x:%x:%x:%x::/64", (unsigned)(address >> 48),
                 (unsigned)(address >> 32 & 0xffff), (unsigned)(address >> 16 & 0xffff),
                 (unsigned)(address & 0xffff));
    return buffer;
}

/* Its place, or ATTEMPTS_ADDRESSES. */
static size_t find(const struct attempts *attempts, uint64_t address)
{
    size_t i = 0;

    while (i < ATTEMPTS_ADDRESSES &&
           (attempts->places[i].address != address || attempts->places[i].paid == 0))
        i++;
    return i;
}

/* One that is not remembered gets the place of who has waited longest. */
static size_t place_of(struct attempts *attempts, uint64_t address)
{
    size_t found = find(attempts, address);
    size_t oldest = 0;

    if (found < ATTEMPTS_ADDRESSES)
        return found;
    for (size_t i = 1; i < ATTEMPTS_ADDRESSES; i++)
        if (attempts->places[i].paid < attempts->places[oldest].paid)
            oldest = i;
    attempts->places[oldest].address = address;
    attempts->places[oldest].paid = 0;
    return oldest;
}

nsec_t attempts_take(struct attempts *attempts, uint64_t address, nsec_t now)
{
    const nsec_t ahead = (ATTEMPTS_BURST - 1) * ATTEMPTS_PERIOD;
    nsec_t *paid = &attempts->places[place_of(attempts, address)].paid;
    nsec_t begun = max_of(*paid, now);

    if (begun - now > ahead)
        return begun - now - ahead;
    *paid = begun + ATTEMPTS_PERIOD;
    return 0;
}

void attempts_give_back(struct attempts *attempts, uint64_t address)
{
    size_t place = find(attempts, address);

    if (place < ATTEMPTS_ADDRESSES)
        attempts->places[place].paid -= ATTEMPTS_PERIOD;
}
