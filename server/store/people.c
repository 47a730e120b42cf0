/* What we know of persons. Somebody we block appears in no list but that of our blocks. What the
 * owner calls them comes before what they call themselves. */
#include "store/people.h"

#include "base/limits.h"
#include "feed/json.h"
#include "store/index.h"
#include "store/layer.h"
#include "store/pack.h"
#include "store/reader_inside.h"
#include "store/veil.h"

#include <stdio.h>
#include <stdlib.h>

/* What somebody says of themselves: ahead of their history, until that has come so far. */
#define PERSON_NAME "iif(a.name_from > f.sequence, a.name, p.name)"
#define PERSON_PROFILE \
	" LEFT JOIN profiles p ON p.feed = f.feed LEFT JOIN ahead_feeds a ON a.feed = f.feed"
QUERY(sql_person,
	"SELECT f.feed, f.sequence, iif(a.newest > f.sequence, max(f.at, coalesce((SELECT max(at) "
	"FROM posts WHERE feed = f.feed), 0)), f.at), " PERSON_NAME
	", iif(a.image_from > f.sequence, a.image, "
	"p.image), (SELECT edge FROM contacts WHERE feed = 1 AND about = f.feed), (SELECT edge "
	"FROM "
	"contacts WHERE feed = f.feed AND about = 1), r.hops, k.feed, iif(a.bio_from > f.sequence, "
	"a.bio, p.bio), max(a.first, f.sequence + 1), a.newest, (SELECT name FROM petnames WHERE "
	"feed = f.feed), EXISTS (SELECT 1 FROM mutes WHERE feed = f.feed), EXISTS (SELECT 1 FROM "
	"blobs WHERE id = iif(a.image_from > f.sequence, a.image, p.image)) FROM feeds "
	"f" PERSON_PROFILE
	" LEFT JOIN reach r ON r.feed = f.feed LEFT JOIN forks k ON k.feed = f.feed WHERE f.id = "
	"?1");
/* Of a list, those we block are counted from our side: our blocks are few, followers may be many.
 */
QUERY(sql_follows_count,
	"SELECT (SELECT count(*) FROM contacts WHERE feed = ?1 AND edge = 1) - (SELECT count(*) "
	"FROM contacts b JOIN contacts c "
	"ON c.feed = ?1 AND c.about = b.about AND c.edge = 1 WHERE b.feed = 1 AND b.edge = 2)");
QUERY(sql_followers_count,
	"SELECT (SELECT count(*) FROM contacts WHERE about = ?1 AND edge = 1) - (SELECT count(*) "
	"FROM contacts b JOIN contacts c "
	"ON c.feed = b.about AND c.about = ?1 AND c.edge = 1 WHERE b.feed = 1 AND b.edge = 2)");
QUERY(sql_blocks_count, "SELECT count(*) FROM contacts WHERE feed = ?1 AND edge = 2");
/* SCAN: of at most LIMIT_MUTES rows. */
QUERY(sql_mutes_count, "SELECT count(*) FROM mutes WHERE ?1 > 0");

#define LIST_NAME "coalesce(pet.name, " PERSON_NAME ", '')"
#define LIST_PEOPLE PERSON_PROFILE " LEFT JOIN petnames pet ON pet.feed = f.feed"
#define LIST_ORDER " ORDER BY " LIST_NAME " = '', " LIST_NAME " COLLATE NOCASE, f.id LIMIT ?2"
#define LIST_UNBLOCKED                                                                         \
	" AND NOT EXISTS (SELECT 1 FROM contacts b WHERE b.feed = 1 AND b.about = f.feed AND " \
	"b.edge = 2)"
QUERY(sql_followed_by,
	"SELECT f.id FROM contacts c CROSS JOIN feeds f ON f.feed = "
	"c.about" LIST_PEOPLE " WHERE c.feed = ?1 AND c.edge = 1" LIST_UNBLOCKED LIST_ORDER);
QUERY(sql_followers_of,
	"SELECT f.id FROM contacts c CROSS JOIN feeds f ON f.feed = "
	"c.feed" LIST_PEOPLE " WHERE c.about = ?1 AND c.edge = 1" LIST_UNBLOCKED LIST_ORDER);
QUERY(sql_blocked_by, "SELECT f.id FROM contacts c CROSS JOIN feeds f ON f.feed = "
		      "c.about" LIST_PEOPLE " WHERE c.feed = ?1 AND c.edge = 2" LIST_ORDER);
/* SCAN: of at most LIMIT_MUTES rows. */
QUERY(sql_muted, "SELECT f.id FROM mutes m CROSS JOIN feeds f ON f.feed = m.feed" LIST_PEOPLE
		 " WHERE ?1 > 0" LIST_ORDER);
QUERY(sql_first, "SELECT received, body FROM messages WHERE feed = ?1 AND sequence = 1");
/* From our side: we follow few, and they may be followed by many. */
QUERY(sql_between,
	"SELECT f.id FROM contacts mine CROSS JOIN contacts c ON c.feed = mine.about AND c.about = "
	"?1 AND c.edge = 1 CROSS JOIN feeds f ON f.feed = mine.about WHERE mine.feed = 1 AND "
	"mine.edge = 1");
QUERY(sql_suggestions,
	"SELECT f.id FROM (SELECT DISTINCT c.about AS feed FROM contacts mine CROSS JOIN contacts "
	"c ON c.feed = mine.about AND c.edge = 1 WHERE mine.feed = 1 AND mine.edge = 1) w CROSS "
	"JOIN feeds f ON f.feed = w.feed WHERE w.feed <> 1 AND NOT EXISTS (SELECT 1 FROM contacts "
	"WHERE feed = 1 AND about = w.feed) AND NOT EXISTS (SELECT 1 FROM contacts WHERE feed = "
	"w.feed AND about = 1 AND edge = 2) AND NOT EXISTS (SELECT 1 FROM mutes WHERE feed = "
	"w.feed) ORDER BY f.at DESC, f.feed LIMIT ?1");

const char *person_called(const struct person *person)
{
	return person->petname[0] != '\0' ? person->petname : person->name;
}

static enum contact_edge edge_from(sqlite3_stmt *stmt, int at)
{
	return (enum contact_edge)sqlite3_column_int(stmt, at); /* NULL reads as 0: neither */
}

static void copy_text(struct span from, char *out, size_t room)
{
	size_t len = from.len < room ? from.len : room - 1; /* the writer bounds what it stores */
	if (len > 0) {
		memcpy(out, from.at, len);
	}
	out[len] = '\0';
}

static int hops_from(sqlite3_stmt *stmt, const struct person *person)
{
	if (sqlite3_column_int64(stmt, 0) == FEED_SELF) {
		return 0;
	}
	if (person->mine == EDGE_BLOCK) {
		return -1;
	}
	return sqlite3_column_type(stmt, 7) == SQLITE_NULL ? -2 : sqlite3_column_int(stmt, 7);
}

/* What we say of them in private. The tables of `reader` have it already (store/layer), but for
 * somebody nobody here ever heard of. */
static void read_private(struct reader *reader, bool is_known, struct person *out)
{
	enum contact_edge edge = EDGE_NEITHER;
	struct layer *layer = layer_take(reader->store);
	bool is_said = layer_says(layer, &out->id, &edge);
	layer_release(reader->store, layer);
	if (is_said && !is_known) {
		out->mine = edge;
		out->hops = edge == EDGE_BLOCK ? -1 : out->hops;
	}
	out->is_mine_private = is_said && edge != EDGE_NEITHER && edge == out->mine;
}

/* `*feed` becomes the row, 0 when nobody here ever heard of them. */
static enum err read_one(struct reader *reader, const struct feed_id *id, struct person *out,
	int64_t *feed, bool has_bio)
{
	sqlite3_stmt *stmt = NULL;
	*out = (struct person){.id = *id,
		.since_ms = -1,
		.hops = feed_id_equal(id, &reader->store->self) ? 0 : -2};
	*feed = 0;
	enum err err = db_query(reader->db, &sql_person, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(id->at, ID_BYTES));
	err = db_step(reader->db, stmt);
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		return err;
	}
	if (err == ERR_NOT_FOUND) {
		read_private(reader, false, out);
		return ERR_OK;
	}
	*feed = sqlite3_column_int64(stmt, 0);
	out->sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
	out->newest_ms = sqlite3_column_int64(stmt, 2);
	copy_text(db_column(stmt, 3), out->name, sizeof(out->name));
	out->has_image = db_column_id(stmt, 4, out->image.at);
	out->mine = edge_from(stmt, 5);
	out->theirs = edge_from(stmt, 6);
	out->hops = hops_from(stmt, out);
	out->is_forked = sqlite3_column_type(stmt, 8) != SQLITE_NULL;
	copy_text(db_column(stmt, 12), out->petname, sizeof(out->petname));
	out->is_muted = sqlite3_column_int(stmt, 13) != 0;
	out->is_image_here = sqlite3_column_int(stmt, 14) != 0;
	out->ahead_newest = (uint64_t)sqlite3_column_int64(stmt, 11);
	if (out->ahead_newest > out->sequence) {
		out->ahead_first = (uint64_t)sqlite3_column_int64(stmt, 10);
	} else {
		out->ahead_newest = 0;
	}
	if (has_bio) {
		copy_text(db_column(stmt, 9), out->bio, sizeof(out->bio));
	}
	db_reset(stmt);
	read_private(reader, true, out);
	return ERR_OK;
}

static enum err count_of(
	struct reader *reader, const struct query *query, int64_t feed, size_t *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	err = db_step(reader->db, stmt);
	if (err == ERR_OK) {
		*out = (size_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

/* What message 1 claims, as it would be shown. */
static enum err read_since(struct reader *reader, int64_t feed, struct person *out)
{
	sqlite3_stmt *stmt = NULL;
	struct json_doc *doc = NULL;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	double claimed = 0;
	enum err err = db_query(reader->db, &sql_first, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	err = db_step(reader->db, stmt);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	if (pack_text(db_column(stmt, 1), &out->id, 1, &text) == ERR_OK &&
		json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &doc) == ERR_OK &&
		json_number(json_get(json_root(doc), "timestamp"), &claimed)) {
		out->since_ms = index_at_ms(claimed, sqlite3_column_int64(stmt, 0));
	}
	db_reset(stmt);
	json_doc_free(doc);
	buf_fini(&text);
	return ERR_OK;
}

enum err person_read(struct reader *reader, const struct feed_id *id, struct person *out)
{
	int64_t feed = 0;
	size_t follows = 0;
	size_t followers = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = read_one(reader, id, out, &feed, true);
	if (err == ERR_OK && feed != 0) {
		err = count_of(reader, &sql_follows_count, feed, &follows);
	}
	if (err == ERR_OK && feed != 0) {
		err = count_of(reader, &sql_followers_count, feed, &followers);
	}
	if (out->mine == EDGE_BLOCK) {
		out->bio[0] = '\0'; /* their words */
	} else if (err == ERR_OK && feed != FEED_SELF) {
		err = veil_text(reader, out->bio, sizeof(out->bio));
	}
	if (err == ERR_OK && feed != 0) {
		err = read_since(reader, feed, out);
	}
	out->follows = (uint32_t)follows;
	out->followers = (uint32_t)followers;
	return reader_end(reader, err);
}

enum err people_read(
	struct reader *reader, const struct feed_id *ids, size_t count, struct person *out)
{
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		int64_t feed = 0;
		err = read_one(reader, &ids[i], &out[i], &feed, false);
	}
	return reader_end(reader, err);
}

static enum err take_ids(
	struct reader *reader, sqlite3_stmt *stmt, struct feed_id *out, size_t room, size_t *count)
{
	enum err err = ERR_OK;
	*count = 0;
	while (*count < room && (err = db_step(reader->db, stmt)) == ERR_OK) {
		if (db_column_id(stmt, 0, out[*count].at)) {
			(*count)++;
		}
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err people_list(struct reader *reader, enum people_list list, const struct feed_id *of,
	struct feed_id *out, size_t room, size_t *count, size_t *total)
{
	static const struct query *const queries[][2] = {
		[PEOPLE_FOLLOWED_BY] = {&sql_followed_by, &sql_follows_count},
		[PEOPLE_FOLLOWERS_OF] = {&sql_followers_of, &sql_followers_count},
		[PEOPLE_BLOCKED_BY] = {&sql_blocked_by, &sql_blocks_count},
		[PEOPLE_MUTED] = {&sql_muted, &sql_mutes_count},
	};
	int64_t feed = 0;
	*count = 0;
	*total = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	sqlite3_stmt *stmt = NULL;
	err = reader_feed_number(reader, of, &feed);
	if (err == ERR_OK) {
		err = count_of(reader, queries[list][1], feed, total);
	}
	if (err == ERR_OK) {
		err = db_query(reader->db, queries[list][0], &stmt);
	}
	if (err == ERR_OK) {
		db_int(stmt, 1, feed);
		db_int(stmt, 2, (int64_t)room);
		err = take_ids(reader, stmt, out, room, count);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

/* In a transaction that reads. */
static enum err read_between(struct reader *reader, int64_t feed, struct people_between *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = (struct people_between){.count = 0};
	enum err err = db_query(reader->db, &sql_between, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		out->total++;
		if (out->count < PEOPLE_BETWEEN_MAX &&
			db_column_id(stmt, 0, out->at[out->count].at)) {
			out->count++;
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err people_between(struct reader *reader, const struct feed_id *id, struct people_between *out)
{
	int64_t feed = 0;
	*out = (struct people_between){.count = 0};
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = reader_feed_number(reader, id, &feed);
	if (err == ERR_OK) {
		err = read_between(reader, feed, out);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err people_suggestions(
	struct reader *reader, struct people_suggestion *out, size_t room, size_t *count)
{
	sqlite3_stmt *stmt = NULL;
	*count = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_suggestions, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, (int64_t)room);
	}
	while (err == ERR_OK && *count < room && (err = db_step(reader->db, stmt)) == ERR_OK) {
		*count += db_column_id(stmt, 0, out[*count].id.at);
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	err = err == ERR_NOT_FOUND ? ERR_OK : err;
	for (size_t i = 0; err == ERR_OK && i < *count; i++) {
		err = people_between(reader, &out[i].id, &out[i].through);
	}
	return reader_end(reader, err);
}
