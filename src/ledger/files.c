/* The three files of a database: made with our mode, and the same ones for as long as we write. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "ledger/private.h"

/* Made here rather than by SQLite so that its mode, which -wal and -shm inherit, does not depend on the umask alone. */
int files_create(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int files_remember(struct ledger *l)
{
	static const char *const suffixes[LEDGER_FILES] = {"", "-wal", "-shm"};
	const char *path = sqlite3_db_filename(l->db, NULL);

	for (size_t i = 0; i < LEDGER_FILES; i++) {
		struct ledger_file *f = &l->files[i];
		struct stat st;

		if (asprintf(&f->path, "%s%s", path, suffixes[i]) < 0) {
			f->path = NULL;
			return -ENOMEM;
		}
		if (stat(f->path, &st) < 0)
			return ledger_fail(l, -errno,
					   "the file or its -wal or -shm cannot be found");
		f->device = st.st_dev;
		f->inode = st.st_ino;
	}
	return 0;
}

/*
 * What is written into a file that was deleted or replaced is on disk, but nobody will ever read it. Locks are on the
 * -shm: without it another writer and we would not see each other.
 */
int files_check(struct ledger *l)
{
	for (size_t i = 0; i < LEDGER_FILES; i++) {
		const struct ledger_file *f = &l->files[i];
		struct stat st;

		if (stat(f->path, &st) < 0 || st.st_dev != f->device || st.st_ino != f->inode)
			return ledger_fail(
				l, -ESTALE,
				"the file or its -wal or -shm was removed or replaced while in use: restart ipnd");
	}
	return 0;
}
