/*
 * Private words are in no index: texts are opened one after another, the newest first, and their
 * words compared as the full-text engine would compare them, by its own tokenizer. It ends with the
 * page, or with the time; then the next question goes on from there.
 */
#include "store/private_inside.h"

#include "store/search_text.h"
#include "store/search_words.h"

#include <sodium.h>
#include <stdlib.h>

enum {
	TOKENS_BYTES_MAX = 16 * LIMIT_MESSAGE_BYTES,
	PART_CHARS = 3, /* of a part of a word; LIKE_CHARS: of its beginning */
	LIKE_CHARS = 2,
	ASK_EVERY = 8
};

/* Words one behind the other, each with its NUL. */
struct words {
	struct buf at;
	size_t count;
	size_t last; /* where the last one begins */
};

static enum err add_word(void *ctx, struct span word)
{
	struct words *words = ctx;
	words->last = words->at.len;
	words->count++;
	enum err err = buf_append(&words->at, word);
	return err == ERR_OK ? buf_append_byte(&words->at, 0) : err;
}

/* One part of what is looked for. */
struct part {
	struct words words;
	bool is_like; /* one word, found inside of others, or where one begins */
	bool is_open; /* the last word may go on */
	bool is_not;
};

struct hunt {
	struct private_book *book;
	struct reader *reader;
	const struct search *search;
	struct part parts[LIMIT_SEARCH_WORDS];
	size_t count;
	struct words words; /* of the text at hand */
	struct buf plain, text;
};

static size_t count_chars(struct span word)
{
	size_t count = 0;
	for (size_t i = 0; i < word.len; i++) {
		count += (word.at[i] & 0xc0) != 0x80;
	}
	return count;
}

/* As store/search_match asks the engine. */
static enum err read_part(struct hunt *hunt, const struct search_part *from)
{
	struct part *part = &hunt->parts[hunt->count];
	bool is_open = false;
	size_t len = 0;
	part->words = (struct words){.at = BUF_INIT(TOKENS_BYTES_MAX)};
	buf_clear(&hunt->text);
	enum err err = search_text_ask(from->text, &hunt->text, &is_open);
	if (err == ERR_OK) {
		err = search_words_of(
			hunt->reader->db, buf_span(&hunt->text), add_word, &part->words);
	}
	if (err != ERR_OK || part->words.count == 0) {
		buf_fini(&part->words.at);
		return err;
	}
	struct span last = span_of(
		part->words.at.at + part->words.last, part->words.at.len - part->words.last - 1);
	size_t chars = count_chars(last);
	bool is_whole = is_open || search_is_run_letter(search_point(last, &len)) ||
			from->is_phrase || from->is_not;
	part->is_not = from->is_not;
	part->is_like = !is_whole && part->words.count == 1 &&
			(search_is_listed(last) || chars == LIKE_CHARS);
	part->is_open = is_whole ? is_open : chars >= PART_CHARS;
	hunt->count++;
	return ERR_OK;
}

static enum err hunt_init(struct hunt *hunt, struct private_book *book, struct reader *reader,
	const struct search *search)
{
	*hunt = (struct hunt){.book = book,
		.reader = reader,
		.search = search,
		.words = {.at = BUF_INIT(TOKENS_BYTES_MAX)},
		.plain = BUF_INIT(LIMIT_MESSAGE_BYTES),
		.text = BUF_INIT(TOKENS_BYTES_MAX)};
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < search->ask.count; i++) {
		err = read_part(hunt, &search->ask.parts[i]);
	}
	return err;
}

static void hunt_fini(struct hunt *hunt)
{
	for (size_t i = 0; i < hunt->count; i++) {
		buf_fini(&hunt->parts[i].words.at);
	}
	buf_wipe(&hunt->words.at);
	buf_wipe(&hunt->plain);
	buf_wipe(&hunt->text);
}

static struct span word_at(const struct words *words, size_t at)
{
	return span_text((const char *)words->at.at + at);
}

static bool is_like(const struct words *text, struct span part)
{
	size_t chars = count_chars(part);
	if (part.at == NULL) {
		return false;
	}
	for (size_t at = 0; at < text->at.len;) {
		struct span word = word_at(text, at);
		const uint8_t *found = memmem(word.at, word.len, part.at, part.len);
		if (found != NULL && (word.len == part.len ||
					     (search_is_listed(word) &&
						     (chars >= PART_CHARS || found == word.at)))) {
			return true;
		}
		at += word.len + 1;
	}
	return false;
}

/* Does the row of words go on here as this part does? */
static bool is_row_here(const struct words *text, size_t at, const struct part *part)
{
	for (size_t i = 0; i < part->words.at.len;) {
		if (at >= text->at.len) {
			return false;
		}
		struct span word = word_at(text, at);
		struct span wanted = word_at(&part->words, i);
		bool may_go_on = part->is_open && i == part->words.last;
		if (!span_equal(may_go_on ? span_take(word, wanted.len) : word, wanted)) {
			return false;
		}
		at += word.len + 1;
		i += wanted.len + 1;
	}
	return true;
}

static bool has_part(const struct words *text, const struct part *part)
{
	if (part->is_like) {
		return is_like(text, word_at(&part->words, 0));
	}
	for (size_t at = 0; at < text->at.len;) {
		if (is_row_here(text, at, part)) {
			return true;
		}
		at += word_at(text, at).len + 1;
	}
	return false;
}

static bool has_tags(const struct search_ask *ask, const struct content_post *post)
{
	struct tags tags;
	if (ask->tag_count == 0) {
		return true;
	}
	tag_set_of(post, &tags);
	for (size_t i = 0; i < ask->tag_count; i++) {
		struct span rest = tag_set_span(&tags);
		const char *tag = tag_set_next(&rest);
		while (tag != NULL && strcmp(tag, ask->tags[i].text) != 0) {
			tag = tag_set_next(&rest);
		}
		if (tag == NULL) {
			return false;
		}
	}
	return true;
}

static enum err judge_post(struct hunt *hunt, const struct content_post *post, bool *is_found)
{
	enum err err = ERR_OK;
	*is_found = has_tags(&hunt->search->ask, post);
	if (*is_found && hunt->count > 0) {
		buf_clear(&hunt->text);
		buf_clear(&hunt->words.at);
		err = search_text_write(post->text, &hunt->text);
		if (err == ERR_OK) {
			err = search_words_of(
				hunt->reader->db, buf_span(&hunt->text), add_word, &hunt->words);
		}
	}
	for (size_t i = 0; err == ERR_OK && *is_found && i < hunt->count; i++) {
		*is_found = has_part(&hunt->words, &hunt->parts[i]) != hunt->parts[i].is_not;
	}
	return err;
}

/* Open it and look. */
static enum err judge(struct hunt *hunt, const struct private_lock *of, bool *is_found)
{
	struct json_doc *doc = NULL;
	struct content *content = NULL;
	buf_clear(&hunt->plain);
	enum err err = private_open_row(hunt->reader, of, &hunt->plain);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&hunt->plain), LIMIT_JSON_DEPTH, &doc);
	}
	if (err == ERR_OK) {
		content = calloc(1, sizeof(*content));
		err = content == NULL ? ERR_NOMEM : ERR_OK;
	}
	if (err == ERR_OK) {
		content_read_json(json_root(doc), content);
		if (content->type == CONTENT_POST) {
			err = judge_post(hunt, &content->post, is_found);
		}
	}
	free(content);
	json_doc_wipe(doc);
	return err == ERR_NOT_FOUND || err == ERR_REFUSED || err == ERR_LIMIT ? ERR_OK : err;
}

/* Where to look, the newest first. */
struct spot {
	struct private_place place;
	struct message_id key;
};

static bool is_asked_for(const struct search *search, const struct private_entry *entry,
	const struct private_place *before)
{
	const struct search_ask *ask = &search->ask;
	bool is_from = search->from_count == 0;
	for (size_t i = 0; i < search->from_count; i++) {
		is_from = is_from || feed_id_equal(&search->from[i], &entry->author->id);
	}
	bool is_before = before == NULL || entry->at_ms < before->at_ms ||
			 (entry->at_ms == before->at_ms && entry->message < before->order);
	return is_from && is_before && entry->type == CONTENT_POST && private_is_shown(entry) &&
	       (!ask->has_before || entry->at_ms < ask->before_ms) &&
	       (!ask->has_after || entry->at_ms >= ask->after_ms);
}

static int newest_first(const void *a, const void *b)
{
	const struct private_place *one = &((const struct spot *)a)->place;
	const struct private_place *two = &((const struct spot *)b)->place;
	if (one->at_ms != two->at_ms) {
		return one->at_ms > two->at_ms ? -1 : 1;
	}
	return one->order > two->order ? -1 : one->order < two->order;
}

static struct spot *gather(struct private_book *book, const struct search *search,
	const struct private_place *before, size_t *count)
{
	(void)pthread_mutex_lock(&book->lock);
	struct spot *spots = calloc(book->by_row.count + 1, sizeof(*spots));
	for (size_t i = 0; spots != NULL && i < book->by_row.count; i++) {
		const struct private_entry *entry = book->by_row.at[i];
		if (is_asked_for(search, entry, before)) {
			spots[*count].place = (struct private_place){
				.at_ms = entry->at_ms, .order = entry->message};
			spots[(*count)++].key = entry->key;
		}
	}
	(void)pthread_mutex_unlock(&book->lock);
	if (spots != NULL) {
		qsort(spots, *count, sizeof(*spots), newest_first);
	}
	return spots;
}

static enum err look_at(struct hunt *hunt, const struct spot *spot, struct private_page *out)
{
	struct private_book *book = hunt->book;
	struct private_lock of = {.key = spot->key};
	bool is_found = false;
	(void)pthread_mutex_lock(&book->lock);
	const struct private_entry *entry = private_book_get(book, &spot->key);
	if (entry != NULL) {
		of.message = entry->message;
		of.open = entry->open;
	}
	(void)pthread_mutex_unlock(&book->lock);
	enum err err = entry == NULL ? ERR_OK : judge(hunt, &of, &is_found);
	sodium_memzero(&of, sizeof(of));
	if (err == ERR_OK && is_found) {
		(void)pthread_mutex_lock(&book->lock);
		entry = private_book_get(book, &spot->key);
		if (entry != NULL && private_is_shown(entry)) {
			private_book_tell(entry, &out->at[out->count++]);
		}
		(void)pthread_mutex_unlock(&book->lock);
	}
	return err;
}

/* Words that are none, or that must not be there, find nothing by themselves; days alone find
 * everything in them. */
static bool may_find(const struct hunt *hunt)
{
	const struct search_ask *ask = &hunt->search->ask;
	bool has_something = hunt->search->from_count > 0 || ask->tag_count > 0 ||
			     (ask->count == 0 && (ask->has_before || ask->has_after));
	for (size_t i = 0; i < hunt->count; i++) {
		has_something = has_something || !hunt->parts[i].is_not;
	}
	return has_something && (!ask->has_from || hunt->search->from_count > 0);
}

enum err private_search(struct private_book *book, struct reader *reader,
	const struct search *search, const struct private_place *before, size_t limit,
	struct private_page *out, struct private_place *cursor)
{
	struct hunt hunt;
	struct spot *spots = NULL;
	size_t count = 0;
	int64_t end_ms = env_mono_ms(book->env) + LIMIT_SEARCH_MS;
	*out = (struct private_page){.count = 0};
	enum err err = hunt_init(&hunt, book, reader, search);
	if (err == ERR_OK) {
		err = private_hide(book, reader);
	}
	if (err == ERR_OK) {
		err = private_page_init(out, limit);
	}
	if (err == ERR_OK && may_find(&hunt)) {
		spots = gather(book, search, before, &count);
		err = spots == NULL ? ERR_NOMEM : ERR_OK;
	}
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		bool is_late = i > 0 && i % ASK_EVERY == 0 && env_mono_ms(book->env) >= end_ms;
		if (is_late || out->count == limit) {
			out->has_more = true;
			break;
		}
		*cursor = spots[i].place;
		err = look_at(&hunt, &spots[i], out);
	}
	if (err != ERR_OK) {
		private_page_fini(out);
	}
	free(spots);
	hunt_fini(&hunt);
	return err;
}
