/**
 * api/codes: one-time codes that open a session: long ones for links that are clicked or copied,
 * short ones that a person types. Only hashes are kept, in memory. No lock of its own: session.c
 * holds one.
 */
#ifndef API_CODES_H
#define API_CODES_H

#include "api/session.h"

struct code {
	bool is_used;
	enum session_may may;
	bool has_maker;
	struct session_id maker;
	uint8_t hash[SESSION_HASH_BYTES];
	int64_t until_ms; /* mono */
};

struct codes {
	struct code at[LIMIT_LONG_CODES + LIMIT_SHORT_CODES]; /* long ones first */
};

/** A fresh one; when all places of its kind are taken, the one that would end first gives way. */
void codes_make(struct codes *codes, const struct env *env, const struct session_invite *invite,
	char out[static SESSION_SECRET_BYTES]);
/** Is `text` one of them? It is gone afterwards; `*may` is what it allows. A short one is taken in
 * any case, with dashes and spaces anywhere. */
MUST_USE bool codes_use(
	struct codes *codes, const struct env *env, struct span text, enum session_may *may);
/** Void are those that this session asked for. */
void codes_drop_of(struct codes *codes, const struct session_id *maker);

#endif
