/*
 * The tokenizer is the engine's own, asked for once per connection. What was lately put into the
 * table of words, or found there, is remembered by its hash, so that common words cost no look-up;
 * a transaction that is undone takes its words with it, and the memory is emptied. A part is found
 * by its triples of letters first; that they stand one behind the other in the word is looked at in
 * the word.
 */
#include "store/search_words.h"

#include "base/limits.h"
#include "store/search_text.h"

#include <stdlib.h>

enum {
	KNOWN_MAX = 8192,
	WORD_CHARS_MIN = 3,
	WORD_CHARS_MAX = 40,
	WORD_CHARS_DIGITS = 12, /* with a digit in it: longer is a piece of a key or an address */
};

/* With a part in it: the shortest first, those with the same length as they came. */
QUERY(sql_words_like,
	"SELECT w.text FROM word_parts CROSS JOIN words w ON w.word = word_parts.rowid WHERE "
	"word_parts MATCH ?1 AND instr(w.text, ?2) > 0 ORDER BY length(w.text) LIMIT ?3");
QUERY(sql_words_begin,
	"SELECT text FROM words WHERE text >= ?1 AND text < ?2 ORDER BY length(text) "
	"LIMIT ?3");
QUERY(sql_word_add, "INSERT OR IGNORE INTO words (text) VALUES (?1)");
QUERY(sql_word_parts_add, "INSERT INTO word_parts (rowid, text) VALUES (last_insert_rowid(), ?1)");
QUERY(sql_tokenizer, "SELECT fts5(?1)");

struct lexicon {
	fts5_tokenizer tokenizer;
	Fts5Tokenizer *at;
	uint64_t undone; /* db_undone() when `known` was begun */
	uint64_t *known; /* hashes */
};

static void drop(void *kept)
{
	struct lexicon *lexicon = kept;
	if (lexicon->at != NULL) {
		lexicon->tokenizer.xDelete(lexicon->at);
	}
	free(lexicon->known);
	free(lexicon);
}

static enum err find_api(struct db *db, fts5_api **out)
{
	sqlite3_stmt *stmt = NULL;
	*out = NULL;
	enum err err = db_query(db, &sql_tokenizer, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	(void)sqlite3_bind_pointer(stmt, 1, (void *)out, "fts5_api_ptr", NULL);
	err = db_step(db, stmt);
	db_reset(stmt);
	return err == ERR_OK && *out == NULL ? ERR_IO : err;
}

/* As the table `search` was created (schema/005-page.sql). */
static enum err make(struct db *db, struct lexicon *lexicon)
{
	static const char *arguments[] = {"remove_diacritics", "2", "categories", "L* N* Co M*"};
	fts5_api *api = NULL;
	void *ctx = NULL;
	enum err err = find_api(db, &api);
	if (err != ERR_OK) {
		return err;
	}
	int rc = api->xFindTokenizer(api, "unicode61", &ctx, &lexicon->tokenizer);
	if (rc == SQLITE_OK) {
		rc = lexicon->tokenizer.xCreate(ctx, arguments, 4, &lexicon->at);
	}
	return rc == SQLITE_OK ? ERR_OK : rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_IO;
}

static enum err lexicon_of(struct db *db, struct lexicon **out)
{
	*out = db_kept(db);
	if (*out != NULL) {
		return ERR_OK;
	}
	struct lexicon *lexicon = calloc(1, sizeof(*lexicon));
	enum err err = lexicon == NULL ? ERR_NOMEM : make(db, lexicon);
	if (err != ERR_OK) {
		free(lexicon);
		return err;
	}
	db_keep(db, lexicon, drop);
	*out = lexicon;
	return ERR_OK;
}

struct walk {
	search_on_word on_word;
	void *ctx;
	enum err err;
};

static int on_token(void *ctx, int flags, const char *token, int bytes, int start, int end)
{
	struct walk *walk = ctx;
	(void)flags;
	(void)start;
	(void)end;
	walk->err = walk->on_word(walk->ctx, span_of(token, (size_t)bytes));
	return walk->err == ERR_OK ? SQLITE_OK : SQLITE_ABORT;
}

enum err search_words_of(struct db *db, struct span text, search_on_word on_word, void *ctx)
{
	struct lexicon *lexicon = NULL;
	struct walk walk = {.on_word = on_word, .ctx = ctx};
	enum err err = lexicon_of(db, &lexicon);
	if (err != ERR_OK || text.len == 0) {
		return err;
	}
	int rc = lexicon->tokenizer.xTokenize(lexicon->at, &walk, FTS5_TOKENIZE_DOCUMENT,
		(const char *)text.at, (int)text.len, on_token);
	return walk.err != ERR_OK ? walk.err : rc == SQLITE_OK ? ERR_OK : ERR_NOMEM;
}

bool search_is_listed(struct span word)
{
	size_t chars = 0;
	size_t len = 0;
	bool has_digit = false;
	for (size_t i = 0; i < word.len && chars <= WORD_CHARS_MAX; i++) {
		chars += (word.at[i] & 0xc0) != 0x80;
		has_digit = has_digit || (word.at[i] >= '0' && word.at[i] <= '9');
	}
	return chars >= WORD_CHARS_MIN &&
	       chars <= (has_digit ? WORD_CHARS_DIGITS : WORD_CHARS_MAX) &&
	       !search_is_run_letter(search_point(word, &len));
}

static uint64_t hash_of(struct span word)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
	for (size_t i = 0; i < word.len; i++) {
		hash = (hash ^ word.at[i]) * 0x100000001b3;
	}
	return hash == 0 ? 1 : hash;
}

static enum err run_with(struct db *db, const struct query *query, struct span word)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_text(stmt, 1, word);
	return db_run(db, stmt);
}

struct noting {
	struct db *db;
	struct lexicon *lexicon;
};

static enum err note(void *ctx, struct span word)
{
	struct noting *noting = ctx;
	uint64_t hash = hash_of(word);
	uint64_t *known = &noting->lexicon->known[hash % KNOWN_MAX];
	if (*known == hash || !search_is_listed(word)) {
		return ERR_OK;
	}
	enum err err = run_with(noting->db, &sql_word_add, word);
	if (err == ERR_OK && sqlite3_changes(db_handle(noting->db)) > 0) {
		err = run_with(noting->db, &sql_word_parts_add, word);
	}
	if (err == ERR_OK) {
		*known = hash;
	}
	return err;
}

enum err search_words_note(struct db *db, struct span text)
{
	struct noting noting = {.db = db};
	enum err err = lexicon_of(db, &noting.lexicon);
	if (err != ERR_OK) {
		return err;
	}
	struct lexicon *lexicon = noting.lexicon;
	if (lexicon->known == NULL || lexicon->undone != db_undone(db)) {
		free(lexicon->known);
		lexicon->known = calloc(KNOWN_MAX, sizeof(*lexicon->known));
		lexicon->undone = db_undone(db);
	}
	return lexicon->known == NULL ? ERR_NOMEM : search_words_of(db, text, note, &noting);
}

static enum err put_string(struct span word, struct buf *out)
{
	enum err err = buf_append_text(out, out->len == 0 ? "\"" : " OR \"");
	if (err == ERR_OK) {
		err = buf_append(out, word); /* letters only: nothing in it needs a quote */
	}
	return err == ERR_OK ? buf_append_text(out, "\"") : err;
}

/* Its triples of letters, joined by AND. */
static enum err put_triples(struct span part, struct buf *out)
{
	enum err err = ERR_OK;
	for (;;) {
		size_t len = 0;
		for (int i = 0; i < 3; i++) {
			size_t step = 0;
			if (len == part.len) {
				return err;
			}
			(void)search_point(span_skip(part, len), &step);
			len += step;
		}
		err = buf_append_text(out, out->len == 0 ? "\"" : " AND \"");
		if (err == ERR_OK) {
			err = buf_append(out, span_take(part, len));
		}
		if (err == ERR_OK) {
			err = buf_append_text(out, "\"");
		}
		if (err != ERR_OK) {
			return err;
		}
		size_t first = 0;
		(void)search_point(part, &first);
		part = span_skip(part, first);
	}
}

static enum err put_found(struct db *db, sqlite3_stmt *stmt, struct span part, struct buf *out)
{
	enum err err = ERR_OK;
	while (err == ERR_OK && (err = db_step(db, stmt)) == ERR_OK) {
		struct span word = db_column(stmt, 0);
		err = span_equal(word, part) ? ERR_OK : put_string(word, out);
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err search_words_like(struct db *db, struct span part, struct buf *out)
{
	sqlite3_stmt *stmt = NULL;
	struct buf triples = BUF_INIT(16 * KIB);
	struct buf end = BUF_INIT(4 * KIB);
	enum err err = put_string(part, out);
	if (err == ERR_OK) {
		err = put_triples(part, &triples);
	}
	bool has_triples = triples.len > 0;
	if (err == ERR_OK) {
		err = db_query(db, has_triples ? &sql_words_like : &sql_words_begin, &stmt);
	}
	if (err == ERR_OK) {
		err = buf_append(&end, part);
	}
	if (err == ERR_OK) {
		err = buf_append_text(&end, "\xf4\x8f\xbf\xbf");
	}
	if (err == ERR_OK) {
		db_text(stmt, 1, has_triples ? buf_span(&triples) : part);
		db_text(stmt, 2, has_triples ? part : buf_span(&end));
		db_int(stmt, 3, LIMIT_SEARCH_PARTS);
		err = put_found(db, stmt, part, out);
	}
	buf_fini(&end);
	buf_fini(&triples);
	return err;
}
