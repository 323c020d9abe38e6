#include "receive/trust.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

static void x509s_free(STACK_OF(X509) * s)
{
	sk_X509_pop_free(s, X509_free);
}

DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)
DEFINE_CLEANUP(STACK_OF(X509) *, x509s_free)
DEFINE_CLEANUP(DIR *, closedir)

static const enum sns_chain chains[] = {
	[CHAIN_REQUIRE] = SNS_CHAIN_REQUIRE,
	[CHAIN_PREFER] = SNS_CHAIN_PREFER,
	[CHAIN_NAME_ONLY] = SNS_CHAIN_NAME_ONLY,
};

/* Appends every certificate of a PEM file. */
static int read_certificates(const char *path, STACK_OF(X509) * to, struct why *why)
{
	CLEANUP(fclosep) FILE *f = fopen(path, "re");
	int n = 0, error = f ? 0 : -errno;
	unsigned long reason;
	X509 *x509;

	if (!f) {
		why_set(why, "cannot read %s: %s", path, strerror(-error));
		return error;
	}
	for (; (x509 = PEM_read_X509(f, NULL, NULL, NULL)); n++)
		if (sk_X509_push(to, x509) <= 0) {
			X509_free(x509);
			return -ENOMEM;
		}
	/* No further block is how the end of the file shows. */
	reason = ERR_GET_REASON(ERR_peek_last_error());
	ERR_clear_error();
	if (ferror(f) || reason != PEM_R_NO_START_LINE || n == 0) {
		why_set(why, "%s: %s", path,
			n == 0 ? "there is no certificate in PEM in it"
			       : "one of its certificates is damaged");
		return -EINVAL;
	}
	return 0;
}

static const char *default_path(const char *variable, const char *otherwise)
{
	const char *set = secure_getenv(variable);

	return set ? set : otherwise;
}

/* Whether there is a <hash>.<number> in the folder, as c_rehash(1) makes them. */
static bool has_hashed_file(const char *path)
{
	CLEANUP(closedirp) DIR *folder = opendir(path);
	const struct dirent *d;

	while (folder && (d = readdir(folder)))
		if (strspn(d->d_name, "0123456789abcdef") == 8 && d->d_name[8] == '.')
			return true;
	return false;
}

/*
 * What X509_STORE_set_default_paths() does, but for its third way of looking: that reads the whole folder again
 * for every issuer that is not there, which costs more than checking the message's signature.
 */
static int load_system_roots(X509_STORE *roots, struct why *why)
{
	const char *file =
		default_path(X509_get_default_cert_file_env(), X509_get_default_cert_file());
	const char *folder =
		default_path(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
	bool found = X509_STORE_load_file(roots, file) == 1;

	ERR_clear_error();
	if (has_hashed_file(folder)) {
		if (X509_STORE_load_path(roots, folder) != 1)
			return -ENOMEM;
		found = true;
	}
	if (!found) {
		why_set(why,
			"sns.trust: there are no CA certificates in %s or %s; install ca-certificates",
			file, folder);
		return -ENOENT;
	}
	return 0;
}

static int load_roots_file(const char *path, X509_STORE *roots, struct why *why)
{
	CLEANUP(x509s_freep) STACK_OF(X509) *found = sk_X509_new_null();
	int r;

	if (!found)
		return -ENOMEM;
	r = read_certificates(path, found, why);
	for (int i = 0; r == 0 && i < sk_X509_num(found); i++)
		if (X509_STORE_add_cert(roots, sk_X509_value(found, i)) != 1)
			r = -ENOMEM;
	return r;
}

static bool is_pem_name(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && name[0] != '.' && strcmp(name + len - 4, ".pem") == 0;
}

/* No folder is an empty folder: only what is there can complete a chain. */
static int load_intermediates(const char *path, STACK_OF(X509) * to, struct why *why)
{
	CLEANUP(closedirp) DIR *folder = opendir(path);
	const struct dirent *d;
	int r = 0;

	if (!folder && errno == ENOENT)
		return 0;
	if (!folder) {
		r = -errno;
		why_set(why, "cannot read the folder %s: %s", path, strerror(-r));
		return r;
	}
	while (r == 0 && (d = readdir(folder))) {
		CLEANUP(freep) char *file = NULL;

		if (!is_pem_name(d->d_name))
			continue;
		if (asprintf(&file, "%s/%s", path, d->d_name) < 0) {
			file = NULL;
			return -ENOMEM;
		}
		r = read_certificates(file, to, why);
	}
	return r;
}

/* The setting that names the file, and what would be right. */
static void why_setting(struct why *why, int error, const char *setting, const char *right)
{
	struct why what = *why;

	if (error == -ENOMEM)
		why_set(why, "out of memory");
	else
		why_set(why, "%s: %s; %s", setting, what.text,
			error == -EACCES ? "it must be readable by this user" : right);
}

static int load_roots(const char *trust, X509_STORE *roots, struct why *why)
{
	int r;

	if (strcmp(trust, "system") == 0)
		return load_system_roots(roots, why);
	r = load_roots_file(trust, roots, why);
	if (r < 0)
		why_setting(why, r, "sns.trust",
			    "name a PEM file of CA certificates, or \"system\"");
	return r;
}

int trust_load(const struct sns_config *c, struct sns_trust *ret, struct why *why)
{
	CLEANUP(X509_STORE_freep) X509_STORE *roots = X509_STORE_new();
	CLEANUP(x509s_freep) STACK_OF(X509) *intermediates = sk_X509_new_null();
	int r;

	why_set(why, "out of memory");
	if (!roots || !intermediates)
		return -ENOMEM;
	if (c->chain == CHAIN_NAME_ONLY)
		r = 0; /* no issuer is looked at */
	else
		r = load_roots(c->trust, roots, why);
	if (r < 0)
		return r;
	if (c->chain != CHAIN_NAME_ONLY)
		r = load_intermediates(c->intermediates, intermediates, why);
	if (r < 0) {
		why_setting(why, r, "sns.intermediates", "its *.pem are to be whole certificates");
		return r;
	}
	*ret = (struct sns_trust){TAKE(roots), TAKE(intermediates), chains[c->chain]};
	return 0;
}

void trust_done(struct sns_trust *t)
{
	X509_STORE_free(t->roots);
	x509s_free(t->intermediates);
	*t = (struct sns_trust){0};
}
