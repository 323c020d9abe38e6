#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"

#define UNIX_PREFIX "unix:"
#define UNIX_MODE   0660

/* "[ffff:...:255.255.255.255%interface]" is shorter. */
#define HOST_SIZE       96
#define PORT_DIGITS_MAX 5

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
	struct sockaddr_storage storage;
};

/* getaddrinfo() of glibc 2.36 takes blanks, signs and numbers beyond the range. */
static bool port_parse(const char *s, in_port_t *ret_port)
{
	unsigned port = 0;
	size_t n;

	for (n = 0; s[n] >= '0' && s[n] <= '9' && n < PORT_DIGITS_MAX; n++)
		port = port * 10 + (unsigned)(s[n] - '0');
	if (n == 0 || s[n] != 0 || port > UINT16_MAX)
		return false;
	*ret_port = htons((uint16_t)port);
	return true;
}

/* Cuts "HOST:PORT" or "[HOST]:PORT". False: it is neither. */
static bool host_split(const char *address, char ret_host[static HOST_SIZE], in_port_t *ret_port)
{
	const char *colon = strrchr(address, ':');
	const char *host = address;
	size_t len;

	if (!colon || !port_parse(colon + 1, ret_port))
		return false;
	len = (size_t)(colon - address);
	if (host[0] == '[') {
		if (len < 3 || host[len - 1] != ']')
			return false;
		host++;
		len -= 2;
	} else if (memchr(host, ':', len)) {
		return false;
	}
	if (len == 0 || len >= HOST_SIZE)
		return false;
	memcpy(ret_host, host, len);
	ret_host[len] = 0;
	return true;
}

static int inet_resolve(const char *address, union address *ret, socklen_t *ret_len,
			struct why *why)
{
	static const struct addrinfo numbers = {
		.ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM,
	};
	char host[HOST_SIZE];
	struct addrinfo *found;
	in_port_t port;
	int r;

	if (!host_split(address, host, &port)) {
		why_set(why, "%s: not ADDRESS:PORT or [IPV6]:PORT", address);
		return -EINVAL;
	}
	r = getaddrinfo(host, NULL, &numbers, &found);
	if (r != 0) {
		why_set(why, "%s: %s", address, gai_strerror(r));
		return -EINVAL;
	}
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_len = found->ai_addrlen;
	freeaddrinfo(found);
	if (ret->any.sa_family == AF_INET6)
		ret->v6.sin6_port = port;
	else
		ret->v4.sin_port = port;
	return 0;
}

static int inet_listen(const char *address, int *ret_fd, struct why *why)
{
	static const int on = 1, off = 0;
	CLEANUP(closep) int fd = -1;
	union address a;
	socklen_t len;
	int r;

	r = inet_resolve(address, &a, &len, why);
	if (r < 0)
		return r;
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (a.any.sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0) ||
	    bind(fd, &a.any, len) < 0 || listen(fd, SOMAXCONN) < 0) {
		r = -errno;
		why_set(why, "cannot listen on %s: %m", address);
		return r;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Removes the socket of a server that is gone: nobody accepts there. Never another kind of file. */
static int stale_remove(const struct sockaddr_un *a)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno == ENOENT)
		return 0;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(a->sun_path) == 0 || errno == ENOENT ? 0 : -errno;
}

static int unix_bind(const struct sockaddr_un *a, int *ret_fd)
{
	CLEANUP(closep) int fd = -1;
	int r;

	r = stale_remove(a);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0)
		return -errno;
	/* Nobody gets in between: before listen(2) a connection is refused. */
	if (chmod(a->sun_path, UNIX_MODE) < 0 || listen(fd, SOMAXCONN) < 0) {
		r = -errno;
		unlink(a->sun_path);
		return r;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int unix_listen(const char *path, int *ret_fd, char **ret_unlink, struct why *why)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char *copy = NULL;
	int r;

	if (path[0] != '/' || strlen(path) >= sizeof(a.sun_path)) {
		why_set(why, UNIX_PREFIX "%s: not an absolute path of at most %zu bytes", path,
			sizeof(a.sun_path) - 1);
		return -EINVAL;
	}
	memcpy(a.sun_path, path, strlen(path));
	copy = strdup(path);
	r = copy ? unix_bind(&a, ret_fd) : -ENOMEM;
	if (r < 0) {
		errno = -r;
		why_set(why, "cannot listen on " UNIX_PREFIX "%s: %m", path);
		free(copy);
		return r;
	}
	*ret_unlink = copy;
	return 0;
}

int socket_listen(const char *address, int *ret_fd, char **ret_unlink, struct why *why)
{
	size_t prefix = sizeof(UNIX_PREFIX) - 1;
	int r;

	if (strncmp(address, UNIX_PREFIX, prefix) == 0)
		return unix_listen(address + prefix, ret_fd, ret_unlink, why);
	r = inet_listen(address, ret_fd, why);
	if (r == 0)
		*ret_unlink = NULL;
	return r;
}

int socket_url(int fd, bool tls, const char *path, char **ret_url)
{
	union address a = {0};
	socklen_t len = sizeof(a);
	char peer[SOCKET_PEER_SIZE];
	char *url;
	int r;

	if (getsockname(fd, &a.any, &len) < 0)
		return -errno;
	if (a.any.sa_family == AF_UNIX) {
		r = asprintf(&url, UNIX_PREFIX "%.*s", (int)sizeof(a.un.sun_path), a.un.sun_path);
	} else {
		socket_peer(&a.any, peer);
		r = asprintf(&url, "%s://%s%s", tls ? "https" : "http", peer, path);
	}
	if (r < 0)
		return -ENOMEM;
	*ret_url = url;
	return 0;
}

void socket_peer(const struct sockaddr *a, char ret[static SOCKET_PEER_SIZE])
{
	union address u = {0};
	char host[INET6_ADDRSTRLEN];

	if (a->sa_family == AF_INET) {
		memcpy(&u.v4, a, sizeof(u.v4));
		inet_ntop(AF_INET, &u.v4.sin_addr, host, sizeof(host));
		snprintf(ret, SOCKET_PEER_SIZE, "%s:%u", host, ntohs(u.v4.sin_port));
	} else if (a->sa_family == AF_INET6) {
		bool mapped;

		memcpy(&u.v6, a, sizeof(u.v6));
		mapped = IN6_IS_ADDR_V4MAPPED(&u.v6.sin6_addr);
		if (mapped)
			inet_ntop(AF_INET, &u.v6.sin6_addr.s6_addr[12], host, sizeof(host));
		else
			inet_ntop(AF_INET6, &u.v6.sin6_addr, host, sizeof(host));
		snprintf(ret, SOCKET_PEER_SIZE, mapped ? "%s:%u" : "[%s]:%u", host,
			 ntohs(u.v6.sin6_port));
	} else {
		snprintf(ret, SOCKET_PEER_SIZE, "unix");
	}
}

struct in6_addr socket_owner(const struct sockaddr *a)
{
	struct in6_addr owner = {0};
	union address u = {0};

	if (a->sa_family == AF_INET) {
		memcpy(&u.v4, a, sizeof(u.v4));
		memset(&owner.s6_addr[10], 0xFF, 2);
		memcpy(&owner.s6_addr[12], &u.v4.sin_addr, 4);
	} else if (a->sa_family == AF_INET6) {
		memcpy(&u.v6, a, sizeof(u.v6));
		owner = u.v6.sin6_addr;
		if (!IN6_IS_ADDR_V4MAPPED(&owner))
			memset(&owner.s6_addr[8], 0, 8);
	}
	return owner;
}
