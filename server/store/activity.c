/*
 * Pages of activity. A row is the head of its item when nothing newer belongs to the same item, so
 * a page walks the rows in their order and needs no memory of what earlier pages held; who else is
 * in it is asked for each item.
 */
#include "store/activity.h"

#include "base/limits.h"
#include "store/marks.h"
#include "store/reader_inside.h"

#include <stdlib.h>

enum {
	SETTING_BYTES = 4 * KIB,
	COUNTED_ROWS = 2000, /* the newest; what is new beyond them is not counted */
};

/* The kinds are the bits of ?3. */
#define IS_WANTED "(?3 >> a.kind & 1)"
#define DAY_MS "86400000"
#define NOT_LATER(condition)                                                                      \
	"NOT EXISTS (SELECT 1 FROM activity b WHERE " condition                                   \
	" AND (b.at, b.message) > (a.at, a.message) AND b.at < (a.at / " DAY_MS " + 1) * " DAY_MS \
	")"
#define IS_HEAD                                                                                    \
	"CASE a.kind WHEN 1 THEN NOT (?3 >> 2 & 1 AND EXISTS (SELECT 1 FROM activity b WHERE "     \
	"b.at = a.at AND b.message = a.message AND b.kind = 2)) WHEN 3 THEN " NOT_LATER(           \
		"b.kind = 3 AND b.link = a.link") " WHEN 4 THEN " NOT_LATER("b.kind = 4") " ELSE " \
											  "1 END"
#define ITEM_COLUMNS "SELECT a.at, a.message, a.kind, a.link, a.feed FROM activity a WHERE "
#define ITEM_ORDER                                                                              \
	" AND (a.at, a.message) < (?1, ?2) AND " IS_HEAD " ORDER BY a.at DESC, a.message DESC " \
	"LIMIT ?4"
QUERY(sql_activity_items, ITEM_COLUMNS IS_WANTED ITEM_ORDER);
QUERY(sql_activity_items_kind, ITEM_COLUMNS "a.kind = ?5" ITEM_ORDER);
QUERY(sql_activity_unread,
	"SELECT count(*) FROM (SELECT 1 FROM (SELECT at, message, kind, link FROM activity WHERE "
	"(at, message) > (?1, ?2) ORDER BY at DESC, message DESC LIMIT ?5) a WHERE " IS_WANTED
	" AND " IS_HEAD " LIMIT ?4)");
QUERY(sql_activity_by,
	"SELECT f.id, m.key_head, m.key_tail FROM feeds f LEFT JOIN messages m ON m.message = ?2 "
	"WHERE f.feed = ?1");
QUERY(sql_activity_newest,
	"SELECT at, message FROM activity ORDER BY at DESC, message DESC LIMIT 1");
QUERY(sql_activity_post, "SELECT key_head, key_tail FROM messages INDEXED BY messages_own WHERE "
			 "feed = 1 AND key_head = ?1");
#define GROUP_LIKES "a.kind = 3 AND a.link = ?1 AND a.at >= ?2 AND a.at < ?2 + " DAY_MS
#define GROUP_FOLLOWS "a.kind = 4 AND a.at >= ?2 AND a.at < ?2 + " DAY_MS
#define GROUP_WHO "SELECT f.id FROM activity a CROSS JOIN feeds f ON f.feed = a.feed WHERE "
#define GROUP_ORDER " ORDER BY a.at DESC, a.message DESC LIMIT ?3"
QUERY(sql_activity_likers, GROUP_WHO GROUP_LIKES GROUP_ORDER);
QUERY(sql_activity_followers, GROUP_WHO GROUP_FOLLOWS GROUP_ORDER);
QUERY(sql_activity_likers_count, "SELECT count(*) FROM activity a WHERE " GROUP_LIKES);
QUERY(sql_activity_followers_count, "SELECT count(*) FROM activity a WHERE " GROUP_FOLLOWS);

static const char *const kind_names[ACTIVITY_KINDS] = {[ACTIVITY_MENTION] = "mention",
	[ACTIVITY_REPLY] = "reply",
	[ACTIVITY_LIKE] = "like",
	[ACTIVITY_FOLLOW] = "follow"};

const char *activity_kind_text(enum activity_kind kind)
{
	return kind_names[kind];
}

enum err activity_wanted(struct reader *reader, unsigned *out)
{
	struct buf text = BUF_INIT(SETTING_BYTES);
	struct json_doc *doc = NULL;
	*out = ACTIVITY_ALL;
	enum err err = reader_setting(reader, "activity", &text);
	if (err == ERR_OK && json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &doc) == ERR_OK) {
		for (unsigned kind = ACTIVITY_MENTION; kind < ACTIVITY_KINDS; kind++) {
			const struct json *is = json_get(json_root(doc), kind_names[kind]);
			bool is_off = is != NULL && json_kind(is) == JSON_KIND_FALSE;
			*out &= is_off ? ~(1U << kind) : ~0U;
		}
	}
	json_doc_free(doc);
	buf_fini(&text);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int64_t day_of(int64_t at_ms)
{
	static const int64_t day_ms = 86400000;
	return at_ms / day_ms * day_ms;
}

static enum err ask_group(struct reader *reader, const struct query *query,
	const struct activity_item *item, int64_t link, sqlite3_stmt **out)
{
	enum err err = db_query(reader->db, query, out);
	if (err == ERR_OK) {
		db_int(*out, 1, link);
		db_int(*out, 2, day_of(item->at_ms));
		if (sqlite3_bind_parameter_count(*out) > 2) {
			db_int(*out, 3, ACTIVITY_WHO_MAX);
		}
	}
	return err;
}

static enum err read_group(struct reader *reader, struct activity_item *item, int64_t link)
{
	bool is_like = item->kind == ACTIVITY_LIKE;
	sqlite3_stmt *stmt = NULL;
	enum err err = ask_group(reader,
		is_like ? &sql_activity_likers_count : &sql_activity_followers_count, item, link,
		&stmt);
	if (err == ERR_OK) {
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		item->n = (uint32_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
		err = ask_group(reader, is_like ? &sql_activity_likers : &sql_activity_followers,
			item, link, &stmt);
	}
	item->who_count = 0;
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		item->who_count += db_column_id(stmt, 0, item->who[item->who_count].at);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_about(struct reader *reader, struct activity_item *item, int64_t link)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_activity_post, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, link);
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		item->has_about = db_column_key(stmt, 0, 1, &item->about);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Who, and what they wrote. */
static enum err read_by(struct reader *reader, struct activity_item *item, int64_t feed)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_activity_by, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, feed);
		db_int(stmt, 2, item->order);
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		item->who_count = db_column_id(stmt, 0, item->who[0].at);
		item->has_id = db_column_key(stmt, 1, 2, &item->id);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_item(struct reader *reader, sqlite3_stmt *stmt, const struct mark *mark,
	struct activity_item *item)
{
	int64_t link = sqlite3_column_int64(stmt, 3);
	enum err err = ERR_OK;
	*item = (struct activity_item){.at_ms = sqlite3_column_int64(stmt, 0),
		.order = sqlite3_column_int64(stmt, 1),
		.kind = (enum activity_kind)sqlite3_column_int(stmt, 2),
		.n = 1};
	item->is_new = item->at_ms > mark->at_ms ||
		       (item->at_ms == mark->at_ms && item->order > mark->order);
	if (item->kind == ACTIVITY_REPLY || item->kind == ACTIVITY_LIKE) {
		err = read_about(reader, item, link);
	}
	if (err != ERR_OK) {
		return err;
	}
	return item->kind == ACTIVITY_LIKE || item->kind == ACTIVITY_FOLLOW
		       ? read_group(reader, item, link)
		       : read_by(reader, item, sqlite3_column_int64(stmt, 4));
}

/* The one kind that is asked for; 0: several. */
static int64_t only_kind(unsigned kinds)
{
	for (unsigned kind = ACTIVITY_MENTION; kind < ACTIVITY_KINDS; kind++) {
		if (kinds == 1U << kind) {
			return kind;
		}
	}
	return 0;
}

static enum err read_items(
	struct reader *reader, const struct activity_query *query, struct activity_page *out)
{
	struct mark mark;
	sqlite3_stmt *stmt = NULL;
	int64_t kind = only_kind(query->kinds);
	enum err err = marks_read(reader, "activity", &mark);
	if (err == ERR_OK) {
		err = db_query(reader->db,
			kind == 0 ? &sql_activity_items : &sql_activity_items_kind, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, query->has_before ? query->at_ms : INT64_MAX);
	db_int(stmt, 2, query->has_before ? query->order : INT64_MAX);
	db_int(stmt, 3, query->kinds);
	db_int(stmt, 4, (int64_t)query->limit + 1);
	if (kind != 0) {
		db_int(stmt, 5, kind);
	}
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		if (out->count == query->limit) {
			out->has_more = true;
			break;
		}
		err = read_item(reader, stmt, &mark, &out->items[out->count]);
		if (err != ERR_OK) {
			break;
		}
		out->count++;
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_newest(struct reader *reader, struct activity_page *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_activity_newest, &stmt);
	if (err == ERR_OK) {
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		out->has_newest = true;
		out->newest_at_ms = sqlite3_column_int64(stmt, 0);
		out->newest_order = sqlite3_column_int64(stmt, 1);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err activity_page(
	struct reader *reader, const struct activity_query *query, struct activity_page *out)
{
	*out = (struct activity_page){.count = 0};
	if (query->limit < 1 || query->limit > LIMIT_PAGE_ROWS) {
		return ERR_LIMIT;
	}
	out->items = calloc(query->limit, sizeof(*out->items));
	enum err err = out->items == NULL ? ERR_NOMEM : reader_begin(reader);
	if (err != ERR_OK) {
		activity_page_free(out);
		return err;
	}
	err = read_items(reader, query, out);
	if (err == ERR_OK) {
		err = read_newest(reader, out);
	}
	err = reader_end(reader, err);
	if (err != ERR_OK) {
		activity_page_free(out);
	}
	return err;
}

void activity_page_free(struct activity_page *page)
{
	free(page->items);
	*page = (struct activity_page){.count = 0};
}

enum err activity_unread(struct reader *reader, unsigned kinds, uint32_t *out)
{
	struct mark mark;
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = marks_read(reader, "activity", &mark);
	if (err == ERR_OK) {
		err = db_query(reader->db, &sql_activity_unread, &stmt);
	}
	if (err == ERR_OK) {
		db_int(stmt, 1, mark.at_ms);
		db_int(stmt, 2, mark.order);
		db_int(stmt, 3, kinds);
		db_int(stmt, 4, UNREAD_MAX);
		db_int(stmt, 5, COUNTED_ROWS);
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		*out = (uint32_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return reader_end(reader, err);
}
