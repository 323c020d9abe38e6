/* What the log says of runs of hooks. */
#ifndef IPND_HOOKS_SAY_H
#define IPND_HOOKS_SAY_H

#include "hooks/job.h"

/* What came of a job that is ENDED, and with it of its hook. */
void say_result(const struct job *j);

/* A job that is LOST. */
void say_lost(const struct job *j);

#endif
