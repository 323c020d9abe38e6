#include "simulate/scenarios.h"

#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Steps stand in the order in which Amazon would send them, seconds as they lay apart in recorded orders: an
 * authorization's Closed and the capture are one moment, published either way round (protocol.md section 6.3); a refund takes
 * half a minute (section 4.4). States and reasons are those of section 4.
 */
#define ORDER         OBJECT_ORDER_REFERENCE
#define AGREEMENT     OBJECT_BILLING_AGREEMENT
#define AUTHORIZATION OBJECT_AUTHORIZATION
#define CAPTURE       OBJECT_CAPTURE
#define REFUND        OBJECT_REFUND
#define CHARGEBACK    OBJECT_CHARGEBACK
#define CREDIT        OBJECT_PROVIDER_CREDIT
#define REVERSAL      OBJECT_PROVIDER_CREDIT_REVERSAL
#define MERCHANT      OBJECT_SOLUTION_PROVIDER

#define NOW   STEP_CAPTURE_NOW
#define SOFT  STEP_SOFT_DECLINE
#define CONV  STEP_CONVERTED
#define PROV  STEP_PROVIDER
#define CHILD STEP_LISTS_CHILD

#define DAY 86400

#define STATUS "BillingAgreementStatusUpdated"

/* clang-format off */
static const struct scenario_step one_time[] = {
	/*        order nth state      reason              created updated amount done flags */
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Open",      NULL,                        45,     51,  1995,    0, 0, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                        80,     80,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      45,     80,  1995, 1995, CHILD, NULL },
	{ REFUND,        1, 1, "Completed", NULL,                       140,    173,   500,    0, 0, NULL },
	{ ORDER,         1, 1, "Closed",    "SellerClosed",               0,    180,  1995,    0, 0, NULL },
};

/* Asynchronous: Amazon takes its time to decide, and the shop to ship. */
static const struct scenario_step capture[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  8000,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Pending",   NULL,                        45,     45,  8000,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Open",      NULL,                        45,     75,  8000,    0, 0, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                   2 * DAY, 2 * DAY, 8000,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      45, 2 * DAY, 8000, 8000, CHILD, NULL },
	{ ORDER,         1, 1, "Closed",    "SellerClosed",               0, 2 * DAY + 60, 8000, 0, 0, NULL },
};

/* After more than 7 days a capture begins as Pending (section 4.3). */
static const struct scenario_step capture_late[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  8000,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Open",      NULL,                        45,     51,  8000,    0, 0, NULL },
	{ CAPTURE,       1, 1, "Pending",   NULL,                   9 * DAY, 9 * DAY, 8000,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      45, 9 * DAY, 8000, 8000, CHILD, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                   9 * DAY, 9 * DAY + 3600, 8000, 0, 0, NULL },
};

static const struct scenario_step capture_declined[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  8000,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Open",      NULL,                        45,     51,  8000,    0, 0, NULL },
	{ CAPTURE,       1, 1, "Pending",   NULL,                   9 * DAY, 9 * DAY, 8000,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      45, 9 * DAY, 8000,    0, CHILD, NULL },
	{ CAPTURE,       1, 1, "Declined",  "AmazonRejected",       9 * DAY, 9 * DAY + 3600, 8000, 0, 0, NULL },
};

/* An order that is canceled closes its authorizations (section 4.1). */
static const struct scenario_step cancel[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Open",      NULL,                        45,     51,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "OrderReferenceCanceled",    45,    300,  1995,    0, 0, NULL },
	{ ORDER,         1, 1, "Canceled",  "SellerCanceled",             0,    300,  1995,    0, 0, NULL },
};

/* No Open in between, and Closed is stamped with the creation's time (section 4.2). */
static const struct scenario_step capture_now[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      45,     45,  1995, 1995, NOW | CHILD, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                        46,     46,  1995,    0, 0, NULL },
	{ ORDER,         1, 1, "Closed",    "SellerClosed",               0,     60,  1995,    0, 0, NULL },
};

/* What Amazon rejects closes the order. */
static const struct scenario_step decline[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Pending",   NULL,                        45,     45,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Declined",  "AmazonRejected",            45,     76,  1995,    0, 0, NULL },
	{ ORDER,         1, 1, "Closed",    "AmazonClosed",               0,     77,  1995,    0, 0, NULL },
};

/* The card did not work: the order is suspended until the buyer has chosen another (section 4.1). */
static const struct scenario_step decline_recovered[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Declined",  "InvalidPaymentMethod",      45,     76,  1995,    0, 0, NULL },
	{ ORDER,         1, 1, "Suspended", "InvalidPaymentMethod",       0,     77,  1995,    0, 0, NULL },
	{ ORDER,         1, 1, "Open",      NULL,                         0,    377,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 2, "Open",      NULL,                       380,    385,  1995,    0, 0, NULL },
	{ CAPTURE,       1, 2, "Completed", NULL,                       420,    420,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 2, "Closed",    "MaxCapturesProcessed",     380,    420,  1995, 1995, CHILD, NULL },
	{ ORDER,         1, 1, "Closed",    "SellerClosed",               0,    480,  1995,    0, 0, NULL },
};

/* Soft: the same card may be tried again, and works. */
static const struct scenario_step decline_retried[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Declined",  "InvalidPaymentMethod",      45,     52,  1995,    0, SOFT, NULL },
	{ AUTHORIZATION, 1, 2, "Declined",  "TransactionTimedOut",      100,    108,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 3, "Closed",    "MaxCapturesProcessed",     200,    200,  1995, 1995, NOW | CHILD, NULL },
	{ CAPTURE,       1, 3, "Completed", NULL,                       201,    201,  1995,    0, 0, NULL },
	{ ORDER,         1, 1, "Closed",    "MaxAuthorizationsProcessed", 0,    202,  1995,    0, 0, NULL },
};

/* 100.00, and the smaller of 15 % and 75.00 above it (section 5). */
static const struct scenario_step refund_limit[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42, 10000,     0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      45,     45, 10000, 10000, NOW | CHILD, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                        46,     46, 10000,     0, 0, NULL },
	{ REFUND,        1, 1, "Pending",   NULL,                       600,    600, 10000,     0, 0, NULL },
	{ REFUND,        1, 1, "Completed", NULL,                       600,    633, 10000,     0, 0, NULL },
	{ REFUND,        1, 2, "Completed", NULL,                       900,    934,  1500,     0, 0, NULL },
	{ CAPTURE,       1, 1, "Closed",    "MaxAmountRefunded",         46,    935, 10000, 11500, 0, NULL },
	{ ORDER,         1, 1, "Closed",    "SellerClosed",               0,   1000, 10000,     0, 0, NULL },
};

static const struct scenario_step refund_declined[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      45,     45,  1995, 1995, NOW | CHILD, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                        46,     46,  1995,    0, 0, NULL },
	{ REFUND,        1, 1, "Pending",   NULL,                       600,    600,  1995,    0, 0, NULL },
	{ REFUND,        1, 1, "Declined",  "ProcessingFailure",        600,    640,  1995,    0, 0, NULL },
};

/* In the sandbox an authorization ends after 2 days, live after 30; an order after 180 (section 5). */
static const struct scenario_step expiry[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Open",      NULL,                        45,     51,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "ExpiredUnused",             45, 2 * DAY + 45, 1995,  0, 0, NULL },
	{ ORDER,         1, 1, "Closed",    "Expired",                    0, 180 * DAY, 1995,  0, 0, NULL },
};

/* Twice, under one id and for another reason, as it was seen (section 3.4). */
static const struct scenario_step chargeback[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42, 10000,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      45,     45, 10000, 10000, NOW | CHILD, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                        46,     46, 10000,    0, 0, NULL },
	{ ORDER,         1, 1, "Closed",    "SellerClosed",               0,     60, 10000,    0, 0, NULL },
	{ CHARGEBACK,    1, 1, "RECEIVED",  "Unauthorized Transaction Chargeback", 7 * DAY, 7 * DAY, 10000, 0, 0, NULL },
	{ CHARGEBACK,    1, 1, "RECEIVED",  "Generic Service Chargeback", 7 * DAY, 8 * DAY, 10000, 0, 0, NULL },
};

static const struct scenario_step multi_currency[] = {
	{ ORDER,         1, 1, "Open",      NULL,                         0,     42,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Open",      NULL,                        45,     51,  1995,    0, 0, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                        80,     80,  1995,    0, CONV, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      45,     80,  1995, 1995, CHILD, NULL },
	{ REFUND,        1, 1, "Completed", NULL,                       140,    173,   500,    0, CONV, NULL },
};

/* The limit of a month is 500.00; notifications tell what is left of it (section 3.4). */
static const struct scenario_step auto_pay[] = {
	{ AGREEMENT,     0, 1, "Open",      NULL,                         0,     42, 50000,    0, 0, STATUS },
	{ ORDER,         1, 1, "Open",      NULL,                        60,     61,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      61,     61,  1995, 1995, NOW | CHILD, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                        62,     62,  1995,    0, 0, NULL },
	{ ORDER,         1, 1, "Closed",    "MaxAuthorizationsProcessed", 60,    63,  1995,    0, 0, NULL },
};

/* Later orders: the buyer changes the card, which once does not work. */
static const struct scenario_step auto_pay_orders[] = {
	{ AGREEMENT,     0, 1, "Open",      NULL,                         0,     42, 50000,    0, 0, STATUS },
	{ ORDER,         1, 1, "Open",      NULL,                   2 * DAY, 2 * DAY + 1, 1995, 0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed", 2 * DAY + 2, 2 * DAY + 2, 1995, 1995, NOW | CHILD, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                   2 * DAY + 3, 2 * DAY + 3, 1995, 0, 0, NULL },
	{ AGREEMENT,     0, 1, "Open",      NULL,                         0, 3 * DAY, 48005,   0, 0, "PaymentMethodUpdated" },
	{ ORDER,         2, 1, "Open",      NULL,                   4 * DAY, 4 * DAY + 1, 2995, 0, 0, NULL },
	{ AUTHORIZATION, 2, 2, "Declined",  "InvalidPaymentMethod", 4 * DAY + 2, 4 * DAY + 9, 2995, 0, 0, NULL },
	{ AGREEMENT,     0, 1, "Suspended", "InvalidPaymentMethod",       0, 4 * DAY + 10, 48005, 0, 0, STATUS },
	{ AGREEMENT,     0, 1, "Open",      NULL,                         0, 5 * DAY, 48005,   0, 0, "AddressAndPaymentMethodUpdated" },
	{ ORDER,         3, 1, "Open",      NULL,                   6 * DAY, 6 * DAY + 1, 2995, 0, 0, NULL },
	{ AUTHORIZATION, 3, 3, "Closed",    "MaxCapturesProcessed", 6 * DAY + 2, 6 * DAY + 2, 2995, 2995, NOW | CHILD, NULL },
	{ CAPTURE,       3, 3, "Completed", NULL,                   6 * DAY + 3, 6 * DAY + 3, 2995, 0, 0, NULL },
};

static const struct scenario_step auto_pay_cancel[] = {
	{ AGREEMENT,     0, 1, "Open",      NULL,                         0,     42, 50000,    0, 0, STATUS },
	{ ORDER,         1, 1, "Open",      NULL,                        60,     61,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Open",      NULL,                        62,     68,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "OrderReferenceCanceled",    62,    300,  1995,    0, 0, NULL },
	{ ORDER,         1, 1, "Canceled",  "SellerCanceled",            60,    300,  1995,    0, 0, NULL },
};

static const struct scenario_step auto_pay_end[] = {
	{ AGREEMENT,     0, 1, "Open",      NULL,                         0,     42, 50000,    0, 0, STATUS },
	{ ORDER,         1, 1, "Open",      NULL,                        60,     61,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",      62,     62,  1995, 1995, NOW | CHILD, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                        63,     63,  1995,    0, 0, NULL },
	{ AGREEMENT,     0, 1, "Closed",    "SellerClosed",               0, 3 * DAY, 48005,   0, 0, STATUS },
};

/* A merchant registers; the provider gets a part of each capture, and gives it back with a refund (sections 3.4 and 4.6). */
static const struct scenario_step provider[] = {
	{ MERCHANT,      0, 1, "Register",  NULL,                         0,      0,     0,    0, 0, NULL },
	{ ORDER,         1, 1, "Open",      NULL,                       600,    642,  1995,    0, 0, NULL },
	{ AUTHORIZATION, 1, 1, "Open",      NULL,                       645,    651,  1995,    0, 0, NULL },
	{ CREDIT,        1, 1, "Completed", NULL,                       680,    682,   200,    0, 0, NULL },
	{ CAPTURE,       1, 1, "Completed", NULL,                       680,    680,  1995,    0, PROV, NULL },
	{ AUTHORIZATION, 1, 1, "Closed",    "MaxCapturesProcessed",     645,    680,  1995, 1995, CHILD, NULL },
	{ REFUND,        1, 1, "Completed", NULL,                       740,    773,  1995,    0, PROV, NULL },
	{ REVERSAL,      1, 1, "Completed", NULL,                       773,    775,   200,    0, 0, NULL },
	{ CREDIT,        1, 1, "Closed",    "MaxAmountReversed",        680,    776,   200,  200, CHILD, NULL },
};

static const struct scenario scenarios[] = {
#define SCENARIO(name, steps, help) { name, help, steps, N(steps) },
	SCENARIO("one-time", one_time, "a one-time payment: authorized, captured, refunded in part, closed by the seller")
	SCENARIO("capture", capture, "authorized after some thought, captured when the goods have left")
	SCENARIO("capture-late", capture_late, "captured after more than 7 days: pending at first")
	SCENARIO("capture-declined", capture_declined, "captured after more than 7 days, and declined")
	SCENARIO("capture-now", capture_now, "authorized and captured in one call")
	SCENARIO("cancel", cancel, "canceled by the seller before anything was captured")
	SCENARIO("decline", decline, "rejected by Amazon, which closes the order")
	SCENARIO("decline-recovered", decline_recovered, "declined and suspended, until the buyer chooses another payment method")
	SCENARIO("decline-retried", decline_retried, "declined softly and timed out, then authorized with the same payment method")
	SCENARIO("refund-limit", refund_limit, "refunded up to the last cent that Amazon allows, which closes the capture")
	SCENARIO("refund-declined", refund_declined, "a refund that Amazon cannot make")
	SCENARIO("expiry", expiry, "nobody captures, nobody closes: both expire")
	SCENARIO("chargeback", chargeback, "the buyer's bank takes the money back, and says so twice")
	SCENARIO("multi-currency", multi_currency, "the buyer pays in one currency, the merchant is paid in another")
	SCENARIO("auto-pay", auto_pay, "Auto Pay: an agreement, and its first order")
	SCENARIO("auto-pay-orders", auto_pay_orders, "Auto Pay: later orders; the card is changed, does not work, and is changed again")
	SCENARIO("auto-pay-cancel", auto_pay_cancel, "Auto Pay: an order is canceled, the agreement goes on")
	SCENARIO("auto-pay-end", auto_pay_end, "Auto Pay: the seller ends the agreement")
	SCENARIO("provider", provider, "a solution provider's part of a payment, and what goes back of it")
};
/* clang-format on */

const struct scenario *scenario_at(size_t i)
{
	return i < N(scenarios) ? &scenarios[i] : NULL;
}

const struct scenario *scenario_find(const char *name)
{
	const struct scenario *s;

	for (size_t i = 0; (s = scenario_at(i)); i++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

/* A registration is of the account itself, so that all stories would tell of one object. */
static bool is_of_its_own(const struct scenario *s)
{
	for (size_t i = 0; i < s->n_steps; i++)
		if (s->steps[i].object == OBJECT_SOLUTION_PROVIDER)
			return false;
	return true;
}

const struct scenario *scenario_next(size_t *i)
{
	const struct scenario *s;

	do {
		s = scenario_at((*i)++);
		if (!s)
			*i = 0;
	} while (!s || !is_of_its_own(s));
	return s;
}
