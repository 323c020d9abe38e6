#include "simulate/draw.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* splitmix64's output function: one bit of the input changes half of the bits of the output. */
static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int draw_bytes(uint64_t seed, uint64_t which, void *ret, size_t n)
{
	uint64_t state = mix(mix(seed) + which);

	if (seed == 0)
		return getrandom(ret, n, 0) == (ssize_t)n ? 0 : -errno;
	for (size_t at = 0; at < n; at += sizeof(state)) {
		uint64_t word = mix(state += UINT64_C(0x9e3779b97f4a7c15));
		size_t left = n - at;

		memcpy((char *)ret + at, &word, left < sizeof(word) ? left : sizeof(word));
	}
	return 0;
}

int draw_uuid(uint64_t seed, uint64_t which, unsigned version, char ret[static UUID_TEXT_SIZE])
{
	unsigned char b[16];
	int r = draw_bytes(seed, which, b, sizeof(b));

	if (r < 0)
		return r;
	b[6] = (unsigned char)((b[6] & 0x0f) | version << 4);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(ret, UUID_TEXT_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return 0;
}
