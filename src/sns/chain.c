#include "sns/chain.h"

#include <openssl/x509v3.h>
#include <time.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free)

bool chain_time_ms(const ASN1_TIME *t, int64_t *ret_ms)
{
	struct tm tm;

	if (!t || !ASN1_TIME_to_tm(t, &tm))
		return false;
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

struct chain_result {
	bool may_be_unknown;
	bool issuer_unknown;
};

/*
 * Lets X509_verify_cert() go on after an unknown issuer: it looks for that first and would otherwise stop there,
 * with the signatures and dates of the certificates it did find unchecked.
 */
static int on_chain_error(int ok, X509_STORE_CTX *ctx)
{
	struct chain_result *result = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);

	if (ok || !result->may_be_unknown)
		return ok;
	if (error != X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT &&
	    error != X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY &&
	    error != X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE)
		return 0;
	result->issuer_unknown = true;
	return 1;
}

/* X509_verify_cert() leaves the last one's dates unchecked when that one's issuer is unknown. */
static bool chain_in_time(X509_STORE_CTX *ctx)
{
	const X509_VERIFY_PARAM *at = X509_STORE_CTX_get0_param(ctx);
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);

	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *x509 = sk_X509_value(chain, i);

		if (X509_cmp_timeframe(at, X509_get0_notBefore(x509), X509_get0_notAfter(x509)) !=
		    0)
			return false;
	}
	return true;
}

/* The time in which all of the chain are valid becomes the proof's. False: not to be told, and nothing is remembered. */
static bool chain_times(X509_STORE_CTX *ctx, struct chain_proof *p)
{
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	int64_t from_ms, until_ms;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *x509 = sk_X509_value(chain, i);

		if (!chain_time_ms(X509_get0_notBefore(x509), &from_ms) ||
		    !chain_time_ms(X509_get0_notAfter(x509), &until_ms))
			return false;
		if (from_ms > p->from_ms)
			p->from_ms = from_ms;
		if (until_ms < p->until_ms)
			p->until_ms = until_ms;
	}
	return true;
}

bool chain_check(X509 *x509, const struct sns_trust *trust, int64_t at_ms, struct chain_proof *ret,
		 struct why *why)
{
	CLEANUP(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct chain_result result = {.may_be_unknown = trust->chain == SNS_CHAIN_PREFER};

	if (!ctx || !X509_STORE_CTX_init(ctx, trust->roots, x509, trust->intermediates) ||
	    !X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER)) {
		why_set(why, "out of memory");
		return false;
	}
	X509_STORE_CTX_set_app_data(ctx, &result);
	X509_STORE_CTX_set_verify_cb(ctx, on_chain_error);
	X509_STORE_CTX_set_time(ctx, 0, (time_t)(at_ms / 1000));
	if (X509_verify_cert(ctx) != 1) {
		why_set(why, "the certificate's chain, at depth %d: %s",
			X509_STORE_CTX_get_error_depth(ctx),
			X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
		return false;
	}
	if (!chain_in_time(ctx)) {
		why_set(why, "a certificate above the one that signs is not valid at that time");
		return false;
	}
	ret->issuer_unknown = result.issuer_unknown;
	if (!chain_times(ctx, ret))
		ret->until_ms = ret->from_ms;
	return true;
}

bool chain_is_proved(const struct chain_proof *p, const struct sns_trust *trust, int64_t at_ms)
{
	/* The intermediates are read with the roots, and never without them. */
	return p->roots && p->roots == trust->roots && p->chain == trust->chain &&
	       at_ms >= p->from_ms && at_ms < p->until_ms;
}

void chain_remember(struct chain_proof *p, const struct chain_proof *found)
{
	if (X509_STORE_up_ref(found->roots) != 1)
		return;
	X509_STORE_free(p->roots);
	*p = *found;
}
