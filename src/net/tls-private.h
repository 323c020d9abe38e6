/* What the HTTP server needs of tls.c and nobody else. */
#ifndef IPND_NET_TLS_PRIVATE_H
#define IPND_NET_TLS_PRIVATE_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "net/tls.h"

/*
 * The handshake of `session`, which has not begun, will show the pair that `t` has at that moment.
 */
void tls_session_use(gnutls_session_t session, struct tls_credentials *t);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2. */
gnutls_certificate_retrieve_function3 tls_retrieve;

#endif
