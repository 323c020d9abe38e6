#include "ipnctl/words.h"

#include <string.h>

#include "machine/machine.h"

/* Reasons: protocol.md section 4. A row without one is for every other reason, and comes last. */
static const struct {
	enum object_type object;
	enum state state;
	const char *reason;
	const char *meaning;
} meanings[] = {
	/* clang-format off */
	{OBJECT_ORDER_REFERENCE, STATE_OPEN, NULL, "payments can be authorized"},
	{OBJECT_ORDER_REFERENCE, STATE_SUSPENDED, "InvalidPaymentMethod", "the buyer has to choose another payment method"},
	{OBJECT_ORDER_REFERENCE, STATE_SUSPENDED, NULL, "no new authorization for now"},
	{OBJECT_ORDER_REFERENCE, STATE_CANCELED, "SellerCanceled", "canceled by the shop"},
	{OBJECT_ORDER_REFERENCE, STATE_CANCELED, "AmazonCanceled", "canceled by Amazon"},
	{OBJECT_ORDER_REFERENCE, STATE_CANCELED, "Stale", "not confirmed within 3 hours"},
	{OBJECT_ORDER_REFERENCE, STATE_CANCELED, NULL, "nothing more can be done with it"},
	{OBJECT_ORDER_REFERENCE, STATE_CLOSED, "SellerClosed", "closed by the shop"},
	{OBJECT_ORDER_REFERENCE, STATE_CLOSED, "AmazonClosed", "closed by Amazon"},
	{OBJECT_ORDER_REFERENCE, STATE_CLOSED, "Expired", "its 180 days are over"},
	{OBJECT_ORDER_REFERENCE, STATE_CLOSED, "MaxAmountCharged", "the most that Amazon allows has been charged"},
	{OBJECT_ORDER_REFERENCE, STATE_CLOSED, "MaxAuthorizationsCaptured", "as many authorizations as Amazon allows have been captured"},
	{OBJECT_ORDER_REFERENCE, STATE_CLOSED, "MaxAuthorizationsProcessed", "as many authorizations as Amazon allows have been made"},
	{OBJECT_ORDER_REFERENCE, STATE_CLOSED, NULL, "no new authorizations"},
	{OBJECT_BILLING_AGREEMENT, STATE_OPEN, NULL, "orders can be charged, up to what is left of the limit"},
	{OBJECT_BILLING_AGREEMENT, STATE_SUSPENDED, "InvalidPaymentMethod", "the buyer has to choose another payment method"},
	{OBJECT_BILLING_AGREEMENT, STATE_SUSPENDED, "BillingAddressDeleted", "the buyer has to choose another address"},
	{OBJECT_BILLING_AGREEMENT, STATE_SUSPENDED, NULL, "no new order for now"},
	{OBJECT_BILLING_AGREEMENT, STATE_CANCELED, "AmazonCanceled", "canceled by Amazon, with its open orders"},
	{OBJECT_BILLING_AGREEMENT, STATE_CANCELED, "Stale", "not confirmed within 3 hours"},
	{OBJECT_BILLING_AGREEMENT, STATE_CANCELED, NULL, "nothing more can be charged"},
	{OBJECT_BILLING_AGREEMENT, STATE_CLOSED, "SellerClosed", "ended by the shop"},
	{OBJECT_BILLING_AGREEMENT, STATE_CLOSED, NULL, "ended: no new order"},
	{OBJECT_CHARGEBACK, STATE_RECEIVED, "Unauthorized Transaction Chargeback", "the bank says that the buyer did not pay this"},
	{OBJECT_CHARGEBACK, STATE_RECEIVED, NULL, "the bank takes the money back"},
	{OBJECT_PROVIDER_CREDIT, STATE_PENDING, NULL, "on its way to the provider"},
	{OBJECT_PROVIDER_CREDIT, STATE_COMPLETED, NULL, "paid to the provider"},
	{OBJECT_PROVIDER_CREDIT, STATE_DECLINED, NULL, "not paid to the provider"},
	{OBJECT_PROVIDER_CREDIT, STATE_CLOSED, "MaxAmountReversed", "paid to the provider, then all of it reversed"},
	{OBJECT_PROVIDER_CREDIT, STATE_CLOSED, NULL, "paid to the provider; no more reversals"},
	{OBJECT_PROVIDER_CREDIT_REVERSAL, STATE_PENDING, NULL, "on its way back from the provider"},
	{OBJECT_PROVIDER_CREDIT_REVERSAL, STATE_COMPLETED, NULL, "given back by the provider"},
	{OBJECT_PROVIDER_CREDIT_REVERSAL, STATE_DECLINED, NULL, "not given back by the provider"},
	{OBJECT_SOLUTION_PROVIDER, STATE_REGISTER, NULL, "the merchant has registered"},
	{OBJECT_AUTHORIZATION, STATE_PENDING, NULL, "Amazon has not decided yet"},
	{OBJECT_AUTHORIZATION, STATE_OPEN, "StopShipmentAtypicalAuth", "authorized, but Amazon says not to ship yet"},
	{OBJECT_AUTHORIZATION, STATE_OPEN, NULL, "authorized: the money can be captured"},
	{OBJECT_AUTHORIZATION, STATE_DECLINED, "InvalidPaymentMethod", "declined: the payment method did not work"},
	{OBJECT_AUTHORIZATION, STATE_DECLINED, "AmazonRejected", "declined by Amazon"},
	{OBJECT_AUTHORIZATION, STATE_DECLINED, "ProcessingFailure", "declined: it could not be processed"},
	{OBJECT_AUTHORIZATION, STATE_DECLINED, "TransactionTimedOut", "declined: not decided in time"},
	{OBJECT_AUTHORIZATION, STATE_DECLINED, NULL, "declined"},
	{OBJECT_AUTHORIZATION, STATE_CLOSED, "MaxCapturesProcessed", "captured, as it should be"},
	{OBJECT_AUTHORIZATION, STATE_CLOSED, "ExpiredUnused", "expired without a capture"},
	{OBJECT_AUTHORIZATION, STATE_CLOSED, "SellerClosed", "closed by the shop"},
	{OBJECT_AUTHORIZATION, STATE_CLOSED, "OrderReferenceCanceled", "closed: the order was canceled"},
	{OBJECT_AUTHORIZATION, STATE_CLOSED, "AmazonClosed", "closed by Amazon"},
	{OBJECT_AUTHORIZATION, STATE_CLOSED, NULL, "closed"},
	{OBJECT_CAPTURE, STATE_PENDING, "StopShipmentAtypicalAuth", "not collected yet, and Amazon says not to ship"},
	{OBJECT_CAPTURE, STATE_PENDING, NULL, "Amazon is still collecting the money"},
	{OBJECT_CAPTURE, STATE_COMPLETED, NULL, "paid"},
	{OBJECT_CAPTURE, STATE_DECLINED, "AmazonRejected", "not paid: declined by Amazon"},
	{OBJECT_CAPTURE, STATE_DECLINED, "ProcessingFailure", "not paid: it could not be processed"},
	{OBJECT_CAPTURE, STATE_DECLINED, NULL, "not paid: declined"},
	{OBJECT_CAPTURE, STATE_CLOSED, "MaxAmountRefunded", "paid, then refunded as far as Amazon allows"},
	{OBJECT_CAPTURE, STATE_CLOSED, "MaxRefundsProcessed", "paid; as many refunds as Amazon allows were made"},
	{OBJECT_CAPTURE, STATE_CLOSED, "AmazonClosed", "paid, then closed by Amazon: no more refunds"},
	{OBJECT_CAPTURE, STATE_CLOSED, NULL, "paid; no more refunds"},
	{OBJECT_REFUND, STATE_PENDING, NULL, "on its way to the buyer"},
	{OBJECT_REFUND, STATE_COMPLETED, NULL, "refunded"},
	{OBJECT_REFUND, STATE_DECLINED, "AmazonRejected", "not refunded: declined by Amazon"},
	{OBJECT_REFUND, STATE_DECLINED, "ProcessingFailure", "not refunded: it could not be processed"},
	{OBJECT_REFUND, STATE_DECLINED, NULL, "not refunded: declined"},
	/* clang-format on */
};

const char *words_state(enum object_type object, const char *state, const char *reason)
{
	enum state s = object < OBJECT_N ? machine_state(object, state) : STATE_NOTHING;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].object == object && meanings[i].state == s &&
		    (!meanings[i].reason || (reason && strcmp(meanings[i].reason, reason) == 0)))
			return meanings[i].meaning;
	return "";
}

enum colour words_colour(const char *word)
{
	static const struct {
		const char *word;
		enum colour colour;
	} colours[] = {
		{"Open", COLOUR_GOOD},     {"Completed", COLOUR_GOOD}, {"applied", COLOUR_GOOD},
		{"done", COLOUR_GOOD},     {"Pending", COLOUR_WAIT},   {"Suspended", COLOUR_WAIT},
		{"pending", COLOUR_WAIT},  {"running", COLOUR_WAIT},   {"sample", COLOUR_WAIT},
		{"Declined", COLOUR_BAD},  {"Canceled", COLOUR_BAD},   {"dead", COLOUR_BAD},
		{"conflict", COLOUR_BAD},  {"foreign", COLOUR_BAD},    {"unrecognized", COLOUR_BAD},
		{"unchanged", COLOUR_DIM}, {"stale", COLOUR_DIM},      {"skipped", COLOUR_DIM},
		{"duplicate", COLOUR_DIM}, {"RECEIVED", COLOUR_BAD},   {"Register", COLOUR_GOOD},
	};

	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (strcmp(colours[i].word, word) == 0)
			return colours[i].colour;
	return COLOUR_PLAIN;
}

const char *words_object(enum object_type object)
{
	return object < OBJECT_N ? object_words(object) : "object";
}
