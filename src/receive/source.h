/* Whom a post is from, as far as fairness asks: the network, since whoever has one address has its neighbours. */
#ifndef IPND_RECEIVE_SOURCE_H
#define IPND_RECEIVE_SOURCE_H

#include "base/text.h"

#define SOURCE_SIZE 64

/*
 * `peer` as http_request_peer() has it. On this machine that is a proxy: then it is the last address in `forwarded` (the header
 * X-Forwarded-For; may be absent), which is the one that the proxy itself saw. IPv4 by its first 24 bits, IPv6 by its first
 * 48 ("192.0.2.0/24", "2001:db8::/48"); what is no address is itself. It proves nothing, and decides only whose turn it is.
 */
void source_of(const char *peer, struct text forwarded, char ret[static SOURCE_SIZE]);

#endif
