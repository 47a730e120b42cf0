/* What was pasted may be one thing that has a page of its own: then the search leads there. */
#include "store/search.h"

#include "base/encode.h"
#include "store/keys.h"
#include "store/reader_inside.h"

QUERY(sql_search_message,
	"SELECT 1 FROM " KEYS_MESSAGES " WHERE " KEYS_IS
	" UNION ALL SELECT 1 FROM ahead a WHERE a.key_head = ?1 AND a.key_tail = ?2");

static struct span trim(struct span text)
{
	while (text.len > 0 && text.at[0] <= ' ') {
		text = span_skip(text, 1);
	}
	while (text.len > 0 && text.at[text.len - 1] <= ' ') {
		text.len--;
	}
	return text;
}

/* What follows the host of an address; of a path, itself. */
static struct span path_of(struct span text)
{
	if (!span_starts_with(text, "http://") && !span_starts_with(text, "https://")) {
		return text;
	}
	text = span_skip(text, text.at[4] == 's' ? 8 : 7);
	const uint8_t *slash = text.len == 0 ? NULL : memchr(text.at, '/', text.len);
	return slash == NULL ? span_of(NULL, 0) : span_skip(text, (size_t)(slash - text.at));
}

/* The part of a path behind `start`, up to the next sign that ends it. */
static bool take_path(struct span path, const char *start, struct span *out)
{
	size_t len = strlen(start);
	if (!span_starts_with(path, start)) {
		return false;
	}
	*out = span_skip(path, len);
	for (size_t i = 0; i < out->len; i++) {
		if (strchr("/?#", out->at[i]) != NULL) {
			out->len = i;
		}
	}
	return true;
}

static enum err has_message(struct reader *reader, const struct message_id *id, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = false;
	enum err err = db_query(reader->db, &sql_search_message, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	keys_bind(stmt, id);
	err = db_step(reader->db, stmt);
	if (err == ERR_OK) {
		*out = true;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* 43 characters that may be of a person or of a message: whichever we know. */
static enum err go_bare(struct reader *reader, struct span text, struct search_go *out)
{
	int64_t feed = 0;
	bool is_message = false;
	if (message_id_parse_any(text, &out->message) != ERR_OK ||
		feed_id_parse_any(text, &out->person) != ERR_OK) {
		return ERR_OK;
	}
	enum err err = has_message(reader, &out->message, &is_message);
	if (err == ERR_OK && is_message) {
		out->kind = SEARCH_GO_MESSAGE;
		return ERR_OK;
	}
	err = err == ERR_OK ? reader_feed_number(reader, &out->person, &feed) : err;
	out->kind = err == ERR_OK ? SEARCH_GO_PERSON : SEARCH_GO_NOWHERE;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static bool read_address(struct span text, struct feed_id *out)
{
	static const char mark[] = "~shs:";
	const uint8_t *found = text.len == 0 ? NULL : memmem(text.at, text.len, mark, 5);
	size_t count = 0;
	if (found == NULL) {
		return false;
	}
	struct span key =
		span_take(span_skip(text, (size_t)(found - text.at) + 5), BASE64_BYTES(ID_BYTES));
	return base64_decode(key, out->at, ID_BYTES, &count) == ERR_OK && count == ID_BYTES;
}

enum err search_go(struct reader *reader, struct span text, struct search_go *out)
{
	*out = (struct search_go){.kind = SEARCH_GO_NOWHERE};
	struct span rest;
	text = trim(text);
	struct span path = path_of(text);
	if (take_path(path, "/m/", &rest) && message_id_parse_any(rest, &out->message) == ERR_OK) {
		out->kind = SEARCH_GO_MESSAGE;
	} else if (take_path(path, "/p/", &rest) &&
		   feed_id_parse_any(rest, &out->person) == ERR_OK) {
		out->kind = SEARCH_GO_PERSON;
	} else if (take_path(path, "/tag/", &rest)) {
		out->tag = tag_normal(rest);
		out->kind = out->tag.text[0] == '\0' ? SEARCH_GO_NOWHERE : SEARCH_GO_TAG;
	} else if (feed_id_parse_link(text, &out->person) == ERR_OK ||
		   read_address(text, &out->person)) {
		out->kind = SEARCH_GO_PERSON;
	} else if (message_id_parse_link(text, &out->message) == ERR_OK) {
		out->kind = SEARCH_GO_MESSAGE;
	} else {
		enum err err = reader_begin(reader);
		return err == ERR_OK ? reader_end(reader, go_bare(reader, text, out)) : err;
	}
	return ERR_OK;
}
