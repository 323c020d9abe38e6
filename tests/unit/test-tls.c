#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/utc.h"
#include "net/http.h"
#include "unit.h"

#define PATIENCE_MS 8000
#define TLS13       "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS12       "NORMAL:-VERS-ALL:+VERS-TLS1.2"

#define POST "POST /ipn HTTP/1.1\r\nHost: x\r\n"
#define GOOD POST "Content-Length: 2\r\n\r\n{}"

/* 2099-01-01 and a second later, to tell two certificates apart. */
#define NOT_AFTER_A 4070908800
#define NOT_AFTER_B 4070908801

struct identity {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
};

struct world {
	sd_event *event;
	struct http_server *server;
	struct tls_credentials *tls;
	struct http_request *kept;
	bool keeps;
	unsigned port, posts, stops;
	size_t body_len;
};

struct client {
	int fd;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	char in[4096];
	size_t n;
	bool closed;
	int failure; /* of the handshake */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static gnutls_x509_privkey_t make_key(gnutls_pk_algorithm_t algorithm)
{
	gnutls_x509_privkey_t key;
	unsigned bits = algorithm == GNUTLS_PK_RSA
				? 2048
				: GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);

	ck_assert(gnutls_x509_privkey_init(&key) == 0);
	ck_assert(gnutls_x509_privkey_generate(key, algorithm, bits, 0) == 0);
	return key;
}

/* Signed by `issuer`, or by itself. */
static struct identity make_identity(gnutls_pk_algorithm_t algorithm, time_t not_after,
				     const struct identity *issuer)
{
	struct identity i = {.key = make_key(algorithm)};
	static unsigned char serial = 1;

	ck_assert(gnutls_x509_crt_init(&i.crt) == 0);
	ck_assert(gnutls_x509_crt_set_version(i.crt, 3) == 0);
	ck_assert(gnutls_x509_crt_set_serial(i.crt, &serial, 1) == 0);
	serial++;
	ck_assert(gnutls_x509_crt_set_activation_time(i.crt, 946684800) == 0);
	ck_assert(gnutls_x509_crt_set_expiration_time(i.crt, not_after) == 0);
	ck_assert(gnutls_x509_crt_set_dn(i.crt, issuer ? "CN=localhost" : "CN=test", NULL) == 0);
	ck_assert(gnutls_x509_crt_set_subject_alt_name(i.crt, GNUTLS_SAN_DNSNAME, "localhost", 9,
						       0) == 0);
	ck_assert(gnutls_x509_crt_set_ca_status(i.crt, !issuer) == 0);
	ck_assert(gnutls_x509_crt_set_key(i.crt, i.key) == 0);
	ck_assert(gnutls_x509_crt_sign2(i.crt, issuer ? issuer->crt : i.crt,
					issuer ? issuer->key : i.key, GNUTLS_DIG_SHA256, 0) == 0);
	return i;
}

static void identity_done(struct identity *i)
{
	gnutls_x509_crt_deinit(i->crt);
	gnutls_x509_privkey_deinit(i->key);
}

static void write_file(const char *path, const void *at, size_t len)
{
	FILE *f = fopen(path, "we");

	ck_assert(f != NULL);
	ck_assert(fwrite(at, 1, len, f) == len);
	ck_assert(fclose(f) == 0);
}

static void append_certificate(const char *path, gnutls_x509_crt_t crt)
{
	gnutls_datum_t pem;
	FILE *f = fopen(path, "ae");

	ck_assert(f != NULL);
	ck_assert(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem) == 0);
	ck_assert(fwrite(pem.data, 1, pem.size, f) == pem.size);
	ck_assert(fclose(f) == 0);
	gnutls_free(pem.data);
}

static void write_key(const char *path, gnutls_x509_privkey_t key, bool pkcs8, const char *password)
{
	unsigned char pem[8192];
	size_t len = sizeof(pem);

	if (pkcs8)
		ck_assert(gnutls_x509_privkey_export_pkcs8(key, GNUTLS_X509_FMT_PEM, password,
							   password ? GNUTLS_PKCS_PBES2_AES_256
								    : GNUTLS_PKCS_PLAIN,
							   pem, &len) == 0);
	else
		ck_assert(gnutls_x509_privkey_export(key, GNUTLS_X509_FMT_PEM, pem, &len) == 0);
	write_file(path, pem, len);
}

/* FOLDER/NAME.crt and FOLDER/NAME.key. */
static void write_pair(const char *folder, const char *name, const struct identity *i,
		       const struct identity *issuer, bool pkcs8)
{
	CLEANUP(freep) char *crt = unit_format("%s/%s.crt", folder, name);
	CLEANUP(freep) char *key = unit_format("%s/%s.key", folder, name);

	append_certificate(crt, i->crt);
	if (issuer)
		append_certificate(crt, issuer->crt);
	write_key(key, i->key, pkcs8, NULL);
}

static int load(struct world *w, const char *folder, const char *crt, const char *key,
		struct why *why)
{
	CLEANUP(freep) char *crt_path = unit_format("%s/%s", folder, crt);
	CLEANUP(freep) char *key_path = unit_format("%s/%s", folder, key);

	return tls_credentials_load(w->tls, crt_path, key_path, why);
}

static void on_post(struct http_request *r, void *userdata)
{
	struct world *w = userdata;

	w->posts++;
	w->body_len = http_request_body(r).len;
	if (w->keeps)
		w->kept = r;
	else
		http_answer(r, VERDICT_APPLIED);
}

static void on_turn(void *userdata)
{
	(void)userdata;
}

static void on_refused(struct http_request *r, enum verdict v, const char *why, void *userdata)
{
	(void)r;
	(void)v;
	(void)why;
	(void)userdata;
}

static void on_stopped(void *userdata)
{
	struct world *w = userdata;

	w->stops++;
}

static void world_begin(struct world *w, const struct http_limits *limits)
{
	static const struct http_limits usual = {300, 100, 10000, 512 * 1024};
	static const struct http_handler handler = {on_post, on_turn, on_refused, NULL};
	CLEANUP(freep) char *url = NULL;
	struct why why = {""};

	*w = (struct world){0};
	signal(SIGPIPE, SIG_IGN);
	ck_assert(sd_event_new(&w->event) >= 0);
	ck_assert_int_eq(tls_credentials_new(&w->tls), 0);
	ck_assert_int_eq(http_server_new(w->event, "/ipn", limits ? limits : &usual, &handler, w,
					 &w->server),
			 0);
	ck_assert_msg(http_server_listen(w->server, "127.0.0.1:0", w->tls, &url, &why) == 0, "%s",
		      why.text);
	ck_assert(strncmp(url, "https://127.0.0.1:", 18) == 0);
	w->port = (unsigned)strtoul(url + 18, NULL, 10);
}

/* With one RSA pair of NOT_AFTER_A. */
static void world_begin_loaded(struct world *w, const struct http_limits *limits)
{
	CLEANUP(freep) char *folder = unit_folder();
	struct identity a = make_identity(GNUTLS_PK_RSA, NOT_AFTER_A, NULL);
	struct why why = {""};

	world_begin(w, limits);
	write_pair(folder, "a", &a, NULL, true);
	ck_assert_msg(load(w, folder, "a.crt", "a.key", &why) == 0, "%s", why.text);
	identity_done(&a);
}

static void world_turn(struct world *w)
{
	ck_assert(sd_event_run(w->event, 2000) >= 0);
}

static void world_end(struct world *w)
{
	int64_t until = now_ms() + PATIENCE_MS;

	http_server_stop(w->server, on_stopped, w);
	while (w->stops == 0 && now_ms() < until)
		world_turn(w);
	ck_assert_uint_eq(w->stops, 1);
	http_server_free(w->server);
	tls_credentials_free(w->tls);
	sd_event_unref(w->event);
}

static int tcp_connect(unsigned port, const char *source)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)},
			   from = to;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = inet_addr(source);
	from.sin_port = 0;
	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
	ck_assert(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	ck_assert(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	return fd;
}

static struct client *client_new(struct world *w, const char *priorities, const char *source)
{
	struct client *c = calloc(1, sizeof(*c));

	ck_assert(c != NULL);
	c->fd = tcp_connect(w->port, source);
	ck_assert(gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK) == 0);
	ck_assert(gnutls_certificate_allocate_credentials(&c->credentials) == 0);
	ck_assert(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials) == 0);
	ck_assert_msg(gnutls_priority_set_direct(c->session, priorities, NULL) == 0, "%s",
		      priorities);
	gnutls_transport_set_int(c->session, c->fd);
	return c;
}

static void client_free(struct client *c)
{
	close(c->fd);
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->credentials);
	free(c);
}

static bool client_handshake(struct world *w, struct client *c)
{
	int64_t until = now_ms() + PATIENCE_MS;
	int r;

	while ((r = gnutls_handshake(c->session)) == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED) {
		ck_assert(now_ms() < until);
		world_turn(w);
	}
	c->failure = r;
	return r == 0;
}

static struct client *client_open(struct world *w, const char *priorities)
{
	struct client *c = client_new(w, priorities, "127.0.0.1");

	ck_assert_msg(client_handshake(w, c), "%s", gnutls_strerror(c->failure));
	return c;
}

static void client_send(struct world *w, struct client *c, const char *at, size_t len)
{
	int64_t until = now_ms() + PATIENCE_MS;

	while (len > 0) {
		ssize_t r = gnutls_record_send(c->session, at, len);

		ck_assert(now_ms() < until);
		ck_assert(r > 0 || r == GNUTLS_E_AGAIN);
		if (r > 0) {
			at += r;
			len -= (size_t)r;
		}
		world_turn(w);
	}
}

/* Until the end of one more answer's body, a line, or of the connection. */
static void client_wait(struct world *w, struct client *c)
{
	int64_t until = now_ms() + PATIENCE_MS;
	size_t begin = c->n;

	for (;;) {
		ssize_t r = gnutls_record_recv(c->session, c->in + c->n, sizeof(c->in) - 1 - c->n);

		if (r > 0)
			c->n += (size_t)r;
		else if (r != GNUTLS_E_AGAIN && r != GNUTLS_E_INTERRUPTED)
			c->closed = true;
		c->in[c->n] = 0;
		if (c->closed || strstr(c->in + begin, "\r\n\r\nstored\n"))
			return;
		ck_assert(now_ms() < until);
		world_turn(w);
	}
}

static time_t seen_not_after(struct client *c, unsigned *ret_n)
{
	const gnutls_datum_t *der = gnutls_certificate_get_peers(c->session, ret_n);
	gnutls_x509_crt_t crt;
	time_t t;

	ck_assert(der != NULL);
	ck_assert(gnutls_x509_crt_init(&crt) == 0);
	ck_assert(gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) == 0);
	t = gnutls_x509_crt_get_expiration_time(crt);
	gnutls_x509_crt_deinit(crt);
	return t;
}

static time_t shown_not_after(struct world *w)
{
	struct client *c = client_open(w, TLS13);
	unsigned n;
	time_t t = seen_not_after(c, &n);

	client_free(c);
	return t;
}

struct offer {
	const char *priorities;
	gnutls_protocol_t protocol; /* 0: refused */
};

static const struct offer offers[] = {
	{TLS13, GNUTLS_TLS1_3},
	{TLS12, GNUTLS_TLS1_2},
	{"NORMAL", GNUTLS_TLS1_3},
	{"NORMAL:-VERS-ALL:+VERS-TLS1.1", 0},
	{"NORMAL:-VERS-ALL:+VERS-TLS1.0", 0},
	{"NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT", 0},
	{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128", 0},
	{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC", 0},
	{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH", 0},
};

START_TEST(speaks_tls_1_2_and_1_3_only)
{
	struct world w;

	world_begin_loaded(&w, NULL);
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		struct client *c = client_new(&w, offers[i].priorities, "127.0.0.1");

		ck_assert_msg(client_handshake(&w, c) == (offers[i].protocol != 0), "%s",
			      offers[i].priorities);
		if (offers[i].protocol)
			ck_assert_int_eq(gnutls_protocol_get_version(c->session),
					 offers[i].protocol);
		client_free(c);
	}
	world_end(&w);
}
END_TEST

START_TEST(carries_requests)
{
	static const char *const versions[] = {TLS12, TLS13};
	size_t len = 512 * 1024;
	CLEANUP(freep) char *big = malloc(len + 256);
	struct world w;

	ck_assert(big != NULL);
	world_begin_loaded(&w, NULL);
	for (size_t i = 0; i < 2; i++) {
		struct client *c = client_open(&w, versions[i]);
		size_t head = (size_t)snprintf(big, 256, POST "Content-Length: %zu\r\n\r\n", len);

		memset(big + head, 'x', len);
		client_send(&w, c, big, head + len);
		client_wait(&w, c);
		ck_assert_uint_eq(w.body_len, len);
		ck_assert(strncmp(c->in, "HTTP/1.1 200 ", 13) == 0);
		/* The same connection, and answered later. */
		w.keeps = true;
		client_send(&w, c, GOOD, sizeof(GOOD) - 1);
		while (!w.kept)
			world_turn(&w);
		for (int k = 0; k < 2; k++)
			ck_assert(sd_event_run(w.event, 0) >= 0);
		http_answer(w.kept, VERDICT_APPLIED);
		w.keeps = false;
		w.kept = NULL;
		client_wait(&w, c);
		ck_assert(!c->closed);
		ck_assert_uint_eq(w.body_len, 2);
		client_free(c);
	}
	ck_assert_uint_eq(w.posts, 4);
	world_end(&w);
}
END_TEST

START_TEST(shows_chains_with_keys_of_each_kind)
{
	static const gnutls_pk_algorithm_t kinds[] = {GNUTLS_PK_RSA, GNUTLS_PK_ECDSA};
	CLEANUP(freep) char *folder = unit_folder();
	struct identity ca = make_identity(GNUTLS_PK_ECDSA, NOT_AFTER_B, NULL);
	struct why why = {""};
	struct world w;

	world_begin(&w, NULL);
	for (int i = 0; i < 4; i++) {
		CLEANUP(freep) char *name = unit_format("%d", i), *crt = unit_format("%d.crt", i);
		CLEANUP(freep) char *key = unit_format("%d.key", i);
		struct identity leaf = make_identity(kinds[i / 2], NOT_AFTER_A, &ca);
		struct client *c;
		unsigned n, status;

		write_pair(folder, name, &leaf, &ca, i % 2);
		ck_assert_msg(load(&w, folder, crt, key, &why) == 0, "%s", why.text);
		ck_assert_int_eq(tls_credentials_not_after_ms(w.tls), (int64_t)NOT_AFTER_A * 1000);
		for (int k = 0; k < 2; k++) {
			c = client_new(&w, k ? TLS13 : TLS12, "127.0.0.1");
			ck_assert(gnutls_certificate_set_x509_trust(c->credentials, &ca.crt, 1) ==
				  1);
			ck_assert_msg(client_handshake(&w, c), "%s", gnutls_strerror(c->failure));
			ck_assert_int_eq(seen_not_after(c, &n), NOT_AFTER_A);
			ck_assert_uint_eq(n, 2);
			ck_assert(gnutls_certificate_verify_peers3(c->session, "localhost",
								   &status) == 0);
			ck_assert_uint_eq(status, 0);
			client_free(c);
		}
		identity_done(&leaf);
	}
	identity_done(&ca);
	world_end(&w);
}
END_TEST

START_TEST(needs_a_pair_first)
{
	struct client *c;
	struct world w;

	world_begin(&w, NULL);
	ck_assert(tls_credentials_not_after_ms(w.tls) == UTC_UNKNOWN);
	c = client_new(&w, TLS13, "127.0.0.1");
	ck_assert(!client_handshake(&w, c));
	client_free(c);
	world_end(&w);
}
END_TEST

START_TEST(changes_the_pair_between_connections)
{
	CLEANUP(freep) char *folder = unit_folder();
	struct identity b = make_identity(GNUTLS_PK_ECDSA, NOT_AFTER_B, NULL);
	struct why why = {""};
	struct client *old, *halfway;
	struct world w;
	unsigned n;

	world_begin_loaded(&w, NULL);
	write_pair(folder, "b", &b, NULL, true);
	old = client_open(&w, TLS13);
	ck_assert_int_eq(seen_not_after(old, &n), NOT_AFTER_A);
	/* With this key exchange the server needs its key again at the end of the handshake. */
	halfway = client_new(&w, TLS12 ":-KX-ALL:+RSA", "127.0.0.1");
	ck_assert_int_eq(gnutls_handshake(halfway->session), GNUTLS_E_AGAIN);
	for (int i = 0; i < 3; i++)
		world_turn(&w);

	ck_assert_msg(load(&w, folder, "b.crt", "b.key", &why) == 0, "%s", why.text);
	ck_assert_int_eq(tls_credentials_not_after_ms(w.tls), (int64_t)NOT_AFTER_B * 1000);
	ck_assert(client_handshake(&w, halfway));
	ck_assert_int_eq(seen_not_after(halfway, &n), NOT_AFTER_A);
	ck_assert_int_eq(shown_not_after(&w), NOT_AFTER_B);
	client_send(&w, old, GOOD, sizeof(GOOD) - 1);
	client_wait(&w, old);
	ck_assert(!old->closed);
	client_free(old);
	client_free(halfway);
	identity_done(&b);
	world_end(&w);
}
END_TEST

struct bad_pair {
	const char *crt, *key;
	int error;
	const char *named; /* the file at fault */
};

static const struct bad_pair bad_pairs[] = {
	{"none.crt", "b.key", -ENOENT, "none.crt"},     {"b.crt", "none.key", -ENOENT, "none.key"},
	{"empty", "b.key", -EINVAL, "empty"},           {"b.crt", "empty", -EINVAL, "empty"},
	{"garbage", "b.key", -EINVAL, "garbage"},       {"b.crt", "garbage", -EINVAL, "garbage"},
	{"b.crt", "b.crt", -EINVAL, "b.crt"},           {"b.key", "b.key", -EINVAL, "b.key"},
	{"b.crt", "locked.key", -EINVAL, "locked.key"}, {"b.crt", "c.key", -EINVAL, "c.key"},
	{"c-b.crt", "b.key", -EINVAL, "c-b.crt"},       {"b.crt", "huge", -EINVAL, "huge"},
	{"folder", "b.key", -EINVAL, "folder"},         {"cut.crt", "b.key", -EINVAL, "cut.crt"},
};

START_TEST(keeps_the_pair_when_the_new_one_is_bad)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep)
	char *empty = unit_format("%s/empty", folder), *garbage = unit_format("%s/garbage", folder);
	CLEANUP(freep)
	char *huge = unit_format("%s/huge", folder), *locked = unit_format("%s/locked.key", folder);
	CLEANUP(freep)
	char *mixed = unit_format("%s/c-b.crt", folder), *sub = unit_format("%s/folder", folder);
	CLEANUP(freep)
	char *cut = unit_format("%s/cut.crt", folder), *whole = unit_format("%s/b.crt", folder);
	struct identity b = make_identity(GNUTLS_PK_RSA, NOT_AFTER_B, NULL);
	struct identity other = make_identity(GNUTLS_PK_RSA, NOT_AFTER_B, NULL);
	CLEANUP(freep) char *zeros = calloc(1, 1024 * 1024), *pem = NULL;
	struct why why;
	struct world w;
	size_t len;

	world_begin_loaded(&w, NULL);
	write_pair(folder, "b", &b, NULL, false);
	write_pair(folder, "c", &other, NULL, false);
	append_certificate(mixed, other.crt);
	append_certificate(mixed, b.crt);
	write_key(locked, b.key, true, "secret");
	write_file(empty, "", 0);
	write_file(garbage, "-----BEGIN CERTIFICATE-----\nxx\0yy", 33);
	write_file(huge, zeros, 1024 * 1024);
	pem = unit_read(whole, &len);
	write_file(cut, pem, len / 2);
	ck_assert(mkdir(sub, 0700) == 0);
	for (size_t i = 0; i < sizeof(bad_pairs) / sizeof(bad_pairs[0]); i++) {
		const struct bad_pair *p = &bad_pairs[i];

		why = (struct why){""};
		ck_assert_msg(load(&w, folder, p->crt, p->key, &why) == p->error, "%s %s", p->crt,
			      p->key);
		ck_assert_msg(strstr(why.text, p->named) != NULL, "%s", why.text);
		ck_assert_int_eq(tls_credentials_not_after_ms(w.tls), (int64_t)NOT_AFTER_A * 1000);
	}
	ck_assert_int_eq(shown_not_after(&w), NOT_AFTER_A);
	ck_assert_int_eq(load(&w, folder, "b.crt", "b.key", &why), 0);
	ck_assert_int_eq(shown_not_after(&w), NOT_AFTER_B);
	identity_done(&b);
	identity_done(&other);
	world_end(&w);
}
END_TEST

START_TEST(closes_what_is_not_tls)
{
	char in[256];
	struct world w;

	world_begin_loaded(&w, NULL);
	for (int i = 0; i < 3; i++) {
		int fd = tcp_connect(w.port, "127.0.0.1");
		int64_t until = now_ms() + PATIENCE_MS;
		ssize_t r;

		ck_assert(send(fd, GOOD, sizeof(GOOD) - 1, 0) > 0);
		/* At most an alert, never HTTP. */
		while ((r = recv(fd, in, sizeof(in), 0)) != 0 && (r > 0 || errno == EAGAIN)) {
			ck_assert(r < 0 || in[0] != 'H');
			ck_assert(now_ms() < until);
			world_turn(&w);
		}
		close(fd);
	}
	ck_assert_uint_eq(w.posts, 0);
	ck_assert_int_eq(shown_not_after(&w), NOT_AFTER_A);
	world_end(&w);
}
END_TEST

static const struct http_limits hasty = {300, 2, 300, 512 * 1024};

/*
 * Waits for the end of the connection, whatever comes before. Sends `drip` meanwhile, a byte in 20
 * ms.
 */
static int64_t closed_after(struct world *w, int fd, const char *drip, size_t len)
{
	int64_t begin = now_ms();
	char in[4096];
	size_t k = 0;
	ssize_t r;

	while ((r = recv(fd, in, sizeof(in), 0)) > 0 || (r < 0 && errno == EAGAIN)) {
		ck_assert(now_ms() < begin + PATIENCE_MS);
		if (k < len && now_ms() >= begin + (int64_t)k * 20)
			send(fd, drip + k++, 1, MSG_NOSIGNAL);
		world_turn(w);
	}
	return now_ms() - begin;
}

/*
 * Nothing at all, the beginning of a record, one byte of it after the other, silence after the
 * server's part.
 */
START_TEST(cuts_slow_handshakes)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\x00\x01\x02\x03";
	struct client *c;
	struct world w;
	int64_t ms;

	world_begin_loaded(&w, &hasty);
	for (int i = 0; i < 4; i++) {
		c = client_new(&w, TLS12, "127.0.0.1");
		if (i == 1)
			ck_assert(send(c->fd, hello, sizeof(hello) - 1, 0) > 0);
		if (i == 3)
			ck_assert_int_eq(gnutls_handshake(c->session), GNUTLS_E_AGAIN);
		ms = closed_after(&w, c->fd, hello, i == 2 ? sizeof(hello) - 1 : 0);
		ck_assert_msg(ms >= 290 && ms < 1500, "row %d closed after %ld ms", i, (long)ms);
		client_free(c);
	}
	ck_assert_int_eq(shown_not_after(&w), NOT_AFTER_A);
	world_end(&w);
}
END_TEST

START_TEST(limits_connections_of_one_address)
{
	static const struct http_limits two = {300, 2, 10000, 1024};
	struct client *a, *b, *other, *over;
	struct world w;

	world_begin_loaded(&w, &two);
	a = client_open(&w, TLS13);
	b = client_open(&w, TLS13);
	over = client_new(&w, TLS13, "127.0.0.1");
	ck_assert(!client_handshake(&w, over));
	client_free(over);
	other = client_new(&w, TLS13, "127.0.0.2");
	ck_assert(client_handshake(&w, other));
	client_free(other);
	client_free(a);
	for (int i = 0; i < 5; i++)
		world_turn(&w);
	a = client_open(&w, TLS13);
	client_free(a);
	client_free(b);
	world_end(&w);
}
END_TEST

START_TEST(stops_with_open_sessions)
{
	struct client *idle, *kept, *halfway;
	struct world w;

	world_begin_loaded(&w, NULL);
	idle = client_open(&w, TLS13);
	halfway = client_new(&w, TLS12, "127.0.0.1");
	ck_assert_int_eq(gnutls_handshake(halfway->session), GNUTLS_E_AGAIN);
	world_turn(&w);
	w.keeps = true;
	kept = client_open(&w, TLS13);
	client_send(&w, kept, GOOD, sizeof(GOOD) - 1);
	while (!w.kept)
		world_turn(&w);
	http_server_stop(w.server, on_stopped, &w);
	client_wait(&w, idle);
	ck_assert(idle->closed);
	ck_assert(!client_handshake(&w, halfway));
	http_answer(w.kept, VERDICT_APPLIED);
	client_wait(&w, kept);
	ck_assert(strncmp(kept->in, "HTTP/1.1 200 ", 13) == 0);
	ck_assert(strstr(kept->in, "\r\nConnection: close\r\n") != NULL);
	client_free(idle);
	client_free(kept);
	client_free(halfway);
	world_end(&w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *c = unit_case(suite, "tls");

	tcase_add_test(c, speaks_tls_1_2_and_1_3_only);
	tcase_add_test(c, carries_requests);
	tcase_add_test(c, shows_chains_with_keys_of_each_kind);
	tcase_add_test(c, needs_a_pair_first);
	tcase_add_test(c, changes_the_pair_between_connections);
	tcase_add_test(c, keeps_the_pair_when_the_new_one_is_bad);
	tcase_add_test(c, closes_what_is_not_tls);
	tcase_add_test(c, cuts_slow_handshakes);
	tcase_add_test(c, limits_connections_of_one_address);
	tcase_add_test(c, stops_with_open_sessions);
	return unit_main(suite);
}
