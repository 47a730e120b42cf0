/*
 * From rows to JSON. Whoever is named on the way is noted in a list, so that an answer carries each
 * person once.
 */
#include "api/shape.h"

#include "api/body.h"
#include "feed/json.h"
#include "store/safety.h"

#include <stdio.h>
#include <stdlib.h>

enum { PEOPLE_AT_ONCE = 16, NAMES_SHOWN = EVENTS_NAMES_MAX, HOLDERS_MAX = 256 };

/* Who has messages of ours, read once for an answer. */
struct holding {
	bool is_read, is_known;
	size_t count;
	struct sync_holder at[HOLDERS_MAX]; /* who has most first */
	char names[NAMES_SHOWN][EVENTS_NAME_BYTES];
};

void shape_name(struct shape_people *people, const struct feed_id *id)
{
	for (size_t i = 0; i < people->count; i++) {
		if (feed_id_equal(&people->at[i], id)) {
			return;
		}
	}
	if (people->count < SHAPE_PEOPLE_MAX) {
		people->at[people->count++] = *id;
	}
}

json_t *shape_feed_id(const struct feed_id *id)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(id, text);
	return json_string(text);
}

json_t *shape_message_id(const struct message_id *id)
{
	char text[MESSAGE_ID_TEXT_BYTES];
	message_id_format(id, text);
	return json_string(text);
}

static const char *edge_text(enum contact_edge edge)
{
	return edge == EDGE_FOLLOW ? "follow" : edge == EDGE_BLOCK ? "block" : "none";
}

static json_t *shape_ahead(const struct person *person)
{
	return person->ahead_newest == 0
		       ? json_null()
		       : json_pack("{s:I, s:I}", "first", (json_int_t)person->ahead_first, "newest",
				 (json_int_t)person->ahead_newest);
}

json_t *shape_person(const struct person *person)
{
	char image[BLOB_ID_TEXT_BYTES];
	if (person->has_image) {
		blob_id_format(&person->image, image);
	}
	return json_pack("{s:o, s:o, s:s?, s:b, s:s, s:s, s:i, s:I, s:I, s:o, s:o, s:b, s:b}", "id",
		shape_feed_id(&person->id), "name", body_string(span_text(person->name)), "image",
		person->has_image ? image : NULL, "image_have", person->is_image_here, "i",
		edge_text(person->mine), "they", edge_text(person->theirs), "hops", person->hops,
		"sequence", (json_int_t)person->sequence, "newest", (json_int_t)person->newest_ms,
		"ahead", shape_ahead(person), "petname",
		person->petname[0] == '\0' ? json_null() : body_string(span_text(person->petname)),
		"muted", person->is_muted, "i_private", person->is_mine_private);
}

enum err shape_people(struct reader *reader, const struct shape_people *people, json_t **out)
{
	struct person *rows = malloc(PEOPLE_AT_ONCE * sizeof(*rows));
	json_t *list = json_array();
	enum err err = rows == NULL || list == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t done = 0; err == ERR_OK && done < people->count; done += PEOPLE_AT_ONCE) {
		size_t count = people->count - done < PEOPLE_AT_ONCE ? people->count - done
								     : PEOPLE_AT_ONCE;
		err = people_read(reader, people->at + done, count, rows);
		for (size_t i = 0; err == ERR_OK && i < count; i++) {
			err = json_array_append_new(list, shape_person(&rows[i])) == 0 ? ERR_OK
										       : ERR_NOMEM;
		}
	}
	free(rows);
	if (err != ERR_OK) {
		json_decref(list);
		return err;
	}
	*out = list;
	return ERR_OK;
}

json_t *shape_cursor(const struct post *post)
{
	char text[48];
	(void)snprintf(
		text, sizeof(text), "%lld.%lld", (long long)post->at_ms, (long long)post->order);
	return json_string(text);
}

static bool read_number(struct span text, int64_t *out)
{
	bool is_negative = text.len > 0 && text.at[0] == '-';
	text = span_skip(text, is_negative ? 1 : 0);
	int64_t value = 0;
	if (text.len == 0 || text.len > 18) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9') {
			return false;
		}
		value = value * 10 + (text.at[i] - '0');
	}
	*out = is_negative ? -value : value;
	return true;
}

enum err shape_read_cursor(struct span text, int64_t *at_ms, int64_t *order)
{
	const uint8_t *dot = text.len == 0 ? NULL : memchr(text.at, '.', text.len);
	if (dot == NULL) {
		return ERR_REFUSED;
	}
	size_t len = (size_t)(dot - text.at);
	return read_number(span_take(text, len), at_ms) &&
			       read_number(span_skip(text, len + 1), order)
		       ? ERR_OK
		       : ERR_REFUSED;
}

/* content.mentions as far as pages use it: links with their names. It is a stranger's: anything may
 * be in it. */
static json_t *shape_mentions(struct span text, struct shape_people *people)
{
	json_t *list = json_array();
	struct json_doc *doc = NULL;
	if (text.len == 0 || json_parse(text, LIMIT_JSON_DEPTH, &doc) != ERR_OK) {
		return list;
	}
	const struct json *root = json_root(doc);
	bool is_list = json_kind(root) == JSON_KIND_ARRAY;
	for (size_t i = 0; is_list && i < json_count(root) && i < CONTENT_MENTIONS_MAX; i++) {
		struct span link;
		struct span name;
		struct feed_id feed;
		if (!json_text(json_get(json_at(root, i), "link"), &link)) {
			continue;
		}
		json_t *mention = json_pack("{s:o}", "link", body_string(link));
		if (json_text(json_get(json_at(root, i), "name"), &name)) {
			(void)json_object_set_new(mention, "name", body_string(name));
		}
		if (feed_id_parse(link, &feed) == ERR_OK) {
			shape_name(people, &feed);
		}
		(void)json_array_append_new(list, mention);
	}
	json_doc_free(doc);
	return list;
}

static json_t *text_or_null(struct span text)
{
	return text.len == 0 ? json_null() : body_string(text);
}

static json_t *shape_likes(const struct post *post, struct shape_people *people)
{
	json_t *some = json_array();
	for (size_t i = 0; i < post->liker_count; i++) {
		shape_name(people, &post->likers[i]);
		(void)json_array_append_new(some, shape_feed_id(&post->likers[i]));
	}
	return json_pack("{s:I, s:o, s:b}", "n", (json_int_t)post->likes, "some", some, "mine",
		post->is_liked);
}

/* The name of a holder as it is shown: the owner's for them, theirs, or the beginning of their key.
 */
static void name_holder(const struct person *person, char out[static EVENTS_NAME_BYTES])
{
	char text[FEED_ID_TEXT_BYTES];
	if (person_called(person)[0] != '\0') {
		(void)snprintf(out, EVENTS_NAME_BYTES, "%s", person_called(person));
	} else {
		feed_id_format(&person->id, text);
		(void)snprintf(out, EVENTS_NAME_BYTES, "%.9s", text);
	}
}

/* One row per peer, with the highest number either the loop or the store knows. */
static void hold(struct holding *holding, const struct feed_id *peer, uint64_t sequence)
{
	size_t i = 0;
	while (i < holding->count && !feed_id_equal(&holding->at[i].id, peer)) {
		i++;
	}
	if (i == holding->count && holding->count < HOLDERS_MAX) {
		holding->at[holding->count++] = (struct sync_holder){.id = *peer};
	}
	if (i < holding->count && holding->at[i].sequence < sequence) {
		holding->at[i].sequence = sequence;
	}
}

static void on_holder(void *ctx, const struct guard_holder *holder)
{
	hold(ctx, &holder->peer, holder->sequence);
}

static int most_first(const void *a, const void *b)
{
	uint64_t x = ((const struct sync_holder *)a)->sequence;
	uint64_t y = ((const struct sync_holder *)b)->sequence;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* Who was heard in this run, and, up to HOLDERS_MAX, who was heard before. */
static enum err collect_holders(struct api *api, struct reader *reader, struct holding *holding)
{
	enum err err = ERR_OK;
	if (api->opts.sync != NULL) {
		err = sync_holders(api->opts.sync, holding->at, HOLDERS_MAX, &holding->count);
	}
	if (err == ERR_OK) {
		err = reader_holders(reader, 0, on_holder, holding);
	}
	qsort(holding->at, holding->count, sizeof(holding->at[0]), most_first);
	return err;
}

/* Asks the loop and the store once; the holders of any message of ours are the first few of these,
 * so their names are among the first few names. */
static enum err holding_read(struct api *api, struct reader *reader, struct holding *holding)
{
	struct person *rows = malloc(NAMES_SHOWN * sizeof(*rows));
	struct feed_id ids[NAMES_SHOWN];
	holding->is_read = true;
	enum err err = rows == NULL ? ERR_NOMEM : collect_holders(api, reader, holding);
	size_t named = holding->count < NAMES_SHOWN ? holding->count : NAMES_SHOWN;
	for (size_t i = 0; i < named; i++) {
		ids[i] = holding->at[i].id;
	}
	if (err == ERR_OK && named > 0) {
		err = people_read(reader, ids, named, rows);
	}
	for (size_t i = 0; err == ERR_OK && i < named; i++) {
		name_holder(&rows[i], holding->names[i]);
	}
	holding->count = err == ERR_OK ? holding->count : 0;
	holding->is_known = err == ERR_OK;
	free(rows);
	return err;
}

static void holding_pick(
	const struct holding *holding, uint64_t sequence, struct events_holders *out)
{
	*out = (struct events_holders){.sequence = sequence};
	while (out->count < holding->count && holding->at[out->count].sequence >= sequence) {
		out->count++;
	}
	out->name_count = out->count < NAMES_SHOWN ? out->count : NAMES_SHOWN;
	memcpy(out->names, holding->names, out->name_count * sizeof(out->names[0]));
}

enum err shape_holders(
	struct api *api, struct reader *reader, uint64_t sequence, struct events_holders *out)
{
	struct holding *holding = calloc(1, sizeof(*holding));
	enum err err = holding == NULL ? ERR_NOMEM : holding_read(api, reader, holding);
	if (err == ERR_OK) {
		holding_pick(holding, sequence, out);
	}
	free(holding);
	return err;
}

static json_t *holders_json(const struct holding *holding, uint64_t sequence)
{
	struct events_holders held;
	holding_pick(holding, sequence, &held);
	json_t *names = json_array();
	for (size_t i = 0; i < held.name_count; i++) {
		(void)json_array_append_new(names, body_string(span_text(held.names[i])));
	}
	return json_pack("{s:I, s:o}", "n", (json_int_t)held.count, "names", names);
}

static json_t *shape_missing(const struct post *post)
{
	return json_pack("{s:o, s:b}", "id", shape_message_id(&post->key), "missing", 1);
}

/* What the posts of one answer share. */
struct shaping {
	struct api *api;
	struct reader *reader;
	struct shape_people *people;
	struct holding *holding;
};

/* null for a public post. */
static json_t *shape_readers(const struct post *post, struct shape_people *people)
{
	json_t *list = post->reader_count == 0 ? json_null() : json_array();
	for (size_t i = 0; i < post->reader_count; i++) {
		shape_name(people, &post->readers[i]);
		(void)json_array_append_new(list, shape_feed_id(&post->readers[i]));
	}
	return list;
}

static json_t *shape_conversation(const struct post *post)
{
	char name[ID_PATH_BYTES];
	id_format_path(post->conversation, name);
	return post->reader_count == 0 ? json_null() : json_string(name);
}

static enum err shape_post(struct shaping *shaping, const struct post *post, json_t **out)
{
	struct api *api = shaping->api;
	struct shape_people *people = shaping->people;
	json_t *holders = NULL;
	json_t *blobs = NULL;
	enum err err = shape_blobs(api, shaping->reader, post, &blobs);
	if (err != ERR_OK) {
		return err;
	}
	json_t *branch = json_array();
	if (feed_id_equal(&post->author, &api->opts.self)) {
		/* Not knowing who has it is no reason to hide the post. */
		if (!shaping->holding->is_read) {
			(void)!holding_read(api, shaping->reader, shaping->holding);
		}
		holders = shaping->holding->is_known
				  ? holders_json(shaping->holding, post->sequence)
				  : NULL;
	}
	shape_name(people, &post->author);
	for (size_t i = 0; i < post->branch_count; i++) {
		(void)json_array_append_new(branch, shape_message_id(&post->branches[i]));
	}
	json_t *tree = json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "id",
		shape_message_id(&post->key), "author", shape_feed_id(&post->author), "sequence",
		(json_int_t)post->sequence, "at", (json_int_t)post->at_ms, "text",
		body_string(post->text), "cw", text_or_null(post->warning), "channel",
		text_or_null(post->channel));
	json_t *more = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:b, s:o, s:b, s:b, s:I, s:b, s:o, s:b, s:o, "
		"s:o}",
		"root", post->has_root ? shape_message_id(&post->root) : json_null(), "fork",
		post->has_fork ? shape_message_id(&post->fork) : json_null(), "branch", branch,
		"mentions", shape_mentions(post->mentions, people), "blobs", blobs, "replies",
		(json_int_t)post->replies, "likes", shape_likes(post, people), "missing", 0,
		"holders", holders == NULL ? json_null() : holders, "ahead", post->is_ahead,
		"checking", post->is_unchecked, "hidden", (json_int_t)post->hidden, "bookmarked",
		post->kept_ms != 0, "readers", shape_readers(post, people), "readers_proven",
		post->reader_count == 0 || post->is_readers_proven, "readers_sealed",
		post->sealed_for == 0 ? json_null() : json_integer((json_int_t)post->sealed_for),
		"conversation", shape_conversation(post));
	if (tree == NULL || more == NULL || json_object_update(tree, more) != 0) {
		json_decref(tree);
		json_decref(more);
		return ERR_NOMEM;
	}
	json_decref(more);
	*out = tree;
	return ERR_OK;
}

enum err shape_posts(struct api *api, struct reader *reader, const struct posts *posts,
	struct shape_people *people, json_t **out)
{
	json_t *list = json_array();
	struct shaping shaping = {.api = api,
		.reader = reader,
		.people = people,
		.holding = calloc(1, sizeof(*shaping.holding))};
	enum err err = list == NULL || shaping.holding == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < posts->count; i++) {
		const struct post *post = &posts->at[i];
		json_t *tree = NULL;
		if (post->is_missing) {
			tree = shape_missing(post);
		} else {
			err = shape_post(&shaping, post, &tree);
		}
		if (err == ERR_OK && json_array_append_new(list, tree) != 0) {
			err = ERR_NOMEM;
		}
	}
	free(shaping.holding);
	if (err != ERR_OK) {
		json_decref(list);
		return err;
	}
	*out = list;
	return ERR_OK;
}

enum err shape_head(struct reader *reader, const struct feed_id *self, json_t **out)
{
	struct chain_head head;
	enum err err = reader_head(reader, self, &head);
	if (err == ERR_NOT_FOUND) {
		*out = json_null();
		return ERR_OK;
	}
	if (err != ERR_OK) {
		return err;
	}
	*out = json_pack("{s:I, s:o}", "sequence", (json_int_t)head.sequence, "key",
		shape_message_id(&head.key));
	return *out == NULL ? ERR_NOMEM : ERR_OK;
}
