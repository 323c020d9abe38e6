/*
 * The floor of HTTP over TLS: `floor-answer CONFIG` listens as ipnd of that configuration would, with its limits and its certificate, and
 * answers 200 to every post without looking at it. The first line it prints is its URL; it runs until it is ended.
 */
#include <errno.h>
#include <stdio.h>

#include "config/config.h"
#include "net/http.h"
#include "net/tls.h"

DEFINE_CLEANUP(struct config *, config_free)

static void answer(struct http_request *r, void *userdata)
{
	(void)userdata;
	http_answer(r, VERDICT_APPLIED);
}

static void turn(void *userdata)
{
	(void)userdata;
}

static void refused(struct http_request *r, enum verdict v, const char *why, void *userdata)
{
	(void)userdata;
	fprintf(stderr, "floor-answer: %s: %s: %s\n", http_request_peer(r), verdict_row(v)->word,
		why);
}

static int serve(const struct config *c, struct why *why)
{
	const struct http_handler handler = {answer, turn, refused, NULL};
	const struct http_limits limits = {
		.max_connections = c->listen.max_connections,
		.max_connections_per_address = c->listen.max_connections_per_address,
		.request_deadline_ms = c->listen.request_deadline_ms,
		.max_body = c->listen.max_body,
	};
	CLEANUP(tls_credentials_freep) struct tls_credentials *tls = NULL;
	CLEANUP(sd_event_unrefp) sd_event *event = NULL;
	CLEANUP(http_server_freep) struct http_server *server = NULL;
	CLEANUP(freep) char *url = NULL;
	int r = sd_event_default(&event);

	if (r >= 0)
		r = tls_credentials_new(&tls);
	if (r >= 0)
		r = tls_credentials_load(tls, c->listen.certificate, c->listen.private_key, why);
	if (r >= 0)
		r = http_server_new(event, c->listen.path, &limits, &handler, NULL, &server);
	if (r >= 0)
		r = http_server_listen(server, "127.0.0.1:0", tls, &url, why);
	if (r < 0)
		return r;
	puts(url);
	fflush(stdout);
	return sd_event_loop(event);
}

int main(int argc, char **argv)
{
	CLEANUP(config_freep) struct config *c = NULL;
	struct why why = {""};
	int r;

	if (argc != 2) {
		fprintf(stderr, "Usage: floor-answer CONFIG\n");
		return 64;
	}
	if (config_load(argv[1], "floor-answer", stderr, &c) < 0)
		return 78;
	r = serve(c, &why);
	if (r < 0)
		fprintf(stderr, "floor-answer: %s %s\n", strerror(-r), why.text);
	return r < 0 ? 70 : 0;
}
