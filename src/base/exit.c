#include "base/exit.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"

int exit_code_of(int error)
{
	switch (-error) {
	case 0:
		return EXIT_DONE;
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return EXIT_NO_INPUT;
	case EACCES:
	case EPERM:
	case EROFS:
		return EXIT_NO_PERMISSION;
	case EBUSY:
	case EAGAIN:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return EXIT_TRY_AGAIN;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EIO:
		return EXIT_IO;
	case EUCLEAN:
	case EINVAL:
		return EXIT_BAD_DATA;
	case ENOTSUP:
		return EXIT_NOT_AVAILABLE;
	default:
		return EXIT_OUR_BUG;
	}
}

int exit_printed(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	log_error("the output could not be written: %m");
	return EXIT_IO;
}
