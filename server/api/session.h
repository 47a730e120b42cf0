/**
 * api/session: who may talk to us through the browser: one-time codes, sessions, and how often each
 * may ask.
 *
 * A code opens a session; a session is a cookie (which no script sees) and a token (which no other
 * site sees); both must be right. Only their hashes are kept, in memory and, through `on_put` and
 * `on_drop`, in the store. Comparisons take the same time whether they fit or not. Any thread.
 */
#ifndef API_SESSION_H
#define API_SESSION_H

#include "base/env.h"
#include "base/limits.h"

enum {
	SESSION_SECRET_BYTES =
		33, /* a cookie, token or code: 32 characters of base64url and a NUL */
	SESSION_HASH_BYTES = 32,
	SESSION_NAME_BYTES = 2 * SESSION_HASH_BYTES + 1,
	SESSION_CODES_MAX = 8, /* unused codes; the oldest gives way */
	SESSION_CODE_MS = 600000,
	SESSION_LABEL_BYTES = 64,  /* what a browser calls itself, with a NUL */
	SESSION_PUBLIC_BYTES = 17, /* enough of the hash to tell sessions apart, hex, a NUL */
};

struct sessions;

struct session_id {
	uint8_t at[SESSION_HASH_BYTES]; /* hash of the cookie */
};

struct session_opts {
	const struct env *env;
	/* Remember or forget a session beyond this run: `name` is the hash in hex, `text` is JSON.
	 * May be NULL. Not called under the lock. */
	void (*on_put)(void *ctx, const char *name, const char *text, int64_t expires_ms);
	void (*on_drop)(void *ctx, const char *name);
	void *ctx;
};

MUST_USE enum err sessions_new(const struct session_opts *opts, struct sessions **out);
void sessions_free(struct sessions *sessions);
/** What on_put was given in an earlier run. Rubbish and what is over is left out. */
void sessions_restore(
	struct sessions *sessions, struct span name, struct span text, int64_t expires_ms);

/**
 * Sessions that outlive the store they are kept in: from here on these are told, and of every open
 * session that restore was not called for, at once. NULL: nobody. Not called under the lock.
 */
void sessions_keep_in(struct sessions *sessions,
	void (*on_put)(void *ctx, const char *name, const char *text, int64_t expires_ms),
	void (*on_drop)(void *ctx, const char *name), void *ctx);

/** A fresh one-time code, good for SESSION_CODE_MS. */
void sessions_new_code(struct sessions *sessions, char code[static SESSION_SECRET_BYTES]);

/**
 * Open a session with a code. `address` is whom failures are counted for. ERR_DENIED: the code is
 * wrong, used or too old; ERR_LIMIT: too many failures from there, or too many attempts in all: try
 * again in `*retry_s` seconds. When all places are taken the session that was quiet the longest
 * ends.
 */
MUST_USE enum err sessions_login(struct sessions *sessions, struct span code, const char *address,
	char cookie[static SESSION_SECRET_BYTES], char token[static SESSION_SECRET_BYTES],
	int64_t *retry_s);

/**
 * Another secret than a code is about to be tried from `address`: may it? ERR_LIMIT as of
 * sessions_login(). Counted as an attempt; a failure is told by sessions_failed().
 */
MUST_USE enum err sessions_try(struct sessions *sessions, const char *address, int64_t *retry_s);
void sessions_failed(struct sessions *sessions, const char *address);

/** Is there a session with this cookie? For upgrades, whose token comes later. ERR_DENIED. */
MUST_USE enum err sessions_check_cookie(
	struct sessions *sessions, struct span cookie, struct session_id *out);
/** Both must fit. ERR_DENIED. Counts as use. */
MUST_USE enum err sessions_check(
	struct sessions *sessions, struct span cookie, struct span token, struct session_id *out);
/** Does this token belong to that session? ERR_DENIED. */
MUST_USE enum err sessions_check_token(
	struct sessions *sessions, const struct session_id *id, struct span token);
void sessions_end(struct sessions *sessions, const struct session_id *id);

enum session_cost { SESSION_ASKS, SESSION_PUBLISHES, SESSION_LOOKS };
/** May the session do one more of these now? ERR_LIMIT: not before `*retry_s` seconds. */
MUST_USE enum err sessions_spend(struct sessions *sessions, const struct session_id *id,
	enum session_cost cost, int64_t *retry_s);

size_t sessions_count(struct sessions *sessions);

/** What the browser behind `cookie` calls itself: UTF-8, of which at most SESSION_LABEL_BYTES − 1
 * are kept, whole characters; shown to the owner only. */
void sessions_name(struct sessions *sessions, struct span cookie, struct span label);

/* A session as its owner sees it; `id` opens nothing. */
struct session_row {
	char id[SESSION_PUBLIC_BYTES], label[SESSION_LABEL_BYTES];
	int64_t made_ms, seen_ms; /* wall */
	bool is_you;
};
/** The open sessions, the one used last first; `you` may be NULL. Returns how many. */
size_t sessions_list(struct sessions *sessions, const struct session_id *you,
	struct session_row out[static LIMIT_SESSIONS]);
/** End the session of that row. ERR_NOT_FOUND. */
MUST_USE enum err sessions_end_row(struct sessions *sessions, struct span id);

#endif
