/* The SNS envelope: what passes must give the same signed text however often it is asked for. */
#include <assert.h>
#include <stdint.h>

#include "sns/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(const void *data, size_t len, void *userdata)
{
	(void)data;
	*(size_t *)userdata += len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sns_envelope e;
	struct why why;
	size_t once = 0, twice = 0;

	if (sns_envelope_parse((struct text){(const char *)data, size}, &e, &why) != VERDICT_PASS)
		return 0;
	sns_envelope_signed_text(&e, count, &once);
	sns_envelope_signed_text(&e, count, &twice);
	assert(once > 0 && once == twice);
	sns_envelope_done(&e);
	return 0;
}
