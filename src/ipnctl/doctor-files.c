/* Checks of the configuration, of who may read and write our files, and of the room they have. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "ipnctl/doctor.h"

#define MIB         INT64_C(1048576)
#define INODES_FAIL 100

static void say_lines(struct doctor *d, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			doctor_find(d, FINDING_FAILED, "%s",
				    strncmp(line, IPNCTL_PROGRAM ": ", 8) == 0 ? line + 8 : line);
}

/* What the daemons would say of it is caught, each line of it a finding. */
static bool load(struct doctor *d)
{
	const char *path = config_path(d->c->config_option);
	CLEANUP(freep) char *text = NULL;
	size_t size;
	FILE *errors = output_need(open_memstream(&text, &size));
	int r = config_load(path, IPNCTL_PROGRAM, errors, &d->c->config);

	fclose(errors);
	if (r == 0) {
		d->c->state_folder = output_need(config_state_folder(d->c->config));
		doctor_find_owner(d);
		return true;
	}
	say_lines(d, text);
	if (!doctor_has_found(d))
		doctor_find(d, FINDING_FAILED, "%s: %s", path, strerror(-r));
	if (r == -EINVAL)
		doctor_mend(d, "edit %s until ipnctl check-config is content", path);
	else
		doctor_mend(d, "put it there, or name it: ipnctl -c FILE doctor");
	return false;
}

static void check_rehearsal(struct doctor *d, const struct sns_config *sns)
{
	if (sns->connect_to[0]) {
		doctor_find(d, FINDING_WARNING,
			    "sns.connect_to = \"%s\": a stand-in takes SNS's place",
			    sns->connect_to);
		doctor_mend(d, "in production remove connect_to from sns { } of %s",
			    d->c->config->file);
	}
	if (strcmp(sns->tls_trust, "system") != 0) {
		doctor_find(d, FINDING_WARNING,
			    "sns.tls_trust = \"%s\": that file's authorities can pretend to be SNS",
			    sns->tls_trust);
		doctor_mend(d, "in production remove tls_trust from sns { } of %s",
			    d->c->config->file);
	}
	if (sns->max_age_ms == DURATION_NONE) {
		doctor_find(
			d, FINDING_WARNING,
			"sns.max_age = \"none\": a genuine message of any age is taken, old ones "
			"that were lost or stolen too");
		doctor_mend(d, "set max_age = \"15d\" in sns { } of %s", d->c->config->file);
	}
	if (sns->chain == CHAIN_NAME_ONLY) {
		doctor_find(
			d, FINDING_WARNING,
			"sns.chain = name-only: anybody's certificate with Amazon's name would do");
		doctor_mend(d, "set chain = prefer in sns { } of %s", d->c->config->file);
	}
}

static bool names_account(const struct hook_config *hook, const struct account *a)
{
	for (size_t i = 0; i < hook->accounts.n; i++)
		if (strcmp(hook->accounts.at[i], a->name) == 0)
			return true;
	return hook->accounts.n == 0;
}

/* Events of test accounts do not run a hook that is for live ones, which is meant so, and looks like a fault. */
static void check_environment(struct doctor *d, const struct hook_config *hook)
{
	const struct config *c = d->c->config;

	for (size_t i = 0; i < c->n_accounts; i++)
		if (names_account(hook, &c->accounts[i]) &&
		    (hook->environment == ENVIRONMENT_ANY ||
		     hook->environment == c->accounts[i].environment))
			return;
	doctor_find(d, FINDING_WARNING,
		    "hook %s is for environment %s, and no account of it is: it never runs",
		    hook->name, environment_word(hook->environment));
	doctor_mend(d, "set its environment = any in %s, or add the account that is meant",
		    c->file);
}

static char *describe_accounts(const struct config *c)
{
	char *text = output_need(strdup(""));

	for (size_t i = 0; i < c->n_accounts; i++) {
		CLEANUP(freep) char *before = text;

		if (asprintf(&text, "%s%s%s (%s)", before, i ? ", " : "", c->accounts[i].name,
			     environment_word(c->accounts[i].environment)) < 0)
			text = NULL;
		output_need(text);
	}
	return text;
}

void doctor_check_configuration(struct doctor *d)
{
	CLEANUP(freep) char *accounts = NULL;
	const struct config *c;

	if (!load(d))
		return;
	c = d->c->config;
	if (c->n_accounts == 0) {
		doctor_find(d, FINDING_FAILED, "no account: whatever Amazon sends is refused");
		doctor_mend(
			d,
			"add an account { } to %s; ipnctl status shows the topic once Amazon has sent something",
			c->file);
	}
	check_rehearsal(d, &c->sns);
	for (size_t i = 0; i < c->n_hooks; i++)
		check_environment(d, &c->hooks[i]);
	if (doctor_has_found(d))
		return;
	accounts = describe_accounts(c);
	doctor_find(d, FINDING_OK, "%s: %s; %zu hook%s", c->file, accounts, c->n_hooks,
		    c->n_hooks == 1 ? "" : "s");
}

/* "chown ipnd:ipnd", where root owns everything as it should be: the package's user. */
static const char *pair(const struct doctor *d)
{
	return d->owner.known && d->owner.uid != 0 ? d->owner.pair : "ipnd:ipnd";
}

static void check_folder(struct doctor *d)
{
	CLEANUP(freep) char *path = doctor_quote(d->c->state_folder);
	struct stat st;

	if (stat(d->c->state_folder, &st) < 0) {
		doctor_find(d, errno == EACCES ? FINDING_WARNING : FINDING_FAILED,
			    "the state folder %s: %s", d->c->state_folder, strerror(errno));
		if (errno == EACCES)
			doctor_mend(d, "ask again as root: sudo ipnctl doctor");
		else
			doctor_mend(d, "install -d -o ipnd -g ipnd -m 2750 %s", path);
		return;
	}
	if (st.st_uid == 0) {
		doctor_find(
			d, FINDING_WARNING,
			"the state folder %s belongs to root: the daemons are to run as a user of their own",
			d->c->state_folder);
		doctor_mend(d,
			    "stop both daemons, chown -R ipnd:ipnd %s, start them as the user ipnd",
			    path);
	}
	if (st.st_mode & 0007) {
		doctor_find(d, FINDING_FAILED,
			    "the state folder %s has mode %04o: everybody may look into it",
			    d->c->state_folder, st.st_mode & 07777U);
		doctor_mend(d, "chmod 2750 %s", path);
	} else if ((st.st_mode & 07777) != 02750) {
		doctor_find(
			d, FINDING_WARNING,
			"the state folder %s has mode %04o: 2750 lets its group read and gives new files to it",
			d->c->state_folder, st.st_mode & 07777U);
		doctor_mend(d, "chmod 2750 %s", path);
	}
}

/* A file that its users share: of the owner of all, read by the group, and by nobody else. */
static void check_mode(struct doctor *d, const char *file, const struct stat *st)
{
	CLEANUP(freep) char *path = doctor_quote(file);
	unsigned mode = st->st_mode & 07777U;

	if (st->st_uid != d->owner.uid || st->st_gid != d->owner.gid) {
		doctor_find(d, FINDING_FAILED,
			    "%s belongs to %u:%u, not to %s: as root left it, others cannot use it",
			    file, st->st_uid, st->st_gid, d->owner.pair);
		doctor_mend(d, "chown %s %s && systemctl restart ipnd", pair(d), path);
	}
	if (mode & 0007 || mode & 0020) {
		doctor_find(d, FINDING_FAILED, "%s has mode %04o: more than its owner may %s it",
			    file, mode, mode & 0022 ? "write" : "and its group may read");
		doctor_mend(d, "chmod 0640 %s", path);
	} else if ((mode & 0640) != 0640) {
		doctor_find(d, FINDING_WARNING,
			    "%s has mode %04o: members of the group cannot read it", file, mode);
		doctor_mend(d, "chmod 0640 %s", path);
	}
}

/* Without the two beside it, or with unreadable ones, a member of the group cannot open a database in WAL mode. */
static void check_beside(struct doctor *d, const char *suffix)
{
	CLEANUP(freep) char *file = NULL;
	struct stat st;

	if (asprintf(&file, "%s%s", d->c->config->database.path, suffix) < 0)
		file = NULL;
	output_need(file);
	if (stat(file, &st) == 0) {
		check_mode(d, file, &st);
	} else if (errno == ENOENT && ctl_running(d->c, "ipnd", NULL) == 1) {
		doctor_find(
			d, FINDING_FAILED,
			"%s was removed while ipnd uses it: what it writes now nobody will read",
			file);
		doctor_mend(d, "systemctl restart ipnd");
	} else if (errno == ENOENT) {
		doctor_find(
			d, FINDING_WARNING,
			"%s is not there, as after a write by root's sqlite3: members of the group cannot read "
			"the database",
			file);
		doctor_mend(
			d,
			"systemctl restart ipnd    # makes it anew, and leaves it when it stops");
	}
}

static void check_database_files(struct doctor *d)
{
	const char *file = d->c->config->database.path;
	struct stat st;

	if (stat(file, &st) < 0)
		return; /* the check of the database says so */
	check_mode(d, file, &st);
	check_beside(d, "-wal");
	check_beside(d, "-shm");
}

/* Whoever writes it says which programs are run. */
static void check_configuration_file(struct doctor *d)
{
	const char *file = d->c->config->file;
	CLEANUP(freep) char *path = doctor_quote(file);
	struct stat st;

	CLEANUP(freep) char *at = NULL;

	if (stat(file, &st) < 0)
		return;
	if (d->owner.known && doctor_may(d, file, R_OK, &at) == 0) {
		doctor_find(d, FINDING_FAILED, "%s may not read the configuration, because of %s",
			    d->owner.name, at);
		doctor_mend(d, "chown root:%s %s && chmod 0640 %s", strchr(pair(d), ':') + 1, path,
			    path);
	}
	if (st.st_mode & 0002 || (st.st_mode & 0020 && st.st_gid != 0)) {
		doctor_find(
			d, FINDING_FAILED,
			"%s has mode %04o: others than its owner may write it, and it says which programs run",
			file, st.st_mode & 07777U);
		doctor_mend(d, "chmod go-w %s", path);
	}
}

void doctor_check_files(struct doctor *d)
{
	check_folder(d);
	if (d->owner.known)
		check_database_files(d);
	check_configuration_file(d);
	if (!doctor_has_found(d))
		doctor_find(d, FINDING_OK,
			    "%s and its files belong to %s, the group may read, others nothing",
			    d->c->state_folder, d->owner.pair ? d->owner.pair : "nobody yet");
}

/* Some file systems have no fixed number of them, and say 0. */
static bool is_short_of_inodes(const struct statvfs *fs)
{
	return fs->f_files && (fs->f_favail < INODES_FAIL || fs->f_favail < fs->f_files / 20);
}

static enum finding judge_room(const struct statvfs *fs, int64_t free_bytes)
{
	if (free_bytes < 100 * MIB || (fs->f_files && fs->f_favail < INODES_FAIL))
		return FINDING_FAILED;
	if (free_bytes < 1024 * MIB || fs->f_bavail < fs->f_blocks / 20 || is_short_of_inodes(fs))
		return FINDING_WARNING;
	return FINDING_OK;
}

void doctor_check_disk(struct doctor *d)
{
	CLEANUP(freep) char *path = doctor_quote(d->c->state_folder);
	enum finding level;
	int64_t free_bytes;
	struct statvfs fs;

	if (statvfs(d->c->state_folder, &fs) < 0) {
		doctor_find(d, FINDING_SKIPPED, "%s: %s", d->c->state_folder, strerror(errno));
		return;
	}
	free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	level = judge_room(&fs, free_bytes);
	doctor_find(d, level, "%lld MiB (%llu %%) free where the database is%s",
		    (long long)(free_bytes / MIB),
		    fs.f_blocks ? 100ULL * fs.f_bavail / fs.f_blocks : 0,
		    is_short_of_inodes(&fs) ? ", and hardly any inode" : "");
	if (level == FINDING_OK)
		return;
	doctor_mend(d, "df -h %s; df -i %s    # make room there: a full disk is answered 503", path,
		    path);
	doctor_mend(d, "a shorter database.keep_raw with ipnctl prune gives up old bodies");
}
