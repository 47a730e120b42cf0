/*
 * What there is, as the choice wants it. A blob belongs to the nearest who named it in a message
 * that is here; the first 8 bytes of its id name it there, so a stranger could make one that looks
 * like a friend's: then it stays a little longer, and nothing else comes of it.
 */
#include "store/ceiling_inside.h"

#include "base/table.h"
#include "store/inside.h"
#include "store/layer.h"

#include <stdio.h>
#include <stdlib.h>

/* Who names a blob: the feed, how far, and the key of the message, which may be kept. */
QUERY(sql_ceiling_links,
	"SELECT l.feed, CASE WHEN l.feed = 1 THEN 0 WHEN EXISTS (SELECT 1 FROM contacts c WHERE "
	"c.feed = 1 AND c.about = l.feed AND c.edge = 1) OR EXISTS (SELECT 1 FROM wants w WHERE "
	"w.feed = l.feed) THEN 1 ELSE coalesce((SELECT r.hops FROM reach r WHERE r.feed = l.feed), "
	"9) END, m.key_head, m.key_tail FROM blob_links l LEFT JOIN messages m ON m.message = "
	"l.message WHERE l.blob = ?1 LIMIT 200");
QUERY(sql_ceiling_bookmark, "SELECT 1 FROM bookmarks WHERE key = ?1");
/* SCAN: those the owner follows; once for each choice. */
QUERY(sql_ceiling_pictures, "SELECT p.image FROM contacts c CROSS JOIN profiles p ON p.feed = "
			    "c.about WHERE c.feed = 1 AND c.edge = 1 AND p.image IS NOT NULL");
QUERY(sql_ceiling_blobs_of, "SELECT DISTINCT blob FROM blob_links WHERE feed = ?1");
QUERY(sql_ceiling_blob_at, "SELECT id, bytes, keep FROM blobs WHERE id >= ?1 AND id < ?2");
QUERY(sql_ceiling_namers, "SELECT DISTINCT feed FROM blob_links WHERE blob = ?1 LIMIT 200");
/* SCAN: every feed, once for each choice. */
QUERY(sql_ceiling_feeds,
	"SELECT f.feed, f.id, f.sequence, f.at, coalesce((SELECT below FROM let_go l WHERE l.feed "
	"= "
	"f.feed), 1), coalesce((SELECT hops FROM reach r WHERE r.feed = f.feed), 9), EXISTS "
	"(SELECT "
	"1 FROM contacts c WHERE c.feed = 1 AND c.about = f.feed AND c.edge = 1) OR EXISTS (SELECT "
	"1 "
	"FROM wants w WHERE w.feed = f.feed) OR EXISTS (SELECT 1 FROM let_go l WHERE l.feed = "
	"f.feed "
	"AND l.again > 0), (SELECT p.at FROM posts p WHERE p.feed = f.feed ORDER BY p.at LIMIT 1) "
	"FROM feeds f WHERE f.sequence > 0");

static enum err is_bookmarked(struct reader *reader, const struct message_id *key, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_ceiling_bookmark, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(key->at, ID_BYTES));
	err = db_step(reader->db, stmt);
	*out = err == ERR_OK;
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err load_pictures(struct reader *reader, struct table *pictures)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_ceiling_pictures, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct blob_id id;
		if (db_column_id(stmt, 0, id.at) &&
			table_put(pictures, id.at, pictures) == ERR_NOMEM) {
			db_reset(stmt);
			return ERR_NOMEM;
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err look_links(
	struct reader *reader, const struct blob_row *row, struct ceiling_whose *whose)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_ceiling_links, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(row->id.at));
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		struct message_id key;
		bool is_kept = false;
		int hops = sqlite3_column_int(stmt, 1);
		whose->hops = hops < whose->hops ? hops : whose->hops;
		if (hops > 0 && db_column_key(stmt, 2, 3, &key) &&
			is_bookmarked(reader, &key, &is_kept) == ERR_OK && is_kept) {
			whose->hops = 0;
		}
		if (whose->hops == 0) {
			db_reset(stmt);
			return ERR_OK;
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err look_at(struct reader *reader, const struct table *pictures,
	const struct blob_row *row, struct ceiling_whose *whose)
{
	*whose = (struct ceiling_whose){.group = CEILING_KEPT, .hops = CEILING_HOPS_NONE};
	if (row->keep == BLOB_OWN) {
		whose->hops = 0;
		return ERR_OK;
	}
	enum err err = look_links(reader, row, whose);
	bool is_picture = table_get(pictures, row->id.at) != NULL;
	whose->group = whose->hops == 0   ? CEILING_KEPT
		       : is_picture       ? CEILING_PICTURE
		       : whose->hops == 1 ? CEILING_NEAR
					  : CEILING_FAR;
	return err;
}

struct each {
	struct reader *reader;
	struct table *pictures;
	bool (*on_blob)(void *ctx, const struct blob_row *row, const struct ceiling_whose *whose);
	void *ctx;
	enum err err;
};

static bool on_row(void *ctx, const struct blob_row *row)
{
	struct each *each = ctx;
	struct ceiling_whose whose;
	each->err = look_at(each->reader, each->pictures, row, &whose);
	return each->err == ERR_OK && each->on_blob(each->ctx, row, &whose);
}

enum err ceiling_each_blob(struct reader *reader,
	bool (*on_blob)(void *ctx, const struct blob_row *row, const struct ceiling_whose *whose),
	void *ctx)
{
	struct each each = {.reader = reader,
		.pictures = table_new(store_env(reader->store), LIMIT_FEEDS_KNOWN),
		.on_blob = on_blob,
		.ctx = ctx};
	enum err err = each.pictures == NULL ? ERR_NOMEM : load_pictures(reader, each.pictures);
	if (err == ERR_OK) {
		err = blobs_list(reader, NULL, on_row, &each);
	}
	table_free(each.pictures);
	return each.err == ERR_OK ? err : each.err;
}

enum err ceiling_each_namer(struct reader *reader, const struct blob_id *id,
	void (*on_feed)(void *ctx, int64_t feed), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_ceiling_namers, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(id->at));
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		on_feed(ctx, sqlite3_column_int64(stmt, 0));
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Rows whose ids begin with these 8 bytes. */
static enum err blobs_at(struct reader *reader, int64_t head,
	bool (*on_blob)(void *ctx, const struct blob_row *row), void *ctx)
{
	uint8_t low[ID_BYTES] = {0};
	uint8_t high[ID_BYTES + 1];
	sqlite3_stmt *stmt = NULL;
	for (int i = 0; i < DB_KEY_HEAD_BYTES; i++) {
		low[i] = (uint8_t)((uint64_t)head >> (56 - 8 * i));
	}
	memset(high, 0xff, sizeof(high));
	memcpy(high, low, DB_KEY_HEAD_BYTES);
	enum err err = db_query(reader->db, &sql_ceiling_blob_at, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(low, sizeof(low)));
	db_blob(stmt, 2, span_of(high, sizeof(high)));
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		struct blob_row row = {.bytes = (uint64_t)sqlite3_column_int64(stmt, 1),
			.keep = (enum blob_keep)sqlite3_column_int(stmt, 2)};
		if (db_column_id(stmt, 0, row.id.at) && !on_blob(ctx, &row)) {
			break;
		}
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err ceiling_each_blob_of(struct reader *reader, int64_t feed,
	bool (*on_blob)(void *ctx, const struct blob_row *row), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_ceiling_blobs_of, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, feed);
		while ((err = db_step(reader->db, stmt)) == ERR_OK) {
			err = blobs_at(reader, sqlite3_column_int64(stmt, 0), on_blob, ctx);
			if (err != ERR_OK) {
				break;
			}
		}
		db_reset(stmt);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

static bool grow(void **at, size_t count, size_t *room, size_t bytes)
{
	if (count < *room) {
		return true;
	}
	size_t wanted = *room == 0 ? 256 : 2 * *room;
	void *grown = reallocarray(*at, wanted, bytes);
	if (grown != NULL) {
		*at = grown;
		*room = wanted;
	}
	return grown != NULL;
}

static bool take_blob(void *ctx, const struct blob_row *row, const struct ceiling_whose *whose)
{
	struct ceiling_load *load = ctx;
	if (whose->group == CEILING_KEPT) {
		return true;
	}
	if (load->all.blob_count == CEILING_BLOBS_MAX ||
		!grow((void **)&load->all.blobs, load->all.blob_count, &load->blob_room,
			sizeof(*load->all.blobs))) {
		return false; /* there will be another choice */
	}
	load->all.blobs[load->all.blob_count++] = (struct ceiling_blob){.id = row->id,
		.bytes = ceiling_on_disk(row->bytes),
		.used_ms = row->used_ms > row->at_ms ? row->used_ms : row->at_ms,
		.group = whose->group,
		.hops = whose->hops,
		.is_held = row->keep == BLOB_FAR};
	return true;
}

static enum err take_feed(
	struct store *store, struct ceiling_load *load, sqlite3_stmt *stmt, int64_t message_bytes)
{
	if (!grow((void **)&load->all.feeds, load->all.feed_count, &load->feed_room,
		    sizeof(*load->all.feeds))) {
		return ERR_NOMEM;
	}
	struct ceiling_feed *feed = &load->all.feeds[load->all.feed_count];
	*feed = (struct ceiling_feed){.head = (uint64_t)sqlite3_column_int64(stmt, 2),
		.newest_ms = sqlite3_column_int64(stmt, 3),
		.first = (uint64_t)sqlite3_column_int64(stmt, 4),
		.hops = sqlite3_column_int(stmt, 5),
		.is_kept = sqlite3_column_int64(stmt, 0) == FEED_SELF ||
			   sqlite3_column_int(stmt, 6) != 0,
		.message_bytes = message_bytes};
	feed->oldest_ms = sqlite3_column_type(stmt, 7) == SQLITE_NULL
				  ? feed->newest_ms
				  : sqlite3_column_int64(stmt, 7);
	if (db_column_id(stmt, 1, feed->id.at)) {
		feed->is_kept = feed->is_kept || layer_is(store, &feed->id, EDGE_FOLLOW);
		load->all.feed_count++;
	}
	return ERR_OK;
}

static enum err load_feeds(struct reader *reader, struct ceiling_load *load)
{
	struct ceiling_average average;
	sqlite3_stmt *stmt = NULL;
	enum err err = ceiling_average(reader, &average);
	if (err == ERR_OK) {
		err = db_query(reader->db, &sql_ceiling_feeds, &stmt);
	}
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		err = take_feed(reader->store, load, stmt, (int64_t)average.all);
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

char *ceiling_copies_dir(const struct store *store, const char *copies)
{
	return copies == NULL ? store_path(store, "backups") : strdup(copies);
}

/* Only those the node made by itself, and only below the data directory. */
static enum err load_copies(struct reader *reader, const char *copies, struct ceiling_load *load)
{
	size_t count = 0;
	if (copies != NULL) {
		return ERR_OK;
	}
	char *dir = ceiling_copies_dir(reader->store, NULL);
	enum err err = dir == NULL ? ERR_NOMEM : nightly_list(dir, load->files, &count);
	free(dir);
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		const char *name = load->files[i].name;
		if (strstr(name, "-away") == NULL && strstr(name, "-move") == NULL &&
			strstr(name, "-paused") == NULL) {
			load->files[load->all.copy_count] = load->files[i];
			load->copies[load->all.copy_count++] = (struct ceiling_copy){
				.bytes = ceiling_on_disk(load->files[i].bytes)};
		}
	}
	load->all.copies = load->copies;
	return err;
}

enum err ceiling_load(struct reader *reader, const char *copies, struct ceiling_load *out)
{
	memset(out, 0, sizeof(*out));
	enum err err = ceiling_each_blob(reader, take_blob, out);
	if (err == ERR_OK) {
		err = reader_begin(reader);
	}
	if (err == ERR_OK) {
		err = reader_end(reader, load_feeds(reader, out));
	}
	if (err == ERR_OK) {
		err = load_copies(reader, copies, out);
	}
	if (err != ERR_OK) {
		ceiling_load_fini(out);
	}
	return err;
}

void ceiling_load_fini(struct ceiling_load *load)
{
	free(load->all.blobs);
	free(load->all.feeds);
	load->all = (struct ceiling_all){.blobs = NULL};
}
