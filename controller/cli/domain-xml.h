/* A libvirt domain's XML as text: libvirt writes it in one regular form, and what is not changed
 * stays byte for byte. Pure. */
#ifndef VMRECLAIM_CONTROLLER_CLI_DOMAIN_XML_H
#define VMRECLAIM_CONTROLLER_CLI_DOMAIN_XML_H

#include <stdbool.h>
#include <stdint.h>

#define DOMAIN_XML_MAX (1024u * 1024) /* bytes; more is no domain's */

struct domain_balloon {
    bool reporting; /* freePageReporting='on' */
    bool deflate;   /* autodeflate='on' */
};

/* The same domain with these switched on; a domain without a balloon gets one. To be freed.
 * -EINVAL: this is no domain's XML; -ENOMEM. */
int domain_xml_balloon(const char *xml, const struct domain_balloon *balloon, char **ret_xml);

/* The first tag of its memballoon, to be shown; "" when it has none. To be freed. NULL: no memory.
 */
char *domain_xml_balloon_tag(const char *xml);

/* The memory that the domain starts with, bytes: its <memory>, which has all but what is plugged
 * later. -EINVAL: there is none, or it is no size. */
int domain_xml_memory(const char *xml, uint64_t *ret_bytes);

#endif
