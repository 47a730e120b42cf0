/*
 * What one feed's messages say that concerns the owner: kept while they are walked, as
 * store/activity_rows makes it, and compared with the rows of `activity` at the feed's end.
 */
#include "store/audit_inside.h"

#include "base/limits.h"
#include "store/activity_rows.h"

#include <stdlib.h>

QUERY(sql_audit_activity, "SELECT at, message, kind, link FROM activity WHERE feed = ?1 ORDER BY "
			  "kind, link, at, message");
QUERY(sql_audit_follows, "SELECT edge FROM contacts WHERE feed = ?1 AND about = 1");

static enum err expect(struct audit_views *views, const struct audit_activity *row)
{
	if (views->activity_count == views->activity_room) {
		size_t room = views->activity_room == 0 ? 16 : 2 * views->activity_room;
		struct audit_activity *grown = realloc(views->activity, room * sizeof(*grown));
		if (grown == NULL) {
			return ERR_NOMEM;
		}
		views->activity = grown;
		views->activity_room = room;
	}
	views->activity[views->activity_count++] = *row;
	return ERR_OK;
}

static enum err note_post(
	struct audit_subject *subject, const struct content_post *post, struct audit_activity *row)
{
	struct message_id link;
	bool is_answer = false;
	enum err err = activity_answered(subject->reader->db, post, &is_answer, &link);
	if (err == ERR_OK && is_answer) {
		row->kind = ACTIVITY_REPLY;
		row->link = db_key_head(link.at);
		err = expect(&subject->views, row);
	}
	if (err == ERR_OK && activity_mentions(post, store_self(subject->reader->store))) {
		row->kind = ACTIVITY_MENTION;
		row->link = 0;
		err = expect(&subject->views, row);
	}
	return err;
}

static enum err note_vote(
	struct audit_subject *subject, const struct content_vote *vote, struct audit_activity *row)
{
	bool is_own = false;
	enum err err = activity_is_own_post(subject->reader->db, &vote->link, &is_own);
	if (err != ERR_OK || !is_own) {
		return err;
	}
	row->kind = ACTIVITY_LIKE;
	row->link = db_key_head(vote->link.at);
	row->is_gone = !vote->is_like;
	return expect(&subject->views, row);
}

enum err audit_activity_note(struct audit_subject *subject, sqlite3_stmt *stmt,
	const struct message *message, const struct content *content)
{
	struct audit_activity row = {.message = sqlite3_column_int64(stmt, 0),
		.at_ms = activity_at_ms(
			index_at_ms(message->timestamp, sqlite3_column_int64(stmt, 4)),
			sqlite3_column_int64(stmt, 4))};
	if (subject->feed == FEED_SELF || subject->mine == EDGE_BLOCK || subject->is_muted) {
		return ERR_OK;
	}
	switch (content->type) {
	case CONTENT_POST:
		return note_post(subject, &content->post, &row);
	case CONTENT_VOTE:
		return note_vote(subject, &content->vote, &row);
	case CONTENT_CONTACT:
		if (!feed_id_equal(&content->contact.contact, store_self(subject->reader->store))) {
			return ERR_OK;
		}
		row.kind = ACTIVITY_FOLLOW;
		row.is_gone = content->contact.edge != EDGE_FOLLOW;
		return expect(&subject->views, &row);
	default:
		return ERR_OK;
	}
}

/* Of somebody who had said too much of others, no more was taken in. */
static enum err is_follow_kept(struct audit_subject *subject, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = false;
	enum err err = db_query(subject->reader->db, &sql_audit_follows, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, subject->feed);
	err = db_step(subject->reader->db, stmt);
	if (err == ERR_OK) {
		*out = sqlite3_column_int(stmt, 0) == EDGE_FOLLOW;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int by(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_link(const struct audit_activity *a, const struct audit_activity *b)
{
	return a->kind != b->kind ? by(a->kind, b->kind) : by(a->link, b->link);
}

static int by_message(const void *one, const void *two)
{
	const struct audit_activity *a = one;
	const struct audit_activity *b = two;
	return by_link(a, b) != 0 ? by_link(a, b) : by(a->message, b->message);
}

static int by_time(const void *one, const void *two)
{
	const struct audit_activity *a = one;
	const struct audit_activity *b = two;
	int order = by_link(a, b) != 0 ? by_link(a, b) : by(a->at_ms, b->at_ms);
	return order != 0 ? order : by(a->message, b->message);
}

/* Of likes of one post, and of follows, the latest word is left, unless it takes back. */
static void keep_latest(struct audit_views *views, bool is_follow_kept)
{
	size_t kept = 0;
	struct audit_activity *rows = views->activity;
	for (size_t i = 0; i < views->activity_count; i++) {
		bool is_last = rows[i].kind < ACTIVITY_LIKE || i + 1 == views->activity_count ||
			       by_link(&rows[i], &rows[i + 1]) != 0;
		bool is_there = rows[i].kind != ACTIVITY_FOLLOW || is_follow_kept;
		if (is_last && is_there && !rows[i].is_gone) {
			rows[kept++] = rows[i];
		}
	}
	views->activity_count = kept;
}

static enum err sort(struct audit_subject *subject)
{
	struct audit_views *views = &subject->views;
	bool is_kept = false;
	enum err err = is_follow_kept(subject, &is_kept);
	if (err == ERR_OK && views->activity_count > 0) {
		qsort(views->activity, views->activity_count, sizeof(*views->activity), by_message);
		keep_latest(views, is_kept);
		qsort(views->activity, views->activity_count, sizeof(*views->activity), by_time);
	}
	return err;
}

enum err audit_activity_count(struct audit_subject *subject, size_t *wrong)
{
	const struct audit_views *views = &subject->views;
	sqlite3_stmt *stmt = NULL;
	size_t at = 0;
	if (subject->is_behind) {
		return ERR_OK;
	}
	enum err err = sort(subject);
	if (err == ERR_OK) {
		err = db_query(subject->reader->db, &sql_audit_activity, &stmt);
	}
	if (err == ERR_OK) {
		db_int(stmt, 1, subject->feed);
	}
	while (err == ERR_OK && (err = db_step(subject->reader->db, stmt)) == ERR_OK) {
		const struct audit_activity row = {.at_ms = sqlite3_column_int64(stmt, 0),
			.message = sqlite3_column_int64(stmt, 1),
			.kind = sqlite3_column_int64(stmt, 2),
			.link = sqlite3_column_int64(stmt, 3)};
		while (at < views->activity_count && by_time(&views->activity[at], &row) < 0) {
			at++;
			(*wrong)++;
		}
		bool is_so = at < views->activity_count && by_time(&views->activity[at], &row) == 0;
		at += is_so;
		*wrong += !is_so;
	}
	*wrong += views->activity_count - at;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
