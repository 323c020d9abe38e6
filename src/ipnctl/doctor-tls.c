/* Checks of the certificate that we show: does it load, for how long, under which names, would Amazon believe it? */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utc.h"
#include "ipnctl/doctor.h"
#include "net/tls.h"

#define DAY_MS INT64_C(86400000)
#define DAYS_WARN                                                                                  \
	21 /* ACME clients renew 30 days before the end: then something has failed for 9 */
#define DAYS_FAIL   3
#define NAMES_SHOWN 5
#define NAME_SIZE   256

#define CREDENTIALS "/run/credentials/ipnd.service" /* where systemd puts ipnd's, for root to see */

struct chain {
	gnutls_x509_crt_t *at;
	unsigned n;
};

static void chain_done(struct chain *c)
{
	for (unsigned i = 0; i < c->n; i++)
		gnutls_x509_crt_deinit(c->at[i]);
	gnutls_free(c->at);
}

typedef gnutls_x509_trust_list_t trust_list;

static void trust_list_done(trust_list t)
{
	gnutls_x509_trust_list_deinit(t, 1);
}

DEFINE_CLEANUP(trust_list, trust_list_done)

/* A bare name is a credential, which only ipnd and root can see. */
static char *file_of(const char *name, bool *ret_credential)
{
	char *path = NULL;

	*ret_credential = !strchr(name, '/');
	if (!*ret_credential || getenv("CREDENTIALS_DIRECTORY"))
		return output_need(config_file_path(name));
	if (asprintf(&path, CREDENTIALS "/%s", name) < 0)
		path = NULL;
	return output_need(path);
}

/* Who but root may see a credential? Of any other file, whether ipnd may read it. */
static void check_readable(struct doctor *d, const char *setting, const char *file)
{
	CLEANUP(freep) char *at = NULL, *path = NULL;
	int r = d->owner.known ? doctor_may(d, file, R_OK, &at) : 1;

	if (r != 0)
		return; /* what cannot be looked at is said when it is loaded */
	path = doctor_quote(at);
	doctor_find(d, FINDING_FAILED, "%s: %s may not read it, because of %s", setting,
		    d->owner.name, at);
	doctor_mend(d, "setfacl -m u:%s:%s %s    # or chgrp and chmod to that effect",
		    d->owner.name, strcmp(at, file) == 0 ? "r" : "x", path);
}

static void check_key_secret(struct doctor *d, const char *file)
{
	CLEANUP(freep) char *path = doctor_quote(file);
	struct stat st;

	if (stat(file, &st) < 0 || !(st.st_mode & 0007))
		return;
	doctor_find(d, FINDING_FAILED,
		    "the private key %s has mode %04o: everybody here may read it", file,
		    st.st_mode & 07777U);
	doctor_mend(
		d,
		"chmod o-rwx %s    # and have a new certificate made, with a new key, if that lasted",
		path);
}

/* It loaded a moment ago. */
static bool read_chain(struct doctor *d, const char *file, struct chain *ret)
{
	gnutls_datum_t pem = {0};
	int r = gnutls_load_file(file, &pem);

	if (r >= 0)
		r = gnutls_x509_crt_list_import2(&ret->at, &ret->n, &pem, GNUTLS_X509_FMT_PEM, 0);
	gnutls_free(pem.data);
	if (r >= 0)
		return true;
	*ret = (struct chain){0};
	doctor_find(d, FINDING_FAILED, "%s: %s", file, gnutls_strerror(r));
	doctor_mend(d, "try again");
	return false;
}

static void mend_renewal(struct doctor *d)
{
	doctor_mend(d,
		    "renew it (certbot renew, or however it is made), then: systemctl reload ipnd");
	doctor_mend(d, "and see why that did not happen by itself: systemctl list-timers");
}

static void check_dates(struct doctor *d, const struct chain *c)
{
	int64_t begins_ms = (int64_t)gnutls_x509_crt_get_activation_time(c->at[0]) * 1000;
	int64_t ends_ms = (int64_t)gnutls_x509_crt_get_expiration_time(c->at[0]) * 1000;
	int64_t left_ms = ends_ms - d->c->now_ms;
	char end[UTC_TEXT_SIZE];

	utc_format(ends_ms, end);
	end[10] = 0; /* the day */
	if (begins_ms > d->c->now_ms) {
		doctor_find(d, FINDING_FAILED, "the certificate is not valid yet");
		doctor_mend(
			d,
			"set the clock: timedatectl set-ntp true; or have the certificate made anew");
	} else if (left_ms < 0) {
		doctor_find(d, FINDING_FAILED,
			    "the certificate ended on %s: Amazon does not connect any more", end);
		mend_renewal(d);
	} else if (left_ms < DAYS_WARN * DAY_MS) {
		doctor_find(d, left_ms < DAYS_FAIL * DAY_MS ? FINDING_FAILED : FINDING_WARNING,
			    "the certificate ends on %s, in %" PRId64 " days", end,
			    left_ms / DAY_MS);
		mend_renewal(d);
	}
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0;
}

/* Only Amazon's opinion counts, which nobody asks for on an address that it cannot reach. */
static bool is_public(const struct config *c)
{
	for (size_t i = 0; i < c->listen.https.n; i++)
		if (!is_loopback(c->listen.https.at[i]))
			return true;
	return false;
}

static int load_trust(const struct doctor *d, trust_list trust)
{
	if (d->ca)
		return gnutls_x509_trust_list_add_trust_file(trust, d->ca, NULL,
							     GNUTLS_X509_FMT_PEM, 0, 0);
	return gnutls_x509_trust_list_add_system_trust(trust, 0, 0);
}

static void say_untrusted(struct doctor *d, const struct chain *c, unsigned status)
{
	enum finding level = is_public(d->c->config) ? FINDING_FAILED : FINDING_WARNING;

	if (status & GNUTLS_CERT_SIGNER_NOT_FOUND && c->n == 1) {
		doctor_find(
			d, level,
			"the file holds one certificate, whose issuer is not among the %s authorities: its "
			"intermediates are missing, or its authority is no public one",
			d->ca ? "given" : "system's");
		doctor_mend(
			d,
			"name the whole chain in listen.certificate (fullchain.pem, not cert.pem), and reload");
	} else {
		doctor_find(d, level, "no authority of the %s vouches for the certificate%s",
			    d->ca ? "given file" : "system's",
			    status & GNUTLS_CERT_EXPIRED ? ": one of its chain has ended"
			    : status & GNUTLS_CERT_INSECURE_ALGORITHM ? ": an algorithm is too weak"
								      : "");
		doctor_mend(d, "have one made by a public authority: Amazon believes no other%s",
			    d->ca ? "" : "; in a rehearsal: --ca FILE");
	}
}

static void check_trust(struct doctor *d, const struct chain *c)
{
	CLEANUP(trust_list_donep) trust_list trust = NULL;
	unsigned status = 0;
	int r;

	output_need(gnutls_x509_trust_list_init(&trust, 0) == 0 ? trust : NULL);
	r = load_trust(d, trust);
	if (r <= 0) {
		doctor_find(d, FINDING_WARNING, "whom to believe cannot be read from %s: %s",
			    d->ca ? d->ca : "the system's store",
			    r < 0 ? gnutls_strerror(r) : "there is no certificate");
		doctor_mend(d, "%s",
			    d->ca ? "name a file with certificates in PEM"
				  : "apt install ca-certificates");
		return;
	}
	/* The server's own dates have been looked at. */
	r = gnutls_x509_trust_list_verify_crt2(trust, c->at, c->n, NULL, 0, 0, &status, NULL);
	if (r == 0 && status & GNUTLS_CERT_EXPIRED &&
	    gnutls_x509_crt_get_expiration_time(c->at[0]) * INT64_C(1000) < d->c->now_ms)
		return;
	if (r < 0 || status)
		say_untrusted(d, c, status);
}

/* The names that it is for, the first few. */
static char *names_of(const struct chain *c)
{
	char *names = output_need(strdup(""));

	for (unsigned i = 0; i < NAMES_SHOWN; i++) {
		CLEANUP(freep) char *before = names;
		char name[NAME_SIZE];
		size_t size = sizeof(name) - 1;
		int r = gnutls_x509_crt_get_subject_alt_name(c->at[0], i, name, &size, NULL);

		names = NULL;
		if (r != GNUTLS_SAN_DNSNAME || size >= sizeof(name)) {
			names = TAKE(before);
			if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
				break;
			continue;
		}
		name[size] = 0;
		if (asprintf(&names, "%s%s%s", before, before[0] ? ", " : "", name) < 0)
			names = NULL;
		output_need(names);
	}
	return names;
}

static void check_chain(struct doctor *d, const char *file)
{
	CLEANUP(chain_done) struct chain chain = {0};
	CLEANUP(freep) char *names = NULL;
	char end[UTC_TEXT_SIZE];

	if (!read_chain(d, file, &chain))
		return;
	check_dates(d, &chain);
	check_trust(d, &chain);
	names = names_of(&chain);
	if (!names[0]) {
		doctor_find(d, FINDING_FAILED,
			    "the certificate is for no host's name (subjectAltName)");
		doctor_mend(d, "have one made for the name in the URL of Seller Central");
	}
	if (doctor_has_found(d))
		return;
	utc_format((int64_t)gnutls_x509_crt_get_expiration_time(chain.at[0]) * 1000, end);
	end[10] = 0;
	doctor_find(d, FINDING_OK, "certificate and key fit; for %s; until %s; its chain is whole",
		    names, end);
}

static void check_pair(struct doctor *d, const char *certificate, const char *key, bool credential)
{
	CLEANUP(tls_credentials_freep) struct tls_credentials *t = NULL;
	struct why why;
	int r;

	output_need(tls_credentials_new(&t) == 0 ? t : NULL);
	r = tls_credentials_load(t, certificate, key, &why);
	if ((r == -EACCES || (r == -ENOENT && credential)) && geteuid() != 0) {
		doctor_find(d, FINDING_WARNING, "cannot be looked at by you: %s", why.text);
		doctor_mend(d, "ask again as root: sudo ipnctl doctor");
	} else if (r < 0) {
		doctor_find(d, FINDING_FAILED, "%s", why.text);
		doctor_mend(
			d,
			"set listen.certificate and listen.private_key in %s to a pair in PEM, then: "
			"systemctl reload ipnd",
			d->c->config->file);
	} else {
		check_chain(d, certificate);
	}
}

void doctor_check_tls(struct doctor *d)
{
	const struct listen_config *listen = &d->c->config->listen;
	CLEANUP(freep) char *certificate = NULL, *key = NULL;
	bool credential, key_credential;

	if (listen->https.n == 0) {
		doctor_find(d, FINDING_OK,
			    "ipnd listens by http only: your web server shows its own certificate");
		return;
	}
	certificate = file_of(listen->certificate, &credential);
	key = file_of(listen->private_key, &key_credential);
	if (!credential)
		check_readable(d, "listen.certificate", certificate);
	if (!key_credential) {
		check_readable(d, "listen.private_key", key);
		check_key_secret(d, key);
	}
	check_pair(d, certificate, key, credential || key_credential);
}
