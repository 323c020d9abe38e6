#!/usr/bin/php
<?php
/*
 * Is an order of the shop paid? Prints what came in and what went back, and exits 0 when it is, 1 when not. Payments of the
 * sandbox are not money: whoever buys with them has paid nothing.
 *
 *     paid.php 1000123 [DATABASE]        1000123: the shop's own order number
 *
 * The user must be a member of the group ipnd: `adduser www-data ipnd`, then restart php-fpm.
 */
if ($argc < 2) {
	fwrite(STDERR, "Usage: paid.php NUMBER [DATABASE]\n");
	exit(64);
}
$number = $argv[1];
$path = $argv[2] ?? '/var/lib/ipnd/ipnd.db';

// Read only, whatever a query says; if the database is locked for a moment, wait for it.
$db = new PDO('sqlite:' . $path, null, null, [
	PDO::SQLITE_ATTR_OPEN_FLAGS => PDO::SQLITE_OPEN_READONLY,
	PDO::ATTR_TIMEOUT => 5,
	PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
]);
$query = $db->prepare("SELECT * FROM order_money WHERE seller_order_id = ? AND environment = 'live'");
$query->execute([$number]);
// All at once: a statement that is left half read holds up ipnd's log.
$orders = $query->fetchAll(PDO::FETCH_ASSOC);

$paid = false;
foreach ($orders as $order) {
	printf("%s %s: total %d, captured %d, refunded %d, charged back %d (minor units of %s), last: %s\n",
		$order['order_reference_id'], $order['state'], $order['total_minor'], $order['captured_minor'],
		$order['refunded_minor'], $order['charged_back_minor'], $order['currency'], $order['last_event'] ?? 'nothing');
	$kept = $order['captured_minor'] - $order['refunded_minor'] - $order['charged_back_minor'];
	$paid = $paid || ($order['captured_minor'] > 0 && $kept >= $order['total_minor']);
}
exit($paid ? 0 : 1);
