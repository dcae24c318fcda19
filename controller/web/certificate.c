/* GnuTLS' part: PEM texts to what a handshake needs. */
#include "controller/web/certificate.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <gnutls/x509.h>

/* In use. The library's callback brings no pointer of ours. */
static const char *chain_in_use;
static const char *key_in_use;

static gnutls_datum_t datum_of(const char *text)
{
    return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

int certificate_check(const char *chain, const char *key, struct error *error)
{
    gnutls_datum_t chain_text = datum_of(chain), key_text = datum_of(key);
    gnutls_certificate_credentials_t both;
    int r = gnutls_certificate_allocate_credentials(&both);

    if (r < 0)
        return error_set(error, -ENOMEM, "%s", gnutls_strerror(r));
    r = gnutls_certificate_set_x509_key_mem(both, &chain_text, &key_text, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(both);
    if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return error_set(error, -EINVAL, "the key is not the certificate's");
    if (r < 0)
        return error_set(error, -EINVAL, "these are not PEM files of a certificate and its key: %s",
                         gnutls_strerror(r));
    return 0;
}

const char *certificate_warning(const char *chain)
{
    gnutls_datum_t text = datum_of(chain);
    gnutls_x509_crt_t first;
    time_t now = time(NULL);
    const char *warning = NULL;

    if (gnutls_x509_crt_init(&first) < 0)
        return NULL;
    if (gnutls_x509_crt_import(first, &text, GNUTLS_X509_FMT_PEM) == 0) {
        if (now > gnutls_x509_crt_get_expiration_time(first))
            warning = "has expired; renew it";
        else if (now < gnutls_x509_crt_get_activation_time(first))
            warning = "is not valid yet; is the clock right?";
    }
    gnutls_x509_crt_deinit(first);
    return warning;
}

void certificate_use(const char *chain, const char *key)
{
    chain_in_use = chain;
    key_in_use = key;
}

static int copy_key(gnutls_privkey_t *ret_key)
{
    gnutls_datum_t text = datum_of(key_in_use);
    int r = gnutls_privkey_init(ret_key);

    if (r < 0)
        return r;
    r = gnutls_privkey_import_x509_raw(*ret_key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (r < 0)
        gnutls_privkey_deinit(*ret_key);
    return r;
}

int certificate_give(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                     gnutls_pcert_st **ret_chain, unsigned *ret_chain_length,
                     gnutls_ocsp_data_st **ret_ocsp, unsigned *ret_ocsp_length,
                     gnutls_privkey_t *ret_key, unsigned *ret_flags)
{
    gnutls_datum_t text = datum_of(chain_in_use);
    gnutls_pcert_st *chain = gnutls_calloc(CERTIFICATE_CHAIN_MAX, sizeof(*chain));
    unsigned count = CERTIFICATE_CHAIN_MAX;

    if (chain == NULL)
        return -1;
    if (gnutls_pcert_list_import_x509_raw(chain, &count, &text, GNUTLS_X509_FMT_PEM, 0) < 0) {
        gnutls_free(chain);
        return -1;
    }
    if (copy_key(ret_key) < 0) {
        for (unsigned i = 0; i < count; i++)
            gnutls_pcert_deinit(&chain[i]);
        gnutls_free(chain);
        return -1;
    }
    *ret_chain = chain;
    *ret_chain_length = count;
    *ret_ocsp = NULL;
    *ret_ocsp_length = 0;
    *ret_flags = GNUTLS_CERT_RETR_DEINIT_ALL;
    return 0;
}
