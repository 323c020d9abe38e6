/*
 * Strict Base64: one spelling for each sequence of bytes. OpenSSL's reader takes more than ours; what
 * it writes of that again tells what is strict.
 */
#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fuzz.h"

static unsigned char *room(size_t size)
{
	unsigned char *s = malloc(size ? size : 1);

	assert(s);
	return s;
}

/* Whether `bytes`, written by OpenSSL, are `t` again. */
static bool encodes_to(const unsigned char *bytes, size_t n, struct text t)
{
	CLEANUP(freep) unsigned char *again = room((n + 2) / 3 * 4 + 1);

	return text_equal(
		(struct text){(char *)again, (size_t)EVP_EncodeBlock(again, bytes, (int)n)}, t);
}

/* By OpenSSL, which counts the bytes that '=' stands for and skips blanks at both ends. */
static bool is_strict(struct text t)
{
	CLEANUP(freep) unsigned char *bytes = room(t.len / 4 * 3 + 3);
	int n = EVP_DecodeBlock(bytes, (const unsigned char *)t.at, (int)t.len);

	for (size_t i = t.len; n > 0 && i > 0 && t.len - i < 2 && t.at[i - 1] == '='; i--)
		n--;
	return n >= 0 && encodes_to(bytes, (size_t)n, t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = {(const char *)data, size};
	size_t most = size / 4 * 3;
	CLEANUP(freep) unsigned char *bytes = room(most);
	int n = text_base64_decode(t, bytes, most), again;

	assert(n >= 0 || n == -EINVAL);
	assert((n >= 0) == is_strict(t));
	if (n < 0)
		return 0;
	assert((size_t)n <= most && encodes_to(bytes, (size_t)n, t));

	/* Exactly as much room as is needed, where ASan sees one byte more; and one byte less. */
	free(bytes);
	bytes = room((size_t)n);
	again = text_base64_decode(t, bytes, (size_t)n);
	assert(again == n && encodes_to(bytes, (size_t)n, t));
	if (n > 0)
		assert(text_base64_decode(t, bytes, (size_t)n - 1) == -ENOSPC);
	return 0;
}
