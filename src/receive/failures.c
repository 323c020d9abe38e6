#include "receive/failures.h"

#include <stdio.h>

const struct failure *failures_find(const struct failures *f, const char *url, uint64_t now_usec)
{
	for (size_t i = 0; i < FAILURES_MAX; i++)
		if (strcmp(f->at[i].url, url) == 0)
			return now_usec < f->at[i].until_usec ? &f->at[i] : NULL;
	return NULL;
}

void failures_add(struct failures *f, const char *url, enum verdict v, const struct why *why,
		  uint64_t now_usec, uint64_t until_usec)
{
	struct failure *place = &f->at[0];

	for (size_t i = 0; i < FAILURES_MAX; i++) {
		if (strcmp(f->at[i].url, url) == 0) {
			place = &f->at[i];
			break;
		}
		if (f->at[i].at_usec < place->at_usec)
			place = &f->at[i];
	}
	*place = (struct failure){
		.at_usec = now_usec, .until_usec = until_usec, .verdict = v, .why = *why};
	snprintf(place->url, sizeof(place->url), "%s", url);
}
