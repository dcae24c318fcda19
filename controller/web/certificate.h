/* The certificate with its key. Each handshake gets a copy of what is in use then: it may be
 * replaced at any time, and no connection keeps the old one alive. */
#ifndef VMRECLAIM_CONTROLLER_WEB_CERTIFICATE_H
#define VMRECLAIM_CONTROLLER_WEB_CERTIFICATE_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "common/base/error.h"

#define CERTIFICATE_CHAIN_MAX 16

/* Whether both are PEM texts that fit. -EINVAL. */
int certificate_check(const char *chain, const char *key, struct error *error);

/* NULL: a good one is valid now. Else what clients will complain about. */
const char *certificate_warning(const char *chain);

/* For all handshakes to come. The texts stay until others are used. */
void certificate_use(const char *chain, const char *key);

/* gnutls_certificate_retrieve_function3. */
int certificate_give(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                     gnutls_pcert_st **ret_chain, unsigned *ret_chain_length,
                     gnutls_ocsp_data_st **ret_ocsp, unsigned *ret_ocsp_length,
                     gnutls_privkey_t *ret_key, unsigned *ret_flags);

#endif
