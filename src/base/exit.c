#include "base/exit.h"

#include <errno.h>

int exit_code_of(int error)
{
	switch (-error) {
	case 0:
		return EXIT_DONE;
	case ENOENT:
		return EXIT_NO_INPUT;
	case EACCES:
	case EPERM:
	case EROFS:
		return EXIT_NO_PERMISSION;
	case EBUSY:
	case EAGAIN:
		return EXIT_TRY_AGAIN;
	case ENOSPC:
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
