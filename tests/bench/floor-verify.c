/*
 * The floor of a signature: `floor-verify N` checks one RSA-2048 signature N times with SHA-1 and N times with SHA-256, by OpenSSL,
 * with the digest fetched and the key's context made once.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define BITS        2048
#define TEXT_LENGTH 2500 /* of what SNS signs for a notification of Amazon Pay's, about */

struct check {
	EVP_MD *md;
	EVP_MD_CTX *hash;
	EVP_PKEY_CTX *key;
	unsigned char text[TEXT_LENGTH], signature[BITS / 8];
	size_t n;
};

static EVP_PKEY_CTX *context(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *), const EVP_MD *md)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);

	if (c && init(c) > 0 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) > 0 &&
	    EVP_PKEY_CTX_set_signature_md(c, md) > 0)
		return c;
	EVP_PKEY_CTX_free(c);
	return NULL;
}

static int hash(struct check *c, unsigned char *ret, unsigned *ret_n)
{
	return EVP_DigestInit_ex2(c->hash, c->md, NULL) == 1 &&
	       EVP_DigestUpdate(c->hash, c->text, sizeof(c->text)) == 1 &&
	       EVP_DigestFinal_ex(c->hash, ret, ret_n) == 1;
}

static int sign(struct check *c, EVP_PKEY *key)
{
	EVP_PKEY_CTX *signer = context(key, EVP_PKEY_sign_init, c->md);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;
	int good;

	c->n = sizeof(c->signature);
	good = signer && hash(c, digest, &n) &&
	       EVP_PKEY_sign(signer, c->signature, &c->n, digest, n) == 1;
	EVP_PKEY_CTX_free(signer);
	return good;
}

static int verify(struct check *c)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	return hash(c, digest, &n) && EVP_PKEY_verify(c->key, c->signature, c->n, digest, n) == 1;
}

/* Microseconds of one verification; < 0: OpenSSL does not do it. */
static double verify_many(EVP_PKEY *key, const char *digest, long n)
{
	struct check c = {.md = EVP_MD_fetch(NULL, digest, NULL), .hash = EVP_MD_CTX_new()};
	struct measured took = {-1, 0}, began;
	int good;

	memset(c.text, 'x', sizeof(c.text));
	c.key = context(key, EVP_PKEY_verify_init, c.md);
	good = c.key && c.hash && sign(&c, key);
	began = measure_begin();
	for (long i = 0; good && i < n; i++)
		good = verify(&c);
	if (good)
		took = measure_end(began);
	EVP_PKEY_CTX_free(c.key);
	EVP_MD_CTX_free(c.hash);
	EVP_MD_free(c.md);
	return good ? took.cpu_us / (double)n : -1;
}

int main(int argc, char **argv)
{
	long n = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	EVP_PKEY *key = EVP_RSA_gen(BITS);
	double sha1, sha256;

	if (n < 1 || !key) {
		fprintf(stderr, "Usage: floor-verify N\n");
		return 64;
	}
	sha1 = verify_many(key, "SHA1", n);
	sha256 = verify_many(key, "SHA256", n);
	EVP_PKEY_free(key);
	if (sha1 < 0 || sha256 < 0) {
		fprintf(stderr, "floor-verify: OpenSSL does not verify\n");
		return 70;
	}
	printf("{\"sha1_us\": %.2f, \"sha256_us\": %.2f}\n", sha1, sha256);
	return 0;
}
