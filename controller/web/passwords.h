/* The file of --basic-auth: names with hashes of passwords, a line each, as `htpasswd -B` and
 * `mkpasswd` make them. Hashes are of crypt(5): yescrypt, bcrypt, SHA-512 or SHA-256. What is older
 * is guessed too fast, and what costs more than a second or 64 MiB is refused, because everybody
 * who can connect may order such a calculation. */
#ifndef VMRECLAIM_CONTROLLER_WEB_PASSWORDS_H
#define VMRECLAIM_CONTROLLER_WEB_PASSWORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

#define PASSWORDS_MAX      1024
#define PASSWORDS_NAME_MAX 64  /* bytes */
#define PASSWORD_MAX       256 /* bytes */

struct passwords;

/* Empty lines and such that begin with # are left out. -EINVAL: one is not as it should be, or
 * there is none. One reference is the caller's. */
int passwords_parse(const char *text, struct passwords **ret_passwords, struct error *error);

/* One thread counts them. NULL may be released. */
struct passwords *passwords_hold(struct passwords *passwords);
void passwords_release(struct passwords *passwords);

size_t passwords_count(const struct passwords *passwords);

/* Whether that is the password of `name`. Takes milliseconds to a second of processor time, for an
 * unknown name as much as for the first that is known. Any thread. */
bool passwords_verify(const struct passwords *passwords, const char *name, const char *password);

#endif
