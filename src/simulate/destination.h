/* Where the connections of a load lead: looked up, and what is believed there, once for all of them. */
#ifndef IPND_SIMULATE_DESTINATION_H
#define IPND_SIMULATE_DESTINATION_H

#include <netdb.h>
#include <openssl/ssl.h>

#include "base/cleanup.h"
#include "base/text.h"

#define DESTINATION_PATH_MAX 2048 /* bytes of a path with its query */

struct destination;

/*
 * `url`: http or https. `ca_file`: the only certificates believed. 0; -EINVAL: not such a URL; -EHOSTUNREACH: no such host; other
 * negative errno; always with the reason.
 */
int destination_open(const char *url, const char *ca_file, struct destination **ret,
		     struct why *why);
void destination_free(struct destination *d);
DEFINE_CLEANUP(struct destination *, destination_free)

/* "ipnd.example:8443", for the header Host; "/ipn". */
const char *destination_host(const struct destination *d);
const char *destination_path(const struct destination *d);

/* Those of the host, to be tried in turn; at least one. */
const struct addrinfo *destination_addresses(const struct destination *d);

/* For a connection of its own on `fd`, before its handshake; NULL for http. 0 or -ENOMEM. */
int destination_new_ssl(const struct destination *d, int fd, SSL **ret);

#endif
