/* Who the daemons are, and what they may do with a file: by stat(), since whoever asks is somebody else. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "ipnctl/doctor.h"

static char *name_or_number(const char *name, unsigned number)
{
	char *text = NULL;

	if (name)
		return output_need(strdup(name));
	if (asprintf(&text, "%u", number) < 0)
		text = NULL;
	return output_need(text);
}

void doctor_find_owner(struct doctor *d)
{
	const struct config *config = d->c->config;
	CLEANUP(freep) char *group_name = NULL;
	struct doctor_owner *o = &d->owner;
	const struct passwd *user;
	const struct group *group;
	struct stat st;

	/* A database that is root's in a folder that is not was left so by mistake. */
	if ((stat(config->database.path, &st) < 0 || st.st_uid == 0) &&
	    stat(d->c->state_folder, &st) < 0)
		return;
	o->known = true;
	o->uid = st.st_uid;
	o->gid = st.st_gid;
	o->groups[0] = st.st_gid;
	o->n_groups = 1;
	user = getpwuid(st.st_uid);
	if (user) {
		o->n_groups = DOCTOR_GROUPS_MAX;
		if (getgrouplist(user->pw_name, st.st_gid, o->groups, &o->n_groups) < 0)
			o->n_groups = DOCTOR_GROUPS_MAX;
	}
	o->name = name_or_number(user ? user->pw_name : NULL, st.st_uid);
	group = getgrgid(st.st_gid);
	group_name = name_or_number(group ? group->gr_name : NULL, st.st_gid);
	if (asprintf(&o->pair, "%s:%s", o->name, group_name) < 0)
		o->pair = NULL;
	output_need(o->pair);
}

void doctor_owner_done(struct doctor_owner *o)
{
	free(o->name);
	free(o->pair);
}

static bool in_group(const struct doctor_owner *o, gid_t gid)
{
	for (int i = 0; i < o->n_groups; i++)
		if (o->groups[i] == gid)
			return true;
	return false;
}

/* R_OK, W_OK and X_OK have the values of the bits for others. */
static bool allows(const struct doctor_owner *o, const struct stat *st, int what)
{
	unsigned mode = st->st_mode, bits = (unsigned)what;

	if (o->uid == 0)
		return what != X_OK || S_ISDIR(mode) || (mode & 0111);
	if (st->st_uid == o->uid)
		return (mode >> 6 & bits) == bits;
	if (in_group(o, st->st_gid))
		return (mode >> 3 & bits) == bits;
	return (mode & bits) == bits;
}

/* The folders above the last part of `path`, which is changed and changed back. As doctor_may(). */
static int may_reach(const struct doctor_owner *o, char *path, char **ret_at)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *folder;
		struct stat st;
		int r;

		*slash = 0;
		folder = slash == path ? "/" : path;
		r = stat(folder, &st) < 0 ? -errno : allows(o, &st, X_OK);
		if (r <= 0)
			*ret_at = output_need(strdup(folder));
		*slash = '/';
		if (r <= 0)
			return r;
	}
	return 1;
}

int doctor_may(const struct doctor *d, const char *path, int what, char **ret_at)
{
	CLEANUP(freep) char *real = realpath(path, NULL);
	struct stat st;
	int r;

	if (!real)
		real = output_need(strdup(path));
	r = may_reach(&d->owner, real, ret_at);
	if (r <= 0)
		return r;
	r = stat(real, &st) < 0 ? -errno : allows(&d->owner, &st, what);
	if (r <= 0)
		*ret_at = output_need(strdup(real));
	return r;
}
