/*
 * What a client sends, byte for byte: through a Unix socket, the real server, the real receiver and its
 * ledger, in one process and one loop. Nothing in here was signed by anybody, so nothing may be stored,
 * and whatever is answered is an answer that there is, whole. How the bytes are cut on their way must
 * not change the first answer.
 */
#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/config.h"
#include "fuzz.h"
#include "ledger/ledger.h"
#include "net/http.h"
#include "receive/receive.h"

#define PATIENCE_USEC (UINT64_C(8) * 1000 * 1000) /* below the deadline of a request */
#define FOLDER_SIZE   64
#define PATH_SIZE     256
#define ANSWERS_MAX   (128 * 1024) /* pipelined requests have many */
#define SIGNING_HEX   "0123456789abcdef0123456789abcdef"

/* For sns.amazonaws.com, by itself, 2020 to 2100. Its key is gone. */
static const char certificate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIC4DCCAcigAwIBAgIBATANBgkqhkiG9w0BAQsFADASMRAwDgYDVQQDDAdleGFt\n"
	"cGxlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMDAwMTAxMDAwMDAwWjASMRAwDgYDVQQD\n"
	"DAdleGFtcGxlMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr+Cql68X\n"
	"93nmomby8e1DvOEQ92nq8f5mJxLz7iOqDCGB97yXezQYiWy8f5HGFrW9odfSxkbl\n"
	"GAAwmrwBSpsNlBhil8Kw2jqqkZGqLfxvbyXfNVIkMvfl64bKWE3WbJzo0WlySYsl\n"
	"Yl9reUVvN1ZlOplkdZPX7dpn6aZURAosyyS7m2PEYUK+tgPYjcYfqDKRur13vdbk\n"
	"HUnwPduOr9EcfIqkEpYEVDae5o+8wEmeQJHgOGrNpq+vc2B08NbH2sMr4mx4kxjC\n"
	"Yy2IgD4rxrG+Sj+6ssCD3KP5bt8l30aIqUxd3rZx+ObSxFFu1fDfrLmSFJIZpmih\n"
	"l+5flPRIaPHjOQIDAQABoz8wPTAcBgNVHREEFTATghFzbnMuYW1hem9uYXdzLmNv\n"
	"bTAdBgNVHQ4EFgQUpKVEX5tk4KcfbHx3TnbX2D1sSvIwDQYJKoZIhvcNAQELBQAD\n"
	"ggEBABG4iXsSxemLQtyGnGZH9NBocPFZXEHJuIzUiK/hQcYWe07OeBkMtRy5UJbi\n"
	"j/7hfZhBLeycahj2V3GWwVGqyL5bRwR0GaLLFdSvViQDZmutd/7AcrN2v+7hN6PB\n"
	"wdMK5hnT/aQHf2wk8MNLmb+9kvbWes1iN4/Wur0UkWUbj3lTrwPCqz4wIcZd56Q9\n"
	"m/9r5KYgxmm3vmDKQ6+hWTtk3AlRVEDMUCC/xUrRR5v5fsR4MBx/XVPwYeEp5nYy\n"
	"EoowWV40I3FhQsfhBeowC/C/tYvMSZ3u5PWcG5ljy05H0l9Sy5Xcj26HhIsFC8aR\n"
	"rURRx8m7E2L1y1KFgUxip81zsbM=\n"
	"-----END CERTIFICATE-----\n";

static const char configuration[] =
	"listen {\n"
	"	https = {}\n"
	"	path = \"/ipn\"\n"
	"	request_deadline = \"10s\"\n"
	"	max_body = \"8K\"\n"
	"}\n"
	"account \"shop\" {\n"
	"	topic_arn = \"arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HA1EXAMPLE\"\n"
	"	seller_id = {\"A1EXAMPLE\"}\n"
	"	environment = sandbox\n"
	"}\n"
	"sns {\n"
	"	fetch = no\n"
	"	chain = name-only\n"
	"	max_age = none\n"
	"	certificate_cache = \"%s/certificates\"\n"
	"}\n"
	"database {\n"
	"	path = \"%s/ipnd.db\"\n"
	"}\n";

static struct world {
	char folder[FOLDER_SIZE];
	sd_event *event;
	struct ledger *ledger;
	struct receiver *receiver;
	struct http_server *server;
	struct sockaddr_un address;
	sqlite3 *reader;
	sqlite3_stmt *count;
} world;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void world_end(void)
{
	sqlite3_finalize(world.count);
	sqlite3_close(world.reader);
	receiver_free(world.receiver);
	http_server_free(world.server);
	ledger_close(world.ledger);
	sd_event_unref(world.event);
	nftw(world.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* In memory, if there is such a place. */
static void folder_new(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(world.folder, sizeof(world.folder), "%s/ipnd-fuzz-XXXXXX", tmp);
	assert(mkdtemp(world.folder));
}

static void path_in_world(const char *name, char ret[static PATH_SIZE])
{
	assert(snprintf(ret, PATH_SIZE, "%s/%s", world.folder, name) < PATH_SIZE);
}

static void write_file(const char *name, const char *content)
{
	char path[PATH_SIZE];
	FILE *f;

	path_in_world(name, path);
	f = fopen(path, "we");
	assert(f && fputs(content, f) >= 0 && fclose(f) == 0);
}

static void make_folder(const char *name)
{
	char path[PATH_SIZE];

	path_in_world(name, path);
	assert(mkdir(path, 0700) == 0);
}

static struct config *config_new(void)
{
	CLEANUP(freep) char *text = NULL;
	struct config *c = NULL;
	char path[PATH_SIZE];

	make_folder("certificates");
	make_folder("certificates/us-east-1");
	write_file("certificates/us-east-1/SimpleNotificationService-" SIGNING_HEX ".pem",
		   certificate);
	assert(asprintf(&text, configuration, world.folder, world.folder) > 0);
	write_file("ipnd.conf", text);
	path_in_world("ipnd.conf", path);
	assert(config_load(path, "fuzz-http", stderr, &c) == 0);
	return c;
}

/* As ipnd does it. */
static void receiver_start(void)
{
	struct config *c = config_new();
	struct http_limits limits = {
		.max_connections = c->listen.max_connections,
		.max_connections_per_address = c->listen.max_connections_per_address,
		.request_deadline_ms = c->listen.request_deadline_ms,
		.max_body = c->listen.max_body,
	};
	struct why why;

	assert(ledger_open(c->database.path, LEDGER_OWN, &world.ledger, &why) == 0);
	assert(receiver_new(world.event, world.ledger, c, &world.receiver, &why) == 0);
	assert(http_server_new(world.event, c->listen.path, &limits, &receiver_handler,
			       world.receiver, &world.server) == 0);
}

static void world_begin(void)
{
	CLEANUP(freep) char *address = NULL, *url = NULL;
	char path[PATH_SIZE];
	struct why why;

	log_open("fuzz-http", LOG_EMERG);
	signal(SIGPIPE, SIG_IGN);
	folder_new();
	atexit(world_end);
	assert(sd_event_new(&world.event) >= 0);
	receiver_start();
	path_in_world("socket", path);
	world.address.sun_family = AF_UNIX;
	assert(strlen(path) < sizeof(world.address.sun_path));
	memcpy(world.address.sun_path, path, strlen(path));
	assert(asprintf(&address, "unix:%s", path) > 0);
	assert(http_server_listen(world.server, address, NULL, &url, &why) == 0);
	path_in_world("ipnd.db", path);
	assert(sqlite3_open_v2(path, &world.reader, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
	assert(sqlite3_prepare_v2(world.reader, "SELECT count(*) FROM notification", -1,
				  &world.count, NULL) == SQLITE_OK);
}

static int64_t notifications(void)
{
	int64_t n;

	assert(sqlite3_step(world.count) == SQLITE_ROW);
	n = sqlite3_column_int64(world.count, 0);
	sqlite3_reset(world.count);
	return n;
}

struct client {
	int fd;
	char *in;
	size_t len;
	bool closed;
};

static void client_read(struct client *c)
{
	ssize_t n;

	do {
		n = recv(c->fd, c->in + c->len, ANSWERS_MAX - c->len, MSG_DONTWAIT);
		assert(n >= 0 || errno == EAGAIN || errno == ECONNRESET);
		if (n > 0)
			c->len += (size_t)n;
		assert(c->len < ANSWERS_MAX);
	} while (n > 0);
	c->closed = n == 0 || errno == ECONNRESET;
}

/* Until the loop has nothing to do. */
static void run_dry(struct client *c)
{
	int r;

	do {
		r = sd_event_run(world.event, 0);
		assert(r >= 0);
	} while (r > 0);
	client_read(c);
}

/* As much as the server takes: it may close at any time. */
static void client_say(struct client *c, const uint8_t *data, size_t size)
{
	while (size > 0 && !c->closed) {
		ssize_t n = send(c->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
		run_dry(c);
	}
}

/* The answers to what is sent in two pieces, the first of `first` bytes; ended by NUL. Valid until the next. */
static const char *converse(const uint8_t *data, size_t size, size_t first)
{
	static char answers[ANSWERS_MAX];
	struct client c = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .in = answers};

	assert(c.fd >= 0);
	assert(connect(c.fd, (const struct sockaddr *)&world.address, sizeof(world.address)) == 0);
	client_say(&c, data, first);
	client_say(&c, data + first, size - first);
	shutdown(c.fd, SHUT_WR);
	/* A connection whose client says no more is not left to its deadline. */
	while (!c.closed) {
		assert(sd_event_run(world.event, PATIENCE_USEC) > 0);
		client_read(&c);
	}
	close(c.fd);
	c.in[c.len] = 0;
	assert(strlen(c.in) == c.len);
	return c.in;
}

/* What libmicrohttpd answers by itself. */
static bool is_of_library(long status)
{
	static const long known[] = {100, 400, 413, 414, 431, 500, 501, 505};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == status)
			return true;
	return false;
}

/* Any but 200, which says that something is on disk. */
static bool is_of_verdict(long status)
{
	for (enum verdict v = VERDICT_PASS + 1; v < VERDICT_N; v++)
		if (verdict_row(v)->http == status && status != 200)
			return true;
	return false;
}

/* The length that a head of `head` bytes declares; 0: none. */
static size_t declared_length(const char *s, size_t head)
{
	static const char name[] = "\r\nContent-Length: ";
	const char *at = memmem(s, head, name, strlen(name));

	return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

/*
 * Whole answers and nothing else. One to HEAD has no body, and of what libmicrohttpd 0.9.75 refuses by itself it
 * writes some heads twice.
 */
static void check_answers(const char *s)
{
	static const char begin[] = "HTTP/1.1 ", end[] = "\r\n\r\n";

	while (*s) {
		const char *body = strstr(s, end);
		long status;
		size_t length;

		assert(strncmp(s, begin, strlen(begin)) == 0 && body);
		status = strtol(s + strlen(begin), NULL, 10);
		assert(is_of_verdict(status) || is_of_library(status));
		length = declared_length(s, (size_t)(body - s));
		assert(status != 100 || length == 0);
		s = body + strlen(end);
		if (*s && strncmp(s, begin, strlen(begin)) != 0) {
			assert(strlen(s) >= length && length > 0);
			s += length;
		}
	}
}

/* The first that is not "go on". 0: none. */
static long first_status(const char *s)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	while (strncmp(s, go_on, strlen(go_on)) == 0)
		s += strlen(go_on);
	return *s ? strtol(s + strlen("HTTP/1.1 "), NULL, 10) : 0;
}

/* Somewhere, the same for the same input. */
static size_t cut_of(const uint8_t *data, size_t size)
{
	size_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = sum * 31 + data[i];
	return size ? sum % size : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *answers;
	long status;

	if (!world.event)
		world_begin();
	answers = converse(data, size, size);
	check_answers(answers);
	status = first_status(answers);
	answers = converse(data, size, cut_of(data, size));
	check_answers(answers);
	assert(first_status(answers) == status);
	assert(notifications() == 0);
	return 0;
}
