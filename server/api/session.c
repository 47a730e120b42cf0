/*
 * Sessions: at most LIMIT_SESSIONS rows in an array under one lock, walked from end to end for
 * every question, so that the time tells nothing. What is kept of them is written under a lock of
 * its own (keep()).
 */
#include "api/session.h"

#include "api/codes.h"
#include "api/tries.h"
#include "base/encode.h"

#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

enum { SECRET_RAW_BYTES = 24, PERSIST_EVERY_MS = 3600 * 1000 };

/* A bucket that holds `room` and gains one each `every_ms`. */
struct bucket {
	double level;
	int64_t at_ms; /* mono */
};

struct pair {
	uint8_t cookie[SESSION_HASH_BYTES], token[SESSION_HASH_BYTES];
};

struct session {
	bool is_used;
	bool is_kept; /* whoever keeps sessions now has it */
	struct session_id id;
	enum session_may may;
	struct pair now, was;
	int64_t was_until_ms; /* wall; 0: `was` is nothing; INT64_MAX: until `now` was shown */
	int64_t rotates_ms;   /* mono: not again before */
	char label[SESSION_LABEL_BYTES];
	int64_t made_ms, seen_ms, saved_ms; /* wall */
	struct bucket asks, publishes, looks;
};

struct sessions {
	pthread_mutex_t keeping; /* held while what is kept changes; before `lock` */
	pthread_mutex_t lock;
	struct session_opts opts;
	struct session at[LIMIT_SESSIONS];
	struct codes codes;
	struct tries tries;
};

static void hash_secret(struct span secret, uint8_t out[static SESSION_HASH_BYTES])
{
	/* Secrets are 192 random bits: one hash is enough, nothing to stretch. It cannot fail with
	 * these sizes. */
	if (crypto_generichash(out, SESSION_HASH_BYTES, secret.at, secret.len, NULL, 0) != 0) {
		abort();
	}
}

static void new_secret(struct sessions *sessions, char out[static SESSION_SECRET_BYTES])
{
	uint8_t raw[SECRET_RAW_BYTES];
	sessions->opts.env->random(sessions->opts.env->ctx, raw, sizeof(raw));
	size_t len = base64url_encode(span_of(raw, sizeof(raw)), out);
	out[len] = '\0';
	sodium_memzero(raw, sizeof(raw));
}

static int64_t wall(const struct sessions *sessions)
{
	return env_wall_ms(sessions->opts.env);
}

static int64_t mono(const struct sessions *sessions)
{
	return env_mono_ms(sessions->opts.env);
}

static bool is_over(const struct session *session, int64_t now)
{
	return now - session->seen_ms > LIMIT_SESSION_IDLE_MS ||
	       now - session->made_ms > LIMIT_SESSION_MS;
}

static int64_t expiry(const struct session *session)
{
	int64_t idle = session->seen_ms + LIMIT_SESSION_IDLE_MS;
	int64_t absolute = session->made_ms + LIMIT_SESSION_MS;
	return idle < absolute ? idle : absolute;
}

enum err sessions_new(const struct session_opts *opts, struct sessions **out)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	if (sessions == NULL) {
		return ERR_NOMEM;
	}
	sessions->opts = *opts;
	(void)pthread_mutex_init(&sessions->lock, NULL);
	(void)pthread_mutex_init(&sessions->keeping, NULL);
	*out = sessions;
	return ERR_OK;
}

void sessions_free(struct sessions *sessions)
{
	if (sessions == NULL) {
		return;
	}
	(void)pthread_mutex_destroy(&sessions->lock);
	(void)pthread_mutex_destroy(&sessions->keeping);
	sodium_memzero(sessions, sizeof(*sessions));
	free(sessions);
}

/* Rows; all of it under the lock. */

/* A free row; the one that was quiet the longest is given up for it, and told in `*dropped`. */
static struct session *free_row(
	struct sessions *sessions, struct session_id *dropped, bool *is_dropped)
{
	struct session *oldest = &sessions->at[0];
	*is_dropped = false;
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		struct session *row = &sessions->at[i];
		if (!row->is_used) {
			return row;
		}
		if (row->seen_ms < oldest->seen_ms) {
			oldest = row;
		}
	}
	*dropped = oldest->id;
	*is_dropped = true;
	codes_drop_of(&sessions->codes, dropped);
	return oldest;
}

static void fill_row(struct sessions *sessions, struct session *row)
{
	int64_t now = mono(sessions);
	row->is_used = true;
	row->asks = (struct bucket){.level = LIMIT_HTTP_REQUESTS_BURST, .at_ms = now};
	row->looks = (struct bucket){.level = LIMIT_HTTP_LOOKS_BURST, .at_ms = now};
	row->publishes = (struct bucket){.level = LIMIT_PUBLISH_PER_MINUTE, .at_ms = now};
}

/* The living session with this id, or NULL. */
static struct session *find(struct sessions *sessions, const struct session_id *id)
{
	struct session *found = NULL;
	int64_t now = wall(sessions);
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		struct session *row = &sessions->at[i];
		bool is_same = sodium_memcmp(row->id.at, id->at, SESSION_HASH_BYTES) == 0;
		if (row->is_used && is_over(row, now)) {
			row->is_used = false;
		}
		if (row->is_used && is_same) {
			found = row;
		}
	}
	return found;
}

/* Is `hash` the one or, as long as that counts, the other? The time does not tell. */
static bool is_one_of(const struct session *row, int64_t now, const uint8_t *one,
	const uint8_t *other, const uint8_t *hash)
{
	bool is_one = sodium_memcmp(one, hash, SESSION_HASH_BYTES) == 0;
	bool is_other = sodium_memcmp(other, hash, SESSION_HASH_BYTES) == 0;
	return is_one | (is_other & (row->was_until_ms > now));
}

/* The living session with this cookie, or NULL. Looks at every row. */
static struct session *find_cookie(struct sessions *sessions, struct span cookie)
{
	uint8_t hash[SESSION_HASH_BYTES];
	struct session *found = NULL;
	int64_t now = wall(sessions);
	hash_secret(cookie, hash);
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		struct session *row = &sessions->at[i];
		bool is_same = is_one_of(row, now, row->now.cookie, row->was.cookie, hash);
		if (row->is_used && !is_over(row, now) && is_same) {
			found = row;
		}
	}
	return found;
}

/* Cut between characters only. */
static void set_label(struct session *row, struct span label)
{
	size_t len = label.len < SESSION_LABEL_BYTES ? label.len : SESSION_LABEL_BYTES - 1;
	while (len < label.len && len > 0 && (label.at[len] & 0xc0) == 0x80) {
		len--;
	}
	memset(row->label, 0, sizeof(row->label));
	if (len > 0) {
		memcpy(row->label, label.at, len);
	}
}

/* What is kept. */

static bool read_hash(const char *text, uint8_t out[static SESSION_HASH_BYTES])
{
	return text != NULL && hex_decode(span_text(text), out, SESSION_HASH_BYTES) == ERR_OK;
}

/* Rows of older programs have no cookie (it was the name), and might change things. */
static bool read_row(struct span name, const json_t *tree, struct session *row)
{
	const char *text[4] = {NULL};
	const char *label = "";
	const char *may = "write";
	json_int_t made = 0;
	json_int_t seen = 0;
	if (json_unpack((json_t *)tree, "{s:s, s:I, s:I, s?s, s?s, s?s, s?s, s?s}", "token",
		    &text[0], "made", &made, "seen", &seen, "name", &label, "may", &may, "cookie",
		    &text[1], "was_token", &text[2], "was_cookie", &text[3]) != 0 ||
		hex_decode(name, row->id.at, SESSION_HASH_BYTES) != ERR_OK ||
		!read_hash(text[0], row->now.token)) {
		return false;
	}
	if (!read_hash(text[1], row->now.cookie)) {
		memcpy(row->now.cookie, row->id.at, SESSION_HASH_BYTES);
	}
	if (read_hash(text[2], row->was.token) && read_hash(text[3], row->was.cookie)) {
		row->was_until_ms = INT64_MAX;
	}
	row->made_ms = made;
	row->seen_ms = seen;
	row->saved_ms = seen;
	row->may = strcmp(may, "write") == 0 ? SESSION_MAY_WRITE : SESSION_MAY_READ;
	set_label(row, span_text(label));
	return true;
}

void sessions_restore(
	struct sessions *sessions, struct span name, struct span text, int64_t expires_ms)
{
	struct session row = {.is_kept = true};
	struct session_id dropped;
	bool is_dropped = false;
	json_t *tree = json_loadb((const char *)text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (read_row(name, tree, &row) && expires_ms > wall(sessions) &&
		!is_over(&row, wall(sessions))) {
		(void)pthread_mutex_lock(&sessions->lock);
		struct session *known = find(sessions, &row.id);
		if (known != NULL) {
			known->is_kept = true;
		} else {
			struct session *place = free_row(sessions, &dropped, &is_dropped);
			*place = row;
			fill_row(sessions, place);
		}
		(void)pthread_mutex_unlock(&sessions->lock);
	}
	json_decref(tree);
}

static json_t *hash_text(const uint8_t hash[static SESSION_HASH_BYTES])
{
	char text[SESSION_NAME_BYTES];
	hex_encode(span_of(hash, SESSION_HASH_BYTES), text);
	return json_string(text);
}

static void put(struct sessions *sessions, const char *name, const struct session *row)
{
	json_t *tree = json_pack("{s:o, s:o, s:I, s:I, s:s, s:s}", "token",
		hash_text(row->now.token), "cookie", hash_text(row->now.cookie), "made",
		(json_int_t)row->made_ms, "seen", (json_int_t)row->seen_ms, "name", row->label,
		"may", row->may == SESSION_MAY_WRITE ? "write" : "read");
	if (tree != NULL && row->was_until_ms == INT64_MAX) {
		/* The browser may not have heard of the new pair; a minute more is not kept. */
		(void)json_object_set_new(tree, "was_token", hash_text(row->was.token));
		(void)json_object_set_new(tree, "was_cookie", hash_text(row->was.cookie));
	}
	char *text = tree == NULL ? NULL : json_dumps(tree, JSON_COMPACT);
	if (text != NULL) {
		sessions->opts.on_put(sessions->opts.ctx, name, text, expiry(row));
	}
	free(text);
	json_decref(tree);
}

/* Whoever keeps sessions is told what is true of this one now. One at a time, so that nobody who
 * was slow writes down a session that ended meanwhile: it would be back after a restart. */
static void keep(struct sessions *sessions, const struct session_id *id)
{
	char name[SESSION_NAME_BYTES];
	struct session copy = {.is_used = false};
	(void)pthread_mutex_lock(&sessions->keeping);
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = find(sessions, id);
	if (row != NULL) {
		row->is_kept = sessions->opts.on_put != NULL;
		copy = *row;
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	hex_encode(span_of(id->at, SESSION_HASH_BYTES), name);
	if (copy.is_used && sessions->opts.on_put != NULL) {
		put(sessions, name, &copy);
	} else if (!copy.is_used && sessions->opts.on_drop != NULL) {
		sessions->opts.on_drop(sessions->opts.ctx, name);
	}
	(void)pthread_mutex_unlock(&sessions->keeping);
}

void sessions_keep_in(struct sessions *sessions,
	void (*on_put)(void *ctx, const char *name, const char *text, int64_t expires_ms),
	void (*on_drop)(void *ctx, const char *name), void *ctx)
{
	struct session_id fresh[LIMIT_SESSIONS];
	size_t count = 0;
	(void)pthread_mutex_lock(&sessions->keeping);
	(void)pthread_mutex_lock(&sessions->lock);
	sessions->opts.on_put = on_put;
	sessions->opts.on_drop = on_drop;
	sessions->opts.ctx = ctx;
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		struct session *row = &sessions->at[i];
		if (row->is_used && !row->is_kept && on_put != NULL) {
			fresh[count++] = row->id;
		}
		row->is_kept = on_put != NULL;
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	(void)pthread_mutex_unlock(&sessions->keeping);
	for (size_t i = 0; i < count; i++) {
		keep(sessions, &fresh[i]);
	}
}

/* Coming in. */

void sessions_new_code(struct sessions *sessions, const struct session_invite *invite,
	char code[static SESSION_SECRET_BYTES])
{
	(void)pthread_mutex_lock(&sessions->lock);
	codes_make(&sessions->codes, sessions->opts.env, invite, code);
	(void)pthread_mutex_unlock(&sessions->lock);
}

enum err sessions_try(struct sessions *sessions, const char *address, int64_t *retry_s)
{
	(void)pthread_mutex_lock(&sessions->lock);
	enum err err = tries_begin(&sessions->tries, address, mono(sessions), retry_s);
	(void)pthread_mutex_unlock(&sessions->lock);
	return err;
}

void sessions_failed(struct sessions *sessions, const char *address)
{
	(void)pthread_mutex_lock(&sessions->lock);
	tries_failed(&sessions->tries, address, mono(sessions));
	(void)pthread_mutex_unlock(&sessions->lock);
}

/* Under the lock: a pair for `row`, told to its browser in `out`. */
static void make_pair(struct sessions *sessions, struct session *row, struct session_keys *out)
{
	new_secret(sessions, out->cookie);
	new_secret(sessions, out->token);
	hash_secret(span_text(out->cookie), row->now.cookie);
	hash_secret(span_text(out->token), row->now.token);
	out->may = row->may;
	out->lasts_ms = row->made_ms + LIMIT_SESSION_MS - wall(sessions);
}

void sessions_open(struct sessions *sessions, enum session_may may, struct span label,
	struct session_keys *out)
{
	struct session_id dropped;
	struct session_id id;
	bool is_dropped = false;
	sessions->opts.env->random(sessions->opts.env->ctx, id.at, sizeof(id.at));
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = free_row(sessions, &dropped, &is_dropped);
	int64_t now = wall(sessions);
	*row = (struct session){
		.id = id, .may = may, .made_ms = now, .seen_ms = now, .saved_ms = now};
	set_label(row, label);
	make_pair(sessions, row, out);
	fill_row(sessions, row);
	(void)pthread_mutex_unlock(&sessions->lock);
	if (is_dropped) {
		keep(sessions, &dropped);
	}
	keep(sessions, &id);
}

enum err sessions_login(struct sessions *sessions, const struct session_knock *knock,
	struct session_keys *out, int64_t *retry_s)
{
	enum session_may may = SESSION_MAY_READ;
	(void)pthread_mutex_lock(&sessions->lock);
	int64_t now = mono(sessions);
	enum err err = tries_begin(&sessions->tries, knock->address, now, retry_s);
	if (err == ERR_OK && !codes_use(&sessions->codes, sessions->opts.env, knock->code, &may)) {
		tries_failed(&sessions->tries, knock->address, now);
		err = ERR_DENIED;
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	if (err == ERR_OK) {
		sessions_open(sessions, may, knock->label, out);
	}
	return err;
}

/* Being in. */

static const struct session_id nobody;

enum err sessions_check_cookie(
	struct sessions *sessions, struct span cookie, struct session_id *out)
{
	(void)pthread_mutex_lock(&sessions->lock);
	const struct session *row = find_cookie(sessions, cookie);
	*out = row == NULL ? nobody : row->id;
	(void)pthread_mutex_unlock(&sessions->lock);
	return row != NULL ? ERR_OK : ERR_DENIED;
}

/* Under the lock: does the token fit `row`? It is used then, and `*is_news` when that is to be
 * kept. A missing session costs what a wrong token costs. */
static bool use(struct sessions *sessions, struct session *row, struct span token, bool *is_news)
{
	static const struct session nothing;
	const struct session *look = row == NULL ? &nothing : row;
	uint8_t hash[SESSION_HASH_BYTES];
	int64_t now = wall(sessions);
	hash_secret(token, hash);
	bool fits = is_one_of(look, now, look->now.token, look->was.token, hash);
	if (row == NULL || !fits) {
		return false;
	}
	row->seen_ms = now;
	if (row->was_until_ms == INT64_MAX &&
		sodium_memcmp(row->now.token, hash, sizeof(hash)) == 0) {
		row->was_until_ms = now + LIMIT_ROTATE_MS;
		*is_news = true;
	}
	*is_news = *is_news || now - row->saved_ms > PERSIST_EVERY_MS;
	row->saved_ms = *is_news ? now : row->saved_ms;
	return true;
}

enum err sessions_check(
	struct sessions *sessions, struct span cookie, struct span token, struct session_id *out)
{
	bool is_news = false;
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = find_cookie(sessions, cookie);
	bool fits = use(sessions, row, token, &is_news);
	*out = fits ? row->id : nobody;
	(void)pthread_mutex_unlock(&sessions->lock);
	if (is_news) {
		keep(sessions, out);
	}
	return fits ? ERR_OK : ERR_DENIED;
}

enum err sessions_check_token(
	struct sessions *sessions, const struct session_id *id, struct span token)
{
	bool is_news = false;
	(void)pthread_mutex_lock(&sessions->lock);
	bool fits = use(sessions, find(sessions, id), token, &is_news);
	(void)pthread_mutex_unlock(&sessions->lock);
	if (is_news) {
		keep(sessions, id);
	}
	return fits ? ERR_OK : ERR_DENIED;
}

bool sessions_is_open(struct sessions *sessions, const struct session_id *id)
{
	(void)pthread_mutex_lock(&sessions->lock);
	bool is = find(sessions, id) != NULL;
	(void)pthread_mutex_unlock(&sessions->lock);
	return is;
}

bool sessions_may_write(struct sessions *sessions, const struct session_id *id)
{
	(void)pthread_mutex_lock(&sessions->lock);
	const struct session *row = find(sessions, id);
	bool may = row != NULL && row->may == SESSION_MAY_WRITE;
	(void)pthread_mutex_unlock(&sessions->lock);
	return may;
}

enum err sessions_rotate(struct sessions *sessions, const struct session_id *id,
	struct session_keys *out, int64_t *retry_s)
{
	enum err err = ERR_DENIED;
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = find(sessions, id);
	int64_t now = mono(sessions);
	if (row != NULL && now < row->rotates_ms) {
		*retry_s = (row->rotates_ms - now) / 1000 + 1;
		err = ERR_LIMIT;
	} else if (row != NULL) {
		/* A pair whose token was never shown was lost on its way: the one before goes on.
		 */
		row->was = row->was_until_ms == INT64_MAX ? row->was : row->now;
		row->was_until_ms = INT64_MAX;
		row->rotates_ms = now + LIMIT_ROTATE_MS;
		make_pair(sessions, row, out);
		err = ERR_OK;
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	if (err == ERR_OK) {
		keep(sessions, id);
	}
	return err;
}

/* The end. */

void sessions_end(struct sessions *sessions, const struct session_id *id)
{
	const struct session_id over = *id; /* it may be the row's own */
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = find(sessions, &over);
	if (row != NULL) {
		sodium_memzero(row, sizeof(*row));
	}
	codes_drop_of(&sessions->codes, &over);
	(void)pthread_mutex_unlock(&sessions->lock);
	keep(sessions, &over);
}

void sessions_end_others(struct sessions *sessions, const struct session_id *keep_this)
{
	struct session_id others[LIMIT_SESSIONS];
	size_t count = 0;
	(void)pthread_mutex_lock(&sessions->lock);
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		const struct session *row = &sessions->at[i];
		bool is_kept = keep_this != NULL &&
			       memcmp(row->id.at, keep_this->at, SESSION_HASH_BYTES) == 0;
		if (row->is_used && !is_kept) {
			others[count++] = row->id;
		}
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	for (size_t i = 0; i < count; i++) {
		sessions_end(sessions, &others[i]);
	}
}

/* How often. */

static enum err spend(
	struct bucket *bucket, double room, double per_ms, int64_t now, int64_t *retry_s)
{
	bucket->level += (double)(now - bucket->at_ms) * per_ms;
	bucket->level = bucket->level > room ? room : bucket->level;
	bucket->at_ms = now;
	if (bucket->level < 1) {
		*retry_s = (int64_t)((1 - bucket->level) / per_ms / 1000) + 1;
		return ERR_LIMIT;
	}
	bucket->level -= 1;
	return ERR_OK;
}

enum err sessions_spend(struct sessions *sessions, const struct session_id *id,
	enum session_cost cost, int64_t *retry_s)
{
	enum err err = ERR_DENIED;
	*retry_s = 1;
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = find(sessions, id);
	if (row != NULL && cost == SESSION_ASKS) {
		err = spend(&row->asks, LIMIT_HTTP_REQUESTS_BURST,
			LIMIT_HTTP_REQUESTS_PER_SECOND / 1000.0, mono(sessions), retry_s);
	} else if (row != NULL && cost == SESSION_LOOKS) {
		err = spend(&row->looks, LIMIT_HTTP_LOOKS_BURST,
			LIMIT_HTTP_LOOKS_PER_SECOND / 1000.0, mono(sessions), retry_s);
	} else if (row != NULL) {
		err = spend(&row->publishes, LIMIT_PUBLISH_PER_MINUTE,
			LIMIT_PUBLISH_PER_MINUTE / 60000.0, mono(sessions), retry_s);
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	return err;
}

/* As the owner sees them. */

size_t sessions_count(struct sessions *sessions)
{
	size_t count = 0;
	(void)pthread_mutex_lock(&sessions->lock);
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		count += sessions->at[i].is_used && !is_over(&sessions->at[i], wall(sessions)) ? 1
											       : 0;
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	return count;
}

static void public_id(const struct session *row, char out[static SESSION_PUBLIC_BYTES])
{
	hex_encode(span_of(row->id.at, (SESSION_PUBLIC_BYTES - 1) / 2), out);
}

static int used_last_first(const void *a, const void *b)
{
	const struct session_row *one = a;
	const struct session_row *two = b;
	return one->seen_ms < two->seen_ms ? 1 : one->seen_ms > two->seen_ms ? -1 : 0;
}

size_t sessions_list(struct sessions *sessions, const struct session_id *you,
	struct session_row out[static LIMIT_SESSIONS])
{
	size_t count = 0;
	(void)pthread_mutex_lock(&sessions->lock);
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		const struct session *row = &sessions->at[i];
		if (!row->is_used || is_over(row, wall(sessions))) {
			continue;
		}
		struct session_row *to = &out[count++];
		public_id(row, to->id);
		memcpy(to->label, row->label, sizeof(to->label));
		to->may = row->may;
		to->made_ms = row->made_ms;
		to->seen_ms = row->seen_ms;
		to->is_you = you != NULL && memcmp(row->id.at, you->at, SESSION_HASH_BYTES) == 0;
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	qsort(out, count, sizeof(out[0]), used_last_first);
	return count;
}

enum err sessions_find_row(struct sessions *sessions, struct span id, struct session_id *out)
{
	enum err err = ERR_NOT_FOUND;
	(void)pthread_mutex_lock(&sessions->lock);
	for (size_t i = 0; i < LIMIT_SESSIONS && err != ERR_OK; i++) {
		const struct session *row = &sessions->at[i];
		char name[SESSION_PUBLIC_BYTES];
		public_id(row, name);
		if (row->is_used && !is_over(row, wall(sessions)) && span_equal_text(id, name)) {
			*out = row->id;
			err = ERR_OK;
		}
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	return err;
}

enum err sessions_change(
	struct sessions *sessions, const struct session_id *id, const struct session_change *change)
{
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = find(sessions, id);
	bool is_there = row != NULL;
	if (is_there && change->has_label) {
		set_label(row, change->label);
	}
	if (is_there && change->has_may) {
		row->may = change->may;
	}
	if (is_there && change->has_may && change->may == SESSION_MAY_READ) {
		codes_drop_of(&sessions->codes, id);
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	if (is_there) {
		keep(sessions, id);
	}
	return is_there ? ERR_OK : ERR_NOT_FOUND;
}
