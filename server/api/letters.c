/*
 * Who reads what is written. One rule stands above what is asked for: an answer goes to whom the
 * message it answers was for, no more and no fewer people, so a private root cannot be answered in
 * public, nor a conversation grow, by any path that signs. A public message is not answered in
 * private: other programs show such an answer nowhere (Manyverse drops a private message whose root
 * is public), and whoever reads the answer may not have the root; a conversation of its own, with a
 * link in the text, is found by all.
 *
 * What waits here (drafts while publishing is paused, the outbox) is boxed before it is handed
 * over, so the disk has it only as the network will. What the page keeps of it is sealed: the nonce
 * is a keyed hash of name and text, as the writer compares bytes to see that nothing changed.
 */
#include "api/letters.h"

#include "api/body.h"
#include "feed/json.h"
#include "store/ahead.h"
#include "store/private.h"
#include "store/stray.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { NONCE_BYTES = crypto_secretbox_NONCEBYTES, TO_BYTES_MAX = 64 };

static bool refuse(struct call *call, const char *sentence)
{
	answer_error(&call->exchange->answer, SAID_REFUSED, sentence);
	return false;
}

static bool wrong(struct call *call, const char *sentence)
{
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST, sentence);
	return false;
}

static bool has_reader(const struct letter *letter, const struct feed_id *id)
{
	for (size_t i = 0; i < letter->count; i++) {
		if (feed_id_equal(&letter->readers[i], id)) {
			return true;
		}
	}
	return false;
}

/* False: there is no room. */
static bool add_reader(struct letter *letter, const struct feed_id *id)
{
	if (has_reader(letter, id)) {
		return true;
	}
	if (letter->count == LIMIT_BOX_RECIPIENTS) {
		return false;
	}
	letter->readers[letter->count++] = *id;
	return true;
}

static bool is_same(const struct letter *a, const struct letter *b)
{
	bool is = a->count == b->count;
	for (size_t i = 0; is && i < a->count; i++) {
		is = has_reader(b, &a->readers[i]);
	}
	return is;
}

void letters_to_self(const struct api *api, struct letter *out)
{
	*out = (struct letter){.is_private = true};
	(void)add_reader(out, &api->opts.self);
}

void letters_refer(struct letter_refers *refers, const struct message_id *id)
{
	for (size_t i = 0; i < refers->count; i++) {
		if (message_id_equal(&refers->at[i], id)) {
			return;
		}
	}
	if (refers->count < LETTERS_REFERS_MAX) {
		refers->at[refers->count++] = *id;
	}
}

/* Who is asked for. */

static bool too_many(struct call *call)
{
	return refuse(call, "A private message goes to at most 7 people, you among them. Nothing "
			    "was sent: choose fewer.");
}

static bool add_or_refuse(struct call *call, struct letter *letter, const struct feed_id *id)
{
	return add_reader(letter, id) || too_many(call);
}

/* With ourselves, who may be the one too many. */
static bool add_self(struct call *call, struct letter *letter)
{
	return add_or_refuse(call, letter, &call->api->opts.self);
}

static bool no_list(struct call *call, const char *name)
{
	char said[64];
	(void)snprintf(said, sizeof(said), "`%s` is a list of keys of people.", name);
	return wrong(call, said);
}

bool letters_read_list(struct call *call, const char *name, struct letter *out)
{
	const json_t *list = json_object_get(call->body, name);
	struct feed_id id;
	*out = (struct letter){.is_private = true};
	if (!json_is_array(list)) {
		return no_list(call, name);
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		struct span text = span_of(json_string_value(item), json_string_length(item));
		if (!json_is_string(item) || feed_id_parse_any(text, &id) != ERR_OK) {
			return no_list(call, name);
		}
		if (!add_or_refuse(call, out, &id)) {
			return false;
		}
	}
	return add_self(call, out);
}

/* A key in a query: who forgot to write %2B sends blanks. */
static enum err read_to(struct span item, struct feed_id *out)
{
	struct buf text = BUF_INIT(TO_BYTES_MAX);
	enum err err = body_query(item, "to", &text);
	for (size_t i = 0; err == ERR_OK && i < text.len; i++) {
		text.at[i] = text.at[i] == ' ' ? '+' : text.at[i];
	}
	if (err == ERR_OK) {
		err = feed_id_parse_any(buf_span(&text), out);
	}
	buf_fini(&text);
	return err;
}

static bool read_query_readers(struct call *call, struct letter *out)
{
	struct span query = call->exchange->head.query;
	struct feed_id id;
	while (query.len > 0) {
		const uint8_t *ampersand = memchr(query.at, '&', query.len);
		size_t len = ampersand == NULL ? query.len : (size_t)(ampersand - query.at);
		struct span item = span_take(query, len);
		query = span_skip(query, len + 1);
		if (!span_starts_with(item, "to=") && !span_equal_text(item, "to")) {
			continue;
		}
		out->is_private = true;
		if (read_to(item, &id) != ERR_OK) {
			return wrong(call, "`to` is the key of a person.");
		}
		if (!add_or_refuse(call, out, &id)) {
			return false;
		}
	}
	return !out->is_private || add_self(call, out);
}

/* What is answered. */

enum held { HELD_NOT, HELD_PUBLIC, HELD_BOXED };

/* How the log has it, whatever our key says. */
static enum err look_up(struct reader *reader, const struct message_id *id, enum held *out)
{
	struct stored stored;
	struct span content;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	*out = HELD_NOT;
	enum err err = reader_message(reader, id, &text, &stored);
	if (err == ERR_NOT_FOUND) {
		err = reader_ahead_message(reader, id, &text, &stored);
	}
	if (err == ERR_NOT_FOUND) {
		err = reader_stray_message(reader, id, &text, &stored);
	}
	if (err == ERR_OK) {
		bool is_text = json_slice(stored.compact, "content", &content) && content.len > 0 &&
			       content.at[0] == '"';
		*out = is_text ? HELD_BOXED : HELD_PUBLIC;
	}
	buf_fini(&text);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The people of a private message we answer. False: answered. */
static bool take_private(
	struct call *call, const struct private_message *message, struct letter *of, bool *has_of)
{
	struct letter here = {.is_private = true};
	for (size_t i = 0; i < message->readers.count; i++) {
		if (!add_reader(&here, &message->readers.at[i])) {
			break;
		}
	}
	if (message->readers.total > LIMIT_BOX_RECIPIENTS) {
		return refuse(call, "More than 7 people take part in this conversation. Nothing "
				    "was sent: begin one with fewer.");
	}
	if (*has_of && !is_same(of, &here)) {
		return refuse(call, "This would answer two conversations of different people. "
				    "Nothing was sent.");
	}
	*of = here;
	*has_of = true;
	return true;
}

/* Judge one message that is referred to. False: answered. */
static bool look_at(struct call *call, struct reader *reader, const struct message_id *id,
	struct letter *of, bool *has_of, bool *is_public)
{
	struct private_message *message = malloc(sizeof(*message));
	enum held held = HELD_NOT;
	bool is_good = false;
	*is_public = false;
	struct private_book *book = call->api->opts.book;
	enum err err = message == NULL ? ERR_NOMEM
		       : book == NULL  ? ERR_NOT_FOUND
				       : private_find(book, reader, id, message);
	if (err == ERR_OK) {
		is_good = take_private(call, message, of, has_of);
		goto out;
	}
	if (err == ERR_NOT_FOUND) {
		err = look_up(reader, id, &held);
	}
	if (err == ERR_OK && held == HELD_BOXED && book != NULL) {
		/* It may be new, and not be tried yet. */
		serve_catch_up(call->api);
		err = private_find(book, reader, id, message);
		if (err == ERR_OK) {
			is_good = take_private(call, message, of, has_of);
			goto out;
		}
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
		goto out;
	}
	*is_public = held == HELD_PUBLIC;
	is_good = held != HELD_BOXED ||
		  refuse(call, "That message is private, and your key does not open it. Nothing "
			       "was sent: an answer would be seen by everybody.");
out:
	free(message);
	return is_good;
}

/* What the messages that are referred to make of `letter`. */
static bool judge(struct call *call, const struct letter_refers *refers, struct letter *letter)
{
	struct letter of = {.count = 0};
	bool has_of = false;
	bool is_root_public = false;
	struct reader *reader = refers->count > 0 ? inside_reader(call) : NULL;
	if (refers->count > 0 && reader == NULL) {
		return false;
	}
	for (size_t i = 0; i < refers->count; i++) {
		bool is_public = false;
		if (!look_at(call, reader, &refers->at[i], &of, &has_of, &is_public)) {
			return false;
		}
		is_root_public = is_root_public || (is_public && i == 0 && refers->has_root);
	}
	if (has_of && letter->is_private && !is_same(&of, letter)) {
		return refuse(call, "This answers a private message, so it goes to the people of "
				    "that message, no more and no fewer. Nothing was sent.");
	}
	if (is_root_public && (letter->is_private || has_of)) {
		return refuse(call, "This would answer a public post in private, and other "
				    "programs would not show it. Nothing was sent: begin a "
				    "conversation, and put a link to the post in it.");
	}
	if (has_of) {
		*letter = of;
	}
	return true;
}

bool letters_read(struct call *call, const struct letter_refers *refers, struct letter *out)
{
	*out = (struct letter){.is_private = false};
	bool is_public = json_is_true(json_object_get(call->body, "public"));
	if (body_has(call->body, "readers") && !letters_read_list(call, "readers", out)) {
		return false;
	}
	if (is_public && out->is_private) {
		return wrong(call, "What has `readers` is not `public`.");
	}
	if (!judge(call, refers, out)) {
		return false;
	}
	return !is_public || !out->is_private ||
	       refuse(call, "This answers a private message, and would be seen by everybody. "
			    "Nothing was sent.");
}

/* A whole content. */

static void refer_to(struct letter_refers *refers, const struct json *value)
{
	struct message_id id;
	struct span text;
	if ((json_text(value, &text) || json_text(json_get(value, "link"), &text)) &&
		message_id_parse_link(text, &id) == ERR_OK) {
		letters_refer(refers, &id);
	}
}

/* Whatever its type: these are the members by which a message belongs to another. */
static void refer_to_all(const struct json *content, struct letter_refers *refers)
{
	static const char *const names[] = {"root", "fork", "branch", "about", "vote", "target"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct json *value = json_get(content, names[i]);
		bool is_list = value != NULL && json_kind(value) == JSON_KIND_ARRAY;
		for (size_t k = 0; is_list && k < json_count(value); k++) {
			refer_to(refers, json_at(value, k));
		}
		refer_to(refers, is_list ? NULL : value);
		refers->has_root = refers->has_root || (i == 0 && refers->count > 0);
	}
}

static bool read_tree(struct call *call, struct span content, struct json_doc **out)
{
	enum err err = json_parse(content, LIMIT_JSON_DEPTH, out);
	if (err == ERR_NOMEM) {
		answer_err(&call->exchange->answer, err);
		return false;
	}
	return err == ERR_OK || refuse(call, "That is not JSON, or it is nested too deeply.");
}

bool letters_read_content(struct call *call, struct span content, struct letter *out)
{
	struct letter_refers refers = {.count = 0};
	struct json_doc *doc = NULL;
	*out = (struct letter){.is_private = false};
	if (!read_query_readers(call, out)) {
		return false;
	}
	/* What is no JSON, or no object, is the writer's to judge. */
	if (!out->is_private && json_parse(content, LIMIT_JSON_DEPTH, &doc) != ERR_OK) {
		return true;
	}
	if (out->is_private && !read_tree(call, content, &doc)) {
		return false;
	}
	const struct json *root = json_root(doc);
	bool is_private = out->is_private;
	refer_to_all(root, &refers);
	bool is_good = judge(call, &refers, out);
	if (is_good && !is_private && out->is_private) {
		is_good = refuse(call, "This answers a private message, and would be seen by "
				       "everybody. Nothing was sent: say to whom it goes.");
	}
	if (is_good && !is_private && json_count(json_get(root, "recps")) > 0) {
		is_good = refuse(call, "This names who is to read it (`recps`), and would be seen "
				       "by everybody. Nothing was sent: say to whom it goes.");
	}
	json_doc_free(doc);
	return is_good;
}

/* The box. */

/* `recps` of a content are the letter's people, with or without ourselves. */
static bool is_recps_right(
	const struct api *api, const struct json *recps, const struct letter *letter)
{
	struct letter named = {.count = 0};
	struct feed_id id;
	struct span text;
	bool is_right = json_kind(recps) == JSON_KIND_ARRAY;
	for (size_t i = 0; is_right && i < json_count(recps); i++) {
		const struct json *item = json_at(recps, i);
		is_right = (json_text(item, &text) || json_text(json_get(item, "link"), &text)) &&
			   feed_id_parse(text, &id) == ERR_OK && add_reader(&named, &id);
	}
	return is_right && add_reader(&named, &api->opts.self) && is_same(&named, letter);
}

static enum err put_recps(const struct letter *letter, struct buf *out)
{
	char text[FEED_ID_TEXT_BYTES];
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < letter->count; i++) {
		feed_id_format(&letter->readers[i], text);
		err = buf_printf(out, "%s\"%s\"", i == 0 ? ",\"recps\":[" : ",", text);
	}
	return err == ERR_OK ? buf_append_text(out, "]}") : err;
}

/* The plaintext as JSON.stringify would write it. False: answered. */
static bool write_plain(
	struct call *call, const struct letter *letter, const struct json *root, struct buf *plain)
{
	struct span type;
	const struct json *recps = json_get(root, "recps");
	if (!json_text(json_get(root, "type"), &type) || json_units(type) < 3 ||
		json_units(type) > 52) {
		return refuse(call, "A content is an object whose `type` has 3 to 52 characters.");
	}
	if (recps != NULL && !is_recps_right(call->api, recps, letter)) {
		return refuse(call, "`recps` in it are other people than those it goes to. Nothing "
				    "was sent.");
	}
	enum err err = json_write_compact(root, plain);
	if (err == ERR_OK && recps == NULL) {
		buf_truncate(plain, plain->len - 1);
		err = put_recps(letter, plain);
	}
	if (err == ERR_LIMIT) {
		answer_error(&call->exchange->answer, SAID_TOO_LARGE, NULL);
	} else if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	}
	return err == ERR_OK;
}

static bool box(struct call *call, const struct letter *letter, struct span plain, struct buf *out)
{
	const struct signer *signer = call->api->opts.signer;
	enum err err = signer == NULL
			       ? ERR_LOCKED
			       : signer_seal(signer, plain, letter->readers, letter->count, out);
	if (err == ERR_LIMIT) {
		answer_error(&call->exchange->answer, SAID_TOO_LARGE, NULL);
		return false;
	}
	if (err == ERR_REFUSED) {
		return refuse(call, "One of these keys is none that anything can be written to. "
				    "Nothing was sent.");
	}
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	}
	return err == ERR_OK;
}

bool letters_close(
	struct call *call, const struct letter *letter, struct span content, struct buf *out)
{
	struct json_doc *doc = NULL;
	struct buf plain = BUF_INIT(2 * LIMIT_HTTP_BODY_BYTES);
	if (!letter->is_private) {
		enum err err = buf_append(out, content);
		if (err != ERR_OK) {
			answer_err(&call->exchange->answer, err);
		}
		return err == ERR_OK;
	}
	bool is_good = read_tree(call, content, &doc) &&
		       write_plain(call, letter, json_root(doc), &plain) &&
		       box(call, letter, buf_span(&plain), out);
	json_doc_wipe(doc);
	buf_wipe(&plain);
	return is_good;
}

enum err letters_open(struct api *api, struct span content, struct buf *out)
{
	return letters_open_with(api->opts.signer, &api->opts.self, content, out);
}

enum err letters_open_with(const struct signer *signer, const struct feed_id *self,
	struct span content, struct buf *out)
{
	struct sealed_box box = {.author = *self};
	struct open_key key;
	struct buf bytes = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct span text = span_skip(content, 1);
	bool is_text = content.len > 2 && content.at[0] == '"' &&
		       content.at[content.len - 1] == '"' && signer != NULL;
	enum err err = is_text ? signer_unpack(span_take(text, text.len - 1), &bytes, &box.is_box2)
			       : ERR_REFUSED;
	if (err == ERR_OK) {
		box.bytes = buf_span(&bytes);
		err = signer_open(signer, &box, &key, out);
		sodium_memzero(&key, sizeof(key));
	}
	buf_fini(&bytes);
	return err == ERR_REFUSED ? ERR_NOT_FOUND : err;
}

/* What waits on this disk. */

static bool is_private_id(struct api *api, struct span text)
{
	struct message_id id;
	if (api->opts.book == NULL || message_id_parse_any(text, &id) != ERR_OK) {
		return false;
	}
	struct private_message *message = malloc(sizeof(*message));
	struct reader *reader = reader_of_thread(api->opts.store);
	/* What cannot be looked up now is sealed: that is never wrong. */
	enum err err = message == NULL || reader == NULL
			       ? ERR_NOMEM
			       : private_find(api->opts.book, reader, &id, message);
	free(message);
	return err != ERR_NOT_FOUND;
}

bool letters_is_private(struct api *api, struct span name, const json_t *body)
{
	struct span root;
	return span_starts_with(name, "p-") || body_has(body, "readers") ||
	       is_private_id(api, name) ||
	       (body_text(body, "root", &root) && is_private_id(api, root));
}

static enum err seal_key(const struct signer *signer, const char *context, uint8_t out[static 32])
{
	return signer == NULL ? ERR_LOCKED : signer_derive(signer, context, out);
}

static enum err make_nonce(const struct api *api, struct span name, struct span text,
	uint8_t nonce[static NONCE_BYTES])
{
	uint8_t key[32];
	uint8_t zero = 0;
	crypto_generichash_state state;
	enum err err = seal_key(api->opts.signer, "letter nonce", key);
	bool is_done = err == ERR_OK &&
		       crypto_generichash_init(&state, key, sizeof(key), NONCE_BYTES) == 0 &&
		       crypto_generichash_update(&state, name.at, name.len) == 0 &&
		       crypto_generichash_update(&state, &zero, 1) == 0 &&
		       crypto_generichash_update(&state, text.at, text.len) == 0 &&
		       crypto_generichash_final(&state, nonce, NONCE_BYTES) == 0;
	sodium_memzero(key, sizeof(key));
	sodium_memzero(&state, sizeof(state));
	return err == ERR_OK && !is_done ? ERR_NOMEM : err;
}

enum err letters_seal(const struct api *api, struct span name, struct span text, struct buf *out)
{
	uint8_t key[32];
	uint8_t nonce[NONCE_BYTES];
	enum err err = text.len + LIMIT_WRITING_SEAL_BYTES > out->max - out->len
			       ? ERR_LIMIT
			       : make_nonce(api, name, text, nonce);
	if (err == ERR_OK) {
		err = seal_key(api->opts.signer, "letter", key);
	}
	if (err == ERR_OK) {
		err = buf_append_byte(out, WRITER_SEALED);
	}
	if (err == ERR_OK) {
		err = buf_append(out, span_of(nonce, sizeof(nonce)));
	}
	size_t len = crypto_secretbox_MACBYTES + text.len;
	uint8_t *at = err == ERR_OK ? buf_reserve(out, len) : NULL;
	if (err == ERR_OK) {
		err = at != NULL && crypto_secretbox_easy(at, text.at, text.len, nonce, key) == 0
			      ? ERR_OK
			      : ERR_NOMEM;
	}
	if (err == ERR_OK) {
		buf_added(out, len);
	}
	sodium_memzero(key, sizeof(key));
	return err;
}

enum err letters_unseal(const struct api *api, struct span stored, struct buf *out)
{
	return letters_unseal_with(api->opts.signer, stored, out);
}

enum err letters_unseal_with(const struct signer *signer, struct span stored, struct buf *out)
{
	uint8_t key[32];
	if (stored.len == 0 || stored.at[0] != WRITER_SEALED) {
		return buf_append(out, stored);
	}
	struct span box = span_skip(stored, 1 + NONCE_BYTES);
	if (box.len < crypto_secretbox_MACBYTES) {
		return ERR_NOT_FOUND;
	}
	enum err err = seal_key(signer, "letter", key);
	size_t len = box.len - crypto_secretbox_MACBYTES;
	uint8_t *at = err == ERR_OK ? buf_reserve(out, len == 0 ? 1 : len) : NULL;
	if (err == ERR_OK && at == NULL) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK &&
		crypto_secretbox_open_easy(at, box.at, box.len, stored.at + 1, key) != 0) {
		err = ERR_NOT_FOUND;
	}
	if (err == ERR_OK) {
		buf_added(out, len);
	}
	sodium_memzero(key, sizeof(key));
	return err;
}
