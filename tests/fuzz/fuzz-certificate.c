/* A file that claims to be a signing certificate. */
#include <stdint.h>

#include "sns/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sns_trust trust = {.chain = SNS_CHAIN_NAME_ONLY};
	struct sns_certificate *c;
	struct why why;
	bool unknown;

	if (sns_certificate_parse((struct text){(const char *)data, size}, &c, &why) !=
	    VERDICT_PASS)
		return 0;
	sns_certificate_check(c, &trust, 1700000000000, &unknown, &why);
	sns_certificate_free(c);
	return 0;
}
