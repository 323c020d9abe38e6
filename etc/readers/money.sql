-- What came in and what went back, by the month in which the order was last changed: a row for each currency.
--
--     sqlite3 -readonly -box /var/lib/ipnd/ipnd.db <money.sql
--
-- As a member of the group ipnd. Payments of the sandbox are not money.
.timeout 5000

SELECT substr(updated_at, 1, 7) AS month, currency, count(*) AS orders, sum(captured_minor) AS captured,
	sum(refunded_minor) AS refunded, sum(charged_back_minor) AS charged_back, sum(fee_minor) AS fees, sum(net_minor) AS net
FROM order_money
WHERE environment = 'live'
GROUP BY month, currency
ORDER BY month, currency;
