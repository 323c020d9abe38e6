#include "simulate/destination.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

typedef char *curl_text;
DEFINE_CLEANUP(CURLU *, curl_url_cleanup)
DEFINE_CLEANUP(curl_text, curl_free)

struct destination {
	char *name; /* without the brackets of an IPv6 address */
	char *port;
	char *host;
	char *path;
	struct addrinfo *addresses;
	SSL_CTX *tls; /* NULL: http */
};

void destination_free(struct destination *d)
{
	if (!d)
		return;
	if (d->addresses)
		freeaddrinfo(d->addresses);
	SSL_CTX_free(d->tls);
	free(d->name);
	free(d->port);
	free(d->host);
	free(d->path);
	free(d);
}

/* A part of a URL; the caller frees it. NULL: it has none. */
static char *part(CURLU *u, CURLUPart which)
{
	CLEANUP(curl_freep) curl_text value = NULL;

	if (curl_url_get(u, which, &value, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return NULL;
	return strdup(value);
}

static int parse_url(struct destination *d, const char *url, bool *ret_tls)
{
	CLEANUP(curl_url_cleanupp) CURLU *u = curl_url();
	CLEANUP(freep) char *scheme = NULL, *host = NULL, *path = NULL, *query = NULL;
	size_t len;

	if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    !(scheme = part(u, CURLUPART_SCHEME)) || !(host = part(u, CURLUPART_HOST)) ||
	    !(path = part(u, CURLUPART_PATH)) || !(d->port = part(u, CURLUPART_PORT)))
		return -EINVAL;
	query = part(u, CURLUPART_QUERY);
	len = strlen(host);
	d->name = *host == '[' ? strndup(host + 1, len - 2) : strdup(host);
	if (!d->name || asprintf(&d->host, "%s:%s", host, d->port) < 0 ||
	    asprintf(&d->path, "%s%s%s", path, query ? "?" : "", query ? query : "") < 0)
		return -ENOMEM;
	if (strlen(d->path) > DESTINATION_PATH_MAX)
		return -EINVAL;
	*ret_tls = strcmp(scheme, "https") == 0;
	return *ret_tls || strcmp(scheme, "http") == 0 ? 0 : -EINVAL;
}

static int open_tls(struct destination *d, const char *ca_file)
{
	d->tls = SSL_CTX_new(TLS_client_method());
	if (!d->tls || !SSL_CTX_set_min_proto_version(d->tls, TLS1_2_VERSION) ||
	    !SSL_CTX_load_verify_file(d->tls, ca_file)) {
		ERR_clear_error();
		return -ENOENT;
	}
	SSL_CTX_set_verify(d->tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(d->tls, SSL_MODE_ENABLE_PARTIAL_WRITE);
	SSL_CTX_set_read_ahead(d->tls, 1); /* a record by one system call, not two */
	return 0;
}

int destination_open(const char *url, const char *ca_file, struct destination **ret,
		     struct why *why)
{
	CLEANUP(destination_freep) struct destination *d = calloc(1, sizeof(*d));
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	bool tls;
	int r;

	why_set(why, "out of memory");
	if (!d)
		return -ENOMEM;
	if ((r = parse_url(d, url, &tls)) < 0) {
		why_set(why, "not an https:// or http:// URL");
		return r;
	}
	if ((r = getaddrinfo(d->name, d->port, &hints, &d->addresses)) != 0) {
		why_set(why, "%s", gai_strerror(r));
		return -EHOSTUNREACH;
	}
	if (tls && (r = open_tls(d, ca_file)) < 0) {
		why_set(why, "cannot read the certificates in %s", ca_file);
		return r;
	}
	*ret = TAKE(d);
	return 0;
}

const char *destination_host(const struct destination *d)
{
	return d->host;
}

const char *destination_path(const struct destination *d)
{
	return d->path;
}

const struct addrinfo *destination_addresses(const struct destination *d)
{
	return d->addresses;
}

/* An address stands in a certificate as one, and is no name for SNI (RFC 6066 section 3). */
static bool set_name(SSL *ssl, char *name)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

int destination_new_ssl(const struct destination *d, int fd, SSL **ret)
{
	SSL *ssl;

	if (!d->tls) {
		*ret = NULL;
		return 0;
	}
	ssl = SSL_new(d->tls);
	if (!ssl || !set_name(ssl, d->name) || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		ERR_clear_error();
		return -ENOMEM;
	}
	*ret = ssl;
	return 0;
}
