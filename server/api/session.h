/**
 * api/session: who may talk to us through the browser: one-time codes, sessions, what each may do
 * and how often.
 *
 * A code or the password opens a session; a session is a device to its owner, and to its browser a
 * cookie (which no script sees) and a token (which no other site sees); both must be right. Only
 * their hashes are kept, in memory and, through `on_put` and `on_drop`, in the store. Comparisons
 * take the same time whether they fit or not. Any thread.
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
	SESSION_LABEL_BYTES = LIMIT_DEVICE_NAME_BYTES + 1,
	SESSION_PUBLIC_BYTES = 17, /* enough of the id to tell sessions apart, hex, a NUL */
};

enum session_may { SESSION_MAY_READ, SESSION_MAY_WRITE };

struct sessions;

/* The same as long as the session lives, whatever its cookie and token are. Opens nothing. */
struct session_id {
	uint8_t at[SESSION_HASH_BYTES];
};

struct session_opts {
	const struct env *env;
	/* Remember or forget a session beyond this run: `name` is its id in hex, `text` is JSON.
	 * May be NULL. Never two at a time, and not under the lock that questions take. */
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
 * session that restore was not called for, at once. NULL: nobody.
 */
void sessions_keep_in(struct sessions *sessions,
	void (*on_put)(void *ctx, const char *name, const char *text, int64_t expires_ms),
	void (*on_drop)(void *ctx, const char *name), void *ctx);

/* What a one-time code is to be. */
struct session_invite {
	bool is_short; /* to be typed: "K7MX-3PAF", LIMIT_SHORT_CODE_MS; else LIMIT_LONG_CODE_MS */
	enum session_may may;
	const struct session_id *maker; /* who asks for it; NULL: the owner */
};
void sessions_new_code(struct sessions *sessions, const struct session_invite *invite,
	char code[static SESSION_SECRET_BYTES]);

/* What a browser is given. */
struct session_keys {
	char cookie[SESSION_SECRET_BYTES], token[SESSION_SECRET_BYTES];
	enum session_may may;
	int64_t lasts_ms;
};
/* Who knocks. */
struct session_knock {
	struct span code;
	const char *address; /* whom failures are counted for */
	struct span
		label; /* what the browser calls itself: UTF-8, cut to LIMIT_DEVICE_NAME_BYTES */
};

/**
 * Open a session with a code. ERR_DENIED: the code is wrong, used or too old; ERR_LIMIT: too many
 * failures from there, or too many attempts in all: try again in `*retry_s` seconds. When all
 * places are taken the session that was quiet the longest ends.
 */
MUST_USE enum err sessions_login(struct sessions *sessions, const struct session_knock *knock,
	struct session_keys *out, int64_t *retry_s);
/** The same for who showed another secret than a code; see sessions_try(). */
void sessions_open(struct sessions *sessions, enum session_may may, struct span label,
	struct session_keys *out);

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
/** Is it there still? */
bool sessions_is_open(struct sessions *sessions, const struct session_id *id);
/** Is it, and may it change things? */
bool sessions_may_write(struct sessions *sessions, const struct session_id *id);

/**
 * Another cookie and token. The ones so far go on until the new token was shown, and
 * LIMIT_ROTATE_MS more; meanwhile any cookie and any token of the two pairs fit. ERR_LIMIT: the
 * last pair is younger than LIMIT_ROTATE_MS, so another page of the same browser has it.
 * ERR_DENIED.
 */
MUST_USE enum err sessions_rotate(struct sessions *sessions, const struct session_id *id,
	struct session_keys *out, int64_t *retry_s);

/** The end; codes that it asked for are void. */
void sessions_end(struct sessions *sessions, const struct session_id *id);
/** Of all but `keep`; NULL: of all. */
void sessions_end_others(struct sessions *sessions, const struct session_id *keep);

enum session_cost { SESSION_ASKS, SESSION_PUBLISHES, SESSION_LOOKS };
/** May the session do one more of these now? ERR_LIMIT: not before `*retry_s` seconds. */
MUST_USE enum err sessions_spend(struct sessions *sessions, const struct session_id *id,
	enum session_cost cost, int64_t *retry_s);

size_t sessions_count(struct sessions *sessions);

/* A session as its owner sees it. */
struct session_row {
	char id[SESSION_PUBLIC_BYTES], label[SESSION_LABEL_BYTES];
	enum session_may may;
	int64_t made_ms, seen_ms; /* wall */
	bool is_you;
};
/** The open sessions, the one used last first; `you` may be NULL. Returns how many. */
size_t sessions_list(struct sessions *sessions, const struct session_id *you,
	struct session_row out[static LIMIT_SESSIONS]);
/** The session of that row. ERR_NOT_FOUND. */
MUST_USE enum err sessions_find_row(
	struct sessions *sessions, struct span id, struct session_id *out);

/* What its owner says of a session. */
struct session_change {
	bool has_label, has_may;
	struct span label;
	enum session_may may; /* only read: codes it asked for are void */
};
/** ERR_NOT_FOUND: it is over. */
MUST_USE enum err sessions_change(struct sessions *sessions, const struct session_id *id,
	const struct session_change *change);

#endif
