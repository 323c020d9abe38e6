/* Where a story's ids come from: the kernel's random numbers or, so that a run can be repeated, a seed. */
#ifndef IPND_SIMULATE_DRAW_H
#define IPND_SIMULATE_DRAW_H

#include <stddef.h>
#include <stdint.h>

#define UUID_TEXT_SIZE 37

/*
 * `n` bytes. With a seed, always the same for one `which`; seed 0: random ones, always others. 0 or negative errno: the kernel has
 * none.
 */
int draw_bytes(uint64_t seed, uint64_t which, void *ret, size_t n);

/* An RFC 4122 UUID of that version, in lower case. */
int draw_uuid(uint64_t seed, uint64_t which, unsigned version, char ret[static UUID_TEXT_SIZE]);

#endif
