#include "simulate/authority.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "sns/certificate.h"

#define KEY_BITS      2048
#define DAY_S         (24 * 60 * 60L)
#define VALID_SINCE_S (30 * DAY_S) /* longer ago than sns.max_age lets a message be */
#define VALID_FOR_S   (3650 * DAY_S)
#define FILE_PREFIX   "SimpleNotificationService-"
#define FILE_SUFFIX   ".pem"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(X509_EXTENSION *, X509_EXTENSION_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(DIR *, closedir)

/* What OpenSSL refused, in its words. */
static int crypto_failed(struct why *why, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());

	why_set(why, "%s: %s", what, reason ? reason : "OpenSSL failed");
	ERR_clear_error();
	return -EIO;
}

struct extension {
	int nid;
	const char *value;
};

struct profile {
	const char *common_name;
	struct extension extensions[5]; /* ended by one without a value */
};

static const struct profile ca_profile = {
	"ipnd rehearsal CA",
	{
		{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
		{NID_key_usage, "critical,keyCertSign,cRLSign"},
		{NID_subject_key_identifier, "hash"},
	},
};

/* As on Amazon's signing certificates since 2018: the subject is only the name (threats.md section 2.5). */
static const struct profile signing_profile = {
	SNS_CERTIFICATE_NAME,
	{
		{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature"},
		{NID_ext_key_usage, "serverAuth"},
		{NID_subject_alt_name, "DNS:" SNS_CERTIFICATE_NAME},
	},
};

static const struct profile tls_profile = {
	"localhost",
	{
		{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature"},
		{NID_ext_key_usage, "serverAuth"},
		{NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1"},
	},
};

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	CLEANUP(X509_EXTENSION_freep) X509_EXTENSION *e = NULL;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	e = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
	return e && X509_add_ext(cert, e, -1);
}

/* RFC 5280 section 4.1.2.2: positive, at most 20 bytes; random, so that two rehearsals never clash in a trust store. */
static bool set_serial(X509 *cert)
{
	CLEANUP(BN_freep) BIGNUM *serial = BN_new();

	return serial && BN_rand(serial, 126, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
	       BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
}

static bool fill(X509 *cert, const struct profile *p, EVP_PKEY *key, X509 *issuer)
{
	X509_NAME *name = X509_get_subject_name(cert);

	if (!X509_set_version(cert, X509_VERSION_3) || !set_serial(cert) ||
	    !X509_gmtime_adj(X509_getm_notBefore(cert), -VALID_SINCE_S) ||
	    !X509_gmtime_adj(X509_getm_notAfter(cert), VALID_FOR_S) ||
	    !X509_set_pubkey(cert, key) ||
	    !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)p->common_name, -1, -1, 0) ||
	    !X509_set_issuer_name(cert, X509_get_subject_name(issuer)))
		return false;
	for (const struct extension *e = p->extensions; e->value; e++)
		if (!add_extension(cert, issuer, e->nid, e->value))
			return false;
	/* After the CA has its subject key identifier. */
	return cert == issuer || add_extension(cert, issuer, NID_authority_key_identifier, "keyid");
}

/* A key and its certificate. Without issuer: self-signed. */
static int make(const struct profile *p, X509 *issuer, EVP_PKEY *issuer_key, X509 **ret_cert,
		EVP_PKEY **ret_key, struct why *why)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
	CLEANUP(X509_freep) X509 *cert = X509_new();

	if (!key || !cert || !fill(cert, p, key, issuer ? issuer : cert) ||
	    !X509_sign(cert, issuer_key ? issuer_key : key, EVP_sha256()))
		return crypto_failed(why, p->common_name);
	*ret_cert = TAKE(cert);
	*ret_key = TAKE(key);
	return 0;
}

static FILE *create(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	FILE *f;

	if (fd < 0)
		return NULL;
	f = fdopen(fd, "w");
	if (!f)
		close(fd);
	return f;
}

/* One of the two. */
static int store(const char *folder, const char *name, X509 *cert, EVP_PKEY *key, struct why *why)
{
	CLEANUP(freep) char *path = NULL;
	FILE *f;
	bool ok;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	f = create(path, key ? 0600 : 0644);
	if (!f) {
		int error = errno;

		why_set(why, "cannot create %s: %m", path);
		return -error;
	}
	ok = key ? PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL)
		 : PEM_write_X509(f, cert);
	if (fclose(f) != 0 || !ok) {
		why_set(why, "cannot write %s", path);
		return -EIO;
	}
	return 0;
}

static bool md5_hex(const X509 *cert, char ret[static SNS_HEX_SIZE])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len;

	if (!X509_digest(cert, EVP_md5(), md, &len) || len * 2 + 1 != SNS_HEX_SIZE)
		return false;
	for (unsigned i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", md[i]);
	return true;
}

static int store_signing_certificate(const char *cache, X509 *cert, struct why *why)
{
	char hex[SNS_HEX_SIZE], name[sizeof(FILE_PREFIX) + SNS_HEX_SIZE + sizeof(FILE_SUFFIX)];

	if (!md5_hex(cert, hex))
		return crypto_failed(why, "MD5");
	snprintf(name, sizeof(name), FILE_PREFIX "%s" FILE_SUFFIX, hex);
	return store(cache, name, cert, NULL, why);
}

int authority_create(const char *folder, const char *cache, struct why *why)
{
	CLEANUP(X509_freep) X509 *ca = NULL, *signing = NULL, *tls = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ca_key = NULL, *signing_key = NULL, *tls_key = NULL;
	int r;

	if ((r = make(&ca_profile, NULL, NULL, &ca, &ca_key, why)) < 0 ||
	    (r = make(&signing_profile, ca, ca_key, &signing, &signing_key, why)) < 0 ||
	    (r = make(&tls_profile, ca, ca_key, &tls, &tls_key, why)) < 0 ||
	    (r = store(folder, AUTHORITY_CA_KEY, NULL, ca_key, why)) < 0 ||
	    (r = store(folder, AUTHORITY_SIGNING_KEY, NULL, signing_key, why)) < 0 ||
	    (r = store(folder, AUTHORITY_TLS_KEY, NULL, tls_key, why)) < 0 ||
	    (r = store(folder, AUTHORITY_CA, ca, NULL, why)) < 0 ||
	    (r = store(folder, AUTHORITY_TLS, tls, NULL, why)) < 0)
		return r;
	return store_signing_certificate(cache, signing, why);
}

struct signer {
	EVP_PKEY *key;
	char hex[SNS_HEX_SIZE];
};

void signer_free(struct signer *s)
{
	if (!s)
		return;
	EVP_PKEY_free(s->key);
	free(s);
}

static int read_key(const char *folder, EVP_PKEY **ret, struct why *why)
{
	CLEANUP(freep) char *path = NULL;
	CLEANUP(fclosep) FILE *f = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;

	if (asprintf(&path, "%s/" AUTHORITY_SIGNING_KEY, folder) < 0)
		return -ENOMEM;
	f = fopen(path, "re");
	if (!f) {
		int error = errno;

		why_set(why, "cannot read %s: %m", path);
		return -error;
	}
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	if (!key || !EVP_PKEY_is_a(key, "RSA") ||
	    EVP_PKEY_get_size(key) > (SIGNATURE_TEXT_SIZE - 1) / 4 * 3) {
		ERR_clear_error();
		why_set(why, "%s: not a usable RSA key", path);
		return -EINVAL;
	}
	*ret = TAKE(key);
	return 0;
}

/* True when the file is a certificate of this key and has the name that goes with it. */
static bool belongs(const char *cache, const char *file, EVP_PKEY *key,
		    char ret_hex[static SNS_HEX_SIZE])
{
	CLEANUP(freep) char *path = NULL;
	CLEANUP(fclosep) FILE *f = NULL;
	CLEANUP(X509_freep) X509 *cert = NULL;
	char hex[SNS_HEX_SIZE];
	bool found;

	if (strncmp(file, FILE_PREFIX, strlen(FILE_PREFIX)) != 0 ||
	    asprintf(&path, "%s/%s", cache, file) < 0)
		return false;
	f = fopen(path, "re");
	cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	found = cert && X509_check_private_key(cert, key) == 1 && md5_hex(cert, hex) &&
		strncmp(file + strlen(FILE_PREFIX), hex, strlen(hex)) == 0;
	ERR_clear_error();
	if (found)
		memcpy(ret_hex, hex, sizeof(hex));
	return found;
}

static int find_certificate(const char *cache, EVP_PKEY *key, char ret_hex[static SNS_HEX_SIZE],
			    struct why *why)
{
	CLEANUP(closedirp) DIR *folder = opendir(cache);
	const struct dirent *d;

	if (!folder) {
		int error = errno;

		why_set(why, "cannot read %s: %m", cache);
		return -error;
	}
	while ((d = readdir(folder)))
		if (belongs(cache, d->d_name, key, ret_hex))
			return 0;
	why_set(why, "%s holds no certificate of " AUTHORITY_SIGNING_KEY, cache);
	return -ENOENT;
}

int signer_open(const char *folder, const char *cache, struct signer **ret, struct why *why)
{
	CLEANUP(signer_freep) struct signer *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	if ((r = read_key(folder, &s->key, why)) < 0 ||
	    (r = find_certificate(cache, s->key, s->hex, why)) < 0)
		return r;
	*ret = TAKE(s);
	return 0;
}

const char *signer_hex(const struct signer *s)
{
	return s->hex;
}

int signer_sign(const struct signer *s, int version, struct text text,
		char ret[static SIGNATURE_TEXT_SIZE])
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char signature[(SIGNATURE_TEXT_SIZE - 1) / 4 * 3];
	size_t len = sizeof(signature);

	if (!context ||
	    !EVP_DigestSignInit(context, NULL, version == 2 ? EVP_sha256() : EVP_sha1(), NULL,
				s->key) ||
	    EVP_DigestSign(context, signature, &len, (const unsigned char *)text.at, text.len) !=
		    1) {
		ERR_clear_error();
		return -EIO;
	}
	EVP_EncodeBlock((unsigned char *)ret, signature, (int)len);
	return 0;
}
