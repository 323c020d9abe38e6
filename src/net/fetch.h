/*
 * GET over HTTPS by libcurl on sd_event: several at once, none of which holds up the loop. For short answers from a host
 * whose name the certificate must bear; follows nothing, sends nothing of ours, and no proxy of the environment is used.
 */
#ifndef IPND_NET_FETCH_H
#define IPND_NET_FETCH_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/text.h"

/* threats.md section 2.3. SNS gives us 15 s for an answer, in which its certificate is to be had. */
#define FETCH_CONNECT_MS 3000L
#define FETCH_TOTAL_MS   5000L
#define FETCH_BODY_MAX   ((size_t)16 * 1024)

struct fetcher;
struct fetch;

struct fetch_settings {
	const char *trust; /* "system", or a file of the CAs that may vouch for the host */
	const char
		*connect_to; /* ADDRESS:PORT to which every connection goes instead; "" for none */
};

/*
 * What came of it. 0: the answer's status was 200 and `body` is all of it. Else negative errno with the reason in words: -EPROTO
 * for a status that says no (below 500), -EFBIG for a longer body, -ETIMEDOUT, -EIO for all the rest. The fetch is over then; `body` is borrowed.
 */
typedef void fetch_done(int error, struct text body, const char *why, void *userdata);

/* Strings are copied; `event` is referenced. 0 or negative errno with the reason. */
int fetcher_new(sd_event *event, const struct fetch_settings *settings, struct fetcher **ret,
		struct why *why);
/* Ends what is under way without calling done(). */
void fetcher_free(struct fetcher *f);
DEFINE_CLEANUP(struct fetcher *, fetcher_free)

/* `url` is copied. `done` is called once, from the loop and never from inside here. 0 or negative errno. */
int fetch_start(struct fetcher *f, const char *url, fetch_done *done, void *userdata);

#endif
