/* Checks of SNS's signing certificates in the cache folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utc.h"
#include "ipnctl/doctor.h"
#include "ipnctl/rows.h"
#include "receive/certificates.h"
#include "sns/envelope.h"
#include "sns/topic.h"

#define DAY_MS    INT64_C(86400000)
#define DAYS_WARN 14 /* without fetching, a person has to be quicker than Amazon's change */

DEFINE_CLEANUP(DIR *, closedir)

struct cache {
	size_t n;
	int64_t newest_ms; /* UTC_UNKNOWN: none */
};

static bool is_certificate_name(const char *name)
{
	size_t len = strlen(name);

	return strncmp(name, "SimpleNotificationService-", 26) == 0 && len > 4 &&
	       strcmp(name + len - 4, ".pem") == 0;
}

static void count_region(int folder, const char *region, struct cache *c)
{
	int fd = openat(folder, region, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedirp) DIR *files = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *file;
	struct stat st;

	while (files && (file = readdir(files))) {
		int64_t ms;

		if (!is_certificate_name(file->d_name) || fstatat(fd, file->d_name, &st, 0) < 0)
			continue;
		c->n++;
		ms = (int64_t)st.st_mtim.tv_sec * 1000;
		if (c->newest_ms == UTC_UNKNOWN || ms > c->newest_ms)
			c->newest_ms = ms;
	}
}

static int count_certificates(const char *path, struct cache *ret)
{
	CLEANUP(closedirp) DIR *folder = opendir(path);
	const struct dirent *region;

	*ret = (struct cache){.newest_ms = UTC_UNKNOWN};
	if (!folder)
		return -errno;
	while ((region = readdir(folder)))
		if (region->d_name[0] != '.')
			count_region(dirfd(folder), region->d_name, ret);
	return 0;
}

/* Whether ipnd can keep there what it fetches. */
static void check_folder(struct doctor *d, const struct sns_config *sns)
{
	CLEANUP(freep) char *at = NULL, *path = doctor_quote(sns->certificate_cache);
	int r;

	if (!d->owner.known)
		return;
	r = doctor_may(d, sns->certificate_cache, W_OK | X_OK, &at);
	if (r == -ENOENT && !sns->fetch) {
		doctor_find(d, FINDING_FAILED,
			    "%s is not there, and sns.fetch = no: no message can be checked",
			    sns->certificate_cache);
		doctor_mend(
			d,
			"install -d -o %s -m 2750 %s, and put Amazon's certificates there; or set fetch = yes",
			d->owner.name, path);
	} else if (r == -ENOENT && sns->fetch) {
		doctor_find(d, FINDING_WARNING, "%s is not there yet: ipnd makes it, if it may",
			    sns->certificate_cache);
		doctor_mend(d, "install -d -o %s -m 2750 %s", d->owner.name, path);
	} else if (r == 0 && sns->fetch) {
		doctor_find(
			d, FINDING_WARNING,
			"%s may not write %s, because of %s: what is fetched is lost at a restart",
			d->owner.name, sns->certificate_cache, at);
		doctor_mend(d, "chown -R %s %s; chmod u+rwx %s", d->owner.pair, path, path);
	}
}

/* The certificate that the last kept notification names: the next one will most likely name it, too. */
static bool find_named(struct doctor *d, char ret_hex[static SNS_HEX_SIZE],
		       char ret_region[static SNS_REGION_MAX + 1])
{
	CLEANUP(json_decrefp) json_t *rows = doctor_ask(d, QUERY_ask_last_raw);
	const char *raw = row_text(json_array_get(rows, 0), "raw");
	struct sns_envelope e;
	struct sns_topic topic;
	struct why why;
	bool found;

	if (!raw || sns_envelope_parse(text_of(raw), &e, &why) != VERDICT_PASS)
		return false;
	found = sns_topic_parse(e.topic_arn, &topic) &&
		sns_certificate_url_parse(e.signing_cert_url, topic.region, ret_hex);
	if (found)
		snprintf(ret_region, SNS_REGION_MAX + 1, "%.*s", (int)topic.region.len,
			 topic.region.at);
	sns_envelope_done(&e);
	return found;
}

static void mend_missing(struct doctor *d, const char *region, const char *hex)
{
	CLEANUP(freep) char *path = doctor_quote(d->c->config->sns.certificate_cache);
	char url[SNS_CERTIFICATE_URL_SIZE];

	sns_certificate_url_write(text_of(region), hex, url);
	doctor_mend(d, "curl --create-dirs -o %s/%s/SimpleNotificationService-%s.pem %s", path,
		    region, hex, url);
	if (!d->c->config->sns.fetch)
		doctor_mend(d, "or set fetch = yes in sns { } of %s", d->c->config->file);
}

static void check_named(struct doctor *d, const char *region, const char *hex,
			const struct cache *cache)
{
	CLEANUP(certificates_freep) struct certificates *certificates = NULL;
	const struct sns_config *sns = &d->c->config->sns;
	const struct sns_certificate *certificate;
	char ago[DOCTOR_AGO_SIZE];
	int64_t left_ms;
	struct why why;

	if (certificates_new(sns->certificate_cache, &certificates) < 0 ||
	    certificates_get(certificates, text_of(region), hex, &certificate, &why) !=
		    VERDICT_PASS) {
		doctor_find(d, sns->fetch ? FINDING_WARNING : FINDING_FAILED,
			    "the certificate of the last notification: %s",
			    certificates ? why.text : "the folder's name is too long");
		mend_missing(d, region, hex);
		return;
	}
	left_ms = sns_certificate_not_after_ms(certificate) - d->c->now_ms;
	if (left_ms < DAYS_WARN * DAY_MS && !sns->fetch) {
		doctor_find(d, left_ms < 0 ? FINDING_FAILED : FINDING_WARNING,
			    "the certificate of the last notification ends in %" PRId64
			    " days, and sns.fetch = no: nobody fetches the one that follows",
			    left_ms < 0 ? 0 : left_ms / DAY_MS);
		doctor_mend(
			d,
			"set fetch = yes in sns { } of %s, or put the new one there when the log names it",
			d->c->config->file);
		return;
	}
	if (doctor_has_found(d))
		return;
	doctor_ago(d, cache->newest_ms, ago);
	doctor_find(
		d, FINDING_OK,
		"%zu in %s, the newest from %s; that of the last notification is there, for %" PRId64
		" days more",
		cache->n, sns->certificate_cache, ago, left_ms < 0 ? 0 : left_ms / DAY_MS);
}

void doctor_check_certificates(struct doctor *d)
{
	const struct sns_config *sns = &d->c->config->sns;
	char hex[SNS_HEX_SIZE], region[SNS_REGION_MAX + 1];
	struct cache cache;
	int r;

	check_folder(d, sns);
	r = count_certificates(sns->certificate_cache, &cache);
	if (r < 0 && !doctor_has_found(d)) {
		doctor_find(d, FINDING_WARNING, "%s: %s", sns->certificate_cache, strerror(-r));
		doctor_mend(d, "ask again as root: sudo ipnctl doctor");
		return;
	}
	if (d->c->ledger && find_named(d, hex, region)) {
		check_named(d, region, hex, &cache);
		return;
	}
	if (doctor_has_found(d))
		return;
	doctor_find(d, FINDING_OK, "%zu in %s; %s", cache.n, sns->certificate_cache,
		    sns->fetch ? "what a message names and is not there is fetched"
			       : "sns.fetch = no: what a message names must be there");
}
