/*
 * A message id says nothing of its author. When we hold the message and do not show it, all is
 * known; otherwise there are only the people whom the answering post mentions, as most programs
 * mention whom they answer. Of these, somebody whose whole history is here cannot have written it.
 */
#include "store/thread_gap.h"

#include "store/keys.h"

#define SUPPRESSED(feed)                                                        \
	"EXISTS (SELECT 1 FROM contacts c WHERE c.feed = 1 AND c.about = " feed \
	" AND c.edge = 2), EXISTS (SELECT 1 FROM mutes u WHERE u.feed = " feed ")"

QUERY(sql_gap_held,
	"SELECT f.id, " SUPPRESSED(
		"m.feed") " FROM " KEYS_MESSAGES
			  " CROSS JOIN feeds f ON f.feed = m.feed WHERE " KEYS_IS
			  " UNION ALL SELECT f.id, " SUPPRESSED(
				  "a.feed") " FROM ahead a CROSS JOIN feeds f ON "
					    "f.feed = a.feed WHERE a.key_head = ?1 AND a.key_tail "
					    "= ?2 UNION ALL SELECT f.id, " SUPPRESSED(
						    "s.feed") " FROM strays s CROSS JOIN feeds f "
							      "ON f.feed = s.feed WHERE "
							      "s.key_head = ?1 AND s.key_tail = ?2 "
							      "LIMIT 1");
QUERY(sql_gap_author,
	"SELECT " SUPPRESSED("f.feed") ", EXISTS (SELECT 1 FROM reach r WHERE r.feed = f.feed) OR "
				       "EXISTS (SELECT 1 FROM wants w WHERE w.feed = f.feed) OR "
				       "EXISTS (SELECT 1 FROM contacts k "
				       "WHERE k.feed = 1 AND k.about = f.feed AND k.edge = 1), "
				       "EXISTS (SELECT 1 FROM ahead_feeds "
				       "a WHERE a.feed = f.feed), f.sequence, f.feed, EXISTS "
				       "(SELECT 1 FROM let_go l WHERE l.feed = f.feed AND "
				       "l.again = 0) FROM feeds f "
				       "WHERE f.id = ?1");

enum { MENTIONS_LOOKED_AT = 8 };

/* Held, whether shown or not? */
static enum err look_held(struct reader *reader, struct post *gap, bool *is_held, bool *is_shown)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_gap_held, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	keys_bind(stmt, &gap->key);
	err = db_step(reader->db, stmt);
	*is_held = err == ERR_OK;
	if (err == ERR_OK) {
		bool is_blocked = sqlite3_column_int(stmt, 1) != 0;
		bool is_muted = sqlite3_column_int(stmt, 2) != 0;
		*is_shown = !is_blocked && !is_muted;
		gap->gap = is_blocked ? GAP_BLOCKED : GAP_MUTED;
		gap->has_author = db_column_id(stmt, 0, gap->author.at);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Could it be by this one, and why would it be missing then? */
static enum err look_author(
	struct reader *reader, const struct feed_id *id, bool *may_be, enum gap_why *why)
{
	sqlite3_stmt *stmt = NULL;
	*may_be = true;
	*why = GAP_TOO_FAR;
	enum err err = db_query(reader->db, &sql_gap_author, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(id->at, ID_BYTES));
		err = db_step(reader->db, stmt);
	}
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	bool is_blocked = sqlite3_column_int(stmt, 0) != 0;
	bool is_wanted = sqlite3_column_int(stmt, 2) != 0;
	bool is_arriving = sqlite3_column_int(stmt, 3) != 0 || sqlite3_column_int64(stmt, 4) == 0;
	bool is_self = sqlite3_column_int64(stmt, 5) == FEED_SELF;
	bool is_let_go = sqlite3_column_int(stmt, 6) != 0;
	db_reset(stmt);
	*may_be = !is_self && (is_blocked || !is_wanted || is_arriving || is_let_go);
	*why = is_blocked   ? GAP_BLOCKED
	       : is_let_go  ? GAP_LET_GO
	       : !is_wanted ? GAP_TOO_FAR
			    : GAP_ARRIVING;
	return ERR_OK;
}

/* Nearer reasons win: what is on its way may be it. */
static enum err guess(struct reader *reader, struct post *gap, const struct json *referrer)
{
	const struct json *mentions = json_get(json_get(referrer, "content"), "mentions");
	size_t count = json_count(mentions) < MENTIONS_LOOKED_AT ? json_count(mentions)
								 : MENTIONS_LOOKED_AT;
	size_t candidates = 0;
	bool is_arriving = false;
	bool is_mixed = false;
	for (size_t i = 0; i < count; i++) {
		struct span link;
		struct feed_id id;
		bool may_be = false;
		enum gap_why why = GAP_UNKNOWN;
		if (!json_text(json_get(json_at(mentions, i), "link"), &link) ||
			feed_id_parse(link, &id) != ERR_OK) {
			continue;
		}
		enum err err = look_author(reader, &id, &may_be, &why);
		if (err != ERR_OK) {
			return err;
		}
		if (may_be) {
			is_arriving = is_arriving || why == GAP_ARRIVING;
			is_mixed = is_mixed || (candidates > 0 && gap->gap != why);
			gap->gap = why;
			gap->author = id;
			candidates++;
		}
	}
	if (is_arriving) {
		gap->gap = GAP_ARRIVING;
	} else if (is_mixed) {
		gap->gap = GAP_UNKNOWN;
	}
	gap->has_author = candidates == 1;
	return ERR_OK;
}

enum err thread_gap(
	struct reader *reader, struct post *gap, const struct json *referrer, bool *is_gap)
{
	bool is_held = false;
	bool is_shown = false;
	gap->gap = GAP_UNKNOWN;
	gap->has_author = false;
	enum err err = look_held(reader, gap, &is_held, &is_shown);
	*is_gap = !is_held || !is_shown;
	return err == ERR_OK && !is_held && referrer != NULL ? guess(reader, gap, referrer) : err;
}

enum err post_gap(
	struct reader *reader, const struct message_id *id, bool *is_gap, struct post *out)
{
	*out = (struct post){.key = *id, .is_missing = true};
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = thread_gap(reader, out, NULL, is_gap);
	return reader_end(reader, err);
}
