/* Amazon's states in words that a merchant understands. */
#ifndef IPND_IPNCTL_WORDS_H
#define IPND_IPNCTL_WORDS_H

#include "ipn/document.h"
#include "ipnctl/output.h"

/* What a state means for the shop. `reason` may be NULL or unknown; "" for a state that the object cannot have. */
const char *words_state(enum object_type object, const char *state, const char *reason);

/* Whether a state of an object, a verdict or the state of a hook's run is good news; any other word is plain. */
enum colour words_colour(const char *word);

/* "order reference", "authorization", ...; "object" for OBJECT_N. */
const char *words_object(enum object_type object);

#endif
