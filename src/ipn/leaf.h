/* Inside src/ipn/: the text of an element to a value. False with the reason, which begins with the `path`. */
#ifndef IPND_IPN_LEAF_H
#define IPND_IPN_LEAF_H

#include "ipn/document.h"

/* `path` and what is wrong there. Returns false. */
bool leaf_objected(const char *path, struct why *why, const char *objection);

/* At most `max` bytes without a control character. Strings are the caller's to free. */
bool leaf_read_string(const char *path, struct text t, size_t max, char **ret, struct why *why);

/* Sentences, of at most IPN_NOTE_MAX bytes: a line end or tab becomes a space. */
bool leaf_read_note(const char *path, struct text t, char **ret, struct why *why);

/* An identifier: 1 to IPN_ID_MAX printable ASCII characters. */
bool leaf_read_id(const char *path, struct text t, char **ret, struct why *why);

/* A decimal number without a sign, kept as written. */
bool leaf_read_number(const char *path, struct text t, char **ret, struct why *why);

bool leaf_read_time(const char *path, struct text t, int64_t *ret_ms, struct why *why);
bool leaf_read_flag(const char *path, struct text t, enum ipn_flag *ret, struct why *why);

#endif
