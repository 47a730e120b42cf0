/*
 * The full-text table knows posts as they were signed, and keeps no text that could be looked at
 * again. So what is left of a post is put into a table like it, in memory and alone, and asked the
 * same question. This happens to posts with something hidden, which are few.
 */
#include "store/search_veil.h"

#include "base/limits.h"
#include "feed/json.h"
#include "feed/tag.h"
#include "store/search_rows.h"

QUERY(sql_search_tables,
	"SELECT sql FROM sqlite_schema WHERE type = 'table' AND name IN ('search', 'words', "
	"'word_parts')");
QUERY(sql_search_again, "SELECT 1 FROM search WHERE words MATCH ?1");

static enum err make_tables(struct reader *reader, struct db *scratch)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_search_tables, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct buf sql = BUF_INIT(4096);
		err = buf_append(&sql, db_column(stmt, 0));
		const char *text = err == ERR_OK ? buf_cstr(&sql) : NULL;
		err = text == NULL ? ERR_NOMEM : db_exec(scratch, text);
		buf_fini(&sql);
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err write_content(const struct post *post, struct buf *out)
{
	enum err err = buf_append_text(out, "{\"type\":\"post\",\"text\":");
	if (err == ERR_OK) {
		err = json_write_string(post->text, out);
	}
	if (err == ERR_OK && post->channel.len > 0) {
		err = buf_append_text(out, ",\"channel\":");
		err = err == ERR_OK ? json_write_string(post->channel, out) : err;
	}
	if (err == ERR_OK && post->mentions.len > 0) {
		err = buf_append_text(out, ",\"mentions\":");
		err = err == ERR_OK ? buf_append(out, post->mentions) : err;
	}
	return err == ERR_OK ? buf_append_text(out, "}") : err;
}

/* The tags a post has without what is hidden. */
static enum err read_tags(const struct post *post, struct tags *out)
{
	struct json_doc *doc = NULL;
	struct content content;
	struct buf text = BUF_INIT(16 * LIMIT_MESSAGE_BYTES);
	*out = (struct tags){.len = 0};
	enum err err = write_content(post, &text);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &doc);
	}
	if (err == ERR_OK) {
		content_read_json(json_root(doc), &content);
		if (content.type == CONTENT_POST) {
			tag_set_of(&content.post, out);
		}
	}
	json_doc_free(doc);
	buf_fini(&text);
	return err == ERR_NOMEM || err == ERR_OK ? err : ERR_IO;
}

static enum err is_found(struct db *scratch, struct span match, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(scratch, &sql_search_again, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_text(stmt, 1, match);
	err = db_step(scratch, stmt);
	*out = err == ERR_OK;
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err look_again(struct reader *reader, struct db *scratch, struct span match,
	const struct post *post, bool *out)
{
	struct tags tags;
	struct search_entry entry = {.message = 1, .at_ms = 0, .text = post->text};
	enum err err = read_tags(post, &tags);
	entry.tags = tag_set_span(&tags);
	if (err == ERR_OK) {
		err = reader_feed_number(reader, &post->author, &entry.feed);
	}
	if (err == ERR_OK) {
		err = search_row_put(scratch, &entry);
	}
	if (err == ERR_OK) {
		err = is_found(scratch, match, out);
		enum err gone = search_row_drop(scratch, &entry);
		err = err == ERR_OK ? gone : err;
	}
	return err;
}

enum err search_veil(struct reader *reader, struct span match, struct posts *page)
{
	struct db *scratch = NULL;
	size_t kept = 0;
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < page->count; i++) {
		bool is_in = true;
		if (page->at[i].hidden > 0 && scratch == NULL) {
			err = db_open(":memory:", DB_COPY, store_env(reader->store), &scratch);
			err = err == ERR_OK ? make_tables(reader, scratch) : err;
		}
		if (err == ERR_OK && page->at[i].hidden > 0) {
			err = look_again(reader, scratch, match, &page->at[i], &is_in);
		}
		if (is_in) {
			page->at[kept++] = page->at[i];
		}
	}
	page->count = err == ERR_OK ? kept : page->count;
	if (scratch != NULL) {
		db_close(scratch);
	}
	return err;
}

static bool has_tag(const struct tags *tags, const char *wanted)
{
	struct span rest = tag_set_span(tags);
	for (const char *tag = tag_set_next(&rest); tag != NULL; tag = tag_set_next(&rest)) {
		if (strcmp(tag, wanted) == 0) {
			return true;
		}
	}
	return false;
}

enum err search_veil_tagged(struct posts *page, const char *tag)
{
	size_t kept = 0;
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < page->count; i++) {
		struct tags tags;
		bool is_in = page->at[i].hidden == 0 || (page->has_more && i + 1 == page->count);
		if (!is_in) {
			err = read_tags(&page->at[i], &tags);
			is_in = err == ERR_OK && has_tag(&tags, tag);
		}
		if (is_in) {
			page->at[kept++] = page->at[i];
		}
	}
	page->count = err == ERR_OK ? kept : page->count;
	return err;
}
