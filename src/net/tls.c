#include "net/tls.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/utc.h"
#include "net/tls-private.h"

/* A chain of four RSA-4096 certificates in PEM is below 10 KiB. */
#define TLS_FILE_MAX (256 * 1024)

/* SHA-256 over the public key, in gnutls_x509_crt_get_key_id(). */
#define KEY_ID_SIZE 32

struct pair {
	gnutls_x509_crt_t *chain; /* the server's own first */
	unsigned n_chain;
	gnutls_x509_privkey_t key;
	int64_t not_after_ms;
};

struct tls_credentials {
	struct pair pair;
};

static void pair_done(struct pair *p)
{
	for (unsigned i = 0; i < p->n_chain; i++)
		gnutls_x509_crt_deinit(p->chain[i]);
	gnutls_free(p->chain);
	if (p->key)
		gnutls_x509_privkey_deinit(p->key);
	*p = (struct pair){.not_after_ms = UTC_UNKNOWN};
}

/* A file may hold the private key: no copy of it stays in freed memory. */
static void file_done(gnutls_datum_t *d)
{
	if (d->data)
		explicit_bzero(d->data, d->size);
	free(d->data);
}

/* Any fault of the file that is neither its absence nor its permissions is one of its content. */
static int file_errno(int error)
{
	return error == ENOENT || error == EACCES ? -error : -EINVAL;
}

static int file_read(const char *path, gnutls_datum_t *ret, struct why *why)
{
	CLEANUP(fclosep) FILE *f = fopen(path, "re");
	CLEANUP(file_done) gnutls_datum_t d = {0};
	struct stat st;

	if (!f || fstat(fileno(f), &st) < 0) {
		int r = file_errno(errno);

		why_set(why, "%s: %m", path);
		return r;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > TLS_FILE_MAX) {
		why_set(why, "%s: not a regular file of at most %d bytes", path, TLS_FILE_MAX);
		return -EINVAL;
	}
	/* One byte more: an empty file gives a buffer, too. */
	d.data = malloc((size_t)st.st_size + 1);
	if (!d.data) {
		why_set(why, "%s: out of memory", path);
		return -ENOMEM;
	}
	/* The buffer of stdio would keep a copy of the key. */
	setvbuf(f, NULL, _IONBF, 0);
	d.size = (unsigned)fread(d.data, 1, (size_t)st.st_size, f);
	if (d.size != (size_t)st.st_size) {
		why_set(why, "%s: cannot be read whole", path);
		return -EINVAL;
	}
	*ret = d;
	d.data = NULL;
	return 0;
}

static int chain_load(const char *path, struct pair *p, struct why *why)
{
	CLEANUP(file_done) gnutls_datum_t pem = {0};
	time_t not_after;
	int r;

	r = file_read(path, &pem, why);
	if (r < 0)
		return r;
	r = gnutls_x509_crt_list_import2(&p->chain, &p->n_chain, &pem, GNUTLS_X509_FMT_PEM, 0);
	if (r < 0) {
		p->chain = NULL;
		p->n_chain = 0;
		why_set(why, "%s: no certificates in PEM: %s", path, gnutls_strerror(r));
		return -EINVAL;
	}
	not_after = gnutls_x509_crt_get_expiration_time(p->chain[0]);
	if (not_after == (time_t)-1) {
		why_set(why, "%s: the certificate has no end of validity", path);
		return -EINVAL;
	}
	p->not_after_ms = (int64_t)not_after * 1000;
	return 0;
}

static int key_load(const char *path, struct pair *p, struct why *why)
{
	CLEANUP(file_done) gnutls_datum_t pem = {0};
	int r;

	r = file_read(path, &pem, why);
	if (r < 0)
		return r;
	r = gnutls_x509_privkey_init(&p->key);
	if (r < 0) {
		why_set(why, "%s: %s", path, gnutls_strerror(r));
		return -ENOMEM;
	}
	r = gnutls_x509_privkey_import2(p->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r < 0) {
		why_set(why, "%s: no unencrypted private key in PEM: %s", path, gnutls_strerror(r));
		return -EINVAL;
	}
	return 0;
}

static bool pair_fits(const struct pair *p)
{
	unsigned char of_certificate[KEY_ID_SIZE], of_key[KEY_ID_SIZE];
	size_t n_certificate = sizeof(of_certificate), n_key = sizeof(of_key);

	if (gnutls_x509_crt_get_key_id(p->chain[0], GNUTLS_KEYID_USE_SHA256, of_certificate,
				       &n_certificate) < 0 ||
	    gnutls_x509_privkey_get_key_id(p->key, GNUTLS_KEYID_USE_SHA256, of_key, &n_key) < 0)
		return false;
	return n_certificate == n_key && memcmp(of_certificate, of_key, n_key) == 0;
}

/* The setting that names the file, and what would be right. */
static void why_setting(struct why *why, int error, const char *setting, const char *right)
{
	struct why what = *why;

	why_set(why, "%s: %s; %s", setting, what.text,
		error == -EACCES ? "it must be readable by this user" : right);
}

int tls_credentials_new(struct tls_credentials **ret)
{
	struct tls_credentials *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->pair.not_after_ms = UTC_UNKNOWN;
	*ret = t;
	return 0;
}

void tls_credentials_free(struct tls_credentials *t)
{
	if (!t)
		return;
	pair_done(&t->pair);
	free(t);
}

int tls_credentials_load(struct tls_credentials *t, const char *certificate,
			 const char *private_key, struct why *why)
{
	CLEANUP(pair_done) struct pair fresh = {.not_after_ms = UTC_UNKNOWN};
	struct pair old = t->pair;
	int r;

	r = chain_load(certificate, &fresh, why);
	if (r < 0) {
		why_setting(why, r, "listen.certificate",
			    "name a PEM file with the certificate and its intermediates");
		return r;
	}
	r = key_load(private_key, &fresh, why);
	if (r == 0 && !pair_fits(&fresh)) {
		why_set(why, "%s: not the key of the first certificate in %s", private_key,
			certificate);
		r = -EINVAL;
	}
	if (r < 0) {
		why_setting(why, r, "listen.private_key",
			    "name the PEM file with the certificate's key");
		return r;
	}
	t->pair = fresh;
	fresh = old;
	return 0;
}

int64_t tls_credentials_not_after_ms(const struct tls_credentials *t)
{
	return t->pair.not_after_ms;
}

void tls_session_use(gnutls_session_t session, struct tls_credentials *t)
{
	gnutls_session_set_ptr(session, t);
}

static gnutls_pcert_st *chain_copy(const struct pair *p)
{
	gnutls_pcert_st *copy = gnutls_calloc(p->n_chain, sizeof(*copy));

	if (!copy)
		return NULL;
	for (unsigned i = 0; i < p->n_chain; i++) {
		if (gnutls_pcert_import_x509(&copy[i], p->chain[i], 0) == 0)
			continue;
		while (i-- > 0)
			gnutls_pcert_deinit(&copy[i]);
		gnutls_free(copy);
		return NULL;
	}
	return copy;
}

static gnutls_privkey_t key_copy(const struct pair *p)
{
	gnutls_privkey_t copy;

	if (gnutls_privkey_init(&copy) < 0)
		return NULL;
	if (gnutls_privkey_import_x509(copy, p->key, GNUTLS_PRIVKEY_IMPORT_COPY) < 0) {
		gnutls_privkey_deinit(copy);
		return NULL;
	}
	return copy;
}

/*
 * Each handshake gets copies, which GnuTLS frees: a reload in the middle of one takes nothing away
 * from it.
 */
int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
		 gnutls_pcert_st **certs, unsigned int *certs_length, gnutls_ocsp_data_st **ocsp,
		 unsigned int *ocsp_length, gnutls_privkey_t *privkey, unsigned int *flags)
{
	const struct tls_credentials *t = gnutls_session_get_ptr(session);
	gnutls_pcert_st *chain;
	gnutls_privkey_t key;

	(void)info;
	if (!t || !t->pair.key)
		return -1;
	key = key_copy(&t->pair);
	if (!key)
		return -1;
	chain = chain_copy(&t->pair);
	if (!chain) {
		gnutls_privkey_deinit(key);
		return -1;
	}
	*certs = chain;
	*certs_length = t->pair.n_chain;
	*ocsp = NULL;
	*ocsp_length = 0;
	*privkey = key;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	return 0;
}
