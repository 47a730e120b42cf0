/* One post out of the log: the body is parsed again, as everything a reader wants to see is in it;
 * only what is sorted or searched by has columns. */
#include "store/post.h"

#include "base/limits.h"
#include "store/ahead.h"
#include "store/keys.h"
#include "store/pack.h"
#include "store/veil.h"

#include <stdlib.h>

enum { ARENA_BLOCK_BYTES = 32 * KIB };

struct arena {
	struct arena *next;
	size_t used, room;
	uint8_t at[];
};

static struct arena *arena_new(size_t room, struct arena *next)
{
	struct arena *arena = malloc(sizeof(*arena) + room);
	if (arena != NULL) {
		arena->next = next;
		arena->used = 0;
		arena->room = room;
	}
	return arena;
}

const uint8_t *post_keep(struct posts *posts, struct span bytes)
{
	if (bytes.len == 0) {
		return (const uint8_t *)"";
	}
	if (posts->arena == NULL || posts->arena->room - posts->arena->used < bytes.len) {
		struct arena *arena =
			arena_new(bytes.len > ARENA_BLOCK_BYTES ? bytes.len : ARENA_BLOCK_BYTES,
				posts->arena);
		if (arena == NULL) {
			return NULL;
		}
		posts->arena = arena;
	}
	uint8_t *at = posts->arena->at + posts->arena->used;
	memcpy(at, bytes.at, bytes.len);
	posts->arena->used += bytes.len;
	return at;
}

void post_arena_join(struct arena **to, struct arena **from)
{
	while (*to != NULL) {
		to = &(*to)->next;
	}
	*to = *from;
	*from = NULL;
}

enum err post_page_init(struct posts *posts, size_t room)
{
	*posts = (struct posts){.at = calloc(room == 0 ? 1 : room, sizeof(*posts->at))};
	return posts->at == NULL ? ERR_NOMEM : ERR_OK;
}

void posts_free(struct posts *posts)
{
	while (posts->arena != NULL) {
		struct arena *next = posts->arena->next;
		free(posts->arena);
		posts->arena = next;
	}
	free(posts->at);
	*posts = (struct posts){0};
}

static bool keep_span(struct posts *posts, struct span from, struct span *to)
{
	*to = span_of(post_keep(posts, from), from.len);
	return to->at != NULL;
}

enum err post_content(struct posts *posts, const struct json *tree, struct post *out)
{
	struct content content;
	content_read_json(tree, &content);
	if (content.type != CONTENT_POST) {
		return ERR_IO; /* the views say it is one */
	}
	const struct content_post *post = &content.post;
	if (!keep_span(posts, post->text, &out->text) ||
		!keep_span(posts, post->warning, &out->warning) ||
		!keep_span(posts, post->channel, &out->channel)) {
		return ERR_NOMEM;
	}
	out->has_root = post->has_root;
	out->has_fork = post->has_fork;
	out->root = post->root;
	out->fork = post->fork;
	out->branch_count = post->branch_count;
	memcpy(out->branches, post->branches, sizeof(out->branches));
	const struct json *mentions = json_get(tree, "mentions");
	if (json_count(mentions) == 0) {
		return ERR_OK;
	}
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = json_write_compact(mentions, &text);
	if (err == ERR_OK && !keep_span(posts, buf_span(&text), &out->mentions)) {
		err = ERR_NOMEM;
	}
	buf_fini(&text);
	return err;
}

/* Columns of one of the two tables that may hold a message. */
struct columns {
	int sequence, head, tail, body, received;
};

static const struct columns *columns_of(sqlite3_stmt *stmt)
{
	static const struct columns stored = {2, 3, 4, 6, 7};
	static const struct columns ahead = {8, 9, 10, 11, 12};
	return sqlite3_column_int64(stmt, 0) < AHEAD_MESSAGE_FIRST ? &stored : &ahead;
}

double post_received_ms(sqlite3_stmt *stmt)
{
	return sqlite3_column_double(stmt, columns_of(stmt)->received);
}

enum err post_from(struct posts *posts, sqlite3_stmt *stmt, struct post *out, struct json_doc **doc)
{
	struct json_doc *parsed = NULL;
	const struct columns *columns = columns_of(stmt);
	*out = (struct post){
		.order = sqlite3_column_int64(stmt, 0),
		.at_ms = sqlite3_column_int64(stmt, 1),
		.sequence = (uint64_t)sqlite3_column_int64(stmt, columns->sequence),
	};
	/* The chain may have come up to it without its rows: then it is ahead of nothing. */
	out->is_ahead = out->order >= AHEAD_MESSAGE_FIRST &&
			out->sequence > (uint64_t)sqlite3_column_int64(stmt, 14);
	out->is_unchecked = out->is_ahead && sqlite3_column_int(stmt, 13) == 0;
	if (!db_column_key(stmt, columns->head, columns->tail, &out->key) ||
		!db_column_id(stmt, 5, out->author.at)) {
		return ERR_IO;
	}
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err =
		pack_text(db_column(stmt, columns->body), &out->author, out->sequence, &text);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &parsed);
	}
	buf_fini(&text);
	if (err == ERR_OK) {
		err = post_content(posts, json_get(json_root(parsed), "content"), out);
	}
	if (err == ERR_OK && doc != NULL) {
		*doc = parsed;
		return ERR_OK;
	}
	json_doc_free(parsed);
	return err == ERR_NOMEM || err == ERR_OK ? err : ERR_IO;
}

QUERY(sql_replies, "SELECT (SELECT count(*) FROM posts WHERE root = ?1) + (SELECT count(*) FROM "
		   "posts WHERE fork = ?1 AND root IS NOT ?1)");
QUERY(sql_likes,
	"SELECT v.feed, f.id FROM votes v CROSS JOIN feeds f ON f.feed = v.feed WHERE v.link = ?1 "
	"AND v.message > 0");
QUERY(sql_find, "SELECT " POST_COLUMNS " FROM " KEYS_MESSAGES
		" CROSS JOIN posts p ON p.message = m.message CROSS JOIN feeds f ON f.feed = "
		"p.feed LEFT JOIN ahead a ON a.message = p.message WHERE " KEYS_IS);
QUERY(sql_find_ahead,
	"SELECT " POST_COLUMNS " FROM ahead a CROSS JOIN posts p ON p.message = a.message CROSS "
	"JOIN feeds f ON f.feed = p.feed LEFT JOIN messages m ON m.message = p.message WHERE "
	"a.key_head = ?1 AND a.key_tail = ?2");

QUERY(sql_find_stray, "SELECT " POST_STRAY_COLUMNS " FROM " POST_STRAY_TABLES
		      " WHERE s.key_head = ?1 AND s.key_tail = ?2 AND " POST_STRAY_IS_SHOWN);

QUERY(sql_kept, "SELECT at FROM bookmarks WHERE key = ?1");

static enum err count_replies(struct reader *reader, struct post *post)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_replies, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(post->key.at));
	err = db_step(reader->db, stmt);
	if (err == ERR_OK) {
		post->replies = (uint32_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

static enum err count_likes(struct reader *reader, struct post *post)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_likes, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(post->key.at));
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		post->likes++;
		if (sqlite3_column_int64(stmt, 0) == FEED_SELF) {
			post->is_liked = true;
		} else if (post->liker_count < POST_LIKERS_MAX &&
			   db_column_id(stmt, 1, post->likers[post->liker_count].at)) {
			post->liker_count++;
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err post_bookmark_read(struct reader *reader, const struct message_id *id, int64_t *at_ms)
{
	sqlite3_stmt *stmt = NULL;
	*at_ms = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_kept, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(id->at, ID_BYTES));
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		*at_ms = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err post_likers_read(struct reader *reader, const struct message_id *id, struct feed_id *out,
	size_t max, size_t *count, size_t *total)
{
	sqlite3_stmt *stmt = NULL;
	*count = 0;
	*total = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_likes, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, db_key_head(id->at));
	}
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		*total += 1;
		if (*count < max && db_column_id(stmt, 1, out[*count].at)) {
			*count += 1;
		}
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err post_count_all(struct reader *reader, struct posts *posts)
{
	enum err err = veil_posts(reader, posts);
	for (size_t i = 0; err == ERR_OK && i < posts->count; i++) {
		err = count_replies(reader, &posts->at[i]);
		if (err == ERR_OK && !posts->at[i].is_missing) {
			err = count_likes(reader, &posts->at[i]);
		}
		if (err == ERR_OK && !posts->at[i].is_missing) {
			err = post_bookmark_read(reader, &posts->at[i].key, &posts->at[i].kept_ms);
		}
	}
	return err;
}

static enum err find_by(struct reader *reader, const struct query *query,
	const struct message_id *id, sqlite3_stmt **out)
{
	enum err err = db_query(reader->db, query, out);
	if (err == ERR_OK) {
		keys_bind(*out, id);
		err = db_step(reader->db, *out);
	}
	return err;
}

enum err post_find(struct reader *reader, const struct message_id *id, sqlite3_stmt **out)
{
	enum err err = find_by(reader, &sql_find, id, out);
	if (err == ERR_NOT_FOUND) {
		err = find_by(reader, &sql_find_ahead, id, out);
	}
	return err == ERR_NOT_FOUND ? find_by(reader, &sql_find_stray, id, out) : err;
}
