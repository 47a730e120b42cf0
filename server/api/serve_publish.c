/*
 * Everything that signs. Each function makes the text of one content; the writer judges, signs and
 * stores it, and the answer is its key and number.
 */
#include "api/body.h"
#include "api/letters.h"
#include "api/mentions.h"
#include "api/shape.h"
#include "base/log.h"
#include "feed/json.h"
#include "store/private_posts.h"

#include <stdlib.h>

enum { NONCE_BYTES_MAX = 64, NAME_BYTES_MAX = 256, BRANCH_MAX = CONTENT_BRANCHES_MAX };

/* One content under construction; the first failure sticks. */
struct draft_text {
	struct buf text;
	enum err err;
};

static void put(struct draft_text *draft, const char *text)
{
	draft->err = draft->err == ERR_OK ? buf_append_text(&draft->text, text) : draft->err;
}

static void put_string(struct draft_text *draft, struct span text)
{
	draft->err = draft->err == ERR_OK ? json_write_string(text, &draft->text) : draft->err;
}

static void put_message_id(struct draft_text *draft, const struct message_id *id)
{
	char text[MESSAGE_ID_TEXT_BYTES];
	message_id_format(id, text);
	put_string(draft, span_text(text));
}

static void put_feed_id(struct draft_text *draft, const struct feed_id *id)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(id, text);
	put_string(draft, span_text(text));
}

static void draft_init(struct draft_text *draft)
{
	*draft = (struct draft_text){.text = BUF_INIT(2 * LIMIT_HTTP_BODY_BYTES)};
}

static void wrong(struct call *call, const char *sentence)
{
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST, sentence);
}

/* Publishing itself. */

void serve_say_failure(struct call *call, enum err err, const struct publish_result *result)
{
	struct answer *answer = &call->exchange->answer;
	const char *why = result->why[0] == '\0' ? NULL : result->why;
	if (err == ERR_PAUSED) {
		answer_paused(answer, why, result->draft);
	} else if (err == ERR_REFUSED || err == ERR_LIMIT) {
		answer_error(answer, err == ERR_LIMIT ? SAID_TOO_LARGE : SAID_REFUSED, why);
	} else {
		answer_err(answer, err);
	}
}

/* Before the first message of a run those who hold our feed may tell of a newer one. */
void serve_greet(struct api *api)
{
	char why[8];
	if (api->opts.sync == NULL || atomic_load(&api->is_greeted)) {
		return;
	}
	const char *state = writer_state(api->opts.writer, why, sizeof(why));
	if (strcmp(state, "CLEAN") == 0 || strcmp(state, "NEW") == 0) {
		sync_greeting(api->opts.sync);
		atomic_store(&api->is_greeted, true);
	}
}

enum err serve_sign(
	struct call *call, const struct publish_request *request, struct publish_result *result)
{
	*result = (struct publish_result){.sequence = 0};
	serve_greet(call->api);
	enum err err = writer_publish(call->api->opts.writer, request, result);
	if (err != ERR_OK) {
		serve_say_failure(call, err, result);
	}
	return err;
}

json_t *serve_signed(const struct publish_result *result)
{
	return json_pack("{s:o, s:I}", "key", shape_message_id(&result->key), "sequence",
		(json_int_t)result->sequence);
}

bool serve_read_head(struct call *call, struct publish_request *request, struct message_id *key)
{
	const json_t *head = json_object_get(call->body, "if_head");
	struct span text;
	bool has_head = body_has(call->body, "if_head");
	bool has_key = body_has(call->body, "if_head_key");
	if (has_head && (!json_is_integer(head) || json_integer_value(head) < 0)) {
		wrong(call, "`if_head` is a number.");
		return false;
	}
	request->if_head = (uint64_t)json_integer_value(head);
	if (has_key && (request->if_head == 0 || !body_text(call->body, "if_head_key", &text) ||
			       message_id_parse_any(text, key) != ERR_OK)) {
		wrong(call, "`if_head_key` is the key of the message that `if_head` names.");
		return false;
	}
	request->if_head_key = has_key ? key : NULL;
	return true;
}

bool serve_read_common(struct call *call, struct publish_request *request, struct message_id *key)
{
	if (body_has(call->body, "nonce") && (!body_text(call->body, "nonce", &request->nonce) ||
						     request->nonce.len > NONCE_BYTES_MAX)) {
		wrong(call, "`nonce` is a text of at most 64 bytes.");
		return false;
	}
	return serve_read_head(call, request, key);
}

static const struct letter everybody;

/* A finished draft as it is signed, appended to `out`; frees the draft. False: answered. */
static bool close_draft(
	struct call *call, struct draft_text *draft, const struct letter *letter, struct buf *out)
{
	bool is_good = draft->err == ERR_OK;
	if (is_good) {
		is_good = letters_close(call, letter, buf_span(&draft->text), out);
	} else {
		answer_err(&call->exchange->answer, draft->err);
	}
	if (letter->is_private) {
		buf_wipe(&draft->text);
	} else {
		buf_fini(&draft->text);
	}
	return is_good;
}

/* Publish a finished draft for a call with a JSON body, and free it. ERR_OK: `*result` is filled
 * and nothing is answered yet. */
static enum err publish_draft(struct call *call, struct draft_text *draft,
	const struct letter *letter, struct publish_result *result)
{
	struct publish_request request = {.if_head = 0};
	struct message_id if_head_key;
	struct buf content = BUF_INIT(4 * LIMIT_HTTP_BODY_BYTES);
	enum err err = ERR_REFUSED;
	bool is_good = close_draft(call, draft, letter, &content);
	if (is_good && serve_read_common(call, &request, &if_head_key)) {
		request.content = buf_span(&content);
		err = serve_sign(call, &request, result);
	}
	buf_fini(&content);
	return err;
}

static void publish_and_answer(
	struct call *call, struct draft_text *draft, const struct letter *letter)
{
	struct publish_result result;
	if (publish_draft(call, draft, letter, &result) == ERR_OK) {
		answer_json(&call->exchange->answer, 200, serve_signed(&result));
	}
}

/* Posts. */

struct post_draft {
	struct span text, warning;
	bool has_root, has_fork;
	struct message_id root, fork;
	struct message_id branch[BRANCH_MAX];
	size_t branch_count;
};

static bool read_id_field(
	struct call *call, const char *name, struct message_id *out, bool *is_there)
{
	struct span text;
	*is_there = body_has(call->body, name);
	if (!*is_there ||
		(body_text(call->body, name, &text) && message_id_parse_any(text, out) == ERR_OK)) {
		return true;
	}
	wrong(call, "This is not the id of a message.");
	return false;
}

static bool read_branch(struct call *call, struct post_draft *post)
{
	const json_t *list = json_object_get(call->body, "branch");
	if (!body_has(call->body, "branch")) {
		return true;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		struct span text = span_of(json_string_value(item), json_string_length(item));
		if (i == BRANCH_MAX || !json_is_string(item) ||
			message_id_parse_any(text, &post->branch[i]) != ERR_OK) {
			wrong(call, "`branch` is a list of at most 8 ids of messages.");
			return false;
		}
		post->branch_count = i + 1;
	}
	if (!json_is_array(list)) {
		wrong(call, "`branch` is a list of at most 8 ids of messages.");
		return false;
	}
	return true;
}

static bool has_ink(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] != ' ' && text.at[i] != '\n' && text.at[i] != '\t' &&
			text.at[i] != '\r') {
			return true;
		}
	}
	return false;
}

static bool read_post(struct call *call, struct post_draft *post)
{
	if (!body_text(call->body, "text", &post->text) || !has_ink(post->text)) {
		wrong(call, "There is nothing written.");
		return false;
	}
	if (body_has(call->body, "cw") && !body_text(call->body, "cw", &post->warning)) {
		wrong(call, "`cw` is a text.");
		return false;
	}
	if (!read_id_field(call, "root", &post->root, &post->has_root) ||
		!read_id_field(call, "fork", &post->fork, &post->has_fork) ||
		!read_branch(call, post)) {
		return false;
	}
	if (!post->has_root && (post->has_fork || post->branch_count > 0)) {
		wrong(call, "`fork` and `branch` need a `root`.");
		return false;
	}
	return true;
}

/* Does another post of the thread refer to `post`? By its branches, by its root, or as the next
 * message of the same feed. */
static bool is_referred_to(const struct posts *thread, const struct post *post)
{
	for (size_t i = 0; i < thread->count; i++) {
		const struct post *other = &thread->at[i];
		if (other == post || other->is_missing) {
			continue;
		}
		if (other->has_root && message_id_equal(&other->root, &post->key)) {
			return true;
		}
		if (feed_id_equal(&other->author, &post->author) &&
			other->sequence == post->sequence + 1) {
			return true;
		}
		for (size_t j = 0; j < other->branch_count; j++) {
			if (message_id_equal(&other->branches[j], &post->key)) {
				return true;
			}
		}
	}
	return false;
}

/* The heads of the thread as this node knows it: what a reply answers (protocol/07 §4). The newest
 * BRANCH_MAX when there are more. */
static enum err find_heads(struct call *call, const struct letter *letter, struct post_draft *post)
{
	struct posts thread = {.count = 0};
	struct thread_facts facts;
	const struct thread_query query = {.id = post->root, .is_own = true};
	struct reader *reader = reader_of_thread(call->api->opts.store);
	if (reader == NULL) {
		return ERR_NOMEM;
	}
	if (letter->is_private && call->api->opts.book != NULL) {
		serve_catch_up(call->api);
		return private_posts_heads(call->api->opts.book, reader, &post->root, post->branch,
			BRANCH_MAX, &post->branch_count);
	}
	enum err err = thread_read(reader, &query, &facts, &thread);
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		return err;
	}
	for (size_t i = thread.count; i > 0 && post->branch_count < BRANCH_MAX; i--) {
		const struct post *row = &thread.at[i - 1];
		bool is_of_it = message_id_equal(&row->key, &post->root) ||
				(row->has_root && message_id_equal(&row->root, &post->root));
		if (is_of_it && !row->is_missing && !is_referred_to(&thread, row)) {
			post->branch[post->branch_count++] = row->key;
		}
	}
	posts_free(&thread);
	if (post->branch_count == 0) {
		post->branch[post->branch_count++] = post->root;
	}
	return ERR_OK;
}

static void put_thread(struct draft_text *draft, const struct post_draft *post)
{
	put(draft, ",\"root\":");
	put_message_id(draft, &post->root);
	put(draft, ",\"branch\":[");
	for (size_t i = 0; i < post->branch_count; i++) {
		put(draft, i == 0 ? "" : ",");
		put_message_id(draft, &post->branch[i]);
	}
	put(draft, "]");
	if (post->has_fork) {
		put(draft, ",\"fork\":");
		put_message_id(draft, &post->fork);
	}
}

static void put_mentions(struct call *call, struct draft_text *draft, struct span text)
{
	const struct mentions_known known = {.look = serve_blob_known, .ctx = call->api};
	size_t count = 0;
	size_t start = draft->text.len;
	put(draft, ",\"mentions\":");
	draft->err = draft->err == ERR_OK ? mentions_find(text, &known, &draft->text, &count)
					  : draft->err;
	if (draft->err == ERR_OK && count == 0) {
		buf_truncate(&draft->text, start);
	}
}

/* The post as JSON text. */
static void write_post(struct call *call, struct post_draft *post, const struct letter *letter,
	struct draft_text *out)
{
	draft_init(out);
	if (post->has_root && post->branch_count == 0) {
		out->err = find_heads(call, letter, post);
	}
	put(out, "{\"type\":\"post\",\"text\":");
	put_string(out, post->text);
	if (post->has_root) {
		put_thread(out, post);
	}
	put_mentions(call, out, post->text);
	if (post->warning.len > 0) {
		put(out, ",\"contentWarning\":");
		put_string(out, post->warning);
	}
	put(out, "}");
}

/* What the body asks for, and who is to read it. False: answered. */
static bool read_letter(struct call *call, struct post_draft *post, struct letter *letter)
{
	struct letter_refers refers = {.count = 0};
	if (!read_post(call, post)) {
		return false;
	}
	if (post->has_root) {
		letters_refer(&refers, &post->root);
		refers.has_root = true;
	}
	if (post->has_fork) {
		letters_refer(&refers, &post->fork);
	}
	for (size_t i = 0; i < post->branch_count; i++) {
		letters_refer(&refers, &post->branch[i]);
	}
	return letters_read(call, &refers, letter);
}

void serve_post(struct call *call)
{
	struct post_draft post = {.branch_count = 0};
	struct draft_text draft;
	struct letter letter;
	if (read_letter(call, &post, &letter)) {
		write_post(call, &post, &letter, &draft);
		publish_and_answer(call, &draft, &letter);
	}
}

bool serve_read_post(struct call *call, struct buf *content, bool *is_private)
{
	struct post_draft post = {.branch_count = 0};
	struct draft_text draft;
	struct letter letter;
	if (!read_letter(call, &post, &letter)) {
		return false;
	}
	*is_private = letter.is_private;
	write_post(call, &post, &letter, &draft);
	return close_draft(call, &draft, &letter, content);
}

void serve_like(struct call *call)
{
	struct message_id id;
	struct draft_text draft;
	struct letter letter;
	struct letter_refers refers = {.has_root = true};
	bool is_there = false;
	const json_t *on = json_object_get(call->body, "on");
	if (!read_id_field(call, "id", &id, &is_there)) {
		return;
	}
	if (!is_there || (body_has(call->body, "on") && !json_is_boolean(on))) {
		wrong(call, "A like needs the `id` of a message, and `on` is true or false.");
		return;
	}
	letters_refer(&refers, &id);
	if (!letters_read(call, &refers, &letter)) {
		return;
	}
	bool is_on = !body_has(call->body, "on") || json_is_true(on);
	draft_init(&draft);
	put(&draft, "{\"type\":\"vote\",\"vote\":{\"link\":");
	put_message_id(&draft, &id);
	put(&draft, is_on ? ",\"value\":1,\"expression\":\"Like\"}}"
			  : ",\"value\":0,\"expression\":\"Unlike\"}}");
	publish_and_answer(call, &draft, &letter);
}

/* People. */

static void put_contact(struct draft_text *draft, const struct feed_id *id, const char *rest)
{
	put(draft, "{\"type\":\"contact\",\"contact\":");
	put_feed_id(draft, id);
	put(draft, rest);
}

static enum err read_edge(struct call *call, const struct feed_id *id, enum contact_edge *out)
{
	struct reader *reader = reader_of_thread(call->api->opts.store);
	struct person *person = malloc(sizeof(*person));
	enum err err =
		reader == NULL || person == NULL ? ERR_NOMEM : people_read(reader, id, 1, person);
	*out = err == ERR_OK ? person->mine : EDGE_NEITHER;
	free(person);
	return err;
}

/* `private`: the message is to ourselves alone. What was said privately is taken back privately
 * when it is not said how: an "unfollow" that all can read would tell them. False: answered. */
static bool read_privacy(
	struct call *call, const struct feed_id *id, bool is_end, struct letter *letter)
{
	const json_t *is_private = json_object_get(call->body, "private");
	struct private_book *book = call->api->opts.book;
	enum contact_edge edge = EDGE_NEITHER;
	if (body_has(call->body, "private") && !json_is_boolean(is_private)) {
		wrong(call, "`private` is true or false.");
		return false;
	}
	bool is_so = json_is_true(is_private) ||
		     (is_end && !body_has(call->body, "private") && book != NULL &&
			     private_edge(book, id, &edge) && edge != EDGE_NEITHER);
	if (is_so) {
		letters_to_self(call->api, letter);
	}
	return true;
}

void serve_relation(struct call *call)
{
	struct draft_text draft;
	struct feed_id id;
	struct span text;
	struct span is;
	struct letter letter = everybody;
	enum contact_edge edge = EDGE_NEITHER;
	if (!body_text(call->body, "id", &text) || feed_id_parse_any(text, &id) != ERR_OK) {
		wrong(call, "This is not the key of a person.");
		return;
	}
	if (feed_id_equal(&id, &call->api->opts.self)) {
		wrong(call, "This is your own key.");
		return;
	}
	if (!body_text(call->body, "is", &is)) {
		is = span_of(NULL, 0);
	}
	if (!read_privacy(call, &id, span_equal_text(is, "none"), &letter)) {
		return;
	}
	draft_init(&draft);
	if (span_equal_text(is, "follow")) {
		put_contact(&draft, &id, ",\"following\":true}");
	} else if (span_equal_text(is, "block")) {
		put_contact(&draft, &id, ",\"blocking\":true}");
	} else if (span_equal_text(is, "none")) {
		/* One field only: the whole message decides the edge, so either would end both;
		 * this one says what ended. */
		draft.err = read_edge(call, &id, &edge);
		put_contact(&draft, &id,
			edge == EDGE_BLOCK ? ",\"blocking\":false}" : ",\"following\":false}");
	} else {
		wrong(call, "`is` is follow, none or block.");
		return;
	}
	publish_and_answer(call, &draft, &letter);
	if (letter.is_private) {
		serve_catch_up(call->api); /* whoever asks next is told of it */
	}
}

/* Keep a way to somebody, and try it. `*kept` is its text, or null. */
static void remember(struct call *call, const struct address *address, json_t **kept)
{
	struct buf text = BUF_INIT(LIMIT_ADDRESS_BYTES);
	if (address_format(address, &text) == ERR_OK) {
		struct change change = {
			.kind = CHANGE_ADDRESS_PUT, .feed = address->key, .text = buf_span(&text)};
		if (writer_change_wait(call->api->opts.writer, &change) != ERR_OK) {
			LOG(call->api->opts.env, LOG_WARN, "address.not_kept",
				LOG_ADDRESS("address", buf_span(&text)));
		}
		if (call->api->opts.sync != NULL) {
			sync_address_added(call->api->opts.sync, address);
		}
		json_decref(*kept);
		*kept = body_string(buf_span(&text));
	}
	buf_fini(&text);
}

bool serve_read_pasted(struct call *call, struct serve_pasted *out)
{
	struct span text;
	if (!body_text(call->body, "text", &text) || text.len > LIMIT_HTTP_BODY_BYTES ||
		address_parse_pasted(text, &out->id, &out->address, &out->has_address) != ERR_OK) {
		wrong(call, "There is no key in this text, or more than one. A key looks like "
			    "@….ed25519, an address like net:host:port~shs:KEY.");
		return false;
	}
	if (feed_id_equal(&out->id, &call->api->opts.self)) {
		wrong(call, "This is your own key.");
		return false;
	}
	return true;
}

enum err serve_wanted(struct call *call, const struct serve_pasted *pasted, json_t **address)
{
	const struct change change = {.kind = CHANGE_WANT, .feed = pasted->id, .number = 1};
	enum err err = writer_change_wait(call->api->opts.writer, &change);
	*address = json_null();
	if (err == ERR_OK && pasted->has_address) {
		remember(call, &pasted->address, address);
	}
	return err;
}

/* Whom we follow already is not followed twice: then there is no new message. */
static void answer_followed(
	struct call *call, const struct serve_pasted *pasted, const struct publish_result *result)
{
	json_t *kept = json_null();
	if (pasted->has_address) {
		remember(call, &pasted->address, &kept);
	}
	bool is_new = result->sequence > 0;
	answer_json(&call->exchange->answer, 200,
		json_pack("{s:o, s:o, s:o, s:o}", "key",
			is_new ? shape_message_id(&result->key) : json_null(), "sequence",
			is_new ? json_integer((json_int_t)result->sequence) : json_null(), "id",
			shape_feed_id(&pasted->id), "address", kept));
}

void serve_follow(struct call *call)
{
	struct serve_pasted pasted;
	struct draft_text draft;
	struct publish_result result = {.sequence = 0};
	enum contact_edge edge = EDGE_NEITHER;
	json_t *address = NULL;
	if (!serve_read_pasted(call, &pasted)) {
		return;
	}
	enum err err = read_edge(call, &pasted.id, &edge);
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
		return;
	}
	if (edge != EDGE_FOLLOW) {
		draft_init(&draft);
		put_contact(&draft, &pasted.id, ",\"following\":true}");
		err = publish_draft(call, &draft, &everybody, &result);
	}
	if (err == ERR_OK) {
		answer_followed(call, &pasted, &result);
	} else if (err == ERR_PAUSED) {
		/* They may hold our feed, or know who does: meet them without a message. */
		(void)!serve_wanted(call, &pasted, &address);
		json_decref(address);
	}
}

/* What other clients understand; those that know no way to take a picture away go on showing the
 * earlier one (protocol/07 §3). */
#define IMAGE_GONE "{\"remove\":true}"

/** Of a profile, as JSON; an empty text when it is not to change. */
static bool read_image(const struct call *call, char out[static BLOB_ID_TEXT_BYTES + 2])
{
	struct span text;
	struct blob_id id;
	out[0] = '\0';
	if (!body_has(call->body, "image")) {
		return true;
	}
	if (!body_text(call->body, "image", &text)) {
		return false;
	}
	if (text.len == 0) {
		memcpy(out, IMAGE_GONE, sizeof(IMAGE_GONE));
		return true;
	}
	if (blob_id_parse(text, &id) != ERR_OK) {
		return false;
	}
	char name[BLOB_ID_TEXT_BYTES];
	blob_id_format(&id, name);
	(void)snprintf(out, BLOB_ID_TEXT_BYTES + 2, "\"%s\"", name);
	return true;
}

static bool read_profile(struct call *call, struct span *name, struct span *bio,
	char image[static BLOB_ID_TEXT_BYTES + 2])
{
	bool has_name = body_has(call->body, "name");
	bool has_bio = body_has(call->body, "bio");
	return (has_name || has_bio || body_has(call->body, "image")) &&
	       (!has_name || body_text(call->body, "name", name)) &&
	       (!has_bio || body_text(call->body, "bio", bio)) && read_image(call, image);
}

void serve_profile(struct call *call)
{
	struct span name = span_of(NULL, 0);
	struct span bio = span_of(NULL, 0);
	char image[BLOB_ID_TEXT_BYTES + 2];
	struct draft_text draft;
	bool has_name = body_has(call->body, "name");
	bool has_bio = body_has(call->body, "bio");
	if (!read_profile(call, &name, &bio, image)) {
		wrong(call, "A profile needs a `name`, a `bio` or an `image`, the id of a blob or "
			    "empty.");
		return;
	}
	if ((has_name && !has_ink(name)) || name.len > NAME_BYTES_MAX) {
		wrong(call, "A name has at least one letter and at most 256 bytes.");
		return;
	}
	draft_init(&draft);
	put(&draft, "{\"type\":\"about\",\"about\":");
	put_feed_id(&draft, &call->api->opts.self);
	if (has_name) {
		put(&draft, ",\"name\":");
		put_string(&draft, name);
	}
	if (has_bio) {
		put(&draft, ",\"description\":");
		put_string(&draft, bio);
	}
	if (image[0] != '\0') {
		put(&draft, ",\"image\":");
		put(&draft, image);
	}
	put(&draft, "}");
	publish_and_answer(call, &draft, &everybody);
}
