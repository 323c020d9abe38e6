/* The server's certificate and key, replaceable while connections are open. */
#ifndef IPND_NET_TLS_H
#define IPND_NET_TLS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

/* TLS 1.2 and 1.3 only. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls_credentials;

int tls_credentials_new(struct tls_credentials **ret);
void tls_credentials_free(struct tls_credentials *t);
DEFINE_CLEANUP(struct tls_credentials *, tls_credentials_free)

/*
 * Loads and checks the pair (readable, parsable, the key fits the first certificate) and then makes
 * it the one that new handshakes use. On failure the old pair stays and `why` names the setting,
 * the file, the reason, and what would be right. 0 or negative errno: -ENOENT, -EACCES (the file), -EINVAL (its content).
 */
int tls_credentials_load(struct tls_credentials *t, const char *certificate,
			 const char *private_key, struct why *why);

/* End of validity of the certificate in use, UTC_UNKNOWN before the first load. */
int64_t tls_credentials_not_after_ms(const struct tls_credentials *t);

#endif
