#include "receive/source.h"

#include <arpa/inet.h>
#include <stdio.h>

#define IPV4_BYTES 3 /* of the address that stay */
#define IPV6_BYTES 6

static void network(int family, unsigned char *address, size_t size, size_t kept, char *ret)
{
	char text[INET6_ADDRSTRLEN];

	memset(address + kept, 0, size - kept);
	inet_ntop(family, address, text, sizeof(text));
	snprintf(ret, SOURCE_SIZE, "%s/%zu", text, kept * 8);
}

/* The address in "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80". */
static bool host_of(struct text t, char *ret, size_t size)
{
	const char *end;

	if (t.len > 0 && t.at[0] == '[') {
		t.at++;
		t.len--;
		end = memchr(t.at, ']', t.len);
		if (!end)
			return false;
		t.len = (size_t)(end - t.at);
	} else if (t.len > 0 && (end = memchr(t.at, ':', t.len)) == memrchr(t.at, ':', t.len) &&
		   end) {
		t.len = (size_t)(end - t.at);
	}
	if (t.len == 0 || t.len >= size || memchr(t.at, 0, t.len))
		return false;
	memcpy(ret, t.at, t.len);
	ret[t.len] = 0;
	return true;
}

/* Writes the network, unless it is no address. */
static bool network_of(struct text t, char *ret, bool *ret_local)
{
	char host[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four;

	if (!host_of(t, host, sizeof(host)))
		return false;
	if (inet_pton(AF_INET, host, &four) == 1) {
		*ret_local = ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
		network(AF_INET, (unsigned char *)&four, sizeof(four), IPV4_BYTES, ret);
		return true;
	}
	if (inet_pton(AF_INET6, host, &six) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&six)) { /* as a proxy that listens on [::] shows them */
		memcpy(&four, six.s6_addr + sizeof(six) - sizeof(four), sizeof(four));
		*ret_local = ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
		network(AF_INET, (unsigned char *)&four, sizeof(four), IPV4_BYTES, ret);
		return true;
	}
	*ret_local = IN6_IS_ADDR_LOOPBACK(&six);
	network(AF_INET6, six.s6_addr, sizeof(six), IPV6_BYTES, ret);
	return true;
}

static struct text last_of_list(struct text t)
{
	const char *comma = t.len > 0 ? memrchr(t.at, ',', t.len) : NULL;

	if (comma) {
		t.len -= (size_t)(comma + 1 - t.at);
		t.at = comma + 1;
	}
	while (t.len > 0 && (t.at[0] == ' ' || t.at[0] == '\t')) {
		t.at++;
		t.len--;
	}
	return t;
}

void source_of(const char *peer, struct text forwarded, char ret[static SOURCE_SIZE])
{
	bool local = true, ignored;

	snprintf(ret, SOURCE_SIZE, "%s", peer);
	network_of(text_of(peer), ret, &local);
	if (local && forwarded.at)
		network_of(last_of_list(forwarded), ret, &ignored);
}
