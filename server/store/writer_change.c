/* Small facts: addresses, clocks, reach, sessions, settings, fork proofs. Each is one row or one
 * set of rows, and loses nothing when repeated. */
#include "store/writer_inside.h"

#include <stdlib.h>

QUERY(sql_share_put,
	"INSERT INTO shares (feed, since, day, messages, bytes) VALUES (?1, ?2, ?2, ?3, ?4) ON "
	"CONFLICT (feed) DO UPDATE SET day = ?2, messages = ?3, bytes = ?4");
QUERY(sql_address_put, "INSERT OR IGNORE INTO addresses (feed, text, added) SELECT ?1, ?2, ?3 "
		       "WHERE (SELECT count(*) FROM addresses) < ?4");
QUERY(sql_address_forget, "DELETE FROM addresses WHERE feed = ?1");
QUERY(sql_address_tried, "UPDATE addresses SET tried = ?3, reached = iif(?4, ?3, reached), "
			 "failures = iif(?4, 0, failures + 1) WHERE feed = ?1 AND text = ?2");
QUERY(sql_clock_put, "INSERT INTO clocks (peer, feed, note) VALUES (?1, ?2, ?3) ON CONFLICT (peer, "
		     "feed) DO UPDATE SET note = ?3");
QUERY(sql_reach_clear, "DELETE FROM reach");
QUERY(sql_reach_add, "INSERT OR REPLACE INTO reach (feed, hops) VALUES (?1, ?2)");
QUERY(sql_session_put, "INSERT OR REPLACE INTO sessions (name, text, expires) VALUES (?1, ?2, ?3)");
QUERY(sql_session_drop, "DELETE FROM sessions WHERE name = ?1");
QUERY(sql_mark_put,
	"INSERT INTO marks (name, at, message) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE "
	"SET at = ?2, message = ?3 WHERE (?2, ?3) > (at, message)");
/* SCAN: of at most LIMIT_BOOKMARKS rows, and only when the owner keeps a post. */
QUERY(sql_bookmark_put,
	"INSERT OR IGNORE INTO bookmarks (key, at) SELECT ?1, max(?2, 1 + coalesce((SELECT max(at) "
	"FROM bookmarks), 0)) WHERE (SELECT count(*) FROM bookmarks) < ?3");
QUERY(sql_bookmark_drop, "DELETE FROM bookmarks WHERE key = ?1");
QUERY(sql_setting_put, "INSERT OR REPLACE INTO settings (name, text) VALUES (?1, ?2)");

static enum err put_two(struct writer *writer, const struct query *query, struct span name,
	struct span text, const int64_t *number)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, name);
	db_blob(stmt, 2, text);
	if (number != NULL) {
		db_int(stmt, 3, *number);
	}
	return db_run(writer->db, stmt);
}

enum err writer_setting_put(struct writer *writer, const char *name, struct span text)
{
	return put_two(writer, &sql_setting_put, span_text(name), text, NULL);
}

static enum err change_address(struct writer *writer, const struct change *change)
{
	static const struct query *const queries[] = {
		[CHANGE_ADDRESS_PUT] = &sql_address_put,
		[CHANGE_ADDRESS_FORGET] = &sql_address_forget,
		[CHANGE_ADDRESS_TRIED] = &sql_address_tried,
	};
	int64_t feed = 0;
	enum err err = feeds_number(
		writer->feeds, &change->feed, change->kind == CHANGE_ADDRESS_PUT, &feed);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	sqlite3_stmt *stmt = NULL;
	err = db_query(writer->db, queries[change->kind], &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	if (change->kind != CHANGE_ADDRESS_FORGET) {
		db_blob(stmt, 2, change->text);
		db_int(stmt, 3, env_wall_ms(store_env(writer->store)));
		db_int(stmt, 4,
			change->kind == CHANGE_ADDRESS_PUT ? LIMIT_KNOWN_ADDRESSES
							   : change->number);
	}
	return db_run(writer->db, stmt);
}

static enum err put_three(
	struct writer *writer, const struct query *query, int64_t a, int64_t b, int64_t c)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, a);
	db_int(stmt, 2, b);
	if (sqlite3_bind_parameter_count(stmt) > 2) {
		db_int(stmt, 3, c);
	}
	return db_run(writer->db, stmt);
}

static enum err change_clocks(struct writer *writer, const struct change *change)
{
	int64_t peer = 0;
	enum err err = feeds_number(writer->feeds, &change->feed, false, &peer);
	if (err == ERR_NOT_FOUND) {
		return ERR_OK; /* keys are free: strangers that come once must not fill the disk */
	}
	for (size_t i = 0; err == ERR_OK && i < change->clock_count; i++) {
		int64_t feed = 0;
		err = feeds_number(writer->feeds, &change->clocks[i].feed, false, &feed);
		if (err == ERR_NOT_FOUND) {
			err = ERR_OK; /* a feed nobody here ever spoke of: a peer cannot fill our
					 tables with such */
			continue;
		}
		if (err == ERR_OK) {
			err = put_three(writer, &sql_clock_put, peer, feed, change->clocks[i].note);
		}
	}
	return err;
}

static enum err change_reach(struct writer *writer, const struct change *change)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_reach_clear, &stmt);
	if (err == ERR_OK) {
		err = db_run(writer->db, stmt);
	}
	for (size_t i = 0; err == ERR_OK && i < change->reach_count; i++) {
		int64_t feed = 0;
		err = feeds_number(writer->feeds, &change->reach[i].feed, true, &feed);
		if (err == ERR_OK) {
			err = put_three(writer, &sql_reach_add, feed, change->reach[i].hops, 0);
		}
	}
	return err == ERR_OK ? writer_ahead_tidy(writer) : err;
}

static enum err change_ahead_drop(struct writer *writer, const struct change *change)
{
	struct feed_entry *author = NULL;
	int64_t feed = 0;
	enum err err = feeds_number(writer->feeds, &change->feed, false, &feed);
	if (err == ERR_OK) {
		err = feeds_get(writer->feeds, &change->feed, &author);
	}
	if (err == ERR_OK) {
		err = writer_ahead_drop(writer, author);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The message itself was verified by whoever found it; one of ours is judged like any that comes.
 */
static enum err change_fork(struct writer *writer, const struct change *change)
{
	struct feed_entry *author = NULL;
	struct message *message = NULL;
	const char *why = NULL;
	enum append_result result;
	enum err err = feeds_get(writer->feeds, &change->feed, &author);
	if (err != ERR_OK || author->feed != FEED_SELF) {
		return err == ERR_OK ? writer_keep_proof(writer, author, change->text) : err;
	}
	if (message_reread(change->text, &message, &why) != ERR_OK) {
		return ERR_OK;
	}
	if (feed_id_equal(&message->author, &change->feed)) {
		err = writer_append_one(
			writer, message, env_wall_ms(store_env(writer->store)), &result);
	}
	message_free(message);
	return err;
}

static enum err change_checked(struct writer *writer, const struct change *change)
{
	if (change->number == 0) {
		writer_signal(writer, GUARD_DAMAGE);
		return ERR_OK;
	}
	writer->is_cut = false;
	return writer_setting_put(writer, "run", span_text("open"));
}

static enum err change_share(struct writer *writer, const struct change *change)
{
	int64_t feed = 0;
	sqlite3_stmt *stmt = NULL;
	enum err err = feeds_number(writer->feeds, &change->feed, false, &feed);
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_share_put, &stmt);
	}
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	db_int(stmt, 1, feed);
	db_int(stmt, 2, change->number);
	db_int(stmt, 3, change->share.messages);
	db_int(stmt, 4, change->share.bytes);
	return db_run(writer->db, stmt);
}

static enum err change_session(struct writer *writer, const struct change *change)
{
	sqlite3_stmt *stmt = NULL;
	if (change->kind == CHANGE_SESSION_PUT) {
		return put_two(
			writer, &sql_session_put, change->name, change->text, &change->number);
	}
	enum err err = db_query(writer->db, &sql_session_drop, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, change->name);
		err = db_run(writer->db, stmt);
	}
	return err;
}

/* No two are kept at the same moment, so that `at` alone is a place in their order. */
static enum err change_bookmark(struct writer *writer, const struct change *change)
{
	sqlite3_stmt *stmt = NULL;
	bool is_kept = change->number != 0;
	enum err err =
		db_query(writer->db, is_kept ? &sql_bookmark_put : &sql_bookmark_drop, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(change->key.at, ID_BYTES));
	if (is_kept) {
		db_int(stmt, 2, env_wall_ms(store_env(writer->store)));
		db_int(stmt, 3, LIMIT_BOOKMARKS);
	}
	return db_run(writer->db, stmt);
}

static enum err change_mark(struct writer *writer, const struct change *change)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_mark_put, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, change->name);
		db_int(stmt, 2, change->number);
		db_int(stmt, 3, change->order);
		err = db_run(writer->db, stmt);
	}
	return err;
}

enum err writer_change_one(struct writer *writer, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_ADDRESS_PUT:
	case CHANGE_ADDRESS_FORGET:
	case CHANGE_ADDRESS_TRIED:
		return change_address(writer, change);
	case CHANGE_CLOCKS:
		return change_clocks(writer, change);
	case CHANGE_REACH:
		return change_reach(writer, change);
	case CHANGE_SESSION_PUT:
	case CHANGE_SESSION_DROP:
		return change_session(writer, change);
	case CHANGE_SETTING:
		return put_two(writer, &sql_setting_put, change->name, change->text, NULL);
	case CHANGE_AHEAD_DROP:
		return change_ahead_drop(writer, change);
	case CHANGE_STRAY:
		return writer_stray_put(writer, change);
	case CHANGE_BOOKMARK:
		return change_bookmark(writer, change);
	case CHANGE_EVICTED:
	case CHANGE_AGAIN:
		return writer_ceiling_change(writer, change);
	case CHANGE_MARK:
		return change_mark(writer, change);
	case CHANGE_FORK:
		return change_fork(writer, change);
	case CHANGE_HOLDS:
	case CHANGE_CLAIM:
	case CHANGE_CONFIRM:
	case CHANGE_TWIN:
	case CHANGE_WITNESS:
	case CHANGE_WANT:
	case CHANGE_DRAFT_DROP:
	case CHANGE_LOG:
		return writer_safety_change(writer, change);
	case CHANGE_MUTE:
	case CHANGE_PETNAME:
		return writer_people_change(writer, change);
	case CHANGE_BLOB_PUT:
	case CHANGE_BLOBS_GONE:
	case CHANGE_BLOB_WANT:
	case CHANGE_BLOB_OFFER:
	case CHANGE_BLOB_PUSHED:
	case CHANGE_BLOB_USED:
	case CHANGE_BLOB_KEEP:
	case CHANGE_UPLOAD_OLD:
		return writer_blob_change(writer, change);
	case CHANGE_PRIVATE:
	case CHANGE_PRIVATE_MARK:
	case CHANGE_EDGES:
		return writer_private_change(writer, change);
	case CHANGE_CHECKED:
		return change_checked(writer, change);
	case CHANGE_SHARE:
		return change_share(writer, change);
	case CHANGE_FLUSH:
		return writer->open_err;
	}
	return ERR_REFUSED;
}

void writer_change_job_free(struct change_job *job)
{
	if (job->has_waiter) {
		writer_waiter_fini(&job->waiter);
	}
	buf_fini(&job->bytes);
	free(job);
}

/* What would fail is refused before it is queued: a job that fails takes its whole transaction, and
 * so what others wait for, with it. */
static enum err check_change(const struct change *change)
{
	bool is_address = change->kind == CHANGE_ADDRESS_PUT || change->kind == CHANGE_TWIN;
	bool is_named = change->kind == CHANGE_WITNESS || change->kind == CHANGE_LOG;
	size_t text_max = is_address                            ? LIMIT_ADDRESS_BYTES
			  : is_named                            ? LIMIT_SAFETY_TEXT_BYTES
			  : change->kind == CHANGE_STRAY        ? LIMIT_MESSAGE_BYTES
			  : change->kind == CHANGE_PRIVATE_MARK ? LIMIT_PRIVATE_MARK_BYTES
								: SIZE_MAX;
	size_t name_max = is_named                         ? LIMIT_SAFETY_NAME_BYTES
			  : change->kind == CHANGE_PETNAME ? LIMIT_PETNAME_BYTES
							   : SIZE_MAX;
	return change->text.len > text_max || change->name.len > name_max ? ERR_LIMIT : ERR_OK;
}

/* One block of bytes holds everything the change points to; arrays first, as they are the ones that
 * must be aligned. */
static enum err copy_change(const struct change *from, struct change_job *job)
{
	const struct span parts[] = {
		span_of(from->clocks, from->clock_count * sizeof(*from->clocks)),
		span_of(from->reach, from->reach_count * sizeof(*from->reach)),
		span_of(from->blobs, from->blob_count * sizeof(*from->blobs)),
		from->text,
		from->name,
	};
	size_t total = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		total += parts[i].len;
	}
	job->change = *from;
	buf_init(&job->bytes, total + 1);
	const uint8_t *base = buf_reserve(&job->bytes, total + 1);
	if (base == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		enum err err = buf_append(&job->bytes, parts[i]);
		if (err != ERR_OK) {
			return err;
		}
	}
	base = job->bytes.at;
	job->change.clocks = (const struct clock_entry *)(const void *)base;
	base += parts[0].len;
	job->change.reach = (const struct reach_entry *)(const void *)base;
	base += parts[1].len;
	job->change.blobs = (const struct blob_id *)(const void *)base;
	base += parts[2].len;
	job->change.text = span_of(base, from->text.len);
	base += from->text.len;
	job->change.name = span_of(base, from->name.len);
	return ERR_OK;
}

static enum err queue(struct writer *writer, const struct change *change, bool has_waiter,
	struct change_job **out)
{
	if (check_change(change) != ERR_OK) {
		return check_change(change);
	}
	struct job *job = calloc(1, sizeof(*job));
	struct change_job *change_job = calloc(1, sizeof(*change_job));
	if (job == NULL || change_job == NULL) {
		free(job);
		free(change_job);
		return ERR_NOMEM;
	}
	enum err err = copy_change(change, change_job);
	if (has_waiter) {
		change_job->has_waiter = true;
		writer_waiter_init(&change_job->waiter);
	}
	job->kind = JOB_CHANGE;
	job->change = change_job;
	*out = change_job;
	if (err == ERR_OK) {
		err = inbox_put(writer->inbox, job);
	}
	if (err != ERR_OK) {
		writer_change_job_free(change_job);
		free(job);
	}
	return err;
}

enum err writer_change(struct writer *writer, const struct change *change)
{
	struct change_job *job = NULL;
	return queue(writer, change, false, &job);
}

enum err writer_flush(struct writer *writer)
{
	const struct change flush = {.kind = CHANGE_FLUSH};
	enum err err = ERR_TIMEOUT;
	while (err == ERR_TIMEOUT) {
		err = writer_change_wait(writer, &flush);
	}
	return err;
}

enum err writer_change_wait(struct writer *writer, const struct change *change)
{
	struct change_job *job = NULL;
	enum err err = queue(writer, change, true, &job);
	if (err != ERR_OK) {
		return err;
	}
	bool is_last = false;
	err = writer_wait(writer, &job->waiter, LIMIT_PUBLISH_WAIT_MS, &is_last);
	if (is_last) {
		writer_change_job_free(job);
	}
	return err;
}
