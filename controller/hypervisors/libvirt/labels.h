/* A domain's metadata as labels, "os.id=...,name=...": what its elements say, as they come.
 *
 * An element called "labels", of whatever namespace, has labels as they are: "tier=web,rack=7".
 * Any other gives NAME=TEXT and NAME.ATTRIBUTE=VALUE. What does not fit is left out whole. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_LABELS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_LABELS_H

#include <stddef.h>

struct labels {
    char *text;
    size_t size;
};

/* `text` is the caller's, of `size` bytes. */
void labels_init(struct labels *labels, char *text, size_t size);

/* An element began. `attributes` are names and values in turn, up to a NULL. */
void labels_begin(struct labels *labels, const char *path, const char **attributes);

/* ... and ended with a text. */
void labels_text(struct labels *labels, const char *path, const char *text);

#endif
