/*
 * Sessions: at most LIMIT_SESSIONS rows in an array under one lock, walked from end to end for
 * every question, so that the time tells nothing. Login attempts are counted in a small table of
 * addresses; when it is full the oldest row gives way, which only the overall limit
 * (LIMIT_LOGIN_PER_MINUTE) then bounds.
 */
#include "api/session.h"

#include "base/encode.h"

#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

enum {
	ADDRESSES_MAX = 64,
	ADDRESS_BYTES = 64,
	SECRET_RAW_BYTES = 24,
	FAILURE_WINDOW_MS = 15 * 60 * 1000,
	ATTEMPT_WINDOW_MS = 60 * 1000,
	PERSIST_EVERY_MS = 3600 * 1000,
};

/* A bucket that holds `room` and gains one each `every_ms`. */
struct bucket {
	double level;
	int64_t at_ms; /* mono */
};

struct session {
	bool is_used;
	bool is_kept; /* whoever keeps sessions now has it */
	struct session_id id;
	uint8_t token[SESSION_HASH_BYTES];
	char label[SESSION_LABEL_BYTES];
	int64_t made_ms, seen_ms, saved_ms; /* wall */
	struct bucket asks, publishes, looks;
};

struct code {
	bool is_used;
	uint8_t hash[SESSION_HASH_BYTES];
	int64_t made_ms; /* mono */
};

struct failures {
	char address[ADDRESS_BYTES];
	unsigned count;
	int64_t since_ms; /* mono */
};

struct sessions {
	pthread_mutex_t lock;
	struct session_opts opts;
	struct session at[LIMIT_SESSIONS];
	struct code codes[SESSION_CODES_MAX];
	struct failures failures[ADDRESSES_MAX];
	unsigned attempts;
	int64_t attempts_since_ms;
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
	if (pthread_mutex_init(&sessions->lock, NULL) != 0) {
		free(sessions);
		return ERR_NOMEM;
	}
	*out = sessions;
	return ERR_OK;
}

void sessions_free(struct sessions *sessions)
{
	if (sessions == NULL) {
		return;
	}
	(void)pthread_mutex_destroy(&sessions->lock);
	sodium_memzero(sessions, sizeof(*sessions));
	free(sessions);
}

/* A free row; the one that was quiet the longest is given up for it, and named in `dropped`. */
static struct session *free_row(struct sessions *sessions, char dropped[static SESSION_NAME_BYTES])
{
	struct session *oldest = &sessions->at[0];
	dropped[0] = '\0';
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		struct session *row = &sessions->at[i];
		if (!row->is_used) {
			return row;
		}
		if (row->seen_ms < oldest->seen_ms) {
			oldest = row;
		}
	}
	hex_encode(span_of(oldest->id.at, SESSION_HASH_BYTES), dropped);
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

/* Under the lock: the living session with this id, or NULL. Looks at every row. */
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

void sessions_restore(
	struct sessions *sessions, struct span name, struct span text, int64_t expires_ms)
{
	struct session row = {.is_used = false};
	char dropped[SESSION_NAME_BYTES];
	const char *token = NULL;
	const char *label = "";
	json_t *tree = json_loadb((const char *)text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
	json_int_t made = 0;
	json_int_t seen = 0;
	if (json_unpack(tree, "{s:s, s:I, s:I, s?s}", "token", &token, "made", &made, "seen", &seen,
		    "name", &label) == 0 &&
		hex_decode(name, row.id.at, SESSION_HASH_BYTES) == ERR_OK &&
		hex_decode(span_text(token), row.token, SESSION_HASH_BYTES) == ERR_OK &&
		expires_ms > wall(sessions)) {
		row.made_ms = made;
		row.seen_ms = seen;
		row.saved_ms = seen;
		row.is_kept = true;
		set_label(&row, span_text(label));
		(void)pthread_mutex_lock(&sessions->lock);
		struct session *known = find(sessions, &row.id);
		if (known != NULL) {
			known->is_kept = true;
		} else if (!is_over(&row, wall(sessions))) {
			struct session *place = free_row(sessions, dropped);
			*place = row;
			fill_row(sessions, place);
		}
		(void)pthread_mutex_unlock(&sessions->lock);
	}
	json_decref(tree);
}

void sessions_new_code(struct sessions *sessions, char code[static SESSION_SECRET_BYTES])
{
	new_secret(sessions, code);
	(void)pthread_mutex_lock(&sessions->lock);
	struct code *place = &sessions->codes[0];
	for (size_t i = 0; i < SESSION_CODES_MAX; i++) {
		struct code *row = &sessions->codes[i];
		if (!row->is_used) {
			place = row;
			break;
		}
		if (row->made_ms < place->made_ms) {
			place = row;
		}
	}
	place->is_used = true;
	place->made_ms = mono(sessions);
	hash_secret(span_text(code), place->hash);
	(void)pthread_mutex_unlock(&sessions->lock);
}

/* Under the lock: is `code` one of ours? It is gone afterwards. */
static bool use_code(struct sessions *sessions, struct span code)
{
	uint8_t hash[SESSION_HASH_BYTES];
	bool fits = false;
	int64_t now = mono(sessions);
	hash_secret(code, hash);
	for (size_t i = 0; i < SESSION_CODES_MAX; i++) {
		struct code *row = &sessions->codes[i];
		bool is_same = sodium_memcmp(row->hash, hash, sizeof(hash)) == 0;
		if (row->is_used && now - row->made_ms > SESSION_CODE_MS) {
			row->is_used = false;
		}
		if (row->is_used && is_same) {
			row->is_used = false;
			fits = true;
		}
	}
	return fits;
}

static struct failures *failures_of(struct sessions *sessions, const char *address)
{
	int64_t now = mono(sessions);
	struct failures *place = &sessions->failures[0];
	for (size_t i = 0; i < ADDRESSES_MAX; i++) {
		struct failures *row = &sessions->failures[i];
		if (row->count > 0 && now - row->since_ms > FAILURE_WINDOW_MS) {
			row->count = 0;
		}
		if (row->count > 0 && strncmp(row->address, address, ADDRESS_BYTES - 1) == 0) {
			return row;
		}
		if (place->count > 0 && (row->count == 0 || row->since_ms < place->since_ms)) {
			place = row;
		}
	}
	place->count = 0;
	strncpy(place->address, address, ADDRESS_BYTES - 1);
	place->address[ADDRESS_BYTES - 1] = '\0';
	return place;
}

/* Under the lock: may one more attempt be made from this address? */
static enum err count_attempt(
	struct sessions *sessions, const struct failures *failures, int64_t *retry_s)
{
	int64_t now = mono(sessions);
	if (failures->count >= LIMIT_LOGIN_FAILURES) {
		*retry_s = (failures->since_ms + FAILURE_WINDOW_MS - now) / 1000 + 1;
		return ERR_LIMIT;
	}
	if (now - sessions->attempts_since_ms > ATTEMPT_WINDOW_MS) {
		sessions->attempts = 0;
		sessions->attempts_since_ms = now;
	}
	if (sessions->attempts >= LIMIT_LOGIN_PER_MINUTE) {
		*retry_s = (sessions->attempts_since_ms + ATTEMPT_WINDOW_MS - now) / 1000 + 1;
		return ERR_LIMIT;
	}
	sessions->attempts++;
	return ERR_OK;
}

static void put(struct sessions *sessions, const struct session *row)
{
	char name[SESSION_NAME_BYTES];
	char token[SESSION_NAME_BYTES];
	if (sessions->opts.on_put == NULL) {
		return;
	}
	hex_encode(span_of(row->id.at, SESSION_HASH_BYTES), name);
	hex_encode(span_of(row->token, SESSION_HASH_BYTES), token);
	json_t *tree = json_pack("{s:s, s:I, s:I, s:s}", "token", token, "made",
		(json_int_t)row->made_ms, "seen", (json_int_t)row->seen_ms, "name", row->label);
	char *text = tree == NULL ? NULL : json_dumps(tree, JSON_COMPACT);
	if (text != NULL) {
		sessions->opts.on_put(sessions->opts.ctx, name, text, expiry(row));
	}
	free(text);
	json_decref(tree);
}

static void drop(struct sessions *sessions, const char *name)
{
	if (name[0] != '\0' && sessions->opts.on_drop != NULL) {
		sessions->opts.on_drop(sessions->opts.ctx, name);
	}
}

void sessions_keep_in(struct sessions *sessions,
	void (*on_put)(void *ctx, const char *name, const char *text, int64_t expires_ms),
	void (*on_drop)(void *ctx, const char *name), void *ctx)
{
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		struct session *row = &sessions->at[i];
		(void)pthread_mutex_lock(&sessions->lock);
		if (i == 0) {
			sessions->opts.on_put = on_put;
			sessions->opts.on_drop = on_drop;
			sessions->opts.ctx = ctx;
		}
		struct session copy = *row;
		row->is_kept = on_put != NULL;
		(void)pthread_mutex_unlock(&sessions->lock);
		if (copy.is_used && !copy.is_kept) {
			put(sessions, &copy);
		}
	}
}

static void count_failure(const struct sessions *sessions, struct failures *failures)
{
	failures->since_ms = failures->count == 0 ? mono(sessions) : failures->since_ms;
	failures->count++;
}

enum err sessions_try(struct sessions *sessions, const char *address, int64_t *retry_s)
{
	(void)pthread_mutex_lock(&sessions->lock);
	enum err err = count_attempt(sessions, failures_of(sessions, address), retry_s);
	(void)pthread_mutex_unlock(&sessions->lock);
	return err;
}

void sessions_failed(struct sessions *sessions, const char *address)
{
	(void)pthread_mutex_lock(&sessions->lock);
	count_failure(sessions, failures_of(sessions, address));
	(void)pthread_mutex_unlock(&sessions->lock);
}

enum err sessions_login(struct sessions *sessions, struct span code, const char *address,
	char cookie[static SESSION_SECRET_BYTES], char token[static SESSION_SECRET_BYTES],
	int64_t *retry_s)
{
	struct session copy = {.is_used = false};
	char dropped[SESSION_NAME_BYTES] = "";
	(void)pthread_mutex_lock(&sessions->lock);
	struct failures *failures = failures_of(sessions, address);
	enum err err = count_attempt(sessions, failures, retry_s);
	if (err == ERR_OK && !use_code(sessions, code)) {
		count_failure(sessions, failures);
		err = ERR_DENIED;
	}
	if (err == ERR_OK) {
		struct session *row = free_row(sessions, dropped);
		*row = (struct session){.made_ms = wall(sessions),
			.seen_ms = wall(sessions),
			.saved_ms = wall(sessions)};
		new_secret(sessions, cookie);
		new_secret(sessions, token);
		hash_secret(span_text(cookie), row->id.at);
		hash_secret(span_text(token), row->token);
		fill_row(sessions, row);
		copy = *row;
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	if (err == ERR_OK) {
		drop(sessions, dropped);
		put(sessions, &copy);
	}
	return err;
}

enum err sessions_check_cookie(
	struct sessions *sessions, struct span cookie, struct session_id *out)
{
	hash_secret(cookie, out->at);
	(void)pthread_mutex_lock(&sessions->lock);
	bool fits = find(sessions, out) != NULL;
	(void)pthread_mutex_unlock(&sessions->lock);
	return fits ? ERR_OK : ERR_DENIED;
}

/* One way for both kinds of check: a missing session costs what a wrong token costs. */
static enum err check(struct sessions *sessions, const struct session_id *id, struct span token)
{
	static const uint8_t nobody[SESSION_HASH_BYTES];
	uint8_t hash[SESSION_HASH_BYTES];
	struct session copy = {.is_used = false};
	hash_secret(token, hash);
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = find(sessions, id);
	bool fits = sodium_memcmp(row == NULL ? nobody : row->token, hash, sizeof(hash)) == 0 &&
		    row != NULL;
	if (fits) {
		row->seen_ms = wall(sessions);
		if (row->seen_ms - row->saved_ms > PERSIST_EVERY_MS) {
			row->saved_ms = row->seen_ms;
			copy = *row;
		}
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	if (copy.is_used) {
		put(sessions, &copy);
	}
	return fits ? ERR_OK : ERR_DENIED;
}

enum err sessions_check(
	struct sessions *sessions, struct span cookie, struct span token, struct session_id *out)
{
	hash_secret(cookie, out->at);
	return check(sessions, out, token);
}

enum err sessions_check_token(
	struct sessions *sessions, const struct session_id *id, struct span token)
{
	return check(sessions, id, token);
}

void sessions_end(struct sessions *sessions, const struct session_id *id)
{
	char name[SESSION_NAME_BYTES] = "";
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = find(sessions, id);
	if (row != NULL) {
		hex_encode(span_of(row->id.at, SESSION_HASH_BYTES), name);
		sodium_memzero(row, sizeof(*row));
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	drop(sessions, name);
}

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

void sessions_name(struct sessions *sessions, struct span cookie, struct span label)
{
	struct session_id id;
	struct session copy = {.is_used = false};
	hash_secret(cookie, id.at);
	(void)pthread_mutex_lock(&sessions->lock);
	struct session *row = find(sessions, &id);
	if (row != NULL) {
		set_label(row, label);
		copy = *row;
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	if (copy.is_used) {
		put(sessions, &copy);
	}
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
		to->made_ms = row->made_ms;
		to->seen_ms = row->seen_ms;
		to->is_you = you != NULL && memcmp(row->id.at, you->at, SESSION_HASH_BYTES) == 0;
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	qsort(out, count, sizeof(out[0]), used_last_first);
	return count;
}

enum err sessions_end_row(struct sessions *sessions, struct span id)
{
	struct session_id found;
	enum err err = ERR_NOT_FOUND;
	(void)pthread_mutex_lock(&sessions->lock);
	for (size_t i = 0; i < LIMIT_SESSIONS && err != ERR_OK; i++) {
		const struct session *row = &sessions->at[i];
		char name[SESSION_PUBLIC_BYTES];
		public_id(row, name);
		if (row->is_used && span_equal_text(id, name)) {
			found = row->id;
			err = ERR_OK;
		}
	}
	(void)pthread_mutex_unlock(&sessions->lock);
	if (err == ERR_OK) {
		sessions_end(sessions, &found);
	}
	return err;
}
