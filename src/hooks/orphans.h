/*
 * Runs whose ipn-hookd was killed: their processes go on. They are known by their environment and their process group, so that
 * nothing has to be written down when a run begins.
 */
#ifndef IPND_HOOKS_ORPHANS_H
#define IPND_HOOKS_ORPHANS_H

#include <stddef.h>

#include "hooks/job.h"

/*
 * How many process groups belong to these runs (whose environment is recalled); each is sent `signal`, 0 for none. Not those of
 * another ipn-hookd that lives, nor what a hook has started in a session of its own or as another user, whose environment we
 * may not read. 0 or negative errno: nobody could look.
 */
int orphans_signal(const struct jobs *runs, int signal, size_t *ret_n);

#endif
