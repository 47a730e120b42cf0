/*
 * Pages. Each kind of timeline walks one index in its order from the cursor, so a page costs what
 * is on it, however much is stored. What a blocked author wrote has no row in `posts`
 * (store/index), so nothing here asks for blocks.
 */
#include "store/post.h"

#include "base/limits.h"
#include "store/search_veil.h"

#define ORDER_OLDER " AND (p.at, p.message) < (?1, ?2) ORDER BY p.at DESC, p.message DESC LIMIT ?3"
#define ORDER_NEWER " AND (p.at, p.message) > (?1, ?2) ORDER BY p.at, p.message LIMIT ?3"

QUERY(sql_home_older, "SELECT " POST_COLUMNS " FROM " POST_TABLES
		      " WHERE p.home = 1 AND " POST_IS_HELD ORDER_OLDER);
QUERY(sql_home_newer, "SELECT " POST_COLUMNS " FROM " POST_TABLES
		      " WHERE p.home = 1 AND " POST_IS_HELD ORDER_NEWER);
/* What `posts` says of home is made row by row where a layer is laid over it (store/layer), so a
 * home with little in it would look at everything stored. These walk the indexes below: of what
 * is home for all to see, and of each of those we follow privately. */
#define LAID_HELD(post)                                                                         \
	" AND (EXISTS (SELECT 1 FROM messages n WHERE n.message = " post ".message) OR EXISTS " \
	"(SELECT 1 FROM ahead b WHERE b.message = " post ".message))"
#define LAID(is_before, from_newest)                                                            \
	"SELECT " POST_COLUMNS " FROM (SELECT * FROM (SELECT h.message, h.feed, h.at FROM "     \
	"main.posts h WHERE h.home = 1 AND h.feed NOT IN (SELECT feed FROM temp.private_edges)" \
	" AND (h.at, h.message) " is_before " (?1, ?2)" LAID_HELD(                              \
		"h") " ORDER BY h.at" from_newest ", h.message" from_newest                     \
		     " LIMIT ?3) UNION ALL SELECT q.message, q.feed, q.at FROM "                \
		     "temp.private_edges e CROSS JOIN main.posts q ON q.message IN (SELECT "    \
		     "r.message FROM "                                                          \
		     "main.posts r WHERE r.feed = e.feed AND (r.at, r.message) " is_before      \
		     " (?1, ?2)" LAID_HELD(                                                     \
			     "r") " ORDER BY r.at" from_newest ", r.message" from_newest        \
				  " LIMIT ?3) WHERE e.edge = 1) p "                             \
				  "CROSS JOIN feeds f ON f.feed = p.feed" POST_HOLDERS          \
				  " WHERE " POST_IS_HELD
QUERY(sql_home_laid_older, LAID("<", " DESC") ORDER_OLDER);
QUERY(sql_home_laid_newer, LAID(">", "") ORDER_NEWER);
QUERY(sql_wide_older,
	"SELECT " POST_COLUMNS " FROM " POST_TABLES " WHERE " POST_IS_HELD ORDER_OLDER);
QUERY(sql_wide_newer,
	"SELECT " POST_COLUMNS " FROM " POST_TABLES " WHERE " POST_IS_HELD ORDER_NEWER);
QUERY(sql_person_older, "SELECT " POST_COLUMNS " FROM " POST_TABLES
			" WHERE p.feed = ?4 AND " POST_IS_HELD ORDER_OLDER);
QUERY(sql_person_newer, "SELECT " POST_COLUMNS " FROM " POST_TABLES
			" WHERE p.feed = ?4 AND " POST_IS_HELD ORDER_NEWER);

#define PERSON_ROOTS " WHERE p.feed = ?4 AND p.root IS NULL AND " POST_IS_HELD
QUERY(sql_roots_older, "SELECT " POST_COLUMNS " FROM " POST_TABLES PERSON_ROOTS ORDER_OLDER);
QUERY(sql_roots_newer, "SELECT " POST_COLUMNS " FROM " POST_TABLES PERSON_ROOTS ORDER_NEWER);
/* The plus: posts in their order, each looked up among the messages of that feed that name blobs.
 */
#define PERSON_PICTURES                                                                      \
	" WHERE p.feed = ?4 AND +p.message IN (SELECT message FROM blob_links WHERE feed = " \
	"?4) AND " POST_IS_HELD
QUERY(sql_pictures_older, "SELECT " POST_COLUMNS " FROM " POST_TABLES PERSON_PICTURES ORDER_OLDER);
QUERY(sql_pictures_newer, "SELECT " POST_COLUMNS " FROM " POST_TABLES PERSON_PICTURES ORDER_NEWER);
#define TAG_POSTS                                                                         \
	" FROM tags t CROSS JOIN posts p ON p.message = t.message CROSS JOIN feeds f ON " \
	"f.feed = p.feed" POST_HOLDERS " WHERE t.tag = ?4 AND " POST_IS_HELD
QUERY(sql_tag_older, "SELECT " POST_COLUMNS TAG_POSTS " AND (t.at, t.message) < (?1, ?2) ORDER BY "
		     "t.at DESC, t.message DESC LIMIT ?3");
QUERY(sql_tag_newer, "SELECT " POST_COLUMNS TAG_POSTS " AND (t.at, t.message) > (?1, ?2) ORDER BY "
		     "t.at, t.message LIMIT ?3");
QUERY(sql_kept_older, "SELECT key, at FROM bookmarks WHERE at < ?1 ORDER BY at DESC");
QUERY(sql_kept_newer, "SELECT key, at FROM bookmarks WHERE at > ?1 ORDER BY at");

static bool is_of_person(enum timeline_kind kind)
{
	return kind == TIMELINE_PERSON || kind == TIMELINE_ROOTS || kind == TIMELINE_PICTURES;
}

/* With more of them than this a page is full before much was looked at. */
enum { LAID_FOLLOWS_MAX = 16 };

static const struct query *choose(const struct reader *reader, const struct timeline_query *query)
{
	static const struct query *const queries[][2] = {
		[TIMELINE_HOME] = {&sql_home_older, &sql_home_newer},
		[TIMELINE_WIDE] = {&sql_wide_older, &sql_wide_newer},
		[TIMELINE_PERSON] = {&sql_person_older, &sql_person_newer},
		[TIMELINE_ROOTS] = {&sql_roots_older, &sql_roots_newer},
		[TIMELINE_PICTURES] = {&sql_pictures_older, &sql_pictures_newer},
		[TIMELINE_TAG] = {&sql_tag_older, &sql_tag_newer},
		[TIMELINE_KEPT] = {&sql_kept_older, &sql_kept_newer},
	};
	if (query->kind == TIMELINE_HOME && reader->layer_number != 0 &&
		reader->layer_follows <= LAID_FOLLOWS_MAX) {
		return query->has_after ? &sql_home_laid_newer : &sql_home_laid_older;
	}
	return queries[query->kind][query->has_after];
}

static enum err read_rows(struct reader *reader, const struct timeline_query *query, int64_t person,
	struct posts *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, choose(reader, query), &stmt);
	if (err != ERR_OK) {
		return err;
	}
	bool has_cursor = query->has_before || query->has_after;
	db_int(stmt, 1, has_cursor ? query->at_ms : INT64_MAX);
	db_int(stmt, 2, has_cursor ? query->order : INT64_MAX);
	db_int(stmt, 3, (int64_t)query->limit + 1);
	if (is_of_person(query->kind)) {
		db_int(stmt, 4, person);
	} else if (query->kind == TIMELINE_TAG) {
		db_text(stmt, 4, span_text(query->tag));
	}
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		if (out->count == query->limit) {
			out->has_more = true;
			break;
		}
		err = post_from(out, stmt, &out->at[out->count], NULL);
		if (err != ERR_OK) {
			break;
		}
		out->count++;
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The post of the present row of bookmarks, when it is here. */
static enum err read_one_kept(struct reader *reader, sqlite3_stmt *kept, struct posts *out)
{
	struct message_id id;
	sqlite3_stmt *stmt = NULL;
	if (!db_column_id(kept, 0, id.at)) {
		return ERR_IO;
	}
	enum err err = post_find(reader, &id, &stmt);
	if (err == ERR_OK) {
		err = post_from(out, stmt, &out->at[out->count], NULL);
		out->count += err == ERR_OK;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* One more than the page has would be the proof that there are more: it is read and left out. */
static enum err read_kept(
	struct reader *reader, const struct timeline_query *query, struct posts *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, choose(reader, query), &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, query->has_before || query->has_after ? query->at_ms : INT64_MAX);
	while (out->count <= query->limit && (err = db_step(reader->db, stmt)) == ERR_OK) {
		err = read_one_kept(reader, stmt, out);
		if (err != ERR_OK) {
			break;
		}
	}
	db_reset(stmt);
	if (out->count > query->limit) {
		out->count--;
		out->has_more = true;
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void reverse(struct posts *posts)
{
	for (size_t i = 0; i < posts->count / 2; i++) {
		struct post kept = posts->at[i];
		posts->at[i] = posts->at[posts->count - 1 - i];
		posts->at[posts->count - 1 - i] = kept;
	}
}

enum err timeline_page(struct reader *reader, const struct timeline_query *query, struct posts *out)
{
	int64_t person = 0;
	if (query->limit < 1 || query->limit > LIMIT_PAGE_ROWS ||
		(query->has_before && query->has_after)) {
		return ERR_LIMIT;
	}
	enum err err = post_page_init(out, query->limit + 1);
	if (err == ERR_OK) {
		err = reader_begin(reader);
	}
	if (err != ERR_OK) {
		posts_free(out);
		return err;
	}
	if (is_of_person(query->kind)) {
		err = reader_feed_number(reader, &query->person, &person);
	}
	if (err == ERR_OK) {
		err = query->kind == TIMELINE_KEPT ? read_kept(reader, query, out)
						   : read_rows(reader, query, person, out);
	}
	if (err == ERR_OK) {
		err = post_count_all(reader, out);
	}
	if (err == ERR_OK && query->kind == TIMELINE_TAG) {
		err = search_veil_tagged(out, query->tag);
	}
	err = reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
	if (err != ERR_OK) {
		posts_free(out);
		return err;
	}
	if (query->has_after) {
		reverse(out);
	}
	return ERR_OK;
}

enum err posts_read(
	struct reader *reader, const struct message_id *ids, size_t count, struct posts *out)
{
	enum err err = post_page_init(out, count);
	if (err == ERR_OK) {
		err = reader_begin(reader);
	}
	if (err != ERR_OK) {
		posts_free(out);
		return err;
	}
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		sqlite3_stmt *stmt = NULL;
		err = post_find(reader, &ids[i], &stmt);
		if (err == ERR_NOT_FOUND) {
			err = ERR_OK;
			continue;
		}
		if (err == ERR_OK) {
			err = post_from(out, stmt, &out->at[out->count], NULL);
			out->count += err == ERR_OK;
			db_reset(stmt);
		}
	}
	if (err == ERR_OK) {
		err = post_count_all(reader, out);
	}
	err = reader_end(reader, err);
	if (err != ERR_OK) {
		posts_free(out);
	}
	return err;
}
