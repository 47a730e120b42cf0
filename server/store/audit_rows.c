/*
 * The rest of the database: the file itself, rows that hang on nothing, the counts that would cost
 * a scan, the proofs of forks, drafts; and the fence beside it. Each query is one statement, and so
 * sees one state, whatever a running node does meanwhile.
 */
#include "store/audit_inside.h"

#include "base/limits.h"
#include "store/fence.h"

#include <stdlib.h>

QUERY(sql_file_check, "PRAGMA integrity_check(10)");

/* Rows that no walk along a feed would meet. SCAN: each table is read whole, and only here. */
/* Of a feed that comes again, what was kept of it may be above its head. */
#define STRAY_MESSAGE                                                                        \
	"(sequence < 1 OR sequence > coalesce((SELECT sequence FROM feeds f WHERE f.feed = " \
	"messages.feed), 0)) AND sequence >= coalesce((SELECT below FROM let_go l WHERE "    \
	"l.feed = messages.feed AND l.again = 2), 0)"
QUERY(sql_stray_messages, "SELECT feed FROM messages WHERE " STRAY_MESSAGE " LIMIT 10");
QUERY(sql_drop_messages, "DELETE FROM messages WHERE feed <> 1 AND " STRAY_MESSAGE);
QUERY(sql_stray_let_go,
	"SELECT l.feed FROM let_go l LEFT JOIN feeds f ON f.feed = l.feed WHERE "
	"f.feed IS NULL OR l.feed = 1 OR (l.again < 2 AND l.below > f.sequence + 1) "
	"LIMIT 10");
QUERY(sql_drop_let_go, "DELETE FROM let_go WHERE feed IN (SELECT l.feed FROM let_go l LEFT JOIN "
		       "feeds f ON f.feed = l.feed WHERE f.feed IS NULL OR l.feed = 1 OR (l.again "
		       "< 2 AND l.below > f.sequence + 1))");
QUERY(sql_stray_posts,
	"SELECT p.message FROM posts p LEFT JOIN messages m ON m.message = p.message LEFT JOIN "
	"ahead a ON a.message = p.message WHERE m.message IS NULL AND a.message IS NULL LIMIT 10");
QUERY(sql_stray_activity,
	"SELECT v.message FROM activity v LEFT JOIN messages m ON m.message = v.message WHERE "
	"m.message IS NULL LIMIT 10");
/* What is held ahead is of somebody else, whom we do not block, and above the stored head. */
#define AHEAD_STRAY                                                                                \
	"FROM ahead WHERE feed = 1 OR NOT EXISTS (SELECT 1 FROM feeds f CROSS JOIN ahead_feeds w " \
	"ON w.feed = f.feed WHERE f.feed = ahead.feed AND f.sequence < ahead.sequence) OR EXISTS " \
	"(SELECT 1 FROM contacts WHERE feed = 1 AND about = ahead.feed AND edge = 2 AND about "    \
	"NOT IN (SELECT feed FROM lifted))"
QUERY(sql_stray_ahead, "SELECT feed " AHEAD_STRAY " LIMIT 10");
QUERY(sql_drop_ahead, "DELETE " AHEAD_STRAY);
QUERY(sql_stray_ahead_feeds, "SELECT w.feed FROM ahead_feeds w WHERE NOT EXISTS (SELECT 1 FROM "
			     "ahead WHERE feed = w.feed) LIMIT 10");
QUERY(sql_drop_ahead_feeds, "DELETE FROM ahead_feeds WHERE NOT EXISTS (SELECT 1 FROM ahead WHERE "
			    "feed = ahead_feeds.feed)");
QUERY(sql_stray_keys,
	"SELECT k.message FROM keys k LEFT JOIN messages m ON m.message = k.message WHERE "
	"m.message IS NULL OR m.key_head <> k.key_head LIMIT 10");
QUERY(sql_missing_keys,
	"SELECT m.message FROM messages m WHERE NOT EXISTS (SELECT 1 FROM keys k WHERE k.key_head "
	"= m.key_head AND k.message = m.message) AND NOT EXISTS (SELECT 1 FROM behind b WHERE "
	"b.part = 2 AND b.first <= m.message AND b.last >= m.message) LIMIT 10");
QUERY(sql_stray_edges,
	"SELECT c.feed FROM contacts c LEFT JOIN feeds f ON f.feed = c.feed AND f.sequence > 0 "
	"WHERE f.feed IS NULL AND NOT EXISTS (SELECT 1 FROM let_go WHERE feed = c.feed) LIMIT "
	"10");
QUERY(sql_stray_profiles,
	"SELECT p.feed FROM profiles p LEFT JOIN feeds f ON f.feed = p.feed AND f.sequence > 0 "
	"WHERE f.feed IS NULL AND NOT EXISTS (SELECT 1 FROM let_go WHERE feed = p.feed) LIMIT "
	"10");
QUERY(sql_stray_holders, "SELECT peer FROM holders WHERE peer NOT IN (SELECT feed FROM feeds) OR "
			 "sequence < 0 LIMIT 10");
QUERY(sql_drop_holders, "DELETE FROM holders WHERE peer NOT IN (SELECT feed FROM feeds) OR "
			"sequence < 0");
QUERY(sql_stray_wants,
	"SELECT feed FROM wants WHERE feed NOT IN (SELECT feed FROM feeds) LIMIT 10");
QUERY(sql_stray_mutes,
	"SELECT feed FROM mutes WHERE feed NOT IN (SELECT feed FROM feeds) LIMIT 10");
/* Of nobody, or not blocked at all. */
QUERY(sql_stray_lifted, "SELECT feed FROM lifted WHERE feed NOT IN (SELECT about FROM contacts "
			"WHERE feed = 1 AND edge = 2) LIMIT 10");
QUERY(sql_drop_mutes, "DELETE FROM mutes WHERE feed NOT IN (SELECT feed FROM feeds)");
QUERY(sql_stray_petnames,
	"SELECT feed FROM petnames WHERE feed NOT IN (SELECT feed FROM feeds) LIMIT 10");
QUERY(sql_drop_petnames, "DELETE FROM petnames WHERE feed NOT IN (SELECT feed FROM feeds)");
QUERY(sql_drop_wants, "DELETE FROM wants WHERE feed NOT IN (SELECT feed FROM feeds)");
QUERY(sql_stray_reach, "SELECT feed FROM reach WHERE feed NOT IN (SELECT feed FROM feeds) OR hops "
		       "NOT BETWEEN 0 AND 3 LIMIT 10");
QUERY(sql_drop_reach, "DELETE FROM reach WHERE feed NOT IN (SELECT feed FROM feeds) OR hops NOT "
		      "BETWEEN 0 AND 3");
QUERY(sql_stray_clocks, "SELECT peer FROM clocks WHERE peer NOT IN (SELECT feed FROM feeds) OR "
			"feed NOT IN (SELECT feed FROM feeds) LIMIT 10");
QUERY(sql_drop_clocks, "DELETE FROM clocks WHERE peer NOT IN (SELECT feed FROM feeds) OR feed NOT "
		       "IN (SELECT feed FROM feeds)");
QUERY(sql_stray_addresses,
	"SELECT feed FROM addresses WHERE feed NOT IN (SELECT feed FROM feeds) LIMIT 10");
QUERY(sql_drop_addresses, "DELETE FROM addresses WHERE feed NOT IN (SELECT feed FROM feeds)");
QUERY(sql_stray_nonces,
	"SELECT n.sequence FROM nonces n WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.feed = "
	"1 AND m.sequence = n.sequence) LIMIT 10");
QUERY(sql_drop_nonces, "DELETE FROM nonces WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.feed "
		       "= 1 AND m.sequence = nonces.sequence)");
QUERY(sql_stray_forks,
	"SELECT feed FROM forks WHERE feed NOT IN (SELECT feed FROM feeds) LIMIT 10");
QUERY(sql_drop_forks, "DELETE FROM forks WHERE feed NOT IN (SELECT feed FROM feeds)");

/* What is in a sealed row only its owner's key shows; 40 bytes are the seal. */
#define PRIVATE_STRAY                                                                    \
	"FROM private_messages WHERE length(sealed) <= 40 OR NOT EXISTS (SELECT 1 FROM " \
	"messages m WHERE m.message = private_messages.message)"
QUERY(sql_stray_private, "SELECT message " PRIVATE_STRAY " LIMIT 10");
QUERY(sql_drop_private, "DELETE " PRIVATE_STRAY);

static const struct stray {
	const struct query *select, *drop; /* `drop` NULL: a view, which is made again */
	const char *what;
} strays[] = {
	{&sql_stray_messages, &sql_drop_messages,
		"A stored message is of no feed, or beyond its end"},
	{&sql_stray_let_go, &sql_drop_let_go,
		"Messages are said to have been let go of a feed that never had them"},
	{&sql_stray_posts, NULL, "The list of posts has one that is no stored message"},
	{&sql_stray_activity, NULL, "The list of what others did has one that is no message"},
	{&sql_stray_ahead, &sql_drop_ahead,
		"A message is held ahead of a history that has come, or of nobody's"},
	{&sql_stray_ahead_feeds, &sql_drop_ahead_feeds,
		"Something is said to be ahead of a feed, and is not"},
	{&sql_stray_keys, NULL, "The list of keys has one that is no stored message's"},
	{&sql_missing_keys, NULL, "A stored message is missing from the list of keys"},
	{&sql_stray_edges, NULL, "Somebody is said to follow or block without a message"},
	{&sql_stray_profiles, NULL, "Somebody has a name without a message"},
	{&sql_stray_holders, &sql_drop_holders, "A holder of your feed is nobody"},
	{&sql_stray_wants, &sql_drop_wants, "Somebody wanted without following is nobody"},
	{&sql_stray_mutes, &sql_drop_mutes, "Somebody muted is nobody"},
	{&sql_stray_lifted, NULL, "A block that is lifted is none"},
	{&sql_stray_petnames, &sql_drop_petnames, "Somebody who was given a name is nobody"},
	{&sql_stray_reach, &sql_drop_reach, "A feed within reach is nobody's, or too far"},
	{&sql_stray_clocks, &sql_drop_clocks, "What a peer told is of nobody"},
	{&sql_stray_addresses, &sql_drop_addresses, "An address leads to nobody"},
	{&sql_stray_nonces, &sql_drop_nonces,
		"A request is answered by a message that is not there"},
	{&sql_stray_private, &sql_drop_private,
		"A private message is known that is no stored message"},
	{&sql_stray_forks, &sql_drop_forks, "A proof of a fork is against nobody"},
};
enum { STRAYS = sizeof(strays) / sizeof(strays[0]) };

const struct query *audit_stray_drop(size_t i, const char **what)
{
	*what = i < STRAYS ? strays[i].what : NULL;
	return i < STRAYS ? strays[i].drop : NULL;
}

enum err audit_strays(struct reader *reader, struct audit *audit)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < STRAYS; i++) {
		sqlite3_stmt *stmt = NULL;
		err = db_query(reader->db, strays[i].select, &stmt);
		while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
			int64_t row = sqlite3_column_int64(stmt, 0);
			bool is_own = strays[i].select == &sql_stray_messages && row == FEED_SELF;
			audit_fault(audit,
				is_own                   ? AUDIT_OWN
				: strays[i].drop == NULL ? AUDIT_VIEW
							 : AUDIT_ROW,
				"%s (row of %lld).", strays[i].what, (long long)row);
		}
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	return err;
}

/* SQLite's check speaks of a page that there was no memory for (SQLITE_NOMEM) as of any other. */
static bool is_short_of_memory(struct span said)
{
	static const char code[] = "error code=7";
	const uint8_t *at = memmem(said.at, said.len, code, sizeof(code) - 1);
	size_t rest = at == NULL ? 0 : said.len - (size_t)(at - said.at) - (sizeof(code) - 1);
	return at != NULL && (rest == 0 || at[sizeof(code) - 1] == '\n');
}

enum err audit_file(struct reader *reader, struct audit *audit)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_file_check, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct span said = db_column(stmt, 0);
		if (is_short_of_memory(said)) {
			db_reset(stmt);
			return ERR_NOMEM;
		}
		if (!span_equal_text(said, "ok")) {
			audit_fault(audit, AUDIT_FILE, "The database file is damaged: %.*s.",
				(int)said.len, (const char *)said.at);
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* SCAN: the counts exist so that only this counts. */
QUERY(sql_count_figures,
	"SELECT 'edges', (SELECT n FROM figures WHERE name = 'edges'), (SELECT count(*) FROM "
	"contacts) UNION ALL SELECT 'feeds', (SELECT n FROM figures WHERE name = 'feeds'), (SELECT "
	"count(*) FROM feeds WHERE sequence > 0) UNION ALL SELECT 'forks', (SELECT n FROM figures "
	"WHERE name = 'forks'), (SELECT count(*) FROM forks) UNION ALL SELECT 'messages', (SELECT "
	"n "
	"FROM figures WHERE name = 'messages'), (SELECT count(*) FROM messages) UNION ALL SELECT "
	"'posts', (SELECT n FROM figures WHERE name = 'posts'), (SELECT count(*) FROM posts WHERE "
	"message < 281474976710656)");

enum err audit_figures(struct reader *reader, struct audit *audit)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_count_figures, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		if (sqlite3_column_type(stmt, 1) == SQLITE_NULL ||
			sqlite3_column_int64(stmt, 1) != sqlite3_column_int64(stmt, 2)) {
			audit_fault(audit, AUDIT_VIEW,
				"The number of %s is said to be %lld; there are %lld.",
				(const char *)sqlite3_column_text(stmt, 0),
				(long long)sqlite3_column_int64(stmt, 1),
				(long long)sqlite3_column_int64(stmt, 2));
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Proofs: messages that are kept beside the feeds. */

/* SCAN: a few rows. */
QUERY(sql_audit_forks,
	"SELECT f.feed, f.id, k.proof FROM forks k CROSS JOIN feeds f ON f.feed = k.feed");
QUERY(sql_audit_branch, "SELECT sequence, key, body FROM branch");
QUERY(sql_audit_is_held,
	"SELECT 1 FROM messages WHERE feed = ?1 AND sequence = ?2 AND key_head = ?3 "
	"AND key_tail = ?4");
QUERY(sql_audit_drafts, "SELECT draft, content FROM drafts");
QUERY(sql_audit_outbox, "SELECT nonce, content FROM outbox");

/* Is this very message part of its feed? Then it contradicts nothing. */
static enum err is_held(
	struct reader *reader, int64_t feed, const struct message *message, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = false;
	enum err err = db_query(reader->db, &sql_audit_is_held, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	db_int(stmt, 2, (int64_t)message->sequence);
	db_int(stmt, 3, db_key_head(message->key.at));
	db_blob(stmt, 4, db_key_tail(message->key.at));
	err = db_step(reader->db, stmt);
	if (err == ERR_OK) {
		*out = true;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err check_proof(
	struct reader *reader, const uint8_t *hmac_key, struct audit *audit, sqlite3_stmt *stmt)
{
	struct message *message = NULL;
	const char *why = "it is not theirs, or part of their feed";
	char text[FEED_ID_TEXT_BYTES] = "nobody";
	struct feed_id id;
	int64_t feed = sqlite3_column_int64(stmt, 0);
	bool is_held_too = false;
	bool has_id = db_column_id(stmt, 1, id.at);
	enum err err = message_verify_stored(db_column(stmt, 2), hmac_key, &message, &why);
	if (err == ERR_NOMEM) {
		return err;
	}
	bool is_good = err == ERR_OK && has_id && feed_id_equal(&message->author, &id);
	err = is_good ? is_held(reader, feed, message, &is_held_too) : ERR_OK;
	if (err == ERR_OK && (!is_good || is_held_too)) {
		if (has_id) {
			feed_id_format(&id, text);
		}
		audit_fault_about(audit, feed == FEED_SELF ? AUDIT_OWN : AUDIT_PROOF, feed,
			"The proof that %s forked is none: %s.", text, why);
	}
	message_free(message);
	return err;
}

static enum err check_branch(
	struct reader *reader, const uint8_t *hmac_key, struct audit *audit, sqlite3_stmt *stmt)
{
	struct message *message = NULL;
	const char *why = "it stands under another number or key";
	struct message_id key;
	uint64_t sequence = (uint64_t)sqlite3_column_int64(stmt, 0);
	enum err err = message_verify_stored(db_column(stmt, 2), hmac_key, &message, &why);
	if (err == ERR_NOMEM) {
		return err;
	}
	bool is_good = err == ERR_OK &&
		       feed_id_equal(&message->author, store_self(reader->store)) &&
		       message->sequence == sequence && db_column_id(stmt, 1, key.at) &&
		       message_id_equal(&key, &message->key);
	if (!is_good) {
		audit_fault(audit, AUDIT_OWN,
			"Message %llu of the other branch of your feed is not valid: %s.",
			(unsigned long long)sequence, why);
	}
	message_free(message);
	return ERR_OK;
}

static enum err is_json(struct span text, bool *out)
{
	struct json_doc *doc = NULL;
	enum err err = json_parse(text, LIMIT_JSON_DEPTH, &doc);
	*out = err == ERR_OK;
	json_doc_free(doc);
	return err == ERR_NOMEM ? err : ERR_OK;
}

static enum err check_draft(
	struct reader *reader, const uint8_t *hmac_key, struct audit *audit, sqlite3_stmt *stmt)
{
	bool is_good = false;
	(void)reader;
	(void)hmac_key;
	enum err err = is_json(db_column(stmt, 1), &is_good);
	if (err == ERR_OK && !is_good) {
		audit_fault(audit, AUDIT_OWN, "Draft %lld cannot be read.",
			(long long)sqlite3_column_int64(stmt, 0));
	}
	return err;
}

static enum err check_held(
	struct reader *reader, const uint8_t *hmac_key, struct audit *audit, sqlite3_stmt *stmt)
{
	bool is_good = false;
	struct span nonce = db_column(stmt, 0);
	(void)reader;
	(void)hmac_key;
	enum err err = is_json(db_column(stmt, 1), &is_good);
	if (err == ERR_OK && !is_good) {
		audit_fault(audit, AUDIT_OWN,
			"The post %.*s that waits to be signed cannot be read.", (int)nonce.len,
			(const char *)nonce.at);
	}
	return err;
}

enum err audit_proofs(struct reader *reader, const uint8_t *hmac_key, struct audit *audit)
{
	static const struct {
		const struct query *query;
		enum err (*check)(struct reader *reader, const uint8_t *hmac_key,
			struct audit *audit, sqlite3_stmt *stmt);
	} rows[] = {
		{&sql_audit_forks, check_proof},
		{&sql_audit_branch, check_branch},
		{&sql_audit_drafts, check_draft},
		{&sql_audit_outbox, check_held},
	};
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < sizeof(rows) / sizeof(rows[0]); i++) {
		sqlite3_stmt *stmt = NULL;
		err = db_query(reader->db, rows[i].query, &stmt);
		while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
			err = rows[i].check(reader, hmac_key, audit, stmt);
			if (err != ERR_OK) {
				db_reset(stmt);
				return err;
			}
		}
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	return err;
}

/* The fence. */

QUERY(sql_audit_own_key,
	"SELECT key_head, key_tail FROM messages WHERE feed = 1 AND sequence = ?1");

/* Our key at a number; zeros when there is none. */
static enum err read_own_key(struct reader *reader, uint64_t sequence, struct message_id *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = (struct message_id){{0}};
	enum err err = db_query(reader->db, &sql_audit_own_key, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)sequence);
	err = db_step(reader->db, stmt);
	if (err == ERR_OK) {
		(void)db_column_key(stmt, 0, 1, out);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err compare_fence(
	struct reader *reader, struct audit *audit, const struct fence_facts *facts)
{
	struct chain_head head = {.sequence = 0};
	struct message_id key = {{0}};
	enum err err = reader_head(reader, store_self(reader->store), &head);
	if (err == ERR_OK && facts->sequence > 0) {
		err = read_own_key(reader, facts->sequence, &key);
	}
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		return err;
	}
	if (!feed_id_equal(&facts->identity, store_self(reader->store))) {
		audit_fault(audit, AUDIT_FENCE,
			"The safety file beside the database belongs to another key.");
	} else if (facts->sequence > head.sequence || facts->intent_sequence > head.sequence + 1) {
		audit_fault(audit, AUDIT_FENCE,
			"The safety file knows your message %llu; the database ends with %llu.",
			(unsigned long long)(facts->intent_sequence > facts->sequence
						     ? facts->intent_sequence
						     : facts->sequence),
			(unsigned long long)head.sequence);
	} else if (facts->sequence > 0 && !message_id_equal(&key, &facts->head)) {
		audit_fault(audit, AUDIT_FENCE,
			"The safety file and the database know different messages %llu of yours.",
			(unsigned long long)facts->sequence);
	}
	return ERR_OK;
}

/* Read before the database, which is never behind it. No file is no fault: then publishing is
 * paused until somebody who holds our feed was asked. */
enum err audit_fence(struct reader *reader, struct audit *audit)
{
	struct fence *fence = NULL;
	char *path = store_path(reader->store, "fence");
	enum err err = path == NULL ? ERR_NOMEM : fence_open_in(reader->store->vfs, path, &fence);
	free(path);
	if (err == ERR_NOT_FOUND) {
		return ERR_OK;
	}
	if (err == ERR_REFUSED) {
		audit_fault(audit, AUDIT_FENCE, "The safety file beside the database is damaged.");
		return ERR_OK;
	}
	if (err == ERR_OK) {
		err = compare_fence(reader, audit, fence_facts(fence));
	}
	fence_close(fence);
	return err;
}
