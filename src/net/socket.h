/* Listening sockets and the names of their ends. */
#ifndef IPND_NET_SOCKET_H
#define IPND_NET_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/text.h"

/*
 * Binds and listens on "[::]:8443", "127.0.0.1:0" (numbers only: no resolver) or "unix:/PATH".
 * IPv6's "any" takes IPv4, too. A file left by a dead server is replaced; `ret_unlink` is then the
 * path to remove at the end, which the caller frees, else NULL. Negative errno with the reason.
 */
int socket_listen(const char *address, int *ret_fd, char **ret_unlink, struct why *why);

/*
 * "https://[::]:8443/ipn" or "unix:/PATH", from the socket itself. The caller frees. Negative
 * errno.
 */
int socket_url(int fd, bool tls, const char *path, char **ret_url);

/* "192.0.2.1:4711", "[2001:db8::1]:4711", "unix", cut to `size`. IPv4 in IPv6 is shown as IPv4. */
#define SOCKET_PEER_SIZE 64
void socket_peer(const struct sockaddr *a, char ret[static SOCKET_PEER_SIZE]);

/*
 * Whose a connection is: an IPv4 address, or the first 64 bits of an IPv6 one, since a host there has them all. Zero for a Unix
 * socket.
 */
struct in6_addr socket_owner(const struct sockaddr *a);

#endif
